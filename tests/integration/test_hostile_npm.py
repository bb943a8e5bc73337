"""Before the verdict npm runs no script and fetches no tarball, whatever its version and wherever code could hide."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import environments
from tests.builders.markers import Marker
from tests.builders.tarballs import marking_scripts, tarball
from tests.guarded import FINDING, NOTHING_INSTALLED, Guarded
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer, malware

pytestmark = pytest.mark.integration


def test_no_script_runs_before_the_verdict(
    tool: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """A malicious dependency of a dependency, with every lifecycle script there is, is stopped by its name alone."""
    npm.publish(
        tarball("top", dependencies={"middle": "^1.0.0"}, scripts=marking_scripts(marker, "top")),
        tarball("middle", dependencies={"evil": "*"}, scripts=marking_scripts(marker, "middle")),
        tarball("evil", "6.6.6", scripts=marking_scripts(marker, "evil")),
    )
    osv.add(malware("evil"))
    project = environments.npm_project(tmp_path / "project", {"scripts": marking_scripts(marker, "project")})
    before = (project / "package.json").read_bytes()

    outcome = npm_user.npm(tool, "install", "top", cwd=project)

    assert outcome.code == FINDING, str(outcome)
    assert marker.seen() == (), str(outcome)
    assert npm.artifact_hits() == (), str(outcome)
    assert (project / "package.json").read_bytes() == before
    assert sorted(path.name for path in project.iterdir()) == ["package.json"]


def test_scripts_of_a_clean_set_run_after_the_verdict_only(
    tool: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """`plan` runs none of them."""
    npm.publish(tarball("top", scripts=marking_scripts(marker, "top")))
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"top": "^1.0.0"}})

    outcome = npm_user.npm(tool, "install", cwd=project, plan=True)

    assert outcome.code == 0, str(outcome)
    assert marker.seen() == ()
    assert npm.artifact_hits() == ()
    assert sorted(path.name for path in project.iterdir()) == ["package.json"]


def git_repository(folder: Path, manifest: Mapping[str, object]) -> str:
    """Return the git URL of a repository that holds *manifest*."""
    environments.npm_project(folder, manifest)
    commands = (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=x", "-c", "user.email=x@x.example", "commit", "-qm", "x"],
    )
    for command in commands:
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    return f"git+file://{folder}"


def test_a_git_dependency_with_prepare_is_not_fetched(
    tool: Path, npm_user: Guarded, npm: NpmRegistry, marker: Marker, tmp_path: Path
) -> None:
    """Plain npm would clone it and run `prepare` to know what is in it."""
    url = git_repository(
        tmp_path / "repo", {"name": "hostile", "version": "1.0.0", "scripts": marking_scripts(marker, "hostile")}
    )
    npm.publish(tarball("top", dependencies={"hostile": url}))
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(tool, "install", "top", cwd=project)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert marker.seen() == (), str(outcome)
    assert not (project / "node_modules").exists()


def test_a_tarball_at_a_url_is_not_fetched(
    tool: Path, npm_user: Guarded, npm: NpmRegistry, marker: Marker, tmp_path: Path
) -> None:
    """No registry vouches for it; its dependencies would only be told by its inside."""
    npm.publish(tarball("hostile", scripts=marking_scripts(marker, "hostile")))
    url = npm.tarball_url("hostile", "1.0.0")
    npm.publish(tarball("top", dependencies={"other-name": url}))
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(tool, "install", "top", cwd=project)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert npm.artifact_hits() == (), str(outcome)
    assert marker.seen() == ()


def test_bundled_dependencies_are_not_unpacked_to_be_judged(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """What comes inside another tarball has no hash of its own: it is said or blocks, and no tarball is fetched."""
    inside = {"name": "inside", "version": "1.0.0", "scripts": marking_scripts(marker, "inside")}
    npm.publish(
        tarball(
            "top",
            dependencies={"inside": "^1.0.0"},
            files={"index.js": "", "node_modules/inside/package.json": json.dumps(inside)},
            bundleDependencies=["inside"],
        ),
        tarball("inside", scripts=marking_scripts(marker, "inside")),
    )
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(newest, "install", "top", cwd=project, plan=True)

    assert outcome.code in {0, *NOTHING_INSTALLED}, str(outcome)
    assert npm.artifact_hits() == (), str(outcome)
    assert marker.seen() == ()


def test_npm_settings_of_the_repository_cannot_lower_the_guard(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """An `.npmrc` in the project chooses registries; it cannot switch judging off."""
    npm.publish(tarball("evil", scripts=marking_scripts(marker, "evil")))
    osv.add(malware("evil"))
    project = environments.npm_project(
        tmp_path / "project",
        {"dependencies": {"evil": "*"}},
        npmrc=[
            *("noproxy=*", "proxy=http://127.0.0.1:9/", "https-proxy=http://127.0.0.1:9/", "ignore-scripts=false"),
            *("prefer-offline=true", "node-options=--no-warnings", "audit=false", "package-lock=false"),
        ],
    )

    outcome = npm_user.npm(newest, "install", cwd=project, env={"NO_PROXY": "*"})

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert marker.seen() == ()
    assert npm.artifact_hits() == ()
