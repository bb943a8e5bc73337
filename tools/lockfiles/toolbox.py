"""The real tools, installed into a folder of their own from the configured registries, and run there."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

Listed: TypeAlias = str
"""A package URL without qualifiers, as listings are kept."""

PYTHON_TOOLS = ("pip>=26", "poetry>=2.2", "uv>=0.9", "cyclonedx-bom>=7")
NODE_TOOLS = {
    "npm6": "npm@6",
    "npm8": "npm@8",
    "npm": "npm@11",
    "pnpm8": "pnpm@8",
    "pnpm": "pnpm@10",
    "yarn1": "yarn@1",
    "yarn": "@yarnpkg/cli-dist@4",
    "cyclonedx": "@cyclonedx/cyclonedx-npm@4",
}
"""Folder -> the package in it."""

_SCRIPTS = {
    "npm6": "npm/bin/npm-cli.js",
    "npm8": "npm/bin/npm-cli.js",
    "npm": "npm/bin/npm-cli.js",
    "pnpm8": "pnpm/bin/pnpm.cjs",
    "pnpm": "pnpm/bin/pnpm.cjs",
    "yarn1": "yarn/bin/yarn.js",
    "yarn": "@yarnpkg/cli-dist/bin/yarn.js",
    "cyclonedx": "@cyclonedx/cyclonedx-npm/bin/cyclonedx-npm-cli.js",
}


@dataclass(frozen=True, slots=True)
class Locked:
    """One lockfile, and what its own tool says is in it."""

    name: str
    text: str
    listed: frozenset[Listed]


class ToolFailed(Exception):
    """A tool ended otherwise than well."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Where the tools are, and what they see of this machine."""

    folder: Path
    home: Path
    """Their home, in which nothing of the user's is."""
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def python(self) -> str:
        """The Python of the projects."""
        return sys.executable

    @property
    def pip_python(self) -> str:
        """The Python that runs the newest pip."""
        return str(self.folder / "python/bin/python")

    @property
    def poetry(self) -> str:
        """Poetry."""
        return str(self.folder / "python/bin/poetry")

    @property
    def uv(self) -> str:
        """Uv."""
        return str(self.folder / "python/bin/uv")

    @property
    def cyclonedx(self) -> str:
        """The maker of SBOMs of Python projects."""
        return str(self.folder / "python/bin/cyclonedx-py")

    def script(self, name: str) -> tuple[str, str]:
        """Return the command of a tool of npm's world."""
        return "node", str(self.folder / name / "node_modules" / _SCRIPTS[name])

    def install(self) -> None:
        """Install what is missing, from the registries that pip and npm are configured for."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not Path(self.cyclonedx).exists():
            subprocess.run([sys.executable, "-m", "venv", self.folder / "python"], check=True)
            quiet = ("--quiet", "--disable-pip-version-check")
            subprocess.run(
                [self.pip_python, "-m", "pip", "install", *quiet, *PYTHON_TOOLS], check=True, stderr=subprocess.DEVNULL
            )
        for name, package in NODE_TOOLS.items():
            place = self.folder / name
            if not Path(self.script(name)[1]).exists():
                place.mkdir(exist_ok=True)
                words = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", place, package)
                subprocess.run(["npm", "install", *words], check=True)

    def run(self, *argv: str, cwd: Path, more: Mapping[str, str] | None = None, fine: tuple[int, ...] = (0,)) -> str:
        """Run one of them in *cwd*, and return what it printed; raises `ToolFailed`."""
        self.home.mkdir(parents=True, exist_ok=True)
        base = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "POETRY_VIRTUALENVS_CREATE": "false",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "UV_PYTHON": self.python,
            "UV_PYTHON_DOWNLOADS": "never",
            "YARN_ENABLE_TELEMETRY": "0",
            "COREPACK_ENABLE_STRICT": "0",
            "CI": "1",
            "NO_COLOR": "1",
        }
        env = {**base, **self.env, **(more or {})}
        done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode not in fine:
            raise ToolFailed(f"{' '.join(argv[:3])} ... in {cwd.name}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout
