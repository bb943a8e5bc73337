"""Scripts of dependencies run only where they may: shown by the marks that they leave."""

from pathlib import Path

import pytest

from tests.builders.built import Built
from tests.builders.markers import Marker
from tests.builders.tarballs import marking_scripts, tarball
from tests.environments import node_modules, npm_project, npm_tool
from tests.guarded import FINDING, INSTALLED, SOON, Guarded
from tests.registries.npm import NpmRegistry

pytestmark = pytest.mark.integration


@pytest.fixture(params=["8", "machine"])
def npms(request: pytest.FixtureRequest, tools: Path) -> Path:
    """Return the oldest and the newest npm."""
    return npm_tool(str(request.param), tools)


def bad(marker: Marker) -> Built:
    """Return a package whose own package.json calls it by the name of one that may run scripts."""
    scripts = marking_scripts(marker, "bad")
    return tarball("bad", scripts=scripts, files={"package.json": tarball("good", scripts=scripts).metadata})


@pytest.fixture
def project(tmp_path: Path, npm: NpmRegistry, marker: Marker) -> Path:
    """Return a project with a script of its own, which wants two packages with scripts, one by an alias as well."""
    npm.publish(tarball("good", scripts=marking_scripts(marker, "good")), bad(marker))
    manifest = {
        "dependencies": {"good": "1.0.0", "bad": "1.0.0", "alias": "npm:bad@1.0.0"},
        "scripts": {"postinstall": marker.shell("own")},
    }
    return npm_project(tmp_path / "project", manifest)


def ran(marker: Marker) -> set[str]:
    """Return whose scripts left a mark."""
    return {label.partition(":")[0] for label in marker.seen()}


def test_by_default_scripts_run_as_without_us(npm_user: Guarded, newest: Path, project: Path, marker: Marker) -> None:
    """What was judged may run; deciding more is a setting."""
    outcome = npm_user.npm(newest, "install", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert ran(marker) == {"good", "bad", "own"}


def test_a_release_that_is_not_listed_asks(npm_user: Guarded, newest: Path, project: Path, marker: Marker) -> None:
    """Nothing runs before somebody has decided, and the message tells what wants to."""
    npm_user.settings('[scripts]\nnpm = "listed"\nallowed = ["pkg:npm/good@1.0.0"]\n')

    outcome = npm_user.npm(newest, "install", cwd=project)

    assert outcome.code == FINDING, str(outcome)
    assert "error[install-script]: `bad` 1.0.0 wants to run scripts on install" in outcome.err
    assert "= evidence: preinstall:" in outcome.err, str(outcome)
    assert "`good` 1.0.0 wants" not in outcome.err
    assert ran(marker) == set()


@pytest.mark.parametrize("told", [True, False], ids=["told", "hidden"])
def test_only_listed_scripts_run(
    npm_user: Guarded, npms: Path, npm: NpmRegistry, project: Path, marker: Marker, *, told: bool
) -> None:
    """Also where the registry does not tell that there are any; everything is installed, and the user's own run."""
    if not told:
        npm.publish(bad(marker), scripts={})
    npm_user.settings(
        '[scripts]\nnpm = "listed"\nallowed = ["pkg:npm/good@1.0.0"]\n[policy]\ninstall-script = "warn"\n'
    )

    outcome = npm_user.npm(npms, "install", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert set(node_modules(project)) == {"good", "bad", "alias"}
    assert ran(marker) == {"good", "own"}


def test_with_block_an_override_is_the_only_way(npm_user: Guarded, npms: Path, project: Path, marker: Marker) -> None:
    """`safeinstall allow` with the exact version lets scripts run; being listed does not."""
    npm_user.settings('[scripts]\nnpm = "block"\nallowed = ["pkg:npm/bad@1.0.0"]\n')
    words = ("--check", "install-script", "--reason", "read", "--until", SOON)
    allowed = npm_user.run("allow", "pkg:npm/good@1.0.0", *words, cwd=project, env=npm_user.env())

    outcome = npm_user.npm(npms, "install", cwd=project)

    assert allowed.code == 0, str(allowed)
    assert outcome.code == INSTALLED, str(outcome)
    assert ran(marker) == {"good", "own"}
