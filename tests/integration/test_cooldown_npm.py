"""Guarded npm takes the newest versions that are old enough, whole families at a time, and `npm ci` stays possible."""

import json
import subprocess
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.builders.tarballs import tarball
from tests.environments import node_modules, npm_project, npm_tool
from tests.guarded import FINDING, INSTALLED, Guarded
from tests.registries.npm import LONG_AGO, NpmRegistry
from tests.registries.osv import OsvServer, vulnerability

pytestmark = pytest.mark.integration

NOW = datetime.now(timezone.utc)
YOUNG = NOW - timedelta(hours=12, minutes=5)


def said(err: str) -> list[str]:
    """Return what was withheld and let through."""
    return sorted(line for line in err.splitlines() if line.startswith(("withheld", "let through")))


def locked(project: Path) -> Mapping[str, str]:
    """Return location -> version of the lockfile."""
    packages = json.loads((project / "package-lock.json").read_text())["packages"]
    return {place: entry["version"] for place, entry in packages.items() if place}


def family(npm: NpmRegistry, version: str, time: datetime, *, parts: datetime) -> None:
    """Publish a package whose code for each platform lies in an optional package."""
    names = {"linux": "@tool/linux", "other": "@tool/other"}
    for system, name in names.items():
        npm.publish(tarball(name, version, os=[system if system == "linux" else "aix"]), time=parts)
    wanted = dict.fromkeys(names.values(), version)
    npm.publish(tarball("tool", version, optionalDependencies=wanted), time=time)


@pytest.fixture(params=["8", "machine"])
def npms(request: pytest.FixtureRequest, tools: Path) -> Path:
    """Return the oldest and the newest npm."""
    return npm_tool(str(request.param), tools)


