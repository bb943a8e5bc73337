"""Who wants to run scripts on install, and who may."""

from dataclasses import replace

import pytest

from safeinstall.checks.install_script import InstallScript
from safeinstall.checks.source_build import SourceBuild
from safeinstall.facts import Facts
from safeinstall.history import History, Publication
from safeinstall.model import ArtifactKind, BuildNeed, Finding, Release
from safeinstall.scripts import ScriptMode, Scripts
from tests.fakes import NOW, plan, release

LIB = release("pkg:npm/lib@1.0.0", install_script=True)
SDIST = release("pkg:pypi/lib@1.0", kind=ArtifactKind.SDIST, build=BuildNeed.STATIC)
LISTED = frozenset({LIB.purl, SDIST.purl})


def ran(one: Release, mode: ScriptMode, *, listed: bool = False, past: History | None = None) -> list[Finding]:
    """Return what the checks of both ecosystems find about *one*."""
    rules = Scripts(npm=mode, pypi=mode, listed=LISTED if listed else frozenset())
    histories = {} if past is None else {one.purl: past}
    facts = Facts(plan=plan(one, scripts=rules, histories=histories), now=NOW)
    return [*InstallScript().run(one, facts), *SourceBuild().run(one, facts)]


@pytest.mark.parametrize(
    ("mode", "listed", "npm", "pypi"),
    [
        (ScriptMode.ALLOW, False, None, "source-build"),
        (ScriptMode.LISTED, True, None, "source-build"),
        (ScriptMode.LISTED, False, "install-script", "source-build-unlisted"),
        (ScriptMode.BLOCK, True, "install-script-skipped", "source-build-unlisted"),
    ],
)
def test_one_table_for_scripts_and_builds(mode: ScriptMode, listed: bool, npm: str | None, pypi: str) -> None:
    """What the mode says of npm's scripts it says of Python's builds."""
    assert [one.kind for one in ran(LIB, mode, listed=listed)] == ([npm] if npm else [])
    assert [one.kind for one in ran(SDIST, mode, listed=listed)] == [pypi]


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(replace(LIB, kept=True), id="there-already"),
        pytest.param(replace(LIB, install_script=False), id="has-none"),
        pytest.param(replace(LIB, artifact=replace(LIB.artifact, kind=ArtifactKind.LOCAL_PROJECT)), id="the-users-own"),
    ],
)
def test_nothing_is_said_of(one: Release) -> None:
    """What runs nothing, or is the user's."""
    assert ran(one, ScriptMode.BLOCK) == []


def test_the_users_own_directories_are_always_built() -> None:
    """They ran while planning."""
    own = replace(SDIST, artifact=replace(SDIST.artifact, kind=ArtifactKind.LOCAL_PROJECT))

    assert [one.kind for one in ran(own, ScriptMode.BLOCK)] == ["source-build"]


def test_the_commands_are_told_where_the_registry_tells_them() -> None:
    """And that they are not, where it does not."""
    past = History(
        name="lib", planned=Publication(version="1.0.0", install_scripts=(("postinstall", "node \x1b[2Jx.js"),))
    )

    (known,) = ran(LIB, ScriptMode.LISTED, past=past)
    (unknown,) = ran(LIB, ScriptMode.LISTED)

    assert known.evidence == ("postinstall: node [2Jx.js",)
    assert unknown.evidence == ("its registry tells that it has some, and not what they do",)


def test_an_override_is_a_way_in_every_mode() -> None:
    """Being listed is one only where the mode is that."""
    rules = Scripts(npm=ScriptMode.BLOCK, listed=frozenset({SDIST.purl}), overridden=frozenset({LIB.purl}))

    assert rules.runs(LIB.purl, rules.npm)
    assert not rules.runs(SDIST.purl, ScriptMode.BLOCK)
    assert rules.runs(SDIST.purl, ScriptMode.LISTED)
