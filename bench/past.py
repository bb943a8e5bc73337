"""
Measure what looking at the past costs: cooldown, changes, owners, provenance and status, in a warm guarded install.

    python -m bench.past [--only NAME ...] [--rounds 7]

All of it happens before the verdict, so `plan` is run with and without these in turn, each in a fresh environment or
project, with warm caches; what they add is then set against whole guarded installs of the same run. The packages come
from the registries as configured. Beside the wall time stands the processor time of the command and all that it
started, which a busy machine disturbs less. No setting switches these checks off as a whole, so the runs without them
take them out of the process first: of use for a comparison and nothing else.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.overhead import LOADS, Load, environment, prepared

INSTALLS = 2
WITHOUT = """
import sys
from safeinstall import beyond, checks, cli
from safeinstall.ecosystems.pypi import history
from safeinstall.gateway import npm

past = {"fresh-release", "combination", "changed-release", "ownership", "provenance", "registry-status"}
checks.CHECKS = tuple(one for one in checks.CHECKS if one.ident not in past)
history.histories = lambda *_: {}
npm.history = lambda *_: None
beyond.Beyond.__call__ = lambda _, plan: plan
sys.exit(cli.main(sys.argv[1:]))
"""
WITH = "import sys\nfrom safeinstall import cli\nsys.exit(cli.main(sys.argv[1:]))"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one run took, in seconds."""

    wall: float
    processor: float


def run(load: Load, folder: Path, caches: Path, *, past: bool = True, install: bool = False) -> Cost:
    """Plan *load* in a fresh *folder* with *caches*, or *install* it."""
    prepared(load, folder)
    words = [sys.executable, "-c", WITH if past else WITHOUT, *([] if install else ["plan"]), load.tool, *load.argv]
    words += ["--safeinstall-offline", *([] if past else ["--safeinstall-cooldown=0"])]
    env = environment(folder, caches)
    start = time.perf_counter()
    with subprocess.Popen(words, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{load.name} ended with {process.returncode}:\n{said}")
    return Cost(wall=time.perf_counter() - start, processor=used.ru_utime + used.ru_stime)


def main() -> int:
    """Print one row for each load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=["jupyterlab", "vite+react"])
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="past-"))
    print(
        "| load | | plan without, median s | plan with, median s | added, median of pairs | whole install, s | share |"
    )
    print("|---|---|---|---|---|---|---|")
    for load in (one for one in LOADS if one.name in given.only):
        caches = root / load.name
        run(load, root / "work", caches, install=True)
        pairs: list[tuple[Cost, Cost]] = []
        for number in range(given.rounds):
            taken = {past: run(load, root / "work", caches, past=past) for past in (number % 2 == 0, number % 2 == 1)}
            pairs.append((taken[False], taken[True]))
        whole = [run(load, root / "work", caches, install=True) for _ in range(INSTALLS)]
        for what in ("wall", "processor"):
            off, on = ([getattr(pair[side], what) for pair in pairs] for side in (0, 1))
            added = statistics.median(two - one for one, two in zip(off, on, strict=True))
            total = statistics.median(getattr(one, what) for one in whole)
            middle = f"{statistics.median(off):.2f} | {statistics.median(on):.2f} | {added:+.2f}"
            print(f"| {load.name} | {what} | {middle} | {total:.1f} | {added / total:+.1%} |", flush=True)
    shutil.rmtree(root, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
