"""What real tools lock when they are not let out: two registries, git repositories and archives, all on loopback."""

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.builders.built import Built
from tests.builders.sdists import IN_TREE, sdist
from tests.builders.tarballs import tarball
from tests.builders.wheels import core_metadata, escaped, module, wheel
from tests.registries.npm import NpmRegistry
from tests.registries.pypi import PypiRegistry
from tests.registries.server import Asked, LoopbackHttp, Reply

BACKEND = """
import os, zipfile
NAME, VERSION, METADATA = {name!r}, {version!r}, {metadata!r}
INFO = f"{{NAME}}-{{VERSION}}.dist-info"
WHEEL = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
FILES = {{"METADATA": METADATA, "WHEEL": WHEEL}}
def get_requires_for_build_wheel(config=None):
    return []
get_requires_for_build_editable = get_requires_for_build_wheel
def prepare_metadata_for_build_wheel(folder, config=None):
    os.makedirs(os.path.join(folder, INFO))
    for name, text in FILES.items():
        with open(os.path.join(folder, INFO, name), "w") as file:
            file.write(text)
    return INFO
prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel
def build_wheel(folder, config=None, metadata=None):
    made = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, made), "w") as archive:
        for name, text in {{**FILES, "RECORD": ""}}.items():
            archive.writestr(f"{{INFO}}/{{name}}", text)
    return made
build_editable = build_wheel
"""
"""A build back end that needs nothing; it lies in the project itself."""

AUTHOR = {
    **{f"GIT_{who}_NAME": "made for tests" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "tests@mail.example" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "2020-01-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
"""What makes a commit the same in every run."""


class GitServer(LoopbackHttp):
    """Serves the bare repositories of a folder, as `git http-backend` does behind any web server."""

    def __init__(self, folder: Path) -> None:
        """Bind; *folder* holds the repositories."""
        super().__init__()
        self._folder = folder

    def answer(self, asked: Asked) -> Reply:
        """See `LoopbackHttp.answer`."""
        body = gzip.decompress(asked.body) if asked.headers.get("content-encoding") == "gzip" else asked.body
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self._folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": asked.headers.get("git-protocol", ""),
            "REQUEST_METHOD": asked.method,
            "PATH_INFO": asked.path,
            "QUERY_STRING": asked.query,
            "CONTENT_TYPE": asked.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=False)
        head, _, sent = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0])
        return Reply(status=status, headers=headers, body=sent)