def test_tags_and_ranges_take_what_is_old_enough(
    npm_user: Guarded, npms: Path, npm: NpmRegistry, tmp_path: Path
) -> None:
    """`latest` moves down its line, no prerelease stands in, and what is newest in range is the newest that is old."""
    npm.publish(tarball("lib", "1.9.0"), tarball("lib", "2.0.0"), tarball("dep", "1.0.0"))
    npm.publish(tarball("lib", "2.1.0-rc.1"), tag="next")
    npm.publish(tarball("lib", "2.1.0", dependencies={"new": "1"}), tarball("dep", "1.1.0"), tarball("new"), time=YOUNG)
    npm.publish(tarball("app", "1.0.0", dependencies={"dep": "^1.0.0"}))
    npm.publish(tarball("rc", "3.0.0-rc.1"), tag="next")
    npm.publish(tarball("rc", "3.0.0-rc.2"), tag="next", time=YOUNG)
    project = npm_project(tmp_path / "project")

    outcome = npm_user.npm(npms, "install", "lib", "app", "rc@next", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert node_modules(project) == {"lib": "2.0.0", "app": "1.0.0", "dep": "1.0.0", "rc": "3.0.0-rc.1"}
    assert said(outcome.err) == [
        "withheld: dep 1.1.0 (12 h old); took 1.0.0",
        "withheld: lib 2.1.0 (12 h old); took 2.0.0",
        "withheld: rc 3.0.0-rc.2 (12 h old); took 3.0.0-rc.1",
    ]


def test_a_family_is_withheld_together_and_npm_ci_stays_possible(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path
) -> None:
    """A parent that is old enough by minutes does not lose its platforms; the lockfile holds all of them."""
    family(npm, "1.0.0", LONG_AGO, parts=LONG_AGO)
    family(npm, "2.0.0", NOW - timedelta(hours=73), parts=NOW - timedelta(hours=71))
    project = npm_project(tmp_path / "project", {"dependencies": {"tool": "*"}})

    outcome = npm_user.npm(newest, "install", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    expected = dict.fromkeys(("node_modules/tool", "node_modules/@tool/linux", "node_modules/@tool/other"), "1.0.0")
    assert locked(project) == expected, str(outcome)
    env = {**npm_user.env(), "npm_config_audit": "false"}
    again = subprocess.run([str(newest), "ci"], cwd=project, env=env, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr


def test_an_older_version_is_taken_of_what_needs_something_withheld(
    npm_user: Guarded, npms: Path, npm: NpmRegistry, tmp_path: Path
) -> None:
    """By itself it would stop: it never looks for an older version whose requirements can be met."""
    npm.publish(tarball("core", "1.0.0"), tarball("plugin", "1.0.0", dependencies={"core": "^1.0.0"}))
    npm.publish(tarball("plugin", "1.1.0", dependencies={"core": "^1.1.0"}))
    npm.publish(tarball("core", "1.1.0"), time=YOUNG)
    project = npm_project(tmp_path / "project")

    outcome = npm_user.npm(npms, "install", "plugin", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert node_modules(project) == {"plugin": "1.0.0", "core": "1.0.0"}


def test_pins_and_lockfiles_are_judged(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """Typed, in package.json or locked: it blocks, with the newest version that is old enough; installed is no news."""
    npm.publish(tarball("lib", "1.0.0"), tarball("lib", "1.5.0-rc.1"), tarball("other", "1.0.0"))
    npm.publish(tarball("lib", "2.0.0"), time=YOUNG)
    project = npm_project(tmp_path / "project")

    typed = npm_user.npm(newest, "install", "lib@2.0.0", cwd=project)
    plain = npm_user.npm(newest, "install", "lib", "--safeinstall-cooldown=0", cwd=project)
    more = npm_user.npm(newest, "install", "other", cwd=project)
    update = npm_user.npm(newest, "update", cwd=project)
    ci = npm_user.npm(newest, "ci", cwd=project)

    for outcome in (typed, ci):
        assert outcome.code == FINDING, str(outcome)
        assert "error[fresh-release]: `lib` 2.0.0 was uploaded 12 h ago, less than 72 h" in outcome.err
        assert "hint: take `lib` 1.0.0, the newest that is old enough" in outcome.err
    assert plain.code == more.code == update.code == INSTALLED, f"{plain}\n{more}\n{update}"
    assert node_modules(project) == {"lib": "2.0.0", "other": "1.0.0"}


def test_in_the_mode_block_nothing_is_hidden_from_npm(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path
) -> None:
    """What npm would take by itself is judged: the plan is the plain one, and it blocks with the way back."""
    npm_user.settings('[cooldown]\nmode = "block"\n')
    npm.publish(tarball("lib", "1.0.0"), time=LONG_AGO)
    npm.publish(tarball("lib", "1.1.0"), time=YOUNG)
    project = npm_project(tmp_path / "project", {})

    young = npm_user.npm(newest, "install", "lib", cwd=project)
    older = npm_user.npm(newest, "install", "lib@1.0.0", cwd=project)

    assert young.code == FINDING, str(young)
    assert "error[fresh-release]: `lib` 1.1.0 was uploaded 12 h ago, less than 72 h" in young.err, str(young)
    assert "`lib` 1.0.0" in young.err
    assert said(young.err) == []
    assert older.code == INSTALLED, str(older)
    assert node_modules(project) == {"lib": "1.0.0"}


def test_what_no_plan_can_do_without_blocks_and_is_named(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path
) -> None:
    """A first release that is young, asked for by a range; others stay withheld."""
    npm.publish(tarball("other", "1.0.0"))
    npm.publish(tarball("brand-new", "1.0.0"), tarball("other", "1.1.0"), time=YOUNG)
    npm.publish(tarball("app", "1.0.0", dependencies={"brand-new": "^1.0.0", "other": "^1.0.0"}))
    project = npm_project(tmp_path / "project")

    outcome = npm_user.npm(newest, "install", "app", cwd=project)

    assert outcome.code == FINDING, str(outcome)
    assert "pkg:npm/brand-new@1.0.0, required by app 1.0.0" in outcome.err
    assert "no version of `brand-new` is old enough yet" in outcome.err
    assert "other@1.1.0" not in outcome.err
    assert node_modules(project) == {}


def test_the_first_fixed_version_is_let_through_and_no_later_one(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Exactly the version that mends what would be installed instead may be young."""
    npm.publish(tarball("lib", "1.0.0"))
    npm.publish(tarball("lib", "1.0.1"), tarball("lib", "1.1.0"), time=YOUNG)
    osv.add(vulnerability("lib", versions=["1.0.0"], ecosystem="npm", ident="GHSA-test-0001", fixed="1.0.1"))
    project = npm_project(tmp_path / "project")

    outcome = npm_user.npm(newest, "install", "lib", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert node_modules(project) == {"lib": "1.0.1"}
    assert said(outcome.err) == [
        "let through: lib 1.0.1 (12 h old), the first version that mends GHSA-test-0001, which hits 1.0.0",
        "withheld: lib 1.1.0 (12 h old); took 1.0.1",
    ]
