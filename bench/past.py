"""
Measure what looking at the past costs: cooldown, changes, owners, provenance and status, in a warm guarded install.

    python -m bench.past [--only NAME ...] [--rounds 5]

The same guarded command with and without these, in turn, each into a fresh environment or project, with warm caches;
the packages come from the registries as configured. Beside the wall time stands the processor time of the command and
all that it started, which a busy machine disturbs less. No setting switches these checks off as a whole, so the runs
without them take them out of the process first: of use for a comparison and
nothing else.
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


def run(load: Load, folder: Path, caches: Path, *, past: bool) -> Cost:
    """Run *load* guarded in a fresh *folder* with *caches*."""
    prepared(load, folder)
    words = [sys.executable, "-c", WITH if past else WITHOUT, load.tool, *load.argv, "--safeinstall-offline"]
    words += [] if past else ["--safeinstall-cooldown=0"]
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
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="past-"))
    print("| load | | without, median s | with, median s | added, median of pairs | all without | all with |")
    print("|---|---|---|---|---|---|---|")
    for load in (one for one in LOADS if one.name in given.only):
        caches = root / load.name
        run(load, root / "work", caches, past=True)
        taken: dict[bool, list[Cost]] = {False: [], True: []}
        for number in range(given.rounds):
            for past in (False, True) if number % 2 else (True, False):
                taken[past].append(run(load, root / "work", caches, past=past))
        for what in ("wall", "processor"):
            off, on = ([getattr(one, what) for one in taken[past]] for past in (False, True))
            added = statistics.median(two - one for one, two in zip(off, on, strict=True))
            share = added / statistics.median(on)
            every = " | ".join(" ".join(f"{one:.1f}" for one in some) for some in (off, on))
            middle = f"{statistics.median(off):.2f} | {statistics.median(on):.2f} | {added:+.2f} ({share:+.1%})"
            print(f"| {load.name} | {what} | {middle} | {every} |", flush=True)
    shutil.rmtree(root, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