@dataclass(frozen=True, slots=True)
class World:
    """Where the servers are, and how their addresses are spelled in what is kept."""

    pypi: PypiRegistry
    npm: NpmRegistry
    git: GitServer

    def rewritten(self, text: str, project: Path) -> str:
        """Return *text* with example names for every address and folder of this machine."""
        names = {
            self.pypi.urls[0]: "https://pypi.example",
            self.pypi.urls[1]: "https://files.example",
            self.npm.url: "https://npm.example",
            self.git.url: "https://git.example",
            # pnpm 8 makes folder names of addresses.
            self.git.url.removeprefix("http://").replace(":", "+"): "git.example",
            str(project): "/srv/project",
        }
        for theirs, ours in names.items():
            text = text.replace(theirs, ours).replace(quote(theirs, safe=""), quote(ours, safe=""))
        return text

    @property
    def local(self) -> bytes:
        """The bytes of a wheel that projects keep in their own folder."""
        return wheel("local-file", "5.0", requires=["speed"]).data


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Serve everything that the projects ask for; *folder* holds the repositories."""
    repositories(folder)
    with PypiRegistry("127.0.0.1", "127.0.0.2") as pypi, NpmRegistry() as npm, GitServer(folder) as git:
        fill_pypi(pypi)
        fill_npm(npm, git.url)
        yield World(pypi, npm, git)


def fill_pypi(index: PypiRegistry) -> None:
    """List what the Python projects ask for."""
    index.add(
        *(wheel("app", requires=["lib>=1"]), wheel("lib", "1.0"), wheel("lib", "1.2", requires=["deep[more]"])),
        *(wheel("deep", extras={"more": ["deeper"]}), wheel("deeper"), wheel("speed", "3.1"), wheel("parse")),
        wheel("web", "2.0", requires=["app"], extras={"fast": ["speed>=1"], "json": ["parse", "deep[more]"]}),
        *(wheel("circle-a", requires=["circle-b"]), wheel("circle-b", requires=["circle-a"])),
        wheel("winonly"),
        wheel("oldpy", requires=["app; python_version < '3'", "lib"]),
        wheel("marked", requires=["winonly; sys_platform == 'win32'", "oldpy; python_version < '3.12'", "deeper"]),
        *(wheel("two", one) for one in ("1.0", "2.0")),
        wheel("Zeta.Name_X", requires=["DEEPER"]),
        *(wheel("loc", "1.0+cpu"), wheel("epoch", "1!2.0"), wheel("posted", "1.0.post1"), wheel("early", "2.0rc1")),
        *(wheel("direct", "4.0", requires=["deeper"]), wheel("linter"), wheel("tester", "7.0", requires=["parse"])),
        source("srconly", "1.1", requires=["deeper"]),
    )
    for tag in ("cp311-cp311-manylinux_2_17_x86_64", "cp311-abi3-macosx_11_0_arm64", "cp312-cp312-win_amd64"):
        index.add(wheel("native", tag=tag))
    index.add(source("native", "1.0"))
    index.add(wheel("regretted", "0.9"), yanked="it was broken")


def fill_npm(registry: NpmRegistry, git: str) -> None:
    """Publish what the npm projects ask for."""
    registry.publish(
        *(tarball("deep", one) for one in ("1.0.0", "2.0.0")),
        tarball("lib", "1.2.0", dependencies={"deep": "^1.0.0"}),
        tarball("app", "1.0.0", dependencies={"lib": "^1.0.0", "deep": "^2.0.0"}),
        tarball("@s/a", "1.0.0", dependencies={"@s/b": "^2.0.0", "deep": "1"}),
        tarball("@s/b", "2.1.0"),
        tarball("aliasing", "1.0.0", dependencies={"other-name": "npm:@s/b@^2.0.0", "deep": "2"}),
        *(tarball("react", one) for one in ("17.0.2", "18.2.0")),
        tarball("plugin", "1.0.0", peerDependencies={"react": "17 || 18"}),
        tarball(
            "widgets", "3.0.0", dependencies={"plugin": "^1.0.0"},
            peerDependencies={"react": ">=17", "deep": "*"}, peerDependenciesMeta={"deep": {"optional": True}},
        ),
        tarball("early", "2.0.0-beta.1"),
        *(tarball("circle-a", dependencies={"circle-b": "*"}), tarball("circle-b", dependencies={"circle-a": "*"})),
        tarball("scripted", "1.0.0", scripts={"postinstall": "node -e 0"}),
        tarball("gitter", "1.0.0", dependencies={"fromgit": f"git+{git}/fromgit.git#v1"}),
    )  # fmt: skip
    registry.publish(tarball("old-thing", "0.1.0"), deprecated="use another thing")
    systems = {"linux-x64": ("linux", "x64"), "darwin-arm64": ("darwin", "arm64"), "win32-x64": ("win32", "x64")}
    for name, (system, cpu) in systems.items():
        registry.publish(tarball(f"@native/{name}", "0.5.0", os=[system], cpu=[cpu]))
    optional = {f"@native/{name}": "0.5.0" for name in systems}
    registry.publish(tarball("native", "0.5.0", optionalDependencies=optional))
    inside = {f"node_modules/inner/{name}": text for name, text in PACKED.items()}
    registry.publish(
        tarball(
            "bundling", files={"index.js": "", **inside},
            dependencies={"inner": "1.0.0", "deep": "^1.0.0"}, bundleDependencies=["inner"],
        )
    )  # fmt: skip
    registry.publish(tarball("inner", "1.0.0"))


PACKED = {"package.json": '{"name": "inner", "version": "1.0.0"}\n', "index.js": ""}
"""A package that another one brings inside its tarball."""


def project_files(name: str, version: str, requires: list[str]) -> Mapping[str, str]:
    """Return a Python project that builds itself, with static metadata for the tools that read it."""
    listed = ", ".join(f'"{one}"' for one in requires)
    head = f'[project]\nname = "{name}"\nversion = "{version}"\ndependencies = [{listed}]\n\n'
    backend = BACKEND.format(
        name=escaped(name), version=version, metadata=core_metadata(name, version, requires=requires)
    )
    return {
        "pyproject.toml": head + IN_TREE.format(requires="[]"),
        "backend.py": backend,
        f"{module(name)}.py": "",
    }


def source(name: str, version: str, *, requires: tuple[str, ...] | list[str] = ()) -> Built:
    """Return an sdist that builds itself and whose metadata is static."""
    files = dict(project_files(name, version, list(requires)))
    pyproject = files.pop("pyproject.toml")
    return sdist(name, version, requires=requires, metadata_version="2.2", files=files, pyproject=pyproject)


def repositories(folder: Path) -> None:
    """Put bare repositories into *folder*: one of a Python project, one of an npm package."""
    python = project_files("fromgit", "0.3", ["deeper"])
    node = {"package.json": '{"name": "fromgit", "version": "0.3.0", "dependencies": {"deep": "^1.0.0"}}\n'}
    for name, files in (("pyfromgit", python), ("fromgit", {**node, "index.js": ""})):
        work = folder / f"{name}-work"
        written(work, files)
        for words in (
            ["init", "--quiet", "--initial-branch=main"],
            ["add", "--all"],
            ["commit", "--quiet", "--message=first"],
            ["tag", "v1"],
        ):
            subprocess.run(["git", *words], cwd=work, check=True, env={"PATH": os.environ["PATH"], **AUTHOR})
        bare = folder / f"{name}.git"
        subprocess.run(["git", "clone", "--quiet", "--bare", work, bare], check=True)
        shutil.rmtree(work)


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write *files* below *folder*, and return it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder
