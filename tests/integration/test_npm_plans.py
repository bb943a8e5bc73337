"""What npm's own resolver plans behind the gateway, and what the plan says of it."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from safeinstall.contracts import Conditions
from safeinstall.errors import CannotResolve, NotUnderstood
from safeinstall.model import ArtifactKind, Visibility
from safeinstall.wiring import now
from tests import environments
from tests.builders.tarballs import tarball
from tests.npm_sessions import NpmUser, named
from tests.registries.npm import NpmRegistry

pytestmark = pytest.mark.integration

PUBLISHED = datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)


@pytest.fixture
def shopper(home: Path, newest: Path, npm: NpmRegistry) -> NpmUser:
    """Return a user of the machine's npm."""
    return NpmUser(home=home, tool=newest, registry=npm.url)


def test_a_plan_tells_what_judging_needs(tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """Hashes, times, scripts and paths are known before any tarball was asked for, with every npm."""
    npm.publish(
        tarball("top", "1.2.3", dependencies={"low": "^1.0.0"}),
        tarball("low", "1.1.0", scripts={"postinstall": "true"}),
        time=PUBLISHED,
        deprecated="use another",
    )
    project = environments.npm_project(tmp_path / "project")

    plan = NpmUser(home=home, tool=tool, registry=npm.url).plan("install", "top@^1.0.0", cwd=project)

    top, low = named(plan)["top@1.2.3"], named(plan)["low@1.1.0"]
    assert (top.asked, low.asked) == ("top@^1.0.0", None)
    assert (top.install_script, low.install_script) == (False, True)
    assert low.artifact.uploaded == PUBLISHED
    assert low.artifact.kind is ArtifactKind.TARBALL
    assert {digest.algorithm for digest in low.artifact.digests} == {"sha512", "sha1"}
    assert low.yanked == "use another"
    assert low.registry is not None
    assert low.registry.visibility is Visibility.PUBLIC
    assert {(edge.parent, edge.child, edge.requirement) for edge in plan.edges} == {
        (None, top.purl, "top@^1.0.0"),
        (top.purl, low.purl, "low@^1.0.0"),
    }
    assert {page.first_uploaded for page in plan.projects} == {PUBLISHED}
    assert npm.artifact_hits() == ()
    assert sorted(path.name for path in project.iterdir()) == ["package.json"]


def test_a_locked_plan_tells_the_same(shopper: NpmUser, npm: NpmRegistry, tmp_path: Path) -> None:
    """The manager asks nothing about what is locked; judging still needs times and the registry's word on each hash."""
    npm.publish(tarball("top", dependencies={"low": "*"}), tarball("low"), time=PUBLISHED)
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"top": "^1.0.0"}})
    shopper.plain("install", "--package-lock-only", cwd=project)
    npm.forget()

    plan = shopper.plan("ci", cwd=project)

    assert {release.artifact.uploaded for release in plan.releases} == {PUBLISHED}
    assert {release.artifact.kind for release in plan.releases} == {ArtifactKind.TARBALL}
    assert npm.artifact_hits() == ()


def test_a_lockfile_without_urls_still_names_its_tarballs(shopper: NpmUser, npm: NpmRegistry, tmp_path: Path) -> None:
    """`omit-lockfile-registry-resolved` leaves the URLs to the packuments."""
    npm.publish(tarball("top"))
    project = environments.npm_project(
        tmp_path / "project", {"dependencies": {"top": "*"}}, npmrc=["omit-lockfile-registry-resolved=true"]
    )
    shopper.plain("install", "--package-lock-only", cwd=project)
    assert "resolved" not in (project / "package-lock.json").read_text()

    with shopper.session("ci", cwd=project) as session:
        plan = session.resolve()
        outcome = session.install(plan)

    assert named(plan)["top@1.0.0"].artifact.url == npm.tarball_url("top", "1.0.0")
    assert (outcome.exit_code, outcome.differences, outcome.blocked) == (0, (), ()), shopper.runner.said


