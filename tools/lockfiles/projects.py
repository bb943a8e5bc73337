"""The projects that are locked: one a feature that lockfiles spell in their own way."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.builders.tarballs import tarball
from tools.lockfiles.world import PACKED, World, project_files


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonProject:
    """What a pyproject.toml says, in no tool's own words."""

    name: str
    requires: tuple[str, ...]
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Where a name comes from if from no index: `git` and `tag`, `url`, `path`; a path may be `editable`."""
    members: tuple[str, ...] = ()
    """Folders of the same workspace."""
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    python: str = ">=3.10"


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeProject:
    """What a package.json says; what each tool spells its own way stands apart."""

    name: str
    manifest: Mapping[str, object]
    members: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Folder -> package.json of the same workspace."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    patched: str = ""
    """`NAME@VERSION` of a release to which the project's own patch is applied, where the tool knows patches."""
    files: Mapping[str, str | bytes] = field(default_factory=dict)


def python_projects(here: World) -> tuple[PythonProject, ...]:
    """Return ten projects that *here* serves."""
    direct = here.pypi.file_url("direct-4.0-py3-none-any.whl")
    vendored = "vendor/local_file-5.0-py3-none-any.whl"
    return (
        PythonProject(name="plain", requires=("app", "srconly")),
        PythonProject(name="extras", requires=("web[fast]",), extras={"more": ("web[json]", "marked"), "none": ()}),
        PythonProject(
            name="markers",
            requires=("marked", "winonly; sys_platform == 'win32'", "parse; python_version >= '3.10'"),
        ),
        PythonProject(name="groups", requires=("lib",), groups={"dev": ("linter", "tester>=7"), "docs": ("parse",)}),
        PythonProject(
            name="git", requires=("app", "fromgit"),
            sources={"fromgit": {"git": f"{here.git.url}/pyfromgit.git", "tag": "v1"}},
        ),
        PythonProject(
            name="file", requires=("local-file", "lib"),
            sources={"local-file": {"path": vendored}},
            files={vendored: here.local},
        ),
        PythonProject(
            name="folders", requires=("member", "other"),
            sources={"member": {"workspace": "true", "path": "member"}, "other": {"path": "other"}},
            members=("member",),
            files={
                **{f"member/{path}": text for path, text in project_files("member", "0.1", ["app"]).items()},
                **{f"other/{path}": text for path, text in project_files("other", "0.2", ["speed"]).items()},
            },
        ),
        PythonProject(name="url", requires=("direct", "parse"), sources={"direct": {"url": direct}}),
        PythonProject(
            name="forks",
            requires=("two==1.0; python_version < '3.12'", "two==2.0; python_version >= '3.12'", "native"),
        ),
        PythonProject(
            name="spellings",
            requires=(
                "zeta-name-x", "loc==1.0+cpu", "epoch>=1!1", "posted", "early==2.0rc1", "regretted==0.9", "circle-a",
            ),
        ),
    )  # fmt: skip


def node_projects(here: World) -> tuple[NodeProject, ...]:
    """Return ten projects that *here* serves."""
    packed = tarball("packed", "1.4.0", dependencies={"deep": "^1.0.0"}).data
    folder = '{"name": "folder", "version": "0.7.0", "dependencies": {"@s/b": "2"}}\n'
    one = {"name": "one", "version": "1.0.0", "dependencies": {"react": "17", "widgets": "3"}}
    two = {"name": "two", "version": "1.0.0", "dependencies": {"react": "18", "widgets": "3", "one": "1.0.0"}}
    return (
        NodeProject(
            name="plain",
            manifest={"dependencies": {"app": "^1.0.0", "circle-a": "*"}, "devDependencies": {"scripted": "1.x"}},
        ),
        NodeProject(name="scopes", manifest={"dependencies": {"@s/a": "~1.0.0"}, "devDependencies": {"@s/b": "*"}}),
        NodeProject(
            name="aliases",
            manifest={
                "dependencies": {"aliasing": "1", "deep1": "npm:deep@1", "deep2": "npm:deep@^2", "sb": "npm:@s/b"}
            },
        ),
        NodeProject(name="peers", manifest={"dependencies": {"widgets": "^3.0.0", "react": "^18.0.0", "deep": "1"}}),
        NodeProject(
            name="workspaces",
            manifest={"dependencies": {"lib": "*"}},
            members={"packages/one": one, "packages/two": two},
        ),
        NodeProject(
            name="git", manifest={"dependencies": {"fromgit": f"git+{here.git.url}/fromgit.git#v1", "app": "1"}}
        ),
        NodeProject(
            name="files",
            manifest={"dependencies": {"packed": "file:vendor/packed-1.4.0.tgz", "folder": "file:./folder"}},
            files={"vendor/packed-1.4.0.tgz": packed, "folder/package.json": folder},
        ),
        NodeProject(
            name="url", manifest={"dependencies": {"lib-by-url": here.npm.tarball_url("lib", "1.2.0"), "deep": "2"}}
        ),
        NodeProject(
            name="platforms",
            manifest={
                "dependencies": {"native": "0.5.0", "bundling": "1"},
                "optionalDependencies": {"@native/win32-x64": "0.5.0"},
            },
            files={f"ignored/{name}": text for name, text in PACKED.items()},
        ),
        NodeProject(
            name="overrides",
            manifest={"dependencies": {"app": "1", "old-thing": "*", "early": "2.0.0-beta.1"}},
            overrides={"deep": "2.0.0"},
            patched="lib@1.2.0",
        ),
    )  # fmt: skip
