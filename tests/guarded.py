"""Runs guarded commands as a user does: the real command line, the real managers, registries on loopback."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from safeinstall.ledger import read
from tests.environments import Venv, isolated_env
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer
from tests.registries.pypi import PypiRegistry

INSTALLED = 0
FINDING = 40
GAP = 41
UNRESOLVED = 42
NOTHING_INSTALLED = frozenset({FINDING, GAP, UNRESOLVED})
"""The exit codes of a set that was not allowed."""
REFUSED = NOTHING_INSTALLED | {1, 2}
"""The exit codes of a set that was not installed, be it by the manager's own word; never our own failure."""

SOON = f"{datetime.now(timezone.utc) + timedelta(days=30):%Y-%m-%d}"
"""The end date of overrides; they last a year at most."""

ALLOW = ("--safeinstall-until", SOON, "--safeinstall-reason", "made for this test")
"""What an override needs besides its name."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one guarded command ended."""

    code: int
    out: str
    err: str
    seconds: float

    def __str__(self) -> str:
        """Show all of it: pytest prints this when an assertion fails."""
        return f"exit {self.code} after {self.seconds:.1f} s\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Guarded:
    """One user with a home of their own, whose advisory server and registries are on loopback."""

    home: Path
    osv_url: str
    registries: tuple[str, ...] = ()
    """URL prefixes that this user declared public, in their own settings."""

    def env(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return what every command of this user sees."""
        return isolated_env(self.home, {"SAFEINSTALL_OSV_URL": self.osv_url, **(extra or {})})

    def settings(self, text: str = "", *, private: Sequence[str] = ()) -> None:
        """Write the user's settings file: the loopback registries count as public but for *private*, and *text*."""
        folder = self.home / "safeinstall" / "config"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "safeinstall.toml").write_text(
            f"{text}\n[registries]\npublic = {json.dumps(self.registries)}\nprivate = {json.dumps(private)}\n"
        )

    def run(self, *argv: str, cwd: Path, env: Mapping[str, str], timeout: float = 240) -> Outcome:
        """Run `safeinstall ARGV` as a shim does, to its end, without a terminal."""
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-I", "-m", "safeinstall", *argv],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        return Outcome(done.returncode, done.stdout, done.stderr, time.monotonic() - started)

    def pip(
        self, venv: Venv, *argv: str, cwd: Path, index: str, env: Mapping[str, str] | None = None, plan: bool = False
    ) -> Outcome:
        """Run guarded `pip ARGV` for *venv*, found through PATH as in an activated environment."""
        base = self.env({"PIP_INDEX_URL": index, **(env or {})})
        base["PATH"] = f"{venv.pip.parent}:{base['PATH']}"
        return self.run(*(["plan"] if plan else []), "pip", *argv, cwd=cwd, env=base)

    def npm(
        self, tool: Path, *argv: str, cwd: Path, env: Mapping[str, str] | None = None, plan: bool = False
    ) -> Outcome:
        """Run guarded `npm ARGV` in the project *cwd*; its registry stands in the project's or user's `.npmrc`."""
        base = self.env(env)
        base["PATH"] = f"{tool.parent}:{base['PATH']}"
        return self.run(*(["plan"] if plan else []), "npm", *argv, cwd=cwd, env=base)

    def update(self, url: str, *words: str, cwd: Path) -> Outcome:
        """Run `safeinstall update` from the export at *url*."""
        return self.run("update", *words, cwd=cwd, env=self.env({"SAFEINSTALL_INDEX_URL": url}))

    def ledger(self) -> list[Mapping[str, object]]:
        """Return the runs in the ledger, oldest first."""
        path = self.home / "safeinstall" / "data" / "ledger.jsonl"
        return list(read(path)) if path.exists() else []


def guarded(home: Path, osv_url: str, *registries: PypiRegistry | NpmRegistry) -> Guarded:
    """Return a user at *home* who holds *registries* for public ones."""
    urls = tuple(url for registry in registries for url in registry.urls)
    user = Guarded(home=home, osv_url=osv_url, registries=urls)
    user.settings()
    return user


def strangers(folder: Path, *known: PypiRegistry | NpmRegistry) -> list[str]:
    """
    Return the loopback addresses in the files below *folder* that belong to no registry: traces of the gateway.

    The manager's own source, which names some in comments, is left out.
    """
    ours = {url.rpartition("/")[2] for registry in known for url in registry.urls}
    found = []
    for path in _files(folder):
        addresses = set(re.findall(rb"(?:127\.0\.0\.\d+|localhost):\d+", path.read_bytes()))
        found += [f"{path}: {one.decode()}" for one in sorted(addresses) if one.decode() not in ours]
    return found


def first_artifact(registry: PypiRegistry | NpmRegistry) -> float:
    """Return when the first artifact left *registry*; infinite when none did."""
    return min((hit.at for hit in registry.artifact_hits()), default=float("inf"))


def last_question(osv: OsvServer) -> float:
    """Return when the advisory server was done with the last question; 0 when it was asked none."""
    return max((hit.at for hit in osv.hits()), default=0.0)


def _files(folder: Path) -> Iterable[Path]:
    own = f"{folder}/lib/python"
    return (
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and not (str(path).startswith(own) and "/pip/" in str(path))
    )


def bookkeeping(venv: Venv) -> dict[str, str]:
    """Return every file of *venv*'s packages that pip wrote itself, with its content."""
    found = {}
    for info in venv.site_packages.glob("*.dist-info"):
        for name in ("REQUESTED", "INSTALLER", "direct_url.json", "RECORD"):
            if not info.name.startswith("pip-") and (info / name).exists():
                found[f"{info.name}/{name}"] = (info / name).read_text()
    return found


def files_of(project: Path) -> dict[str, bytes]:
    """Return every file below *project* with its content."""
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in _files(project)}
