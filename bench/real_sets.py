"""
Install real sets twice, guarded and plain, and compare what is there afterwards.

    python bench/real_sets.py [--only NAME ...] [--keep FOLDER] [--markdown]

Asks the package registries that pip and npm are configured for, and no other host: the guard judges offline. For each
set it prints the number of releases, whether both environments hold the same versions, how many artifacts the guarded
manager was handed before the verdict (must be 0) and both wall times. Exits 1 if any set differs.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Listing = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one set came to."""

    name: str
    releases: int
    same: bool
    difference: str
    artifacts_before: int
    bytes_before: int
    guarded_seconds: float
    plain_seconds: float


@dataclass(frozen=True, kw_only=True)
class Case:
    """One set: how to prepare a folder, what to run in it, and how to list what is there."""

    name: str
    tool: str
    argv: tuple[str, ...]
    prepare: Callable[[Path], None] = field(default=lambda _: None)
    guard: tuple[str, ...] = ()


def pip_listing(folder: Path) -> Listing:
    """Return name -> (version, files of bookkeeping) of the environment in *folder*."""
    found: dict[str, object] = {}
    for info in folder.glob("env/lib/python*/site-packages/*.dist-info"):
        direct = info / "direct_url.json"
        found[info.name] = [
            (info / "INSTALLER").read_text().strip() if (info / "INSTALLER").exists() else None,
            (info / "REQUESTED").exists(),
            json.loads(direct.read_text()) if direct.exists() else None,
            sorted(line.partition(",")[0] for line in (info / "RECORD").read_text().splitlines()),
        ]
    return found


def npm_listing(folder: Path) -> Listing:
    """Return what npm wrote: every installed location with version and integrity, package.json and the lockfile."""
    found: dict[str, object] = {}
    hidden = folder / "node_modules/.package-lock.json"
    for location, entry in json.loads(hidden.read_text())["packages"].items():
        found[location] = [entry.get("version"), entry.get("integrity"), entry.get("link")]
    for name in ("package.json", "package-lock.json"):
        found[name] = (folder / name).read_text()
    return found


def make_environment(folder: Path) -> None:
    """Make a virtual environment with the pip that this Python bundles."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True)


def hashed_requirements(folder: Path) -> None:
    """Write a requirements file with hashes for flask's whole set, and a constraints file beside it."""
    make_environment(folder)
    report = folder / "report.json"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "flask"]
    subprocess.run([*command, "--report", str(report)], check=True, stderr=subprocess.DEVNULL)
    lines, constraints = [], []
    for item in json.loads(report.read_text())["install"]:
        pin = f"{item['metadata']['name']}=={item['metadata']['version']}"
        digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{pin} --hash=sha256:{digest}")
        constraints.append(pin)
    (folder / "requirements.txt").write_text("-c constraints.txt\n" + "\n".join(lines) + "\n")
    (folder / "constraints.txt").write_text("\n".join(constraints) + "\n")


def manifest(**more: object) -> Callable[[Path], None]:
    """Return a function that writes a package.json."""

    def write(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"name": "sample", "version": "1.0.0", "private": True, **more}, indent=2) + "\n"
        (folder / "package.json").write_text(text)

    return write


