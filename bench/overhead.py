"""
Measure a guarded install against a bare one, in the same run, cold and warm, as ratios of medians.

    python bench/overhead.py [--only NAME ...] [--rounds 3] [--cooldown]

Cold: every cache (pip's, npm's, ours) is empty. Warm: the same command once more into a fresh environment or project,
with the caches that the first one left. Guarded and bare alternate, so that a slow minute of the machine hits both. The
guard judges offline, so no advisory service is in the figures; the package registries are the configured ones.
With --cooldown both are guarded: the first without any cooldown, the second with the default one.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VITE = {
    "dependencies": {"react": "^18", "react-dom": "^18"},
    "devDependencies": {"vite": "^6", "@vitejs/plugin-react": "^4"},
}


@dataclass(frozen=True, kw_only=True)
class Load:
    """One command to measure."""

    name: str
    tool: str
    argv: tuple[str, ...]
    manifest: Mapping[str, object] | None = None


LOADS = (
    Load(name="flask", tool="pip", argv=("install", "flask")),
    Load(name="jupyterlab", tool="pip", argv=("install", "jupyterlab")),
    Load(name="express", tool="npm", argv=("install", "express", "--no-audit"), manifest={}),
    Load(name="vite+react", tool="npm", argv=("install", "--no-audit"), manifest=VITE),
)


def prepared(load: Load, folder: Path) -> None:
    """Make *folder* anew, with the environment or the project of *load*."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if load.manifest is None:
        subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True)
    else:
        (folder / "package.json").write_text(json.dumps({"name": "sample", "version": "1.0.0", **load.manifest}))


def environment(folder: Path, caches: Path) -> Mapping[str, str]:
    """Return the variables for a command in *folder* that is to use *caches*."""
    return {
        **os.environ,
        "PATH": f"{folder / 'env/bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_CACHE_DIR": str(caches / "pip"),
        "npm_config_cache": str(caches / "npm"),
        "SAFEINSTALL_HOME": str(caches / "safeinstall"),
    }


def seconds(load: Load, folder: Path, caches: Path, *, guarded: bool, cooldown: bool) -> float:
    """Run *load* once in a fresh *folder* with *caches*, and return the wall seconds of the command alone."""
    prepared(load, folder)
    env = environment(folder, caches)
    bare = (load.tool, *load.argv)
    command = (sys.executable, "-m", "safeinstall", *bare, "--safeinstall-offline") if guarded or cooldown else bare
    if cooldown and not guarded:
        command = (*command, "--safeinstall-cooldown=0")
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    took = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return took


def measure(load: Load, rounds: int, root: Path, *, cooldown: bool) -> Mapping[tuple[bool, str], list[float]]:
    """Return the wall seconds by (guarded, temperature); with *cooldown*, guarded stands for "with a cooldown"."""
    taken: dict[tuple[bool, str], list[float]] = {}
    for number in range(rounds):
        for guarded in (False, True) if number % 2 == 0 else (True, False):
            caches = root / f"caches-{guarded}-{number}"
            for temperature in ("cold", "warm"):
                one = seconds(load, root / "work", caches, guarded=guarded, cooldown=cooldown)
                taken.setdefault((guarded, temperature), []).append(one)
            shutil.rmtree(caches, ignore_errors=True)
    return taken


def main() -> int:
    """Print one row for each load and temperature."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cooldown", action="store_true", help="compare guarded runs without and with a cooldown")
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="overhead-"))
    first, second = ("cooldown 0", "cooldown 72") if arguments.cooldown else ("bare", "guarded")
    print(f"| load | caches | {first}, median s | {second}, median s | ratio | all {first} | all {second} |")
    print("|---|---|---|---|---|---|---|")
    for load in LOADS:
        if arguments.only and load.name not in arguments.only:
            continue
        taken = measure(load, arguments.rounds, root, cooldown=arguments.cooldown)
        for temperature in ("cold", "warm"):
            bare, guarded = taken[False, temperature], taken[True, temperature]
            one, other = statistics.median(bare), statistics.median(guarded)
            figures = f"{one:.1f} | {other:.1f} | {other / one:.2f}"
            every = " | ".join(" ".join(f"{value:.1f}" for value in values) for values in (bare, guarded))
            print(f"| {load.name} | {temperature} | {figures} | {every} |", flush=True)
    shutil.rmtree(root, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
