"""`npm install` with every kind of dependency, its failures, and other people's files."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import environments
from tests.builders import deep
from tests.builders.built import Built
from tests.builders.markers import Marker
from tests.builders.tarballs import marking_scripts, tarball
from tests.guarded import (
    ALLOW,
    FINDING,
    GAP,
    INSTALLED,
    NOTHING_INSTALLED,
    REFUSED,
    UNRESOLVED,
    Guarded,
    files_of,
    first_artifact,
    last_question,
    strangers,
)
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer, malware

pytestmark = pytest.mark.integration

SHELF: tuple[Built, ...] = (
    *deep.NPM,
    tarball("lower", "1.0.7", dependencies={"evil": "^6.0.0"}),
    tarball("lower", "2.0.0"),
    tarball("plugin", peerDependencies={"host": "^1.0.0"}),
    tarball("host", "1.4.0"),
    tarball("host", "2.0.0"),
    tarball("native", optionalDependencies={"native-here": "1.0.0", "native-elsewhere": "1.0.0"}),
    tarball("native-here", os=["linux"]),
    tarball("native-elsewhere", os=["plan9"]),
    tarball("tool", bin={"tool": "cli.js"}, files={"index.js": "", "cli.js": "#!/usr/bin/env node\n"}),
    tarball("tagged", "3.0.0-beta.1"),
    tarball("left", dependencies={"lower": "^1.0.0"}),
    tarball("right", dependencies={"lower": "^2.0.0"}),
    tarball("circle", dependencies={"ring": "*"}),
    tarball("ring", dependencies={"circle": "*"}),
)

PROJECTS: Mapping[str, tuple[Mapping[str, object], tuple[str, ...]]] = {
    "install": ({"dependencies": {"top": "^1.0.0"}}, ("install",)),
    "dev": ({"devDependencies": {"tool": "^1.0.0"}, "dependencies": {"host": "1"}}, ("install",)),
    "omit dev": ({"devDependencies": {"tool": "^1.0.0"}, "dependencies": {"host": "1"}}, ("install", "--omit=dev")),
    "save-dev": ({}, ("install", "--save-dev", "tool")),
    "save-exact": ({}, ("i", "--save-exact", "host@1")),
    "optional platform packages": ({"dependencies": {"native": "*"}}, ("install",)),
    "peer": ({"dependencies": {"plugin": "*"}}, ("install",)),
    "nested": ({"dependencies": {"left": "*", "right": "*"}}, ("install",)),
    "circle": ({}, ("add", "circle")),
    "alias": ({"dependencies": {"other": "npm:host@^1.0.0"}}, ("install",)),
    "overrides": ({"dependencies": {"left": "*"}, "overrides": {"lower": "2.0.0"}}, ("install",)),
    "tag": ({}, ("install", "tagged@next")),
    "range": ({}, ("install", "host@>=1 <2")),
    "no-save": ({}, ("install", "--no-save", "host")),
    "no lockfile": ({"dependencies": {"top": "^1.0.0"}}, ("install", "--no-package-lock")),
    "ignore-scripts": ({"dependencies": {"top": "^1.0.0"}}, ("install", "--ignore-scripts")),
    "legacy-peer-deps": ({"dependencies": {"plugin": "*"}}, ("install", "--legacy-peer-deps")),
    "update": ({"dependencies": {"host": "^1.0.0"}}, ("update",)),
    "dry-run": ({"dependencies": {"top": "^1.0.0"}}, ("install", "--dry-run")),
    "lockfile only": ({"dependencies": {"top": "^1.0.0"}}, ("install", "--package-lock-only")),
}


def publish_shelf(npm: NpmRegistry) -> None:
    """Publish everything, `tagged` under a tag of its own."""
    for built in SHELF:
        npm.publish(built, tag="next" if built.name == "tagged" else "latest")


@pytest.mark.parametrize(("manifest", "argv"), PROJECTS.values(), ids=PROJECTS.keys())
def test_a_project_ends_as_in_a_plain_install(
    manifest: Mapping[str, object],
    argv: tuple[str, ...],
    newest: Path,
    npm_user: Guarded,
    npm: NpmRegistry,
    tmp_path: Path,
) -> None:
    """Every file of the project is byte for byte the same."""
    publish_shelf(npm)
    one, other = (environments.npm_project(tmp_path / name / "project", manifest) for name in ("one", "other"))

    outcome = npm_user.npm(newest, *argv, cwd=one)
    assert outcome.code == INSTALLED, str(outcome)
    env = npm_user.env()
    done = subprocess.run([str(newest), *argv], env=env, cwd=other, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

    assert files_of(one) == files_of(other)
    assert strangers(one, npm) == []


def test_only_the_malicious_versions_of_a_package_block(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Protestware: three versions are malicious, the others are not."""
    npm.publish(*(tarball("ipc", f"10.1.{patch}") for patch in range(4)))
    osv.add(malware("ipc", versions=["10.1.1", "10.1.2", "10.1.3"]))
    project = environments.npm_project(tmp_path / "project")

    assert npm_user.npm(newest, "install", "ipc@10.1.2", cwd=project).code == FINDING
    assert npm_user.npm(newest, "install", "ipc@^10.1.0", cwd=project).code == FINDING
    outcome = npm_user.npm(newest, "install", "ipc@10.1.0", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert environments.node_modules(project) == {"ipc": "10.1.0"}


def test_a_malicious_optional_or_development_dependency_blocks(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Both are installed, so both are judged."""
    npm.publish(tarball("evil"), tarball("top", optionalDependencies={"evil": "*"}))
    osv.add(malware("evil"))

    for number, manifest in enumerate([{"devDependencies": {"evil": "*"}}, {"dependencies": {"top": "*"}}]):
        project = environments.npm_project(tmp_path / str(number), manifest)
        outcome = npm_user.npm(newest, "install", cwd=project)
        assert outcome.code == FINDING, str(outcome)
        assert not (project / "node_modules").exists()


@pytest.mark.parametrize("argv", [("install", "nowhere"), ("install", "host@^99"), ("ci",)])
def test_what_cannot_be_resolved_is_said_in_npms_words(
    argv: tuple[str, ...], newest: Path, npm_user: Guarded, npm: NpmRegistry, tmp_path: Path
) -> None:
    """Exit 42: there was no set to judge."""
    publish_shelf(npm)
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"host": "^1.0.0"}})

    outcome = npm_user.npm(newest, *argv, cwd=project)

    assert outcome.code == UNRESOLVED, str(outcome)
    assert not (project / "node_modules").exists()


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_registry_that_fails_installs_nothing(
    status: int, newest: Path, npm_user: Guarded, npm: NpmRegistry, tmp_path: Path
) -> None:
    """A registry's outage is never read as "no such dependency"."""
    npm.publish(*deep.NPM)
    npm.fail("/lower", status)
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(newest, "install", "top", cwd=project, env={"NPM_CONFIG_FETCH_RETRIES": "0"})

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert not (project / "node_modules").exists()


def test_a_manifest_that_changes_after_the_verdict_brings_nothing_in(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Npm reads package.json again when it installs; what it names then and was not judged is not to be had."""
    npm.publish(*deep.NPM, tarball("unjudged"))
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"top": "^1.0.0"}})
    changed = json.dumps({"name": "project", "version": "1.0.0", "dependencies": {"top": "^1.0.0", "unjudged": "*"}})
    osv.after["/v1/querybatch"] = lambda: (project / "package.json").write_text(changed)

    outcome = npm_user.npm(newest, "install", cwd=project)

    assert outcome.code in REFUSED, str(outcome)
    assert "unjudged" not in environments.node_modules(project)


def test_a_lockfile_that_changes_after_the_verdict_brings_nothing_in(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """Other bytes with their own right integrity in a lockfile written meanwhile are not what was judged."""
    npm.publish(tarball("low"))
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"low": "1.0.0"}})
    assert npm_user.npm(newest, "install", cwd=project).code == INSTALLED
    other = NpmRegistry()
    with other:
        other.publish(tarball("low", scripts=marking_scripts(marker, "low")))
        lock = (project / "package-lock.json").read_text()
        swapped = lock.replace(npm.integrity("low", "1.0.0"), other.integrity("low", "1.0.0")).replace(
            npm.url, other.url
        )
        fresh = environments.npm_project(tmp_path / "fresh", {"dependencies": {"low": "1.0.0"}})
        (fresh / "package-lock.json").write_text(lock)
        npm_user.settings("deadline = 6.0\n[cache]\nhours = 0\n")
        osv.after["/v1/querybatch"] = lambda: (fresh / "package-lock.json").write_text(swapped)
        (npm_user.home / "safeinstall" / "cache").rename(tmp_path / "forgotten")
        outcome = npm_user.npm(newest, "ci", cwd=fresh)

    assert osv.after == {}, "the lockfile was not swapped: the test shows nothing"
    assert marker.seen() == (), str(outcome)
    assert outcome.code in REFUSED, str(outcome)


@pytest.mark.parametrize(
    "argv",
    [("audit", "fix"), ("cache", "add", "tool"), ("edit", "host"), ("link", "host")],
)
def test_verbs_that_are_not_covered_yet_block(
    argv: tuple[str, ...], newest: Path, npm_user: Guarded, npm: NpmRegistry, tmp_path: Path
) -> None:
    """They fetch and run as install does; refusing is all that is honest until they are judged."""
    publish_shelf(npm)
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(newest, *argv, cwd=project, env={"NPM_CONFIG_PREFIX": str(tmp_path / "prefix")})

    assert outcome.code == UNRESOLVED, str(outcome)
    assert npm.artifact_hits() == ()


@pytest.mark.parametrize("argv", [("--version",), ("ls",), ("config", "get", "registry"), ("view", "host", "version")])
def test_what_installs_nothing_is_handed_on(
    argv: tuple[str, ...], newest: Path, npm_user: Guarded, npm: NpmRegistry, tmp_path: Path
) -> None:
    """Same output, same exit code, no question to anybody."""
    publish_shelf(npm)
    project = environments.npm_project(tmp_path / "project")
    env = npm_user.env()
    plain = subprocess.run([str(newest), *argv], env=env, cwd=project, check=False, capture_output=True, text=True)

    outcome = npm_user.npm(newest, *argv, cwd=project)

    assert (outcome.code, outcome.out) == (plain.returncode, plain.stdout)
    assert npm_user.ledger() == []


def test_a_git_dependency_is_not_let_through_by_an_override(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, marker: Marker, tmp_path: Path
) -> None:
    """Git sources are not judged in this version: an override for them says so, and installs nothing."""
    npm.publish(tarball("top", dependencies={"hostile": "git+file:///nowhere"}))
    project = environments.npm_project(tmp_path / "project")
    allow = ("--safeinstall-allow", "unverified-source:pkg:npm/hostile@1.0.0", *ALLOW)

    outcome = npm_user.npm(newest, "install", "top", *allow, cwd=project)

    assert outcome.code in {FINDING, GAP, UNRESOLVED}, str(outcome)
    assert not (project / "node_modules").exists()


def test_a_large_lockfile_is_installed_as_it_stands(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Three hundred packages and more, each judged, none fetched before the last was."""
    parents = {n: {f"package-{2 * n + 1}": "*", f"package-{2 * n + 2}": "*"} for n in range(160)}
    npm.publish(*(tarball(f"package-{n}", dependencies=below) for n, below in parents.items()))
    npm.publish(*(tarball(f"package-{n}") for n in range(160, 321)))
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"package-0": "*"}})
    plain = [str(newest), "install", "--package-lock-only"]
    subprocess.run(plain, env=npm_user.env(), cwd=project, check=True, capture_output=True)
    npm.forget()

    outcome = npm_user.npm(newest, "ci", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert len(environments.node_modules(project)) == 321
    assert len(set(osv.asked_names())) == 321
    assert last_question(osv) < first_artifact(npm)