def test_a_lockfile_that_points_elsewhere_is_not_vouched_for(
    shopper: NpmUser, npm: NpmRegistry, tmp_path: Path
) -> None:
    """A lock entry named `top` with the URL and the hash of another package is a URL source, not a release of `top`."""
    npm.publish(tarball("top"), tarball("evil", "6.6.6"))
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"top": "*"}})
    shopper.plain("install", "--package-lock-only", cwd=project)
    lock = json.loads((project / "package-lock.json").read_text())
    entry = lock["packages"]["node_modules/top"]
    entry["resolved"], entry["integrity"] = npm.tarball_url("evil", "6.6.6"), npm.integrity("evil", "6.6.6")
    (project / "package-lock.json").write_text(json.dumps(lock))

    (release,) = shopper.plan("ci", cwd=project).releases

    assert release.artifact.kind is ArtifactKind.URL
    assert release.registry is None
    assert release.artifact.url == npm.tarball_url("evil", "6.6.6")


def test_what_is_installed_and_stays_is_kept(shopper: NpmUser, npm: NpmRegistry, tmp_path: Path) -> None:
    """`npm install other` keeps what lies there; `npm ci` begins anew."""
    npm.publish(tarball("top"), tarball("other"))
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"top": "*"}})
    shopper.plain("install", cwd=project)

    added = named(shopper.plan("install", "other", cwd=project))
    anew = named(shopper.plan("ci", cwd=project))

    assert (added["top@1.0.0"].kept, added["other@1.0.0"].kept) == (True, False)
    assert not anew["top@1.0.0"].kept


def test_an_alias_is_judged_by_its_real_name(shopper: NpmUser, npm: NpmRegistry, tmp_path: Path) -> None:
    """The purl carries the package, the alias is only where it lies."""
    npm.publish(tarball("real", "2.0.0"))
    project = environments.npm_project(tmp_path / "project")

    (release,) = shopper.plan("install", "nice@npm:real@2", cwd=project).releases

    assert (release.purl, release.alias) == ("pkg:npm/real@2.0.0", "nice")
    assert release.asked == "nice@npm:real@2"


def test_what_omit_leaves_out_is_not_judged_but_said(shopper: NpmUser, npm: NpmRegistry, tmp_path: Path) -> None:
    """Development dependencies of a production install are not installed, so they do not block it."""
    npm.publish(tarball("top"), tarball("tester"))
    project = environments.npm_project(
        tmp_path / "project", {"dependencies": {"top": "*"}, "devDependencies": {"tester": "*"}}
    )

    with shopper.session("install", "--omit=dev", cwd=project) as session:
        plan = session.resolve()
        outcome = session.install(plan)

    assert set(named(plan)) == {"top@1.0.0"}
    assert any("left out by `omit`" in note for note in plan.notes)
    assert (outcome.exit_code, outcome.differences, outcome.blocked) == (0, (), ()), shopper.runner.said
    assert environments.node_modules(project) == {"top": "1.0.0"}


def test_local_projects_and_archives_are_named_by_their_path(
    shopper: NpmUser, npm: NpmRegistry, tmp_path: Path
) -> None:
    """What lies on the user's disk has no registry; its dependencies are planned like any other's."""
    packed = tarball("packed", dependencies={"low": "*"})
    npm.publish(tarball("low"))
    (tmp_path / packed.filename).write_bytes(packed.data)
    environments.npm_project(tmp_path / "lib", {"name": "lib"})
    project = environments.npm_project(tmp_path / "project")

    with shopper.session("install", "../lib", f"../{packed.filename}", cwd=project) as session:
        plan = session.resolve()
        outcome = session.install(plan)

    kinds = {release.name: (release.artifact.kind, release.artifact.url) for release in plan.releases}
    assert kinds["lib"] == (ArtifactKind.LOCAL_PROJECT, "file:../lib")
    assert kinds["packed"] == (ArtifactKind.LOCAL_FILE, f"file:../{packed.filename}")
    assert kinds["low"][0] is ArtifactKind.TARBALL
    assert (outcome.exit_code, outcome.differences, outcome.blocked) == (0, (), ()), shopper.runner.said


def test_git_and_url_sources_are_named_without_being_fetched(
    tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path
) -> None:
    """All of them are in the plan with the path to them, and no repository is cloned."""
    npm.publish(
        tarball("top", dependencies={"cloned": "git+https://git.example/cloned.git#v1", "short": "someone/short"}),
        tarball("far", dependencies={"away": "https://files.example/away-1.0.0.tgz"}),
    )
    project = environments.npm_project(tmp_path / "project")

    plan = NpmUser(home=home, tool=tool, registry=npm.url).plan("install", "top", "far", cwd=project)

    kinds = {release.name: release.artifact.kind for release in plan.releases}
    assert kinds == {
        "top": ArtifactKind.TARBALL,
        "far": ArtifactKind.TARBALL,
        "cloned": ArtifactKind.VCS,
        "short": ArtifactKind.VCS,
        "away": ArtifactKind.URL,
    }
    parents = {edge.child: edge.parent for edge in plan.edges}
    away = next(release for release in plan.releases if release.name == "away")
    assert away.artifact.url == "https://files.example/away-1.0.0.tgz"
    assert parents[away.purl] == "pkg:npm/far@1.0.0"


