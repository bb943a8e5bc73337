"""Ways around the guard, each tried with real tools: stopped, or it gets through and doctor, docs and README say so."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from safeinstall.ways.coverage import OTHERS, UNREACHED
from tests.builders.built import Built
from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.environments import Venv, machine_npm, npm_project, stored, venv_with_pip
from tests.guarded import FINDING, Guarded, guarded
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer, malware
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """A user with shims on PATH and a guarded environment, and registries that list `evil`, which is known malware."""

    user: Guarded
    venv: Venv
    shims: Path
    pypi: PypiRegistry
    npm: NpmRegistry
    files: Path
    """Programs that carry a pip of their own."""

    def run(self, script: str, project: Path) -> "subprocess.CompletedProcess[str]":
        """Run *script* in a shell of the user's, in *project*."""
        tool = machine_npm()
        names = {
            "bin": self.venv.folder / "bin", "python": self.venv.python, "site": self.venv.site_packages,
            "files": self.files, "shims": self.shims, "npm": tool, "cli": tool.resolve(),
            "npmbin": tool.parent, "other": self.files / "other", "index": self.pypi.index_url,
        }  # fmt: skip
        env = self.user.env({
            "PIP_INDEX_URL": self.pypi.index_url,
            "npm_config_registry": f"{self.npm.url}/",
            "COREPACK_NPM_REGISTRY": self.npm.url,
            "COREPACK_INTEGRITY_KEYS": "0",
            "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0",
        })  # fmt: skip
        env["PATH"] = f"{self.shims}:{self.venv.folder}/bin:{tool.parent}:/usr/bin:/bin"
        return subprocess.run(
            ["bash", "-c", script.format(**{name: str(value) for name, value in names.items()})],
            env=env, cwd=project, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def fetched(self) -> list[str]:
        """Return the artifacts of `evil` that left a registry."""
        return [hit.path for hit in (*self.pypi.artifact_hits(), *self.npm.artifact_hits()) if "evil" in hit.path]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Return a desk with everything set up that there is to set up."""
    folder = tmp_path_factory.mktemp("around")
    with PypiRegistry() as pypi, NpmRegistry() as npm, OsvServer() as osv:
        pypi.add(wheel("evil", "1.0"))
        npm.publish(tarball("evil", bin={"evil": "index.js"}))
        npm.publish(real_npm())
        osv.add(malware("evil", ecosystem="pypi"), malware("evil", ecosystem="npm", ident="MAL-2026-2"))
        home = folder / "home"
        home.mkdir()
        user = guarded(home, osv.url, pypi, npm)
        (home / ".npmrc").write_text(f"registry={npm.url}/\n")
        venv, shims = venv_with_pip(folder / "venv"), folder / "shims"
        for words in (("setup", "--print", "--dir", str(shims)), ("setup", "--venv", str(venv.folder))):
            subprocess.run([sys.executable, "-I", "-m", "safeinstall", *words], env=user.env(), check=True,
                           capture_output=True)  # fmt: skip
        files = folder / "files"
        carriers(files)
        venv_with_pip(files / "other")
        yield Desk(user=user, venv=venv, shims=shims, pypi=pypi, npm=npm, files=files)


def real_npm() -> Built:
    """Return npm itself, as its registry has it: for what fetches an npm to install with."""
    data = stored("npm-10.9.4.tgz").read_bytes()
    manifest = {"name": "npm", "version": "10.9.4", "bin": {"npm": "bin/npm-cli.js", "npx": "bin/npx-cli.js"}}
    return Built(name="npm", version="10.9.4", filename="npm-10.9.4.tgz", data=data,
                 metadata=json.dumps(manifest).encode())  # fmt: skip


def carriers(folder: Path) -> None:
    """Make the programs that bring a pip along, as the well-known ones do: a script, a zipapp, a wheel, a copy."""
    folder.mkdir()
    packed = stored("pip-*.whl")
    shutil.copy(packed, folder / packed.name)
    (folder / "pip.whl").symlink_to(packed.name)
    main = "import sys\nfrom pip._internal.cli.main import main\nsys.exit(main({words}sys.argv[1:]))\n"
    (folder / "get-pip.py").write_text(f"import sys\nsys.path.insert(0, {str(packed)!r})\n" + main.format(words=""))
    shutil.copy(packed, folder / "pip.pyz")
    with zipfile.ZipFile(folder / "pip.pyz", "a") as archive:
        archive.writestr("__main__.py", main.format(words=""))
    (folder / "renamed").write_text(main.format(words=""))
    (folder / "sitecustomize.py").write_text("")


INTO = "install --target out evil"
PIP_STOPPED = {
    "bin/pip": "{bin}/pip " + INTO,
    "python -m pip": "{python} -m pip " + INTO,
    "python -Im pip": "{python} -Im pip " + INTO,
    "python -m runpy": "{python} -m runpy pip " + INTO,
    "PATH without shims": "PATH={bin}:/usr/bin:/bin; pip " + INTO,
    "env -i, as sudo does": "env -i HOME=$HOME SAFEINSTALL_HOME=$SAFEINSTALL_HOME PIP_INDEX_URL={index}"
    " SAFEINSTALL_OSV_URL=$SAFEINSTALL_OSV_URL {bin}/pip " + INTO,
    "an alias": "shopt -s expand_aliases\nalias pip={bin}/pip\npip " + INTO,
    "command pip": "command pip " + INTO,
    "a hidden sitecustomize": "PYTHONPATH={files} {python} -m pip " + INTO,
    "--python": "pip --python {other} install evil",
    "after ensurepip": "{python} -m ensurepip --upgrade >/dev/null && {bin}/pip " + INTO,
    "an activated environment": "VIRTUAL_ENV={bin}/.. PATH={bin}:$PATH pip3 " + INTO,
    "a program that starts pip": "{python} -c 'import subprocess, sys; sys.exit(subprocess.call("
    '[sys.executable, "-m", "pip", *sys.argv[1:]]))' + "' " + INTO,
}
"""How pip is reached, and stopped all the same."""
PIP_THROUGH = {
    "python -S": ("python -S", "PYTHONPATH={site} {python} -S -m pip " + INTO),
    "python -c": ("python -c", "{python} -c 'import sys; from pip._internal.cli.main import main;"
                  " sys.exit(main(sys.argv[1:]))' " + INTO),
    "a program on stdin": ("python -c", "{python} - " + INTO + " <{files}/renamed"),
    "get-pip.py": ("get-pip.py", "{python} {files}/get-pip.py " + INTO),
    "pip.pyz": ("pip.pyz", "{python} {files}/pip.pyz " + INTO),
    "the wheel of pip": ("pip.pyz", "{python} {files}/pip.whl/pip " + INTO),
    "another name": ("another name", "{python} {files}/renamed " + INTO),
    "a made-up word of ours": (
        "SAFEINSTALL_REENTRY",
        'exec env SAFEINSTALL_REENTRY="exec $$ /x" {python} -m pip ' + INTO,
    ),
    "uv pip": ("uv", "uv pip install --target out --default-index {index} evil"),
    "an environment without a guard": ("environment", "{other}/bin/python -m pip " + INTO),
}  # fmt: skip
"""How pip is reached without us, each with the words by which doctor, docs and README say so."""

NPM_STOPPED = {
    "npm": "npm install evil",
    "env npm": "env npm install evil",
    "command npm": "command npm install evil",
    "npm run": "npm pkg set scripts.x='npm install evil' && npm run x",
    "npm exec -c": "npm exec -c 'npm install evil'",
    "npx": "npx --yes evil",
    "--prefix": 'cd / && npm --prefix "$OLDPWD" install evil',
}
NPM_THROUGH = {
    "an absolute path": ("absolute path", "{npm} install evil"),
    "node npm-cli.js": ("absolute path", "node {cli} install evil"),
    "npm_execpath": ("npm_execpath", "npm pkg set scripts.x='node $npm_execpath install evil' && npm run x"),
    "an alias": ("absolute path", "shopt -s expand_aliases\nalias npm={npm}\nnpm install evil"),
    "PATH without shims": ("PATH", "PATH={npmbin}:/usr/bin:/bin; npm install evil"),
    "env -i, as sudo does": ("env -i", "env -i HOME=$HOME PATH={npmbin}:/usr/bin:/bin npm install evil"),
    "npx npm": ("npx npm", "npx --yes npm install evil"),
    "a made-up word of ours": ("SAFEINSTALL_REENTRY", 'SAFEINSTALL_REENTRY="child $$ /x" npm install evil && true'),
    "corepack npm": ("corepack", "corepack npm@10.9.4 install evil"),
}


@pytest.fixture
def project(desk: Desk, tmp_path: Path) -> Path:
    """Return an empty npm project, with registries that were asked nothing yet."""
    desk.pypi.forget()
    desk.npm.forget()
    return npm_project(tmp_path / "project")


def installed(desk: Desk, project: Path) -> bool:
    """Whether `evil` lies anywhere that these commands install to."""
    places = (project / "out", project / "node_modules", desk.venv.site_packages)
    other = (desk.files / "other").glob("lib/python*/site-packages")
    return any(True for place in (*places, *other) for _ in place.glob("evil*"))


@pytest.mark.parametrize("script", [*PIP_STOPPED.values(), *NPM_STOPPED.values()], ids=[*PIP_STOPPED, *NPM_STOPPED])
def test_a_way_that_is_covered_is_stopped(script: str, desk: Desk, project: Path) -> None:
    """Exit code 40, nothing installed, and no byte of the artifact fetched."""
    done = desk.run(script, project)

    assert done.returncode == FINDING, done.stderr
    assert "evil" in done.stderr
    assert not installed(desk, project)
    assert desk.fetched() == []


@pytest.mark.parametrize(
    ("words", "script"), [*PIP_THROUGH.values(), *NPM_THROUGH.values()], ids=[*PIP_THROUGH, *NPM_THROUGH]
)
def test_a_way_that_is_not_covered_is_said(words: str, script: str, desk: Desk, project: Path) -> None:
    """It gets through, which is why doctor, the page on ways in, and the README name it."""
    first = script.partition(" ")[0]
    if first in ("corepack", "uv") and shutil.which(first, path=f"{machine_npm().parent}:/usr/bin:/bin") is None:
        pytest.skip(f"{first} is not on this machine")  # no package of the system's brings it
    done = desk.run(script, project)

    assert done.returncode == 0, done.stderr
    assert installed(desk, project)
    page, readme = (ROOT / "docs/ways-in.md").read_text(), (ROOT / "README.md").read_text()
    for text in (
        " ".join((*UNREACHED, *OTHERS)),
        page.partition("## What no guard reaches")[2],
        readme.partition("**You must not rely on**")[2],
    ):
        assert words in " ".join(text.replace("`", "").split())
