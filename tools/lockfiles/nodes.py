"""The lockers of npm's world: npm, pnpm and yarn, each with what it lists of its own lockfile."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.lockfiles.projects import NodeProject
from tools.lockfiles.toolbox import Listed, Locked, Toolbox, ToolFailed
from tools.lockfiles.world import written

_TARBALL = re.compile(r"^https?://[^/]+/((?:@[^/]+/)?[^/]+)/-/")


def listed(name: str, version: str | None) -> Listed:
    """Return one release as the listings are kept; what stands for a version and is a place is none."""
    known = version is not None and ":" not in version and "/" not in version
    return f"pkg:npm/{name.replace('@', '%40')}" + (f"@{version}" if known else "")


@dataclass(frozen=True, slots=True)
class Npm:
    """`package-lock.json`, of the version that this npm writes."""

    tools: Toolbox
    tool: str
    registry: str | None = None

    def lock(self, project: NodeProject, folder: Path) -> Locked:
        """Lock *project*, and return what `npm ls` lists."""
        manifest = {**package(project), "overrides": project.overrides}
        if project.members:
            manifest["workspaces"] = list(project.members)
        lay(project, folder, manifest)
        npm = self.tools.script(self.tool)
        self._npm(*npm, "install", "--package-lock-only", "--ignore-scripts", cwd=folder)
        # npm 6 lists what is installed only, so a newer one reads its lockfile.
        words = ("ls", "--all", "--json", "--long", "--package-lock-only")
        told = json.loads(self._npm(*self.tools.script("npm"), *words, cwd=folder, fine=(0, 1)))
        text = (folder / "package-lock.json").read_text()
        return Locked("package-lock.json", text, frozenset(_npm_tree(told, {project.name, *_names(project)})))

    def _npm(self, *argv: str, cwd: Path, fine: tuple[int, ...] = (0,)) -> str:
        more = {} if self.registry is None else {"npm_config_registry": f"{self.registry}/"}
        quiet = {"npm_config_audit": "false", "npm_config_fund": "false", "npm_config_update_notifier": "false"}
        return self.tools.run(*argv, cwd=cwd, more={**more, **quiet}, fine=fine)


def _npm_tree(told: Mapping[str, object], own: set[str]) -> Iterator[Listed]:
    dependencies = told.get("dependencies")
    assert isinstance(dependencies, Mapping | None)
    for key, one in (dependencies or {}).items():
        name, version = one.get("name") or key, one.get("version")
        # A link leads to a folder of the user's own; what is wanted and missing has neither version nor place.
        place = str(one.get("resolved", ""))
        if (version or place) and name not in own and not place.startswith("file:../"):
            yield listed(name, version)
        yield from _npm_tree(one, own)


EVERYWHERE = {"os": ["linux", "darwin", "win32"], "cpu": ["x64", "arm64"]}
"""The platforms whose packages pnpm is to install besides those of this machine."""


@dataclass(frozen=True, slots=True)
class Pnpm:
    """`pnpm-lock.yaml`, of the version that this pnpm writes."""

    tools: Toolbox
    tool: str
    lists: bool
    """It can list what a lockfile says."""
    registry: str | None = None

    def lock(self, project: NodeProject, folder: Path) -> Locked:
        """Lock *project*, and return what `pnpm list` lists."""
        own: dict[str, object] = {"overrides": project.overrides, "supportedArchitectures": EVERYWHERE}
        if project.patched:
            own["patchedDependencies"] = {project.patched: "own.patch"}
        lay(project, folder, {**package(project), "pnpm": own})
        if project.members:
            (folder / "pnpm-workspace.yaml").write_text(
                "linkWorkspacePackages: true\npackages:\n" + "".join(f"  - {one}\n" for one in project.members)
            )
            # pnpm 8 reads it here.
            (folder / ".npmrc").write_text("link-workspace-packages=true\n")
        # Only newer ones list what they have not installed.
        only = ("--lockfile-only",) if self.lists else ()
        self._pnpm("install", "--ignore-scripts", "--no-frozen-lockfile", *only, cwd=folder)
        text = (folder / "pnpm-lock.yaml").read_text()
        words = ("list", "--recursive", "--json", "--depth", "Infinity", *only)
        try:
            printed = self._pnpm(*words, cwd=folder)
        except ToolFailed as error:
            # pnpm 8 cannot print the tree of a thousand packages as JSON.
            if "Invalid string length" not in str(error):
                raise
            lines = self._pnpm("list", "--parseable", "--long", "--depth", "Infinity", cwd=folder).splitlines()
            named = [line.rpartition(":")[2].rpartition("@") for line in lines[1:]]
            return Locked("pnpm-lock.yaml", text, frozenset(listed(name, version) for name, _, version in named))
        # A folder that is no member of the workspace gets a document of its own, after the first one.
        told, _ = json.JSONDecoder().raw_decode(printed)
        found = {each for one in told for each in _pnpm_tree(one, set(_names(project)))}
        return Locked("pnpm-lock.yaml", text, frozenset(found))

    def _pnpm(self, *words: str, cwd: Path) -> str:
        more = {} if self.registry is None else {"npm_config_registry": f"{self.registry}/"}
        return self.tools.run(*self.tools.script(self.tool), *words, cwd=cwd, more={"CI": "", **more})


def _pnpm_tree(told: Mapping[str, object], own: set[str]) -> Iterator[Listed]:
    for kind in ("dependencies", "devDependencies", "optionalDependencies", "unsavedDependencies"):
        dependencies = told.get(kind)
        assert isinstance(dependencies, Mapping | None)
        for one in (dependencies or {}).values():
            if one["from"] not in own:
                # pnpm 8 adds the peers to the version.
                yield listed(one["from"], str(one["version"]).partition("(")[0])
            yield from _pnpm_tree(one, own)


@dataclass(frozen=True, slots=True)
class YarnClassic:
    """`yarn.lock` of yarn 1."""

    tools: Toolbox
    registry: str | None = None

    def lock(self, project: NodeProject, folder: Path) -> Locked:
        """Lock *project*, and return what `yarn list` lists."""
        manifest = {**package(project), "resolutions": project.overrides}
        if project.members:
            manifest["workspaces"] = list(project.members)
        lay(project, folder, manifest)
        if self.registry is not None:
            (folder / ".yarnrc").write_text(f'registry "{self.registry}/"\n')
        ignore = ("--ignore-scripts", "--ignore-platform", "--ignore-engines")
        self._yarn("install", *ignore, "--non-interactive", cwd=folder)
        told = [json.loads(line) for line in self._yarn("list", "--json", cwd=folder).splitlines()]
        trees = [tree for one in told if one["type"] == "tree" for tree in one["data"]["trees"]]
        text = (folder / "yarn.lock").read_text()
        found = set(_yarn_trees(trees, set(_names(project))))
        return Locked("yarn.lock", text, frozenset(_unaliased(found, folder)))

    def _yarn(self, *words: str, cwd: Path) -> str:
        return self.tools.run(*self.tools.script("yarn1"), *words, cwd=cwd)


def _yarn_trees(trees: list[Mapping[str, object]], own: set[str]) -> Iterator[Listed]:
    for tree in trees:
        name, _, version = str(tree["name"]).rpartition("@")
        children = tree.get("children") or []
        assert isinstance(children, list)
        # A shadow is what is wanted, by its range, not what is there.
        if not tree.get("shadow") and name not in own:
            yield listed(name, version)
        yield from _yarn_trees(children, own)


def _unaliased(found: set[Listed], folder: Path) -> Iterator[Listed]:
    """Yield *found* with true names: yarn 1 lists an alias by the name that it is installed under."""
    names: dict[Listed, Listed] = {}
    for path in folder.glob("**/node_modules/**/package.json"):
        told = json.loads(path.read_text())
        place = path.parent.as_posix().rpartition("/node_modules/")[2]
        names[listed(place, str(told.get("version")))] = listed(str(told.get("name")), str(told.get("version")))
    yield from (names.get(one, one) for one in found)


@dataclass(frozen=True, slots=True)
class YarnBerry:
    """`yarn.lock` of yarn 2 and later."""

    tools: Toolbox
    tool: str = "yarn"
    registry: str | None = None

    def lock(self, project: NodeProject, folder: Path) -> Locked:
        """Lock *project*, and return what `yarn info` lists."""
        resolutions = dict(project.overrides)
        if project.patched:
            name, _, version = project.patched.rpartition("@")
            resolutions[f"{name}@npm:^{version[0]}.0.0"] = f"patch:{name}@npm%3A{version}#./own.patch"
        manifest = {**package(project), "resolutions": resolutions}
        if project.members:
            manifest["workspaces"] = list(project.members)
        # Berry knows no alias without a range.
        text = json.dumps(manifest).replace('"npm:@s/b"', '"npm:@s/b@*"')
        lay(project, folder, json.loads(text))
        (folder / "yarn.lock").write_text("")
        self._yarn("install", "--mode=update-lockfile", cwd=folder)
        told = self._yarn("info", "--all", "--recursive", "--json", cwd=folder)
        found = [json.loads(line) for line in told.splitlines()]
        text = (folder / "yarn.lock").read_text()
        return Locked("yarn.lock", text, frozenset(_locators(found)))

    def _yarn(self, *words: str, cwd: Path) -> str:
        more = {
            "YARN_ENABLE_IMMUTABLE_INSTALLS": "false",
            "YARN_ENABLE_SCRIPTS": "false",
            "YARN_APPROVED_GIT_REPOSITORIES": "**",
        }
        if self.registry is not None:
            more |= {"YARN_NPM_REGISTRY_SERVER": self.registry, "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1"}
        return self.tools.run(*self.tools.script(self.tool), *words, cwd=cwd, more=more)


def _locators(found: list[Mapping[str, Mapping[str, object]]]) -> Iterator[Listed]:
    """Yield what `NAME@npm:VERSION`, `NAME@virtual:HASH#npm:VERSION` and the like stand for."""
    for one in found:
        locator = str(one["value"])
        name, protocol = locator[: locator.index("@", 1)], locator[locator.index("@", 1) + 1 :]
        if not protocol.partition("#")[2].startswith("workspace:") and not protocol.startswith("workspace:"):
            # A tarball that was asked for by its URL is listed by the name that it is installed under.
            tarball = _TARBALL.search(protocol)
            yield listed(tarball[1] if tarball else name, str(one["children"]["Version"]))


def package(project: NodeProject) -> dict[str, object]:
    """Return what every tool reads."""
    return {"name": project.name, "version": "0.0.1", "private": True, **project.manifest}


PATCH = """diff --git a/index.js b/index.js
--- a/index.js
+++ b/index.js
@@ -1 +1 @@
-module.exports = '1.2.0'
+module.exports = 'ours'
"""


def lay(project: NodeProject, folder: Path, manifest: Mapping[str, object]) -> None:
    """Write *project* into *folder*."""
    members = {f"{place}/package.json": json.dumps(one) for place, one in project.members.items()}
    patch = {"own.patch": PATCH} if project.patched else {}
    written(folder, {**project.files, **members, **patch, "package.json": json.dumps(manifest, indent=2)})


def _names(project: NodeProject) -> Iterator[str]:
    yield from (str(one["name"]) for one in project.members.values())