def test_a_source_that_cannot_be_installed_yet_is_refused_even_when_overridden(
    shopper: NpmUser, npm: NpmRegistry, tmp_path: Path
) -> None:
    """An override is no promise that we can do it."""
    npm.publish(tarball("top", dependencies={"cloned": "git+https://git.example/cloned.git"}))
    project = environments.npm_project(tmp_path / "project")

    with shopper.session("install", "top", cwd=project) as session:
        plan = session.resolve()
        with pytest.raises(NotUnderstood, match=r"`cloned` comes from .*: not supported yet"):
            session.install(plan)


def test_bundled_packages_belong_to_their_parent(shopper: NpmUser, npm: NpmRegistry, tmp_path: Path) -> None:
    """Unlocked they are counted and judged as they come; locked they are listed, bound by the hash of their parent."""
    npm.publish(
        tarball(
            "top",
            dependencies={"inside": "^1.0.0"},
            files={"node_modules/inside/package.json": json.dumps({"name": "inside", "version": "1.0.0"})},
            bundleDependencies=["inside"],
        )
    )
    project = environments.npm_project(tmp_path / "project")

    with shopper.session("install", "top", cwd=project) as session:
        fresh = session.resolve()
        outcome = session.install(fresh)
    locked = named(shopper.plan("ci", cwd=project))

    assert set(named(fresh)) == {"top@1.0.0"}
    assert fresh.notes == (
        "1 packages come inside `top@1.0.0`: they are judged when it is fetched, before npm gets it",
    )
    assert (outcome.exit_code, outcome.differences, outcome.blocked) == (0, (), ()), shopper.runner.said
    assert locked["inside@1.0.0"].artifact.kind is ArtifactKind.BUNDLED
    assert locked["inside@1.0.0"].artifact.digests == locked["top@1.0.0"].artifact.digests


def test_a_package_with_its_own_lockfile_is_refused(shopper: NpmUser, npm: NpmRegistry, tmp_path: Path) -> None:
    """What it would install only its tarball tells."""
    npm.publish(tarball("top", dependencies={"low": "*"}), _hasShrinkwrap=True)
    project = environments.npm_project(tmp_path / "project")

    with pytest.raises(NotUnderstood, match="brings its own lockfile"):
        shopper.plan("install", "top", cwd=project)


