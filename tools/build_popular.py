"""Makes the files of popular names in `safeinstall/data/popular` from download statistics."""

import argparse
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from safeinstall.model import EcosystemName
from safeinstall.names.pack import pack

PLACEHOLDER = "-security"


def main(argv: Sequence[str] | None = None) -> int:
    """Write `<ecosystem>.names` for every table given and print its size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="+", type=Path, help="`pypi.tsv`, `npm.tsv`: one name a line, best first")
    parser.add_argument("--as-of", required=True, type=date.fromisoformat, help="the day of the statistics")
    parser.add_argument("--without", type=Path, help="names to leave out, one `<ecosystem>/<name>` a line")
    parser.add_argument("--into", required=True, type=Path, help="the folder to write to")
    options = parser.parse_args(argv)
    without = frozenset(_lines(options.without)) if options.without else frozenset()
    for table in options.tables:
        ecosystem = EcosystemName(table.stem)
        names = [name for name in popular(table) if f"{ecosystem.value}/{name}" not in without]
        content = pack(ecosystem, names, options.as_of)
        target = options.into / f"{ecosystem.value}.names"
        target.write_bytes(content)
        print(f"{target.name}: {len(names)} names, {len(content)} bytes")
    return 0


def popular(table: Path) -> Iterator[str]:
    """Yield the names of *table* in order, without those whose `version` column tells a security placeholder."""
    rows = (line.split("\t") for line in _lines(table))
    header = next(rows)
    version = header.index("version") if "version" in header else None
    for row in rows:
        if version is None or not row[version].endswith(PLACEHOLDER):
            yield row[0]


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


if __name__ == "__main__":
    raise SystemExit(main())
