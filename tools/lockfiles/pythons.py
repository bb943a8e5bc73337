"""Python's lockers: pip, poetry and uv, each with what it lists of its own lockfile."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lockfiles.projects import PythonProject
from tools.lockfiles.toolbox import Listed, Locked, Toolbox
from tools.lockfiles.world import written

_TREE = re.compile(r"^[^A-Za-z0-9]*([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])? v(\S+)")


def listed(name: str, version: str) -> Listed:
    """Return one release as the listings are kept."""
    return f"pkg:pypi/{canonicalize_name(name)}@{version}"


@dataclass(frozen=True, slots=True)
class Pip:
    """`pip freeze` and `pip lock`."""

    tools: Toolbox
    index: str | None = None
    """The index to ask; None: what pip is configured for."""

    def freeze(self, project: PythonProject, folder: Path, *, keep: bool = False) -> Locked:
        """Install *project* into `venv`, which stays if *keep*, and return what pip says is there, in both its ways."""
        written(folder, {**project.files, "pyproject.toml": pyproject(project)})
        self.tools.run(self.tools.python, "-m", "venv", "--without-pip", "venv", cwd=folder)
        pip = ("--python", str(folder / "venv/bin/python"))
        self._pip(*pip, "install", *self._words(project), cwd=folder)
        text = self._pip(*pip, "freeze", cwd=folder)
        found = json.loads(self._pip(*pip, "list", "--format", "json", cwd=folder))
        if not keep:
            shutil.rmtree(folder / "venv")
        own = {"pip", "setuptools"} if "pip==" not in text else set()
        return Locked(
            "requirements.txt",
            text,
            frozenset(listed(one["name"], one["version"]) for one in found if one["name"] not in own),
        )

    def lock(self, project: PythonProject, folder: Path) -> Locked:
        """Lock *project*, and return what pip would install from the lockfile."""
        written(folder, {**project.files, "pyproject.toml": pyproject(project)})
        self._pip("lock", *self._words(project), "--output", "pylock.toml", cwd=folder)
        # pip wants a hash of all that a lockfile names, and repositories and folders have none: those it is told again.
        unhashed = any(not {"git", "workspace"}.isdisjoint(one) for one in project.sources.values())
        words = self._words(project) if unhashed else ["-r", "pylock.toml"]
        report = self._pip("install", "--dry-run", "--ignore-installed", "--report", "-", *words, cwd=folder)
        found = [one["metadata"] for one in json.loads(report)["install"]]
        text = (folder / "pylock.toml").read_text()
        return Locked("pylock.toml", text, frozenset(listed(one["name"], one["version"]) for one in found))

    def _words(self, project: PythonProject) -> list[str]:
        words: list[str] = []
        for text in (*project.requires, *(one for some in project.extras.values() for one in some)):
            wanted = Requirement(text)
            source = project.sources.get(wanted.name, {})
            if "git" in source:
                words.append(f"{wanted.name} @ git+{source['git']}@{source['tag']}")
            elif "url" in source:
                words.append(f"{wanted.name} @ {source['url']}")
            elif "path" in source:
                words += ["-e"] if "workspace" in source else []
                words.append(f"./{source['path']}")
            else:
                words.append(text)
        for group in project.groups:
            words += ["--group", group]
        return words

    def _pip(self, *words: str, cwd: Path) -> str:
        more = [] if self.index is None else ["--index-url", self.index]
        first = 2 if words[0] == "--python" else 0
        command = words[first]
        asks = [*more, "--quiet"] if command in ("install", "lock") else []
        return self.tools.run(
            self.tools.pip_python, "-m", "pip", *words[: first + 1], *asks, *words[first + 1 :], cwd=cwd
        )


@dataclass(frozen=True, slots=True)
class Poetry:
    """`poetry lock`."""

    tools: Toolbox
    index: str | None = None

    def lock(self, project: PythonProject, folder: Path) -> Locked:
        """Lock *project*, and return what `poetry show` lists."""
        written(folder, {**project.files, "pyproject.toml": pyproject(project) + self._more(project)})
        self.tools.run(self.tools.poetry, "lock", "--no-interaction", cwd=folder)
        found = json.loads(self.tools.run(self.tools.poetry, "show", "--all", "--format", "json", cwd=folder))
        text = (folder / "poetry.lock").read_text()
        return Locked("poetry.lock", text, frozenset(listed(one["name"], one["version"].split()[0]) for one in found))

    def _more(self, project: PythonProject) -> str:
        text = "\n[tool.poetry]\npackage-mode = false\n"
        if self.index is not None:
            text += f'\n[[tool.poetry.source]]\nname = "loopback"\nurl = "{self.index}/"\npriority = "primary"\n'
        if project.sources:
            text += "\n[tool.poetry.dependencies]\n"
        for name, source in project.sources.items():
            told = {key: value for key, value in source.items() if key != "workspace"}
            develop = ", develop = true" if "workspace" in source else ""
            text += (
                f"{name} = {{{', '.join(f'{key} = {json.dumps(value)}' for key, value in told.items())}{develop}}}\n"
            )
        return text


@dataclass(frozen=True, slots=True)
class Uv:
    """`uv lock`."""

    tools: Toolbox
    index: str | None = None

    def lock(self, project: PythonProject, folder: Path) -> Locked:
        """Lock *project*, and return what `uv tree` lists but the project's own folders."""
        written(folder, {**project.files, "pyproject.toml": pyproject(project) + self._more(project)})
        self.tools.run(self.tools.uv, "lock", cwd=folder)
        tree = self.tools.run(
            *(self.tools.uv, "tree", "--universal", "--all-groups", "--no-dedupe", "--frozen"), cwd=folder
        )
        own = {project.name, *project.members}
        found = {
            (match[1], match[2]) for line in tree.splitlines() if (match := _TREE.match(line)) and match[1] not in own
        }
        text = (folder / "uv.lock").read_text()
        return Locked("uv.lock", text, frozenset(listed(name, version) for name, version in found))

    def _more(self, project: PythonProject) -> str:
        text = ""
        if self.index is not None:
            text += f'\n[[tool.uv.index]]\nurl = "{self.index}"\ndefault = true\n'
        if project.members:
            text += f"\n[tool.uv.workspace]\nmembers = {json.dumps(project.members)}\n"
        if project.sources:
            text += "\n[tool.uv.sources]\n"
        for name, source in project.sources.items():
            told = _uv_source(source)
            text += f"{name} = {{{', '.join(f'{key} = {value}' for key, value in told.items())}}}\n"
        return text


def _uv_source(source: Mapping[str, str]) -> Mapping[str, str]:
    if "workspace" in source:
        return {"workspace": "true"}
    return {key: json.dumps(value) for key, value in source.items()}


def pyproject(project: PythonProject) -> str:
    """Return what every tool reads."""
    text = f'[project]\nname = "{project.name}"\nversion = "0.0.1"\nrequires-python = "{project.python}"\n'
    text += f"dependencies = {json.dumps(project.requires)}\n"
    if project.extras:
        text += "\n[project.optional-dependencies]\n"
        text += "".join(f"{name} = {json.dumps(some)}\n" for name, some in project.extras.items())
    if project.groups:
        text += "\n[dependency-groups]\n"
        text += "".join(f"{name} = {json.dumps(some)}\n" for name, some in project.groups.items())
    return text