def test_a_scope_of_another_host_is_private(home: Path, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """Unless the user says that it is public, and not because a name begins alike."""
    with NpmRegistry("127.0.0.3") as company:
        company.publish(tarball("@acme/lib", dependencies={"low": "*"}))
        npm.publish(tarball("low"))
        user = NpmUser(home=home, tool=newest, registry=npm.url)
        project = environments.npm_project(tmp_path / "project", npmrc=[f"@acme:registry={company.url}/"])
        for declared, expected in [
            ((), Visibility.PRIVATE),
            ((company.url,), Visibility.PUBLIC),
            ((company.url[:-1],), Visibility.PRIVATE),
        ]:
            conditions = Conditions(public_registries=declared)
            with user.session("install", "@acme/lib", cwd=project, conditions=conditions) as session:
                plan = session.resolve()
            registries = {one.name: one.registry.visibility for one in plan.releases if one.registry is not None}
            assert registries == {"@acme/lib": expected, "low": Visibility.PUBLIC}


def test_a_plan_made_again_revalidates(home: Path, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """A packument is asked for again when its time is over, and not sent again when it did not change."""
    npm.publish(tarball("top"))
    user = NpmUser(home=home, tool=newest, registry=npm.url)
    project = environments.npm_project(tmp_path / "project")
    for later in (timedelta(0), timedelta(minutes=1), timedelta(hours=1)):
        with user.session("install", "top", cwd=project, clock=now() + later) as session:
            session.resolve()

    assert [hit.status for hit in npm.packument_hits() if hit.path == "/top"] == [200, 304]


@pytest.mark.parametrize(("times", "integrity"), [(False, True), (True, False), (False, False)])
def test_a_plain_registry_is_enough(
    tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path, *, times: bool, integrity: bool
) -> None:
    """Without times they are unknown, not old; without integrity the older hash binds."""
    npm.switches.times, npm.switches.integrity, npm.switches.abbreviated, npm.switches.etags = (
        times,
        integrity,
        False,
        False,
    )
    npm.publish(tarball("top", dependencies={"low": "*"}), tarball("low"))
    project = environments.npm_project(tmp_path / "project")
    user = NpmUser(home=home, tool=tool, registry=npm.url)

    with user.session("install", "top", cwd=project) as session:
        plan = session.resolve()
        outcome = session.install(plan)

    assert {release.artifact.uploaded is not None for release in plan.releases} == {times}
    assert (outcome.exit_code, outcome.differences, outcome.blocked) == (0, (), ()), user.runner.said


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_registry_that_does_not_tell_about_a_locked_package_stops_the_run(
    shopper: NpmUser, npm: NpmRegistry, tmp_path: Path, status: int
) -> None:
    """The lockfile alone would do for npm; for judging it does not."""
    npm.publish(tarball("top"), tarball("low"))
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"top": "*", "low": "*"}})
    shopper.plain("install", "--package-lock-only", cwd=project)
    npm.fail("/low", status)

    with pytest.raises(CannotResolve, match="did not tell about `low`"):
        shopper.plan("ci", cwd=project)


def test_a_package_that_its_registry_does_not_know_is_not_vouched_for(
    shopper: NpmUser, npm: NpmRegistry, tmp_path: Path
) -> None:
    """A locked package that was unpublished since is a file at a URL."""
    npm.publish(tarball("top"))
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"top": "*"}})
    shopper.plain("install", "--package-lock-only", cwd=project)
    npm.unpublish("top")

    (release,) = shopper.plan("ci", cwd=project).releases

    assert release.artifact.kind is ArtifactKind.URL


def test_an_optional_package_that_does_not_exist_is_left_out_and_said(
    shopper: NpmUser, npm: NpmRegistry, tmp_path: Path
) -> None:
    """The manager drops it silently."""
    npm.publish(tarball("top", optionalDependencies={"gone": "*", "older": "^9.0.0"}), tarball("older"))
    project = environments.npm_project(tmp_path / "project")

    with shopper.session("install", "top", cwd=project) as session:
        plan = session.resolve()
        outcome = session.install(plan)

    assert set(named(plan)) == {"top@1.0.0"}
    assert "2 optional packages are not in the registry, so npm leaves them out" in plan.notes
    assert (outcome.exit_code, outcome.differences, outcome.blocked) == (0, (), ()), shopper.runner.said


def test_what_is_for_other_systems_is_planned_and_told_apart(
    tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path
) -> None:
    """It is judged with the rest, and so is what only it needs; npm locks both and installs neither."""
    npm.publish(
        tarball("native", optionalDependencies={"native-win": "1.0.0", "native-here": "1.0.0"}),
        tarball("native-win", os=["win32"], dependencies={"only-there": "*", "shared": "*"}),
        tarball("native-here", dependencies={"shared": "*"}),
        *(tarball("only-there"), tarball("shared")),
    )
    project = environments.npm_project(tmp_path / "project")

    plan = NpmUser(home=home, tool=tool, registry=npm.url).plan("install", "native", cwd=project)

    assert set(named(plan)) == {
        f"{one}@1.0.0" for one in ("native", "native-win", "native-here", "only-there", "shared")
    }
    assert plan.elsewhere == {named(plan)["native-win@1.0.0"].purl, named(plan)["only-there@1.0.0"].purl}


def test_npm_says_itself_what_it_cannot_resolve(tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """The message is npm's own, also when npm was told to be silent."""
    npm.publish(tarball("top", dependencies={"low": "^9.0.0"}), tarball("low"))
    project = environments.npm_project(tmp_path / "project")
    user = NpmUser(home=home, tool=tool, registry=npm.url)

    with pytest.raises(CannotResolve, match="No matching version found for low@") as caught:
        user.plan("install", "--silent", "top", cwd=project)

    assert caught.value.message.startswith("npm could not work out what to install")
