"""
Lets real tools lock projects, and holds our readers to what the tools themselves list.

    python -m tools.real_lockfiles [KIND...]            into tests/data/lockfiles, from registries on loopback
    python -m tools.real_lockfiles --popular [KIND...]  popular projects, from the configured registries; keeps nothing

The tools (poetry, uv, npm 6, 8 and 11, pnpm 8 and 10, yarn 1 and 4, makers of SBOMs) are installed from the registries
that pip and npm are configured for, into .venv/lockfile-tools.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeAlias

from safeinstall.inventory import Origins
from safeinstall.model import EcosystemName
from safeinstall.wiring import own_registries
from tools.lockfiles import popular
from tools.lockfiles.comparing import difference, read
from tools.lockfiles.nodes import Npm, Pnpm, YarnBerry, YarnClassic
from tools.lockfiles.projects import NodeProject, PythonProject, node_projects, python_projects
from tools.lockfiles.pythons import Pip, Poetry, Uv
from tools.lockfiles.sboms import Sboms
from tools.lockfiles.toolbox import Locked, Toolbox, ToolFailed
from tools.lockfiles.world import World, world

HERE = Path(__file__).resolve().parent.parent
KEPT = HERE / "tests/data/lockfiles"
TOOLS = HERE / ".venv/lockfile-tools"
KINDS = (
    *("requirements.txt", "pylock.toml", "poetry.lock", "uv.lock"),
    *("package-lock-v1", "package-lock-v2", "package-lock-v3"),
    *("pnpm-lock-6", "pnpm-lock-9", "yarn-classic", "yarn-berry", "cyclonedx"),
)

Lock: TypeAlias = Callable[[Path], Locked]


def main() -> int:
    """Lock what was asked for; returns 1 when a reader of ours differs from a tool, or a tool failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"default: all of {', '.join(KINDS)}")
    parser.add_argument("--popular", action="store_true")
    given = parser.parse_args()
    kinds = given.kinds or list(KINDS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        tools = Toolbox(TOOLS, folder / "home", _trusted() if given.popular else {})
        tools.install()
        if given.popular:
            makers = locks(tools, popular.PYTHON, popular.NODE)
            return max(_compared(kind, makers(kind), folder) for kind in kinds)
        with world(folder / "repositories") as here:
            makers = locks(tools, python_projects(here), node_projects(here), here)
            return max(_kept(kind, makers(kind), folder, here) for kind in kinds)


def _trusted() -> Mapping[str, str]:
    """Return what tells the tools whom this machine trusts, each in its own words."""
    known = {name: value for name, value in os.environ.items() if name.endswith(("_CERTS", "_CERT_FILE", "_CERT"))}
    bundle = known.get("SSL_CERT_FILE")
    return known if bundle is None else {"REQUESTS_CA_BUNDLE": bundle, **known}


def locks(
    tools: Toolbox, pythons: tuple[PythonProject, ...], nodes: tuple[NodeProject, ...], here: World | None = None
) -> Callable[[str], Iterator[tuple[str, Lock]]]:
    """Return what yields, for a kind, each project with what locks it in an empty folder."""
    index, registry = (None, None) if here is None else (here.pypi.index_url, here.npm.url)
    # Poetry asks the great index for more than mirrors have, and any other one by its pages.
    pages = index or f"{own_registries(EcosystemName.PYPI)[0].rstrip('/')}"
    pip, poetry, uv = Pip(tools, index), Poetry(tools, pages), Uv(tools, index)
    python: Mapping[str, Callable[[PythonProject, Path], Locked]] = {
        "requirements.txt": pip.freeze,
        "pylock.toml": pip.lock,
        "poetry.lock": poetry.lock,
        "uv.lock": uv.lock,
    }
    node: Mapping[str, Callable[[NodeProject, Path], Locked]] = {
        "package-lock-v1": Npm(tools, "npm6", registry).lock,
        "package-lock-v2": Npm(tools, "npm8", registry).lock,
        "package-lock-v3": Npm(tools, "npm", registry).lock,
        "pnpm-lock-6": Pnpm(tools, "pnpm8", lists=False, registry=registry).lock,
        "pnpm-lock-9": Pnpm(tools, "pnpm", lists=True, registry=registry).lock,
        "yarn-classic": YarnClassic(tools, registry).lock,
        "yarn-berry": YarnBerry(tools, "yarn", registry).lock,
    }

    def makers(kind: str) -> Iterator[tuple[str, Lock]]:
        if kind in python:
            yield from ((one.name, partial(python[kind], one)) for one in pythons)
        elif kind in node:
            yield from ((one.name, partial(node[kind], one)) for one in nodes)
        else:
            sboms = Sboms(pip, uv, Npm(tools, "npm", registry))
            by_name = {one.name: one for one in pythons}, {one.name: one for one in nodes}
            yield from sboms.popular(pythons, nodes) if here is None else sboms.made(*by_name)

    return makers


def _kept(kind: str, makers: Iterator[tuple[str, Lock]], folder: Path, here: World) -> int:
    shutil.rmtree(KEPT / kind, ignore_errors=True)
    for name, lock in makers:
        project = folder / kind / name
        project.mkdir(parents=True)
        locked = lock(project)
        text = here.rewritten(locked.text, project)
        place = KEPT / kind / name
        place.mkdir(parents=True)
        (place / locked.name).write_text(_without_tools(text) if kind == "cyclonedx" else text)
        (place / "listed.txt").write_text("".join(f"{one}\n" for one in sorted(locked.listed)))
        sys.stdout.write(f"{kind} {name}: {len(text):,} bytes, {len(locked.listed)} releases\n")
    return 0


def _without_tools(text: str) -> str:
    """Return an SBOM without what it says of its makers: where those come from is their own business."""
    document = json.loads(text)
    document.get("metadata", {}).pop("tools", None)
    return json.dumps(document, indent=1) + "\n"


def _compared(kind: str, makers: Iterator[tuple[str, Lock]], folder: Path) -> int:
    """Print what tells our reader and the tool apart."""
    lockfiles = releases = failed = 0
    origins = Origins(defaults=own_registries)
    for name, lock in makers:
        project = folder / kind / name
        project.mkdir(parents=True)
        try:
            locked = lock(project)
        except ToolFailed as error:
            sys.stdout.write(f"{kind} {name}: {error}\n")
            failed = 1
            continue
        (project / locked.name).write_text(locked.text)
        found = difference(read(project / locked.name, origins), locked.listed)
        lockfiles, releases = lockfiles + 1, releases + len(locked.listed)
        if found:
            failed = 1
            sys.stdout.write(f"{kind} {name}: {found}\n")
        shutil.rmtree(project)
    sys.stdout.write(f"{kind}: {lockfiles} lockfiles, {releases:,} releases listed by their tools\n")
    sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(main())
