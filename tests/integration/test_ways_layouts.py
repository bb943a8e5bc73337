"""Version managers, rebuilt as the folders of shims that they are, with real pips and npms behind them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.environments import machine_npm, npm_tool, optional, optional_tool, venv_with_pip
from tests.guarded import FINDING, Guarded, guarded
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer, malware
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration

PYENV = """\
#!/usr/bin/env bash
# What `pyenv exec` and `pyenv which` do: the version of a file in the folder, or the next one on PATH for `system`.
root=${0%/*/*}
name=$2
version=$(cat .python-version 2>/dev/null || cat "$root/version")
if [ "$version" = system ]; then
    PATH=":$PATH:"; PATH="${PATH//:$root\\/shims:/:}"; PATH="${PATH#:}"; PATH="${PATH%:}"
    found=$(command -v "$name")
else
    found=$root/versions/$version/bin/$name
    export PATH="${found%/*}:$PATH"
fi
shift 2
exec "$found" "$@"
"""
ASDF = """\
#!/usr/bin/env bash
# What `asdf exec` does: all that `.tool-versions` names comes first on PATH.
root=${0%/*/*}
name=$2
shift 2
while read -r plugin version; do PATH="$root/installs/$plugin/$version/bin:$PATH"; done <~/.tool-versions
for folder in ${PATH//:/ }; do
    [ "$folder" != "$root/shims" ] && [ -x "$folder/$name" ] && exec "$folder/$name" "$@"
done
"""
NVM = """\
nvm() {
    case :$PATH in
    *":$NVM_DIR/versions/"*)
        PATH=$(printf %s "$PATH" | sed "s#$NVM_DIR/versions/[^:]*#$NVM_DIR/versions/node/$2/bin#") ;;
    *) PATH="$NVM_DIR/versions/node/$2/bin:$PATH" ;;
    esac
}
"""
"""`nvm use X`: a version that is on PATH is replaced where it stands, or X comes first."""
VOLTA = """\
#!/usr/bin/env bash
# What volta's shim does, a binary: its own folder leaves PATH, the tools that it chose come first.
root=${0%/*/*}
PATH=":$PATH:"; PATH="${PATH//:$root\\/bin:/:}"; PATH="${PATH#:}"; PATH="${PATH%:}"
export PATH="$root/tools/image/npm/10/bin:$root/tools/image/node/20/bin:$PATH"
exec "${0##*/}" "$@"
"""


@dataclass(frozen=True)
class Person:
    """A user of bash with a version manager, after `safeinstall setup`."""

    user: Guarded
    tools: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path

    def bash(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Run *command* in a new interactive shell."""
        words = ["bash", "-ic", command]
        return subprocess.run(
            words, env=self.env, cwd=self.cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def safeinstall(self, *words: str) -> str:
        """Run a command of ours in a new interactive shell."""
        done = self.bash(f"{sys.executable} -I -m safeinstall {' '.join(words)}")
        assert done.returncode in (0, 41), done.stderr
        return done.stdout


@dataclass(frozen=True)
class Registries:
    """What every layout installs from."""

    pypi: PypiRegistry
    npm: NpmRegistry
    osv: OsvServer


@pytest.fixture(scope="module")
def registries() -> Iterator[Registries]:
    """Return registries with one clean and one flagged package each."""
    with PypiRegistry() as pypi, NpmRegistry() as npm, OsvServer() as osv:
        pypi.add(wheel("clean"), wheel("evil"))
        npm.publish(tarball("clean"), tarball("evil"))
        osv.add(malware("evil", ecosystem="pypi"), malware("evil", ident="MAL-2026-2"))
        yield Registries(pypi, npm, osv)


def script(path: Path, text: str) -> Path:
    """Write a script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def pyenv(home: Path, version: str = "3.x") -> str:
    """`~/.pyenv/shims`, and a Python in `~/.pyenv/versions`; returns what stands in `.bashrc`."""
    root = home / ".pyenv"
    script(root / "bin/pyenv", PYENV)
    (root / "version").write_text(version)
    venv_with_pip(root / "versions/3.x")
    for name in ("pip", "pip3", "python3"):
        script(root / "shims" / name, f'#!/usr/bin/env bash\nexec "{root}/bin/pyenv" exec "${{0##*/}}" "$@"\n')
    return f'export PYENV_ROOT="{root}"\nexport PATH="{root}/shims:$PATH"\n'


def pyenv_system(home: Path) -> str:
    """Make pyenv's version `system`: it looks the tool up on PATH, past its own shims, and finds ours first."""
    lines = pyenv(home, "system")
    return f'export PATH="{home}/.pyenv/versions/3.x/bin:$PATH"\n{lines}'


def asdf(home: Path) -> str:
    """`~/.asdf/shims`, before a Python and a node in `~/.asdf/installs`."""
    root = home / ".asdf"
    script(root / "bin/asdf", ASDF)
    venv_with_pip(root / "installs/python/3.x")
    node_into(root / "installs/nodejs/20", home)
    (home / ".tool-versions").write_text("python 3.x\nnodejs 20\n")
    for name in ("pip", "pip3", "npm", "npx", "node"):
        script(root / "shims" / name, f'#!/usr/bin/env bash\nexec {root}/bin/asdf exec "{name}" "$@"\n')
    return f'export PATH="{root}/shims:$PATH"\n'


def nvm(home: Path) -> str:
    """`~/.nvm/versions/node/v20/bin` on PATH, put there by a function."""
    node_into(home / ".nvm/versions/node/v20", home)
    return f'export NVM_DIR="{home}/.nvm"\n{NVM}nvm use v20\n'


def volta(home: Path) -> str:
    """`~/.volta/bin` with one binary under the names of all tools, and images of tools behind it."""
    root = home / ".volta"
    node_into(root / "tools/image/npm/10", home)
    (root / "tools/image/node/20/bin").mkdir(parents=True)
    (root / "tools/image/node/20/bin/node").symlink_to(node())
    shim = script(root / "bin/volta-shim", VOLTA)
    for name in ("npm", "npx", "node"):
        (shim.parent / name).symlink_to("volta-shim")
    return f'export VOLTA_HOME="{root}"\nexport PATH="{root}/bin:$PATH"\n'


def corepack(home: Path) -> str:
    """Put the real one's npm on PATH, and the npm of a project's `packageManager` into its cache."""
    real = machine_npm().resolve().parents[2] / "corepack/dist/npm.js"
    if not real.is_file():
        optional("corepack is not beside npm")
    unpacked = npm_tool("10", home / "unpacked").resolve().parents[1]
    version = json.loads((unpacked / "package.json").read_text())["version"]
    kept = home / "corepack/v1/npm" / version
    kept.parent.mkdir(parents=True)
    unpacked.rename(kept)
    bins = {"npm": "./bin/npm-cli.js", "npx": "./bin/npx-cli.js"}
    known = {"locator": {"name": "npm", "reference": version}, "bin": bins, "hash": "sha512.made-for-tests"}
    (kept / ".corepack").write_text(json.dumps(known))
    (home / "bin").mkdir()
    for name in ("npm", "npx"):
        (home / "bin" / name).symlink_to(real.with_name(f"{name}.js"))
    manifest = {"name": "project", "version": "1.0.0", "packageManager": f"npm@{version}"}
    (home / "project").mkdir()
    (home / "project/package.json").write_text(json.dumps(manifest))
    return f'export COREPACK_HOME="{home}/corepack" COREPACK_ENABLE_NETWORK=0\nexport PATH="{home}/bin:$PATH"\n'


def node() -> Path:
    """Return the machine's node."""
    return optional_tool("node").resolve()


def node_into(folder: Path, home: Path) -> None:
    """Put a node and an npm of its own into *folder*, as an installation of node has them."""
    tool = npm_tool("10", home.parent / f"npm of {folder.name} {folder.parent.name}")
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/node").symlink_to(node())
    (folder / "lib").mkdir()
    (tool.parents[1] / "lib/node_modules").rename(folder / "lib/node_modules")
    for name in ("npm", "npx"):
        (folder / "bin" / name).symlink_to(f"../lib/node_modules/npm/bin/{name}-cli.js")
        (folder / "bin" / name).resolve().chmod(0o755)


LAYOUTS: dict[Callable[[Path], str], tuple[str, ...]] = {
    pyenv: ("pip",),
    pyenv_system: ("pip",),
    asdf: ("pip", "npm"),
    nvm: ("npm",),
    volta: ("npm",),
    corepack: ("npm",),
}
"""Layout -> the tools that come from it."""


@pytest.fixture(scope="module", params=LAYOUTS, ids=lambda layout: layout.__name__)
def person(
    request: pytest.FixtureRequest, registries: Registries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Person]:
    """Return a user of one layout after the setup; at the end it is taken out, and the files are as before."""
    home = tmp_path_factory.mktemp("layout") / "home"
    home.mkdir()
    bashrc = home / ".bashrc"
    bashrc.write_text(request.param(home))
    user = guarded(home, registries.osv.url, registries.pypi, registries.npm)
    project = home / "project"
    project.mkdir(exist_ok=True)
    if not (project / "package.json").exists():
        (project / "package.json").write_text('{"name": "project", "version": "1.0.0"}')
    env = user.env(
        {"PIP_INDEX_URL": registries.pypi.index_url, "NPM_CONFIG_REGISTRY": registries.npm.url, "SHELL": "bash"}
    )
    env["PATH"] = f"{node().parent}:/usr/bin:/bin"
    made = Person(user, LAYOUTS[request.param], env, project)
    before = bashrc.read_bytes()
    made.safeinstall("setup")
    yield made
    made.safeinstall("teardown")
    assert bashrc.read_bytes() == before


def test_what_is_flagged_is_blocked_and_what_is_clean_comes_to_where_the_manager_says(person: Person) -> None:
    """Our shims find the manager's, which find the real tool, and nobody runs in circles."""
    for tool in person.tools:
        blocked = person.bash(f"{tool} install evil")
        assert blocked.returncode == FINDING, blocked.stderr
        done = person.bash(f"{tool} install clean")
        assert done.returncode == 0, done.stderr
        assert "1 release judged" in done.stderr
    pips = [*person.cwd.parent.glob(".pyenv/versions/*"), *person.cwd.parent.glob(".asdf/installs/python/*")]

    assert all([*folder.glob("lib/python*/site-packages/clean.py")] for folder in pips)
    assert ("npm" in person.tools) == (person.cwd / "node_modules/clean/package.json").exists()


@pytest.mark.parametrize(
    ("person", "guarded"), [(nvm, True), (corepack, True), (asdf, False), (volta, False)], indirect=["person"]
)
def test_what_a_managers_tool_starts_is_guarded_where_path_is_left_alone(person: Person, *, guarded: bool) -> None:
    """Scripts of `npm run` look on PATH; asdf and volta put their own folder before all of it, and the docs say so."""
    document = json.loads((person.cwd / "package.json").read_text())
    document["scripts"] = {"x": "npm install --safeinstall-probe here"}
    (person.cwd / "package.json").write_text(json.dumps(document))
    done = person.bash("npm run x")

    assert ("safeinstall-probe here" in done.stdout.splitlines()) == guarded, done.stdout


@pytest.mark.parametrize("person", [nvm], indirect=True)
def test_another_version_takes_the_place_of_the_first(person: Person) -> None:
    """`nvm use` in a shell that runs already changes PATH behind our shims."""
    done = person.bash("nvm use v20; env npm install --safeinstall-probe here")

    assert done.stdout.endswith("safeinstall-probe here\n"), done.stderr


def test_the_doctor_knows_the_layout(person: Person) -> None:
    """Each tool of it is covered, by a shim of ours before the manager's."""
    ways = {way["name"]: way for way in json.loads(person.safeinstall("doctor", "--json"))["ways"]}

    for tool in person.tools:
        assert ways[tool]["state"] == "covered", ways[tool]
        assert "a shim before" in ways[tool]["where"]
