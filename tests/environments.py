"""Places to install into: environments with a given pip, npm projects with a given npm, and nothing of the user's."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

import installer
import pytest
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile
from packaging.version import Version

# Read at import, before conftest takes SAFEINSTALL_* out of every test's environment.
_WHEELS = os.environ.get("SAFEINSTALL_TEST_WHEELS")
_STRICT = os.environ.get("SAFEINSTALL_TEST_STRICT") == "1"
_COMPLETE = os.environ.get("SAFEINSTALL_TEST_COMPLETE") == "1"
_PATH = os.environ.get("PATH", os.defpath)

TARGET_PIPS = ("20.3.4", "22.3.1", "23.2.1", "24.0", "25.3", "newest")
"""The pips that a target environment may hold; the oldest one and each at which behaviour changed."""

_NO_LATER_THAN_311 = frozenset({"20.3.4", "22.3.1"})
"""Pips that lean on modules which Python 3.12 no longer has."""

TARGET_NPMS = ("8", "9", "10", "machine")
"""The npms of a project; `machine` is the one on PATH."""

_AXE = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
"""The SHA-512 of axe-core 4.14.1, as the public registry tells it: what runs in the browser is pinned."""


@dataclass(frozen=True, slots=True)
class Venv:
    """An environment with its own pip."""

    folder: Path
    python: Path
    pip: Path

    def installed(self) -> dict[str, str]:
        """Return name -> version of everything in it but pip, from the disk, not from any tool's words."""
        found = {}
        for info in self.site_packages.glob("*.dist-info"):
            name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
            found[name.lower().replace("_", "-")] = version
        for info in self.site_packages.glob("*.egg-info"):
            found[info.name.partition("-")[0].lower().replace("_", "-")] = "egg"
        found.pop("pip", None)
        return found

    @property
    def python_minor(self) -> str:
        """The second number of its Python."""
        return self.site_packages.parent.name.rpartition(".")[2]

    @property
    def site_packages(self) -> Path:
        """Where packages go."""
        return next(self.folder.glob("lib/python*/site-packages"))


def machine_npm() -> Path:
    """Return the machine's own npm; skips the test where there is none."""
    found = shutil.which("npm", path=_PATH)
    if found is None:
        missing("npm is not on this machine")
    return Path(found)


def missing(reason: str) -> NoReturn:
    """Skip the test for want of *reason*; fail it where everything must be there (CI)."""
    if _STRICT:
        pytest.fail(f"{reason}, and SAFEINSTALL_TEST_STRICT=1", pytrace=False)
    pytest.skip(reason)


def optional_tool(name: str) -> Path:
    """
    Return the tool *name* of this machine, which not every developer has: a shell, a browser.

    Skips the test where there is none; fails it where `.ci/run` has installed all of them.
    """
    found = shutil.which(name, path=_PATH)
    if found is None:
        optional(f"{name} is not on this machine")
    return Path(found)


def optional(reason: str) -> NoReturn:
    """Skip the test for *reason*, a thing that not every developer machine has; fail it where `.ci/run` sees to it."""
    if _COMPLETE:
        pytest.fail(f"{reason}, and SAFEINSTALL_TEST_COMPLETE=1", pytrace=False)
    pytest.skip(reason)


def stored(pattern: str) -> Path:
    """Return the newest file of the test wheels that fits *pattern*; skips the test where there is none."""
    if _WHEELS is None:
        missing("SAFEINSTALL_TEST_WHEELS names no folder (tools/fetch_test_wheels.py makes one)")
    found = sorted(Path(_WHEELS).glob(pattern), key=_version_of)
    if not found:
        missing(f"the folder of test wheels holds no `{pattern}`")
    return found[-1]


def axe() -> str:
    """Return the source of axe-core, from the very file that was looked at when it was chosen; skips without it."""
    packed = stored("axe-core-4.14.1.tgz")
    assert base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() == _AXE, f"{packed} is not axe-core"
    with tarfile.open(packed) as archive:
        source = archive.extractfile("package/axe.min.js")
        assert source is not None
        return source.read().decode()


def _version_of(path: Path) -> Version:
    return Version(next(part for part in path.name.removesuffix(".tgz").split("-") if part[0].isdigit()))


