"""What the registries themselves say of a project or release, seen by real pip and npm."""

import json
import shutil
from pathlib import Path

import pytest

from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.environments import Venv, node_modules, npm_project
from tests.guarded import FINDING, INSTALLED, UNRESOLVED, Guarded
from tests.registries.npm import NpmRegistry
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration


def test_a_quarantined_project_blocks_and_an_archived_one_is_noted(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """The reason is the registry's own; the other states of a project are counted, and kept in reports."""
    pypi.add(wheel("app", requires=["held", "old", "gone"]), wheel("held"), wheel("old"), wheel("gone"))
    pypi.set_status("held", "quarantined", "reported as malware")
    pypi.set_status("old", "archived")

    outcome = user.pip(venv, "install", "app", "--format=json", cwd=tmp_path, index=pypi.index_url, plan=True)

    assert outcome.code == FINDING, str(outcome)
    rulings = {one["kind"]: one for one in json.loads(outcome.out)["rulings"]}
    assert rulings["quarantined"]["decision"] == "block"
    assert rulings["quarantined"]["evidence"] == ["reason given: reported as malware"]
    assert rulings["archived"]["decision"] == "note"
    assert pypi.artifact_hits() == ()


@pytest.mark.parametrize("status", ["quarantined", None], ids=["told", "not-told"])
def test_the_empty_project_that_a_quarantine_leaves_is_named(
    status: str | None, user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """By itself pip would only say that nothing matches."""
    pypi.add(wheel("app", requires=["held"]), wheel("held"))
    pypi.set_status("held", status or "active", empty=True)

    outcome = user.pip(venv, "install", "app", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == UNRESOLVED, str(outcome)
    words = "is quarantined by its registry: no file" if status else "knows `held` and lists no file of it, as after a"
    assert words in outcome.err, str(outcome)
    assert venv.installed() == {}


def test_names_that_npm_holds_block_by_version_and_by_repository(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path
) -> None:
    """Whatever a lockfile or a range asks for, the name is one that was taken from malware."""
    npm.publish(tarball("held", "0.0.1-security"))
    npm.publish(tarball("kept", "1.0.0"), tarball("kept", "9.0.0", repository="npm/security-holder"))
    npm.publish(tarball("honest", "1.0.0", description="a security holding pattern"))
    project = npm_project(tmp_path / "project")

    outcome = npm_user.npm(newest, "install", "held", "kept@1.0.0", "honest", cwd=project)

    assert outcome.code == FINDING, str(outcome)
    for name in ("held", "kept"):
        assert f"`{name}` is a name that the registry took away from malware" in outcome.err, str(outcome)
    assert "2 findings" in outcome.err, str(outcome)
    assert node_modules(project) == {}


def test_what_was_unpublished_is_said_to_be(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """A lockfile still asks for it, and its tarball may still be served; the twin that is listed installs."""
    npm.publish(tarball("lib", "1.0.0"), tarball("twin", "1.0.0"))
    project = npm_project(tmp_path / "project")
    first = npm_user.npm(newest, "install", "lib", "twin", cwd=project)
    npm.publish(tarball("lib", "1.0.1"))
    npm.unpublish("lib", "1.0.0")
    shutil.rmtree(npm_user.home / "safeinstall" / "cache")  # the registry let it be used for five minutes

    outcome = npm_user.npm(newest, "ci", cwd=project)

    assert first.code == INSTALLED, str(first)
    assert outcome.code == FINDING, str(outcome)
    assert "`lib` 1.0.0 was taken out of its registry" in outcome.err, str(outcome)
    assert "twin" not in outcome.err, str(outcome)
