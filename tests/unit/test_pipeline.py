"""The story of a guarded command, told with fakes on every seam."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import ClassVar

import pytest

from safeinstall.contracts import Check, Conditions
from safeinstall.errors import CannotResolve, FactMissing, SourceUnavailable
from safeinstall.facts import Facts
from safeinstall.model import Confidence, Decision, Finding, Gap, Override, Plan, Release, Severity
from safeinstall.pipeline import Guard, conditions, guard, inspect
from safeinstall.policy import Policy
from safeinstall.purl import parse
from safeinstall.runs import Installed, Run, exit_code
from tests.fakes import FakeEcosystem, FakeSession, FakeSource, advisory, intent, plan, release, world

APP = release("pkg:pypi/app@1.0", asked="app")
EVIL = release("pkg:pypi/evil@6.6.6")
SET = plan(APP, EVIL, edges=[(APP.purl, EVIL.purl, "evil")])


class Told:
    """A check that repeats what the sources told, as the real one does."""

    ident: ClassVar[str] = "advisory"
    question: ClassVar[str] = "is anything known against it?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        for one in facts.told(release.purl):
            yield Finding(
                check=self.ident,
                purl=release.purl,
                kind=one.kind.value,
                severity=one.severity,
                confidence=Confidence.HIGH,
                title=one.summary,
            )
        facts.advisories(release.purl)


class Half:
    """A check that finds something and then lacks a fact."""

    ident: ClassVar[str] = "half"
    question: ClassVar[str] = "is half enough?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        yield Finding(
            check=self.ident,
            purl=release.purl,
            kind="malware",
            severity=Severity.HIGH,
            confidence=Confidence.LOW,
            title="half of it",
        )
        raise FactMissing("the other half is unknown")


@dataclass
class Stage:
    """One guarded command and everything around it."""

    folder: Path
    source: FakeSource = field(default_factory=FakeSource)
    session: FakeSession = field(default_factory=lambda: FakeSession(planned=SET))
    overrides: Sequence[Override] = ()
    consent: Sequence[Override] = ()
    checks: Sequence[Check] = (Told(),)
    announced: list[Run] = field(default_factory=list)
    asked: int = 0

    def run(self, *, plan_only: bool = False) -> Run:
        """Guard `pip install app`."""
        self.ecosystem = FakeEcosystem(session=self.session)
        return guard(intent("app"), self.ecosystem, Path("/usr/bin/pip"), self.guard(), plan_only=plan_only)

    def guard(self) -> Guard:
        """Return what it is judged by."""
        return Guard(
            world=world(self.folder),
            sources=[self.source],
            checks=self.checks,
            policy=Policy(),
            overrides=self.overrides,
            conditions=Conditions(),
            deadline=_SECOND,
            announce=self.announced.append,
            consent=self._consent,
        )

    def _consent(self, _: Run) -> Sequence[Override]:
        self.asked += 1
        return self.consent


_SECOND = datetime(2026, 1, 1, 0, 0, 1, tzinfo=timezone.utc) - datetime(2026, 1, 1, tzinfo=timezone.utc)
LATER = datetime(2027, 1, 1, tzinfo=timezone.utc)


def override(check: str = "malware", purl: str = "pkg:pypi/evil@6.6.6") -> Override:
    """Return a person's word."""
    return Override(purl=parse(purl), check=check, reason="reviewed", until=LATER, by="ann", origin="prompt")


def test_a_clean_set_is_installed(tmp_path: Path) -> None:
    """What was judged is what is installed, the verdict is told before, and the exit code is the manager's."""
    stage = Stage(tmp_path, session=FakeSession(planned=SET, outcome=Installed(exit_code=3)))

    run = stage.run()

    assert stage.session.installed == [SET]
    assert [one.installed for one in stage.announced] == [None]
    assert exit_code(run) == 3
    assert stage.asked == 0


def test_planning_installs_nothing(tmp_path: Path) -> None:
    """`safeinstall plan` gives the same verdict and leaves the machine as it was."""
    stage = Stage(tmp_path)

    run = stage.run(plan_only=True)

    assert stage.session.installed == []
    assert exit_code(run) == 0


def test_malware_anywhere_in_the_set_blocks_it_all(tmp_path: Path) -> None:
    """One malicious dependency blocks the whole command with 40."""
    stage = Stage(tmp_path, source=FakeSource(known={EVIL.purl: (advisory(),)}))

    run = stage.run()

    assert stage.session.installed == []
    assert exit_code(run) == 40
    assert stage.announced == [run]


