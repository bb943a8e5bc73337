r"""
Makes the tables of known names in `safeinstall/data/known` from lists of names.

    python tools/build_known.py --as-of 2026-11-01 --into safeinstall/data/known \
        --pypi DATA/squats/long-tail-pypi-dev.txt --npm DATA/squats/long-tail-npm-dev.txt \
        --malware DATA/osv/malicious-2025-06.jsonl.gz

A list has one name a line, or is a table whose first column is the name and whose first line begins with `name`. Names
that a record of malware speaks of are left out, whatever versions it names. The same tool makes a table of a whole
registry's names, if you have one (about 10 bytes a name), for a bundle of your own.
"""

import argparse
import gzip
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from safeinstall.model import EcosystemName
from safeinstall.names import forms
from safeinstall.names.known import pack_known

_OSV = {"PyPI": EcosystemName.PYPI, "npm": EcosystemName.NPM}


def main(argv: Sequence[str] | None = None) -> int:
    """Write `<ecosystem>.known` for each ecosystem that lists are given for, and print its size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for ecosystem in EcosystemName:
        parser.add_argument(f"--{ecosystem.value}", nargs="+", type=Path, default=[], help="lists of names")
    parser.add_argument("--malware", nargs="*", type=Path, default=[], help="OSV records, one a line, .gz or not")
    parser.add_argument("--as-of", required=True, type=date.fromisoformat, help="the day on which the names were there")
    parser.add_argument("--into", required=True, type=Path, help="the folder to write to")
    options = parser.parse_args(argv)
    bad = {name for path in options.malware for name in malicious(path)}
    for ecosystem in EcosystemName:
        names = {forms.spelled(ecosystem, name) for path in getattr(options, ecosystem.value) for name in listed(path)}
        if not names:
            continue
        kept = [name for name in names if (ecosystem, name) not in bad]
        content = pack_known(ecosystem, kept, options.as_of)
        target = options.into / f"{ecosystem.value}.known"
        target.write_bytes(content)
        left = len(names) - len(kept)
        print(f"{target.name}: {len(kept)} names, {left} left out as names of malware, {len(content)} bytes")
    return 0


def listed(path: Path) -> Iterator[str]:
    """Yield the names of a list or of a table's first column."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        name = line.split("\t")[0].strip()
        if name and not name.startswith("#") and not (number == 0 and "\t" in line and name == "name"):
            yield name


def malicious(path: Path) -> Iterator[tuple[EcosystemName, str]]:
    """Yield the names that the records in *path* speak of."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    for line in text.splitlines():
        for affected in json.loads(line).get("affected", ()) if line.strip() else ():
            package = affected.get("package", {})
            ecosystem = _OSV.get(package.get("ecosystem"))
            if ecosystem is not None:
                yield ecosystem, forms.spelled(ecosystem, package["name"])


if __name__ == "__main__":
    raise SystemExit(main())