def locked(folder: Path) -> None:
    """Write a project with a lockfile of more than 300 packages, made by plain npm."""
    manifest(dependencies={"eslint": "^9", "jest": "^29", "express": "^4"})(folder)
    command = ["npm", "install", "--package-lock-only", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def workspace(folder: Path) -> None:
    """Write a project with two workspaces, one of which needs the other."""
    manifest(workspaces=["packages/*"])(folder)
    for name, needs in (("a", {"b": "^1.0.0", "chalk": "^4"}), ("b", {"debug": "^4"})):
        inner = folder / "packages" / name
        inner.mkdir(parents=True)
        (inner / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0", "dependencies": needs}))


VITE = {
    "dependencies": {"react": "^18", "react-dom": "^18"},
    "devDependencies": {"vite": "^6", "@vitejs/plugin-react": "^4"},
}
DOCOPT = (
    "--safeinstall-allow",
    "source-build:pkg:pypi/docopt@0.6.2",
    "--safeinstall-reason",
    "measured: exists only as sdist",
)


def pip_case(name: str, *asked: str, guard: tuple[str, ...] = ()) -> Case:
    """Return a case that installs *asked* into a new environment."""
    return Case(name=name, tool="pip", argv=("install", *asked), prepare=make_environment, guard=guard)


CASES = (
    pip_case("flask", "flask"),
    pip_case("django", "django"),
    pip_case("requests[socks]", "requests[socks]"),
    pip_case("pandas scikit-learn", "pandas", "scikit-learn"),
    pip_case("jupyterlab", "jupyterlab"),
    pip_case("fastapi[all]", "fastapi[all]"),
    pip_case("black", "black"),
    Case(
        name="-r with hashes and -c",
        tool="pip",
        argv=("install", "-r", "requirements.txt"),
        prepare=hashed_requirements,
    ),
    pip_case("docopt (sdist only)", "docopt", guard=DOCOPT),
    Case(name="express", tool="npm", argv=("install", "express"), prepare=manifest()),
    Case(name="vite + react", tool="npm", argv=("install",), prepare=manifest(**VITE)),
    Case(name="npm ci (300+)", tool="npm", argv=("ci",), prepare=locked),
    Case(name="workspaces", tool="npm", argv=("install",), prepare=workspace),
)


def run(case: Case, root: Path) -> Outcome:
    """Run *case* guarded, then plain, in folders below *root*."""
    template = root / "template"
    case.prepare(template)
    guarded, plain = root / "guarded", root / "plain"
    for folder in (guarded, plain):
        # A copied virtual environment would still point at its old place, so environments are made anew.
        shutil.copytree(template, folder, ignore=shutil.ignore_patterns("env"))
        if case.tool == "pip":
            make_environment(folder)
    home = root / "home"
    # The plain manager waits for nothing: with a cooldown the two would differ by what is younger than that.
    ours = ("--safeinstall-offline", "--safeinstall-cooldown=0", *case.guard)
    program = (sys.executable, "-m", "safeinstall", case.tool, *case.argv, *ours)
    guarded_seconds = timed(program, guarded, {"SAFEINSTALL_HOME": str(home)})
    plain_seconds = timed((case.tool, *case.argv), plain, {})
    listing = pip_listing if case.tool == "pip" else npm_listing
    one, other = listing(guarded), listing(plain)
    line = json.loads(next(home.rglob("*.jsonl")).read_text().splitlines()[-1])
    before = line["gateway"]["plan"]["artifact"]
    return Outcome(
        name=case.name,
        releases=len(line["releases"]),
        same=one == other,
        difference=", ".join(sorted(key for key in {*one, *other} if one.get(key) != other.get(key)))[:200],
        artifacts_before=before["requests"],
        bytes_before=before["bytes"],
        guarded_seconds=guarded_seconds,
        plain_seconds=plain_seconds,
    )


def timed(command: tuple[str, ...], folder: Path, more: Mapping[str, str]) -> float:
    """Run *command* in *folder* with its environment first on PATH, and return the wall seconds."""
    env = {**os.environ, **more, "PATH": f"{folder / 'env/bin'}{os.pathsep}{os.environ['PATH']}"}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return time.perf_counter() - start


def main() -> int:
    """Run all cases and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="names of cases")
    parser.add_argument("--keep", type=Path, help="a folder to work in and to leave behind")
    arguments = parser.parse_args()
    root = arguments.keep or Path(tempfile.mkdtemp(prefix="real-sets-"))
    print("| set | releases | same | artifacts before the verdict | guarded s | plain s |\n|---|---|---|---|---|---|")
    failed = False
    for number, case in enumerate(CASES):
        if arguments.only and case.name not in arguments.only:
            continue
        outcome = run(case, root / str(number))
        same = "yes" if outcome.same else f"NO: {outcome.difference}"
        before = f"{outcome.artifacts_before} ({outcome.bytes_before} bytes)"
        seconds = f"{outcome.guarded_seconds:.1f} | {outcome.plain_seconds:.1f}"
        print(f"| {outcome.name} | {outcome.releases} | {same} | {before} | {seconds} |", flush=True)
        failed = failed or not outcome.same or outcome.artifacts_before > 0
        if arguments.keep is None:
            shutil.rmtree(root / str(number))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
