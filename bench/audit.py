"""
Measures `safeinstall audit` of an environment against a fresh local index, beside pip's bare listing of it.

    python -m bench.audit [--packages N] [--records N] [--rounds N] [--folder DIR] [--profile]

The environment holds made-up packages in the shapes of real ones: metadata with a long description, classifiers and
requirements, and a RECORD. A third of the names are popular ones, so that names are compared in earnest. The index is
made of the records of `bench/advisories.py`, and of one of today. Nothing is asked over a network.
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from bench.advisories import WORDS, hexes, malicious, records, served, stamp, write_records
from safeinstall.advisories.update import Export, update
from safeinstall.effects import RequestsHttp
from safeinstall.model import EcosystemName
from safeinstall.names.popular import popular
from safeinstall.progress import Quiet

LIMIT_S = 1.5
REQUESTED = 0.2
"""Which share of the packages somebody asked for by name."""
CLASSIFIERS = "".join(f"Classifier: Programming Language :: Python :: 3.{minor}\n" for minor in range(8, 15))


def main() -> int:
    """Build, measure and print one table; returns 1 when the median is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=int, default=300)
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="keep what was built here, and use what lies there already")
    parser.add_argument("--profile", action="store_true", help="one more run, under cProfile")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-audit-") as made:
        folder: Path = given.folder or Path(made)
        place = environment(folder, given.packages)
        index(folder, given.records)
        return measured(folder, place, given.rounds, profile=given.profile)


def environment(folder: Path, number: int) -> Path:
    """Make an environment of *number* packages, each of which requires some of those before it."""
    place = folder / f"venv-{number}"
    if place.exists():
        return place
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    site = next(place.glob("lib/python3*/site-packages"))
    for one in site.glob("setuptools*"):
        shutil.rmtree(one)
    rng = random.Random(5)
    # pip itself is there already.
    known = [popular(EcosystemName.PYPI).name(20 * rank + 5) for rank in range(number // 3)]
    names = [*known, *(f"{rng.choice(WORDS)}-{hexes(rng, 5)}" for _ in range(number - 1 - len(known)))]
    for earlier, name in enumerate(names):
        dist_info(site, name, rng, names[:earlier])
    return place


def dist_info(site: Path, name: str, rng: random.Random, before: list[str]) -> None:
    """Write what an installer leaves behind for *name*."""
    version = f"{rng.randrange(1, 30)}.{rng.randrange(20)}.{rng.randrange(20)}"
    own = site / f"{name.replace('-', '_')}-{version}.dist-info"
    own.mkdir()
    wanted = [f"Requires-Dist: {one} >=0\n" for one in rng.sample(before, k=min(len(before), rng.randrange(6)))]
    extras = "".join(
        f'Requires-Dist: {rng.choice(WORDS)}-x ; extra == "e{extra}"\n' for extra in range(rng.randrange(12))
    )
    description = "\n".join(" ".join(rng.choices(WORDS, k=14)) for _ in range(rng.choice((20, 60, 150, 400))))
    (own / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {' '.join(rng.choices(WORDS, k=8))}\n"
        f"Author-email: somebody <somebody@mail.example>\nLicense: MIT\n{CLASSIFIERS}Requires-Python: >=3.8\n"
        f"{''.join(wanted)}{extras}\n{description}\n"
    )
    lines = [
        f"{name}/{hexes(rng, 4)}/{part}.py,sha256={hexes(rng, 43)},{rng.randrange(9999)}"
        for part in range(rng.choice((8, 40, 200)))
    ]
    (own / "RECORD").write_text("\n".join(lines) + "\n")
    (own / "INSTALLER").write_text("pip\n")
    (own / "WHEEL").write_text("Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    if rng.random() < REQUESTED:
        (own / "REQUESTED").write_text("")


def index(folder: Path, number: int) -> None:
    """Make a local index of *number* records, the newest of them of today, and let it be checked now."""
    now = datetime.now(timezone.utc)
    place = folder / "home/cache/index"
    export = folder / f"export-{number}"
    if not (export / "PyPI/all.zip").exists():
        today = malicious(random.Random(1), 99_999_999, "PyPI", now)
        write_records(export, [*records(number, "PyPI"), {**today, "modified": stamp(now)}], "PyPI")
    with served(export) as url:
        update(Export(http=RequestsHttp(), base_url=url, reporter=Quiet()), place, EcosystemName.PYPI, now=now)


def measured(folder: Path, place: Path, rounds: int, *, profile: bool) -> int:
    """Run both commands in turn, print their medians and return 1 if ours is above the limit."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "SAFEINSTALL_HOME": str(folder / "home")}
    ours = [sys.executable, "-I", "-m", "safeinstall", "audit", str(place)]
    theirs = [str(place / "bin/python"), "-I", "-m", "pip", "list", "--disable-pip-version-check"]
    run(ours, env)
    run(theirs, env)
    pairs = [(run(ours, env), run(theirs, env)) for _ in range(rounds)]
    audit, listing = (statistics.median(column) for column in zip(*pairs, strict=True))
    spread = f"{min(one for one, _ in pairs):.2f} to {max(one for one, _ in pairs):.2f}"
    print(f"audit: median {audit:.2f} s ({spread}); pip list: median {listing:.2f} s; ratio {audit / listing:.2f}")
    if profile:
        command = [sys.executable, "-m", "cProfile", "-s", "cumulative", "-m", "safeinstall", "audit", str(place)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        print("\n".join(done.stdout.splitlines()[:90]))
    return 1 if audit > LIMIT_S else 0


def run(command: list[str], env: dict[str, str]) -> float:
    """Return how many seconds *command* took; anything but a verdict, or a clean end, is a mistake here."""
    started = time.perf_counter()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 40):
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stderr}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
