"""Makers of CycloneDX documents, each of a project that another locker has locked and listed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from tools.lockfiles.nodes import Npm
from tools.lockfiles.projects import NodeProject, PythonProject
from tools.lockfiles.pythons import Pip, Uv
from tools.lockfiles.toolbox import Locked

Made: TypeAlias = tuple[str, Callable[[Path], Locked]]
"""The name of a document, and what makes it in an empty folder."""


@dataclass(frozen=True, slots=True)
class Sboms:
    """Eleven documents by four tools."""

    pip: Pip
    uv: Uv
    npm: Npm

    def made(self, pythons: dict[str, PythonProject], nodes: dict[str, NodeProject]) -> Iterator[Made]:
        """Yield each of them."""
        for name in ("extras", "groups"):
            yield f"environment-{name}", partial(self._environment, pythons[name])
        for name in ("plain", "spellings"):
            yield f"requirements-{name}", partial(self._requirements, pythons[name])
        for name in ("markers", "forks", "git"):
            yield f"uv-{name}", partial(self._uv, pythons[name])
        for name in ("peers", "platforms"):
            yield f"cyclonedx-npm-{name}", partial(self._cyclonedx_npm, nodes[name])
        for name in ("scopes", "overrides"):
            yield f"npm-{name}", partial(self._npm_sbom, nodes[name])

    def popular(self, pythons: Sequence[PythonProject], nodes: Sequence[NodeProject]) -> Iterator[Made]:
        """Yield those of other projects, by each tool in turn."""
        for number, one in enumerate(pythons):
            yield one.name, partial(self._uv if number % 2 else self._environment, one)
        for number, other in enumerate(nodes):
            yield other.name, partial(self._npm_sbom if number % 2 else self._cyclonedx_npm, other)

    def _environment(self, project: PythonProject, folder: Path) -> Locked:
        locked = self.pip.freeze(project, folder, keep=True)
        return self._python(locked, folder, "environment", "venv/bin/python")

    def _requirements(self, project: PythonProject, folder: Path) -> Locked:
        locked = self.pip.freeze(project, folder)
        (folder / "requirements.txt").write_text(locked.text)
        # It asks nobody; the document names the index.
        index = () if self.pip.index is None else ("--index-url", self.pip.index)
        return self._python(locked, folder, "requirements", *index, "requirements.txt")

    def _python(self, locked: Locked, folder: Path, *words: str) -> Locked:
        tools = self.pip.tools
        text = tools.run(tools.cyclonedx, *words, "--output-format", "JSON", cwd=folder)
        return replace(locked, name="bom.json", text=text)

    def _uv(self, project: PythonProject, folder: Path) -> Locked:
        locked = self.uv.lock(project, folder)
        words = ("export", "--frozen", "--all-groups", "--all-extras", "--format", "cyclonedx1.5")
        preview = ("--preview-features", "sbom-export")
        text = self.uv.tools.run(self.uv.tools.uv, *words, *preview, cwd=folder)
        return replace(locked, name="bom.json", text=text)

    def _cyclonedx_npm(self, project: NodeProject, folder: Path) -> Locked:
        locked = self.npm.lock(project, folder)
        tools = self.npm.tools
        env = {"npm_execpath": tools.script("npm")[1]}
        words = ("--package-lock-only", "--ignore-npm-errors", "--output-format", "JSON")
        text = tools.run(*tools.script("cyclonedx"), *words, cwd=folder, more=env)
        return replace(locked, name="bom.json", text=text)

    def _npm_sbom(self, project: NodeProject, folder: Path) -> Locked:
        locked = self.npm.lock(project, folder)
        tools = self.npm.tools
        words = ("sbom", "--package-lock-only", "--sbom-format", "cyclonedx")
        return replace(locked, name="bom.json", text=tools.run(*tools.script("npm"), *words, cwd=folder))
