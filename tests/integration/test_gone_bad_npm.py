"""npm packages that went bad, rebuilt with harmless content, each with its honest twin."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.builders.tarballs import tarball
from tests.environments import npm_project
from tests.guarded import FINDING, INSTALLED, Guarded, Outcome
from tests.registries.npm import NpmRegistry

pytestmark = pytest.mark.integration

NOW = datetime.now(timezone.utc)
LAST_YEAR, LAST_MONTH, LAST_WEEK = NOW - timedelta(days=300), NOW - timedelta(days=40), NOW - timedelta(days=7)
LONG = NOW - timedelta(days=1200)
BODY = {"index.js": "//\n", "bundle.js": "//" + "x" * 400_000}


def planned(user: Guarded, tool: Path, folder: Path, *names: str) -> Outcome:
    """Return what the plan of installing *names* comes to."""
    return user.npm(tool, "install", *names, cwd=npm_project(folder / "project"), plan=True)


def test_event_stream(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """A new maintainer brings in a package that nobody knows: what is seen before any advisory."""
    npm.publish(tarball("event-stream", "3.3.3"), time=LONG, by="dominic")
    npm.publish(tarball("event-stream", "3.3.4"), time=LAST_YEAR, by="dominic")
    npm.publish(tarball("flat-stream-x", "0.1.1"), time=LAST_MONTH, by="righty")
    bad = tarball("event-stream", "3.3.6", dependencies={"flat-stream-x": "^0.1.0"})
    npm.publish(bad, time=LAST_WEEK, by="righty", maintainers=["dominic", "righty"])

    outcome = planned(npm_user, newest, tmp_path, "event-stream")

    assert outcome.code == FINDING, str(outcome)
    assert (
        "error[combination]: `event-stream` 3.3.6 looks like a good package gone bad (new-hands-new-code)"
        in outcome.err
    )
    assert "`righty` published it, who never did before; earlier ones are by `dominic`" in outcome.err
    assert (
        "it now needs `flat-stream-x`, which 3.3.4 did not: first uploaded 33 days before this release" in outcome.err
    )
    assert "hint: stay at 3.3.4" in outcome.err
    assert "warning[" not in outcome.err
    assert npm.artifact_hits() == ()


def test_a_hand_over_announced_months_ago(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """Whoever could publish for months is not new, and an established dependency is no stranger."""
    npm.publish(tarball("event-stream", "3.3.3"), time=LONG, by="dominic")
    npm.publish(tarball("event-stream", "3.3.4"), time=LAST_YEAR, by="dominic", maintainers=["dominic", "righty"])
    npm.publish(tarball("flat-stream-x", "0.1.1"), time=LONG, by="somebody")
    good = tarball("event-stream", "3.4.0", dependencies={"flat-stream-x": "^0.1.0"})
    npm.publish(good, time=LAST_WEEK, by="righty", maintainers=["dominic", "righty"])

    outcome = planned(npm_user, newest, tmp_path, "event-stream")

    assert outcome.code == INSTALLED, str(outcome)
    assert "warning" not in outcome.err


def test_node_ipc(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """The author himself adds a days-old package in a patch of an old line; the fix of the next line is a twin."""
    npm.publish(tarball("node-ipc", "9.2.1"), time=LAST_YEAR, by="riae")
    npm.publish(tarball("node-ipc", "10.0.0"), time=LAST_YEAR + timedelta(days=9), by="riae")
    npm.publish(tarball("peace-not", "9.1.3"), time=LAST_WEEK - timedelta(days=7), by="riae")
    npm.publish(tarball("node-ipc", "9.2.2", dependencies={"peace-not": "^9.1.3"}), time=LAST_WEEK, by="riae")
    npm.publish(tarball("node-ipc", "10.1.0"), time=LAST_WEEK, by="riae")

    outcome = planned(npm_user, newest, tmp_path, "node-ipc@^9")
    twin = planned(npm_user, newest, tmp_path / "twin", "node-ipc@^10")

    assert outcome.code == FINDING, str(outcome)
    assert "`node-ipc` 9.2.2 looks like a good package gone bad (hidden-in-a-dependency)" in outcome.err
    assert "`peace-not`, which 9.2.1 did not: first uploaded 7 days before this release" in outcome.err
    assert twin.code == INSTALLED, str(twin)
    assert "warning" not in twin.err


def test_chalk_and_debug(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """One phished account changes many small packages within an hour, and they grow; a release train does not grow."""
    for name in ("chalkish", "debuggish", "stripish", "cardy", "cardier", "cardiest"):
        good = tarball(name, "1.0.0", repository=f"owner/{name}")
        npm.publish(good, time=LAST_YEAR, by="qix")
        body = BODY if not name.startswith("card") else {"index.js": "// better\n"}
        npm.publish(tarball(name, "1.0.1", files=body, repository=f"owner/{name}"), time=LAST_WEEK, by="qix")

    outcome = planned(npm_user, newest, tmp_path, "chalkish", "debuggish", "stripish")
    twin = planned(npm_user, newest, tmp_path / "twin", "cardy", "cardier", "cardiest")

    assert outcome.code == FINDING, str(outcome)
    assert "`chalkish` 1.0.1 looks like a good package gone bad (burst)" in outcome.err
    assert "`qix` published small releases of `chalkish`, `debuggish`, `stripish` within an hour" in outcome.err
    assert "blocked: 3 findings, 0 gaps in 3 releases" in outcome.err
    assert twin.code == INSTALLED, str(twin)


def test_a_hijacked_publisher(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """A stolen token publishes past the build service that published before, without provenance."""
    npm.publish(tarball("nxy", "20.1.0"), time=LAST_YEAR, by="team")
    npm.publish(tarball("nxy", "20.2.0"), time=LAST_MONTH, trusted=True, attested=True)
    bad = tarball("nxy", "20.9.0", scripts={"postinstall": "node telemetry.js"})
    npm.publish(bad, time=LAST_WEEK, by="team")
    npm.publish(tarball("honest", "20.1.0"), time=LAST_MONTH, trusted=True, attested=True)
    npm.publish(tarball("honest", "20.2.0"), time=LAST_WEEK, trusted=True, attested=True)

    outcome = planned(npm_user, newest, tmp_path, "nxy")
    twin = planned(npm_user, newest, tmp_path / "twin", "honest")

    assert outcome.code == FINDING, str(outcome)
    assert "(stolen-token)" in outcome.err
    assert "no attestation says what it was built from; 20.2.0 had one" in outcome.err
    assert "the account `team` published it; a build service did 20.2.0" in outcome.err
    assert twin.code == INSTALLED, str(twin)
    assert "warning" not in twin.err


def test_the_worm(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """The same `postinstall` and the same large file in many packages; each of them blocks."""
    scripts = {"postinstall": "node bundle.js"}
    for name in ("one", "two"):
        npm.publish(tarball(f"tiny-{name}", "4.1.0"), time=LAST_YEAR)
        npm.publish(tarball(f"tiny-{name}", "4.1.1", scripts=scripts, files=BODY), time=LAST_WEEK)
        # The worm's second round is compared with the last good release as well.
        npm.publish(tarball(f"tiny-{name}", "4.1.2", scripts=scripts, files=BODY), time=LAST_WEEK + timedelta(days=1))

    outcome = planned(npm_user, newest, tmp_path, "tiny-one", "tiny-two")

    assert outcome.code == FINDING, str(outcome)
    assert "`tiny-one` 4.1.2 looks like a good package gone bad (worm)" in outcome.err
    assert "`postinstall` runs `node bundle.js` on install; 4.1.0 had no install script" in outcome.err
    assert "`tiny-one`, `tiny-two` have got the same new install script" in outcome.err
    assert "blocked: 2 findings" in outcome.err


def test_a_new_script_alone_warns(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """Native packages begin to build: it is said, and does not block."""
    npm.publish(tarball("native", "1.0.0"), time=LAST_YEAR)
    npm.publish(tarball("native", "2.0.0", gypfile=True), time=LAST_WEEK)

    outcome = planned(npm_user, newest, tmp_path, "native")

    assert outcome.code == INSTALLED, str(outcome)
    assert "warning[changed-release]: `native` 2.0.0 differs from the release before it" in outcome.err
    assert "`install` runs `node-gyp rebuild` on install; 1.0.0 had no install script" in outcome.err


def test_what_is_locked_is_what_it_is_compared_with(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path
) -> None:
    """An update is judged by what it changes for this project."""
    npm.publish(tarball("thing", "1.0.0"), time=LONG)
    npm.publish(tarball("thing", "1.1.0", scripts={"install": "true"}), time=LAST_YEAR)
    npm.publish(tarball("thing", "1.2.0", scripts={"install": "true"}), time=LAST_WEEK)
    project = npm_project(tmp_path / "project")
    npm_user.npm(newest, "install", "thing@1.0.0", cwd=project)

    outcome = npm_user.npm(newest, "install", "thing@1.2.0", cwd=project, plan=True)

    assert "`install` runs `true` on install; 1.0.0 had no install script" in outcome.err


def test_a_plain_mirror(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """Nobody tells who, when and from where: it is said in one line, and installs."""
    npm.switches.people = npm.switches.signatures = npm.switches.times = False
    npm.publish(tarball("thing", "1.0.0"))
    npm.publish(tarball("thing", "1.1.0"))

    outcome = planned(npm_user, newest, tmp_path, "thing")

    assert outcome.code == INSTALLED, str(outcome)
    assert len(outcome.err.strip().splitlines()) <= 3, str(outcome)
    assert "ownership" in outcome.err
