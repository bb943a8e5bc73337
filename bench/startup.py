"""
Measure what the guards add to starts that have nothing to do with pip: bare and guarded alternate in one run.

    python bench/startup.py [--runs N]

Exits 1 if the median of a Python start grows by more than 1 ms.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_MS = 1.0
SHIM = Path(__file__).resolve().parent.parent / "shims" / "safeinstall-shim"


def milliseconds(command: list[str], path: str) -> float:
    """Return how long *command* took."""
    env = {"PATH": path, "HOME": "/nonexistent"}
    start = time.perf_counter()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000


def main() -> int:
    """Measure, print a table, and hold the Python starts to the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=150, help="pairs of runs for a Python start")
    runs = parser.parse_args().runs
    failed = False
    print("| start | bare, median ms | guarded, median ms | added, median of pairs |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="bench-startup-") as folder:
        root = Path(folder)
        for name in ("bare", "guarded"):
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / name)], check=True)
        ours = [sys.executable, "-m", "safeinstall", "setup", "--venv", str(root / "guarded")]
        subprocess.run(ours, check=True, capture_output=True)
        (root / "shims").mkdir()
        shutil.copy(SHIM, root / "shims" / "npm")
        npm = shutil.which("npm")
        assert npm is not None
        usual = f"{Path(npm).parent}:/usr/bin:/bin"
        rows: list[tuple[str, list[str], list[str], str, int]] = [
            ("`python -c pass`", [f"{root}/bare/bin/python"], [f"{root}/guarded/bin/python"], usual, runs),
            ("`npm --version`", [npm, "--version"], [f"{root}/shims/npm", "--version"], f"{root}/shims:{usual}", 60),
        ]
        for title, bare, guarded, path, count in rows:
            more = ["-c", "pass"] if "python" in title else []
            pairs = [(milliseconds([*bare, *more], usual), milliseconds([*guarded, *more], path)) for _ in range(count)]
            added = statistics.median(other - one for one, other in pairs)
            first, second = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"| {title} | {first:.1f} | {second:.1f} | {added:+.2f} |")
            failed = failed or (bool(more) and added > LIMIT_MS)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
