"""
Measure what the shim adds to commands that install nothing: the bare tool and the tool through the shim, in one run.

    python bench/shim.py [--runs N]

Bare and shimmed runs alternate, so that whatever else the machine does hits both. Exits 1 if the median of any command
grows by more than 10 ms both on the wall clock and in processor time: on a busy machine the wall clock of a tool that
takes half a second swings by more than that, so that what the shim costs shows best at the tool that does nothing.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_MS = 10.0
COMMANDS = (("npm", "--version"), ("npm", "run", "x"), ("pip", "list"), ("pip", "--version"), ("stub", "list"))
"""`stub` is a tool that does nothing: what is left is the shim itself."""
SHIM = Path(__file__).resolve().parent.parent / "shims" / "safeinstall-shim"


def prepare(root: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Make a project, a pip of its own, a stub and shims below *root*; return the bare and the shimmed environment."""
    subprocess.run([sys.executable, "-m", "venv", str(root / "env")], check=True)
    (root / "package.json").write_text('{"name": "x", "version": "1.0.0", "scripts": {"x": "true"}}\n')
    stub = root / "env/bin/pip9"
    stub.write_text("#!/bin/sh\n")
    stub.chmod(0o755)
    shims = root / "shims"
    shims.mkdir()
    for name in ("pip", "npm", "pip9"):
        shutil.copy(SHIM, shims / name)
    bare = {**os.environ, "PATH": f"{root / 'env/bin'}{os.pathsep}{os.environ['PATH']}"}
    return bare, {**bare, "PATH": f"{shims}{os.pathsep}{bare['PATH']}"}


def milliseconds(command: tuple[str, ...], folder: Path, env: dict[str, str]) -> tuple[float, float]:
    """Return wall and processor time of one run of *command*, found as a shell would find it."""
    name = "pip9" if command[0] == "stub" else command[0]
    tool = shutil.which(name, path=env["PATH"])
    assert tool is not None, name
    quiet = subprocess.DEVNULL
    start, used = time.perf_counter(), processor()
    subprocess.run([tool, *command[1:]], cwd=folder, env=env, stdout=quiet, stderr=quiet, check=True)
    return (time.perf_counter() - start) * 1000, (processor() - used) * 1000


def processor() -> float:
    """Return the processor seconds that all children took so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Measure all commands and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15, help="pairs of runs for each command")
    runs = parser.parse_args().runs
    failed = False
    print("| command | bare, median ms | through the shim | added, median | added processor time, median |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="bench-shim-") as folder:
        root = Path(folder)
        bare_env, shim_env = prepare(root)
        for command in COMMANDS:
            count = runs * 10 if command[0] == "stub" else runs
            walls, used = [], []
            for _ in range(count):
                bare, shimmed = milliseconds(command, root, bare_env), milliseconds(command, root, shim_env)
                walls.append((bare[0], shimmed[0]))
                used.append(shimmed[1] - bare[1])
            added = statistics.median(other - one for one, other in walls)
            more = statistics.median(used)
            failed = failed or min(added, more) > LIMIT_MS
            medians = " | ".join(f"{statistics.median(column):.1f}" for column in zip(*walls, strict=True))
            print(f"| `{' '.join(command)}` | {medians} | {added:+.1f} | {more:+.1f} |", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
