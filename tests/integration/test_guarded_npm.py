"""`npm install` through the guard: what was judged is installed, and nothing else is."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests import environments
from tests.builders import deep
from tests.builders.markers import Marker
from tests.builders.tarballs import marking_scripts, tarball
from tests.guarded import (
    ALLOW,
    FINDING,
    GAP,
    INSTALLED,
    REFUSED,
    Guarded,
    files_of,
    first_artifact,
    guarded,
    last_question,
    strangers,
)
from tests.registries.npm import NpmRegistry
from tests.registries.osv import Mode, OsvServer, malware
from tests.registries.server import refused_url

pytestmark = pytest.mark.integration

# --- the everyday case ----------------------------------------------------------------------------------------------


def test_a_clean_set_ends_as_in_a_plain_install(
    tool: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """package.json, both lockfiles and every installed file are byte for byte what plain npm writes."""
    npm.publish(*deep.NPM, tarball("lower", "1.0.7", dependencies={"evil": "^6.0.0"}))
    one, other = (environments.npm_project(tmp_path / name / "project") for name in ("one", "other"))

    outcome = npm_user.npm(tool, "install", "top", cwd=one)
    assert outcome.code == INSTALLED, str(outcome)
    assert last_question(osv) < first_artifact(npm)
    env = npm_user.env()
    env["PATH"] = f"{tool.parent}:{env['PATH']}"
    subprocess.run([str(tool), "install", "top"], env=env, cwd=other, check=True, capture_output=True)

    assert environments.node_modules(one) == {
        "top": "1.0.0",
        "@scope/middle": "1.0.0",
        "lower": "1.0.7",
        "evil": "6.6.6",
    }
    assert files_of(one) == files_of(other)
    assert strangers(one, npm) == []
    assert strangers(npm_user.home / ".npm" / "_cacache" / "index-v5", npm) == []


def test_a_lockfile_is_installed_as_it_stands(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """`npm ci` installs the locked versions, newer ones notwithstanding, and leaves the lockfile alone."""
    npm.publish(*deep.NPM)
    project = environments.npm_project(tmp_path / "project")
    assert npm_user.npm(newest, "install", "top", cwd=project).code == INSTALLED
    locked = (project / "package-lock.json").read_bytes()
    npm.publish(tarball("lower", "1.0.9", dependencies={"evil": "*"}))

    outcome = npm_user.npm(newest, "ci", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert environments.node_modules(project)["lower"] == "1.0.0"
    assert (project / "package-lock.json").read_bytes() == locked


def test_a_locked_release_is_judged_all_the_same(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Neither a lockfile nor npm's cache is a way round the verdict."""
    npm.publish(*deep.NPM)
    project = environments.npm_project(tmp_path / "project")
    assert npm_user.npm(newest, "install", "top", cwd=project).code == INSTALLED
    osv.add(malware("evil"))
    (npm_user.home / "safeinstall" / "cache").rename(tmp_path / "forgotten")
    other = environments.npm_project(tmp_path / "other", {"dependencies": {"top": "^1.0.0"}})
    (other / "package-lock.json").write_bytes((project / "package-lock.json").read_bytes())
    npm.forget()

    for verb in ("ci", "install"):
        outcome = npm_user.npm(newest, verb, cwd=other)
        assert outcome.code == FINDING, str(outcome)
        assert not (other / "node_modules").exists()
    assert npm.artifact_hits() == ()