def isolated_env(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment that holds nothing of this machine but PATH: own home, empty caches, no configuration."""
    home.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": _PATH,
        "HOME": str(home),
        "TMPDIR": str(_made(home / "tmp")),
        "LANG": "C.UTF-8",
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "SAFEINSTALL_HOME": str(home / "safeinstall"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "NPM_CONFIG_USERCONFIG": str(home / ".npmrc"),
        "NPM_CONFIG_GLOBALCONFIG": str(home / "global-npmrc"),
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
        **(extra or {}),
    }


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def venv_with_pip(folder: Path, version: str = "newest", *, python: str | None = None) -> Venv:
    """Make an environment in *folder* whose pip is exactly *version* (`newest`: the newest of the test wheels)."""
    wheel = stored("pip-*.whl" if version == "newest" else f"pip-{version}-*.whl")
    base = python or _python_for(version)
    subprocess.run([base, "-m", "venv", "--without-pip", str(folder)], check=True, env=_plain(), timeout=120)
    venv = Venv(folder=folder, python=folder / "bin" / "python", pip=folder / "bin" / "pip")
    install_wheel(venv, wheel)
    return venv


def _python_for(version: str) -> str:
    running: tuple[int, ...] = sys.version_info[:2]
    if version not in _NO_LATER_THAN_311 or running < (3, 12):
        return sys.executable
    for name in ("python3.11", "python3.10"):
        found = shutil.which(name, path=_PATH)
        if found is not None and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
            return found
    missing(f"pip {version} needs Python 3.11 or older, and there is none on PATH")


def install_wheel(venv: Venv, wheel: Path) -> None:
    """Put *wheel* into *venv* without any pip."""
    site = str(venv.site_packages)
    destination = SchemeDictionaryDestination(
        {
            "purelib": site,
            "platlib": site,
            "scripts": str(venv.folder / "bin"),
            "headers": str(venv.folder / "include"),
            "data": str(venv.folder),
        },
        interpreter=str(venv.python),
        script_kind="posix",
    )
    with WheelFile.open(wheel) as source:
        installer.install(source, destination, additional_metadata={"INSTALLER": b"pip\n"})


def _plain() -> dict[str, str]:
    return {"PATH": _PATH, "LANG": "C.UTF-8"}


@cache
def npm_tool(version: str, folder: Path) -> Path:
    """Return the `npm` of *version* (`8`, `machine`), unpacked below *folder* the way npm installs itself."""
    if version == "machine":
        return machine_npm()
    machine_npm()  # npm without node is no npm
    packed = stored(f"npm-{version}.*.tgz")
    prefix = folder / f"npm-{version}"
    home = _made(prefix / "lib" / "node_modules")
    with tarfile.open(packed) as archive:
        if sys.version_info >= (3, 12):
            archive.extractall(home, filter="data")
        else:
            archive.extractall(home)
    (home / "package").rename(home / "npm")
    cli = home / "npm" / "bin" / "npm-cli.js"
    cli.chmod(0o755)
    tool = _made(prefix / "bin") / "npm"
    tool.symlink_to(cli)
    return tool


def npm_project(folder: Path, manifest: Mapping[str, object] | None = None, *, npmrc: Sequence[str] = ()) -> Path:
    """Make an npm project in *folder* with *manifest* as package.json and lines of an `.npmrc`."""
    _made(folder)
    document = {"name": "project", "version": "1.0.0", "private": True, **(manifest or {})}
    (folder / "package.json").write_text(json.dumps(document, indent=2) + "\n")
    if npmrc:
        (folder / ".npmrc").write_text("\n".join(npmrc) + "\n")
    return folder


def node_modules(project: Path) -> dict[str, str]:
    """Return path below node_modules -> version of every package that lies there, nested ones included."""
    found = {}
    root = project / "node_modules"
    for manifest in root.rglob("package.json"):
        place = manifest.parent.relative_to(root).as_posix()
        last = place.rpartition("node_modules/")[2]
        if last.count("/") == (1 if last.startswith("@") else 0) and not last.startswith("."):
            found[place] = str(json.loads(manifest.read_text()).get("version"))
    return found
