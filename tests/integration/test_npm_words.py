"""npm's commands that fetch or install only sometimes: what npm itself says they are about to do decides."""

import json
from pathlib import Path

import pytest

from safeinstall.ecosystems.npm import NpmEcosystem
from safeinstall.errors import NotUnderstood
from tests import environments
from tests.builders.tarballs import tarball
from tests.guarded import FINDING, INSTALLED, UNRESOLVED, Guarded
from tests.npm_sessions import NpmUser
from tests.registries.npm import NpmRegistry

pytestmark = pytest.mark.integration

REFUSED = [
    "version patch -w a",
    "version patch --workspaces",
    "--no-git-tag-version -w a version 2.0.0",
    "init -y -w a",
    "publish left-pad",
    "publish a/b",
    "publish ./x@host.example:y",
    "view a/b",
    "info @s/x@a/b",
    "docs git+https://x.example/y.git",
    "bugs https://x.example/y.tgz",
    "repo -- -a/b",
    "fund github:a/b",
    "owner ls a/b",
    "diff --diff=a/b --diff=left-pad",
    "cache add left-pad",
    "edit left-pad",
    "aud fix",
]
PASSED = [
    "version patch",
    "version --workspaces",
    "version patch -w a --no-workspaces-update",
    "version patch -w a --help",
    "init -y",
    "init -y -w a --workspaces-update=false",
    "publish --access public",
    "publish --tag beta ./packages/a --dry-run",
    "publish lib.tgz",
    "view --registry https://r.example left-pad dependencies.@a/b",
    "docs x@npm:y@1",
    "owner ls left-pad --otp 1",
    "diff --diff=left-pad@1 --diff=left-pad@2 lib/x.js",
    "--tag install ls",
    "aud",
    "no-such-command install",
]


@pytest.fixture(params=["8", "machine"])
def user(request: pytest.FixtureRequest, tools: Path, home: Path, npm: NpmRegistry) -> NpmUser:
    """Return a user of the oldest npm, and of the machine's."""
    return NpmUser(home=home, tool=environments.npm_tool(str(request.param), tools), registry=npm.url)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with one workspace."""
    made = environments.npm_project(tmp_path / "project", {"workspaces": ["packages/*"]})
    environments.npm_project(made / "packages" / "a", {"name": "a"})
    return made


def refused(user: NpmUser, line: str, project: Path, env: dict[str, str] | None = None) -> bool:
    """Whether `npm LINE` is not let through; nothing is asked of the registry, nothing changes, to find out."""
    before = files_below(project)
    try:
        intent = NpmEcosystem().parse("npm", line.split(), user.world(project, env))
    except NotUnderstood:
        return True
    finally:
        assert files_below(project) == before
    assert not intent.installs
    return False


def files_below(project: Path) -> list[str]:
    """Return the files below *project*."""
    return sorted(str(path.relative_to(project)) for path in project.rglob("*"))


def test_commands_that_would_fetch_or_install_are_refused(user: NpmUser, npm: NpmRegistry, project: Path) -> None:
    """By what npm reads, not by how the words look; the same commands pass when what they name is the user's own."""
    assert [line for line in REFUSED if not refused(user, line, project)] == []
    assert [line for line in PASSED if refused(user, line, project)] == []
    assert npm.hits() == ()


@pytest.mark.parametrize("line", ["version patch", "init -y"])
def test_workspaces_count_wherever_they_are_named(user: NpmUser, project: Path, line: str) -> None:
    """In the environment, in a file of the project, by the folder that one stands in."""
    assert refused(user, line, project, {"npm_config_workspace": "a"})
    assert refused(user, line, project / "packages" / "a")
    (project / ".npmrc").write_text("workspace=a\n")
    assert refused(user, line, project)
    assert not refused(user, line, project, {"npm_config_workspaces_update": "false"})


def test_what_is_compared_counts_wherever_it_is_named(user: NpmUser, project: Path) -> None:
    """`--diff` is a setting like any other."""
    assert not refused(user, "diff", project)
    assert refused(user, "diff", project, {"npm_config_diff": "git+https://x.example/y.git"})


def test_a_command_of_some_npms_is_what_this_npm_says(user: NpmUser, project: Path) -> None:
    """`birthday` fetches and runs a package in npm 8; where there is no such command, npm says so itself."""
    assert refused(user, "birthday", project) is ("npm-8" in str(user.tool))


def test_a_refusal_says_what_to_do_instead(newest: Path, npm_user: Guarded, npm: NpmRegistry, project: Path) -> None:
    """The advice holds: without the update of the workspaces the version is set, and the install is judged."""
    npm.publish(tarball("low"))
    manifest = project / "packages" / "a" / "package.json"
    manifest.write_text(json.dumps({"name": "a", "version": "1.0.0", "dependencies": {"low": "*"}}))

    stopped = npm_user.npm(newest, "version", "patch", "-w", "a", cwd=project)
    assert stopped.code == UNRESOLVED, str(stopped)
    assert stopped.err == (
        "error: `npm version` ends with an install in the workspaces that it changed; it is not guarded yet\n\n"
        "hint: add `--no-workspaces-update`, then use `npm install`, which is judged\n\n"
        "fatal: nothing was checked. Nothing was installed.\n"
    )
    assert json.loads(manifest.read_text())["version"] == "1.0.0"
    advised = npm_user.npm(newest, "version", "patch", "-w", "a", "--no-workspaces-update", cwd=project)
    assert advised.code == INSTALLED, str(advised)
    assert json.loads(manifest.read_text())["version"] == "1.0.1"
    assert npm.hits() == ()
    assert npm_user.npm(newest, "install", cwd=project).code == INSTALLED


def test_a_folder_is_published_as_ever(newest: Path, npm_user: Guarded, project: Path) -> None:
    """With its own scripts, and whatever options stand before and behind."""
    lib = environments.npm_project(project.parent / "lib", {"name": "lib", "private": False})

    run = npm_user.npm(newest, "publish", "--access", "public", "--dry-run", cwd=lib)

    assert run.code == INSTALLED, str(run)
    assert "lib@1.0.0" in run.out


def test_find_dupes_is_planned_like_dedupe(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: object, tmp_path: Path
) -> None:
    """It resolves anew, which may fetch and prepare a git dependency: that is refused, releases are judged."""
    npm.publish(tarball("top"))
    good = environments.npm_project(tmp_path / "good", {"dependencies": {"top": "*"}})
    bad = environments.npm_project(tmp_path / "bad", {"dependencies": {"top": "git+file:///nowhere/top.git"}})

    assert npm_user.npm(newest, "find-dupes", cwd=good).code == INSTALLED
    assert npm_user.npm(newest, "find-dupes", cwd=bad).code == FINDING
    assert not (good / "node_modules").exists()
    assert npm.artifact_hits() == ()