def test_a_workspace_project_installs(newest: Path, npm_user: Guarded, npm: NpmRegistry, tmp_path: Path) -> None:
    """The user's own packages are linked; what they need is judged and installed."""
    npm.publish(*deep.NPM)
    project = environments.npm_project(tmp_path / "project", {"workspaces": ["packages/*"]})
    environments.npm_project(project / "packages" / "mine", {"name": "mine", "dependencies": {"top": "^1.0.0"}})

    outcome = npm_user.npm(newest, "install", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert environments.node_modules(project)["top"] == "1.0.0"
    assert (project / "node_modules" / "mine").is_symlink()


# --- malicious dependencies -----------------------------------------------------------------------------------------


def test_a_malicious_dependency_three_levels_deep_blocks(
    tool: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """The path to it is printed, nothing is fetched, and nothing is installed."""
    npm.publish(*deep.NPM)
    osv.add(malware("evil", ident="MAL-2026-78"))
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(tool, "install", "top", cwd=project)

    assert outcome.code == FINDING, str(outcome)
    assert not (project / "node_modules").exists()
    assert npm.artifact_hits() == ()
    assert "MAL-2026-78" in outcome.err
    for name in ("top", "@scope/middle", "lower", "evil@6.6.6"):
        assert name in outcome.err, str(outcome)


def test_an_override_lets_exactly_that_release_through(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """With name, version, reason and end date it is installed, and the ledger keeps who, what and why."""
    npm.publish(*deep.NPM)
    osv.add(malware("evil"))
    project = environments.npm_project(tmp_path / "project")
    allow = ("--safeinstall-allow", "malware:pkg:npm/evil@6.6.6", *ALLOW)

    outcome = npm_user.npm(newest, "install", "top", *allow, cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert environments.node_modules(project)["evil"] == "6.6.6"
    assert "made for this test" in json.dumps(npm_user.ledger()[-1])


def test_an_alias_hides_nothing(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """`harmless@npm:evil@6.6.6` is `evil`."""
    npm.publish(*deep.NPM)
    osv.add(malware("evil"))
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(newest, "install", "harmless@npm:evil@6.6.6", cwd=project)

    assert outcome.code == FINDING, str(outcome)
    assert not (project / "node_modules").exists()


# --- the registry changes its mind ----------------------------------------------------------------------------------


def test_bytes_swapped_after_the_verdict_are_not_installed(
    tool: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """The URL that was judged serves another file later: its hash gives it away, and no script of it runs."""
    npm.publish(*deep.NPM)
    swapped = tarball("lower", scripts=marking_scripts(marker, "lower"))
    osv.after["/v1/querybatch"] = lambda: npm.swap("lower", "1.0.0", swapped.data)
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(tool, "install", "top", cwd=project)

    assert outcome.code in REFUSED, str(outcome)
    assert marker.seen() == ()
    assert "lower" not in environments.node_modules(project)
    assert "lower" in outcome.err


def test_a_release_that_appears_after_the_verdict_is_not_seen(
    tool: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """Plain npm would take the newer one."""
    npm.publish(*deep.NPM)
    newer = tarball("lower", "1.0.9", dependencies={"evil": "*"}, scripts=marking_scripts(marker, "lower"))
    osv.after["/v1/querybatch"] = lambda: npm.publish(newer)
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(tool, "install", "top", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert environments.node_modules(project)["lower"] == "1.0.0"
    assert marker.seen() == ()


def test_a_script_that_the_registry_did_not_tell_of_is_found_out(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, marker: Marker, tmp_path: Path
) -> None:
    """The packument showed another package.json than the tarball holds: dependencies are what was judged."""
    hidden = tarball("low", dependencies={"evil": "*"}, scripts=marking_scripts(marker, "low"))
    npm.publish(hidden, dependencies={}, scripts={})
    npm.publish(tarball("evil"))
    project = environments.npm_project(tmp_path / "project")

    npm_user.npm(newest, "install", "low", cwd=project)

    assert "evil" not in environments.node_modules(project)


# --- sources that fail ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mode",
    [None, Mode.ERROR_500, Mode.HTML, Mode.TRUNCATED, Mode.SLOW],
    ids=lambda mode: "refused" if mode is None else mode.value,
)
def test_a_source_that_fails_blocks_in_time(
    mode: Mode | None, newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """However it fails: exit 41 in time, nothing installed, and the message names the source."""
    npm.publish(*deep.NPM)
    osv.mode = mode or Mode.OK
    project = environments.npm_project(tmp_path / "project")
    env = {"SAFEINSTALL_OSV_URL": refused_url()} if mode is None else {}

    started = time.monotonic()
    outcome = npm_user.npm(newest, "install", "top", cwd=project, env=env)

    assert outcome.code == GAP, str(outcome)
    # The deadline is 6 s; the rest is for a busy machine. The server itself would never answer.
    assert time.monotonic() - started < 30
    assert not (project / "node_modules").exists()
    assert npm.artifact_hits() == ()
    assert "osv" in outcome.err.lower()


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("squat", "real"), [("crossenv", "cross-env"), ("jqeury", "jquery"), ("@typess/node", "@types/node")]
)
def test_a_name_that_looks_like_a_popular_one_blocks_with_a_hint(
    squat: str, real: str, newest: Path, npm_user: Guarded, npm: NpmRegistry, tmp_path: Path
) -> None:
    """The right name is clean."""
    npm.switches.times = False
    npm.publish(tarball(squat), tarball(real))
    project = environments.npm_project(tmp_path / "project")

    flagged = npm_user.npm(newest, "install", squat, cwd=project)
    clean = npm_user.npm(newest, "install", real, cwd=project)

    assert flagged.code == FINDING, str(flagged)
    assert f"`{real}`" in flagged.err
    assert clean.code == INSTALLED, str(clean)
    assert environments.node_modules(project) == {real: "1.0.0"}


def test_private_names_never_reach_the_advisory_server(
    newest: Path, home: Path, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """A scope with a registry of its own is private, whatever else comes from the public one."""
    npm.publish(tarball("@acme/secret-plans"))
    (home / ".npmrc").write_text(f"@acme:registry={npm.url}/\nregistry={refused_url()}/\n")
    project = environments.npm_project(tmp_path / "project")

    outcome = guarded(home, osv.url).npm(newest, "install", "@acme/secret-plans", cwd=project)

    assert osv.asked_names() == (), str(outcome)


def test_a_token_reaches_its_registry_and_nobody_else(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """A registry with a bearer token works; no message, ledger or project file shows the token."""
    npm.publish(*deep.NPM)
    npm.switches.token = "npm_s3cr3t"
    (npm_user.home / ".npmrc").write_text(
        f"registry={npm.url}/\n{npm.url.removeprefix('http:')}/:_authToken={npm.switches.token}\n"
    )
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(newest, "install", "top", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert "s3cr3t" not in outcome.out + outcome.err + json.dumps(npm_user.ledger())
    assert not any(b"s3cr3t" in data for data in files_of(project).values())
    assert not any("npm_s3cr3t" in str(hit.headers) for hit in osv.hits())
