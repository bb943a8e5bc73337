"""Folders and settings that lie in wait: what a cloned repository holds must not run while we only look."""

from pathlib import Path

import pytest

from tests import environments
from tests.builders import deep, sdists
from tests.builders.markers import Marker
from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import ALLOW, FINDING, INSTALLED, NOTHING_INSTALLED, REFUSED, Guarded
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer, malware
from tests.registries.pypi import PypiRegistry
from tests.registries.server import Reply

pytestmark = pytest.mark.integration

SHADOWS = (
    *("pip", "json", "typing", "packaging", "requests", "safeinstall", "sitecustomize", "usercustomize", "setuptools"),
    *("logging", "truststore", "keyring", "installer", "tomllib", "site", "encodings"),
)
"""Modules that somebody would import from here, if the working folder were on the path."""


def test_modules_in_the_working_folder_are_not_imported(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """Neither by us, nor by the planner under the target's Python, nor by pip."""
    pypi.add(*deep.PYPI)
    osv.add(malware("evil", ecosystem="pypi"))
    repository = tmp_path / "repository"
    repository.mkdir()
    for name in SHADOWS:
        (repository / f"{name}.py").write_text(marker.python(name))

    outcome = user.pip(venv, "install", "top", cwd=repository, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert marker.seen() == ()


def test_files_of_a_project_are_not_run_while_npm_plans(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """Settings that name programs, modules with the names of npm's own: none of it runs before the verdict."""
    npm.publish(*deep.NPM)
    osv.add(malware("evil"))
    project = environments.npm_project(
        tmp_path / "project",
        {"dependencies": {"top": "^1.0.0", "theirs": "git+https://git.example/theirs.git"}},
        npmrc=["git=./tool.sh", "script-shell=./tool.sh", "shell=./tool.sh", "editor=./tool.sh", "viewer=./tool.sh"],
    )
    tool = project / "tool.sh"
    tool.write_text(f"#!/bin/sh\n{marker.shell('tool')}\n")
    tool.chmod(0o755)
    for name in ("npm", "@npmcli/arborist", "@npmcli/config", "pacote", "fs", "http"):
        source = f"require('fs').appendFileSync({str(marker.path)!r}, {name + chr(10)!r})\n"
        folder = project / "node_modules" / name
        folder.mkdir(parents=True)
        (folder / "index.js").write_text(source)
        (folder / "package.json").write_text(f'{{"name": "{name}", "version": "1.0.0"}}')

    outcome = npm_user.npm(newest, "install", cwd=project)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert marker.seen() == ()


def test_a_build_requirement_that_the_back_end_names_is_judged_when_it_asks(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """The build was allowed; what it wants to be built with was not."""
    evil = wheel("evil-backend", files={"evil_backend.py": "", "evil.pth": f"import os; {marker.python('evil')}"})
    pypi.add(sdists.in_tree("built", marker=marker, wanted_by_hook=["evil-backend"]), evil)
    osv.add(malware("evil-backend", ecosystem="pypi"))
    allow = ("--safeinstall-allow", "source-build:pkg:pypi/built@1.0", *ALLOW)

    outcome = user.pip(venv, "install", "built", *allow, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in REFUSED, str(outcome)
    assert "built:build_wheel" not in marker.seen()
    assert "evil" not in marker.seen()
    assert venv.installed() == {}


@pytest.mark.parametrize("size", ["huge", "deep", "not-json", "wrong-types"])
def test_a_page_that_is_no_page_ends_in_no_install(
    size: str, user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """An index that answers garbage is an index that did not answer."""
    pypi.add(wheel("top", requires=["low"]), wheel("low"))
    bodies = {
        "huge": b'{"meta": {"api-version": "1.1"}, "name": "low", "files": [' + b" " * 200_000_000 + b"]}",
        "deep": b"[" * 500_000,
        "not-json": b"<<<<",
        "wrong-types": b'{"meta": 7, "name": [], "files": {"a": 1}}',
    }
    kind = "application/vnd.pypi.simple.v1+json"
    pypi.faults["/simple/low/"] = Reply(headers={"Content-Type": kind}, body=bodies[size])

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert venv.installed() == {}


@pytest.mark.parametrize("size", ["deep", "not-json", "wrong-types"])
def test_a_packument_that_is_none_ends_in_no_install(
    size: str, newest: Path, npm_user: Guarded, npm: NpmRegistry, tmp_path: Path
) -> None:
    """A registry that answers garbage is a registry that did not answer."""
    npm.publish(tarball("top", dependencies={"low": "*"}), tarball("low"))
    bodies = {"deep": b"[" * 500_000, "not-json": b"<<<<", "wrong-types": b'{"name": [], "versions": 7}'}
    npm.faults["/low"] = Reply(headers={"Content-Type": "application/json"}, body=bodies[size])
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(newest, "install", "top", cwd=project)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert not (project / "node_modules").exists()


def test_pip3_is_guarded_like_pip(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Every name that pip is called by."""
    pypi.add(*deep.PYPI, wheel("fine"))
    osv.add(malware("evil", ecosystem="pypi"))
    env = user.env({"PIP_INDEX_URL": pypi.index_url})
    env["PATH"] = f"{venv.pip.parent}:{env['PATH']}"

    assert user.run("pip3", "install", "top", cwd=tmp_path, env=env).code == FINDING
    outcome = user.run("pip3", "install", "fine", cwd=tmp_path, env=env)

    assert outcome.code == INSTALLED, str(outcome)
    assert venv.installed() == {"fine": "1.0"}