def test_silence_blocks(tmp_path: Path) -> None:
    """A source that is down blocks with 41, for every release of the set."""
    stage = Stage(tmp_path, source=FakeSource(failure=SourceUnavailable("osv answered 500")))

    run = stage.run()

    assert stage.session.installed == []
    assert exit_code(run) == 41
    assert len(run.verdict.rulings) == 2


def test_a_finding_weighs_more_than_a_gap(tmp_path: Path) -> None:
    """When both block, the exit code tells the finding."""
    assert exit_code(Stage(tmp_path, checks=(Half(),)).run()) == 40


def test_a_check_that_lacks_a_fact_half_way_is_heard_and_leaves_a_gap(tmp_path: Path) -> None:
    """What a check found before it ran out of facts counts, and so does the gap."""
    facts = Facts(plan=SET, now=LATER)

    results = inspect([APP], facts, [Half()])

    assert [type(one) for one in results] == [Finding, Gap]


def test_an_override_in_force_lets_it_through(tmp_path: Path) -> None:
    """A person's decision for exactly this release installs it, and the verdict keeps the decision."""
    stage = Stage(tmp_path, source=FakeSource(known={EVIL.purl: (advisory(),)}), overrides=[override()])

    run = stage.run()

    assert stage.session.installed == [SET]
    assert [one.decision for one in run.verdict.rulings] == [Decision.OVERRIDDEN]


def test_consent_at_the_prompt_tells_the_story_again(tmp_path: Path) -> None:
    """What the person lets through is resolved and judged anew, once, and then installed."""
    stage = Stage(tmp_path, source=FakeSource(known={EVIL.purl: (advisory(),)}), consent=[override()])

    run = stage.run()

    assert stage.asked == 1
    assert stage.ecosystem.closed == 2
    assert run.verdict.allowed
    assert stage.session.installed == [SET]


def test_no_consent_installs_nothing(tmp_path: Path) -> None:
    """A person who says no, or nobody to ask, ends the run."""
    stage = Stage(tmp_path, source=FakeSource(known={EVIL.purl: (advisory(),)}))

    stage.run()

    assert stage.asked == 1
    assert stage.session.installed == []


def test_a_plan_that_failed_because_something_was_refused_tells_what(tmp_path: Path) -> None:
    """When the resolver stops because a build requirement was refused, the finding is the answer and not its crash."""
    session = FakeSession(planned=SET, failure=CannotResolve("403"), vetted=[EVIL])
    stage = Stage(tmp_path, source=FakeSource(known={EVIL.purl: (advisory(),)}), session=session)

    run = stage.run()

    assert session.answers == [False]
    assert exit_code(run) == 40
    assert run.plan.releases == (EVIL,)


def test_a_plan_that_failed_by_itself_is_no_verdict(tmp_path: Path) -> None:
    """A resolver that fails is never "nothing to install"."""
    session = FakeSession(planned=SET, failure=CannotResolve("no version of app fits"), vetted=[EVIL])

    with pytest.raises(CannotResolve):
        Stage(tmp_path, session=session).run()


def test_what_is_vetted_just_in_time_is_asked_once(tmp_path: Path) -> None:
    """A file that the manager asks for twice is judged once."""
    session = FakeSession(planned=SET, vetted=[EVIL, EVIL])
    stage = Stage(tmp_path, session=session)

    stage.run()

    assert session.answers == [True, True]
    assert stage.source.asked.count(EVIL.purl) == 2  # once just in time, once with the set


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(Installed(exit_code=1, blocked=("app.whl: sha256 is 1, planned was 2",)), id="other-bytes"),
        pytest.param(Installed(exit_code=0, differences=("app 1.1 instead of 1.0",)), id="other-version"),
    ],
)
def test_what_is_not_the_plan_is_a_block(tmp_path: Path, outcome: Installed) -> None:
    """Bytes that were cut off, or an environment that is not the plan, never end in 0 or in the manager's code."""
    assert exit_code(Stage(tmp_path, session=FakeSession(planned=SET, outcome=outcome)).run()) == 40


def test_conditions_come_from_overrides_in_force(tmp_path: Path) -> None:
    """An override for a source lets it be resolved; one that has ended does not."""
    ended = datetime(2020, 1, 1, tzinfo=timezone.utc)
    live = override("unverified-source")
    dead = Override(purl=APP.purl, check="unverified-source", reason="r", until=ended, by="b", origin="o")

    found = conditions(Stage(tmp_path, overrides=[live, dead]).guard())

    assert found.unverified == {EVIL.purl}


def test_an_empty_plan_is_allowed(tmp_path: Path) -> None:
    """Where everything is satisfied there is nothing to judge, and the manager says so itself."""
    empty = Plan(ecosystem=SET.ecosystem, releases=())

    assert exit_code(Stage(tmp_path, session=FakeSession(planned=empty)).run()) == 0
