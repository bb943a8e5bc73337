"""Asking all sources: who must answer, who may, and what becomes of silence."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

import pytest

from safeinstall.contracts import Answer
from safeinstall.errors import FactMissing, MalformedAnswer, SourceUnavailable
from safeinstall.gather import gather, silences
from safeinstall.model import Release
from tests.fakes import NOW, FakeSource, FakeSupplement, advisory, plan, release

FLASK = release("pkg:pypi/flask@3.0.0")
DEADLINE = timedelta(seconds=5)


class Other(FakeSource):
    """A second source that must answer."""

    ident: ClassVar[str] = "other"


class Hanging(FakeSource):
    """A source that keeps no deadline."""

    ident: ClassVar[str] = "hanging"

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """Never come back in time."""
        threading.Event().wait(30)
        return super().ask(releases, now=now, deadline=deadline)


def test_a_release_is_known_when_every_source_answered() -> None:
    """Two sources that know nothing against a release make it known, and clean."""
    facts = gather(plan(FLASK), [FakeSource(), Other()], now=NOW, deadline=DEADLINE)

    assert facts.advisories(FLASK.purl) == ()


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param(Other(failure=SourceUnavailable("other answered 500")), id="down"),
        pytest.param(Other(failure=MalformedAnswer("missing `results`")), id="garbage"),
        pytest.param(Other(mute={FLASK.purl: "the page broke off"}), id="silent-on-this-one"),
    ],
)
def test_one_answer_does_not_hide_another_s_silence(silent: FakeSource) -> None:
    """A release that one source is silent about is not judged, and the reason names the source."""
    facts = gather(plan(FLASK), [FakeSource(), silent], now=NOW, deadline=DEADLINE)

    with pytest.raises(FactMissing, match="other: "):
        facts.advisories(FLASK.purl)
    assert len(silences(facts)) == 1


def test_a_silent_source_does_not_hide_a_loud_one() -> None:
    """What one source tells is heard although another is down."""
    loud = FakeSource(known={FLASK.purl: (advisory(),)})

    facts = gather(plan(FLASK), [loud, Other(failure=SourceUnavailable("down"))], now=NOW, deadline=DEADLINE)

    assert [one.ident for one in facts.told(FLASK.purl)] == ["MAL-2026-1"]


class Hesitant(FakeSource):
    """A source that has only old bad news: it tells it, and says that it does not know what became known since."""

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """See `Source.ask`."""
        answer = super().ask(releases, now=now, deadline=deadline)
        return replace(answer, silent={one.purl: "its last answer is 72 h old" for one in releases})


def test_old_bad_news_is_heard_and_is_no_whole_answer() -> None:
    """What stands on both sides counts against the release, and leaves it not judged."""
    facts = gather(plan(FLASK), [Hesitant(known={FLASK.purl: (advisory(),)})], now=NOW, deadline=DEADLINE)

    assert [one.ident for one in facts.told(FLASK.purl)] == ["MAL-2026-1"]
    with pytest.raises(FactMissing, match="72 h old"):
        facts.advisories(FLASK.purl)


@pytest.mark.parametrize(
    "sources", [pytest.param([], id="none"), pytest.param([FakeSupplement()], id="supplements-only")]
)
def test_nobody_to_ask_is_no_answer(sources: list[FakeSource]) -> None:
    """No source at all, or only one whose silence proves nothing, is "not judged"."""
    facts = gather(plan(FLASK), sources, now=NOW, deadline=DEADLINE)

    with pytest.raises(FactMissing, match="no advisory source"):
        facts.advisories(FLASK.purl)


def test_a_supplement_may_be_down() -> None:
    """A registry that tells nothing of itself takes nothing away from the sources that must answer."""
    facts = gather(
        plan(FLASK), [FakeSource(), FakeSupplement(failure=SourceUnavailable("404"))], now=NOW, deadline=DEADLINE
    )

    assert facts.advisories(FLASK.purl) == ()
    assert [state.detail for state in facts.sources] == ["", "404"]


def test_offline_judges_with_what_is_there() -> None:
    """When the user chose to be offline, stored records answer, and bad news in them still counts."""
    bad = FakeSupplement(known={FLASK.purl: (advisory(),)})

    facts = gather(plan(FLASK), [bad], now=NOW, deadline=DEADLINE, offline=True)

    assert [one.ident for one in facts.advisories(FLASK.purl)] == ["MAL-2026-1"]


def test_a_source_that_hangs_is_given_up() -> None:
    """A source that keeps no deadline is silent; the others are not lost, and nobody waits for it."""
    started = time.monotonic()

    facts = gather(plan(FLASK), [FakeSource(), Hanging()], now=NOW, deadline=timedelta(seconds=0.2))

    assert time.monotonic() - started < 5
    with pytest.raises(FactMissing, match="hanging: did not answer"):
        facts.advisories(FLASK.purl)


def test_a_crash_in_a_source_stops_the_run() -> None:
    """A bug of ours is neither silence nor "clean": it ends the run."""
    with pytest.raises(ZeroDivisionError):
        gather(plan(FLASK), [FakeSource(failure=ZeroDivisionError())], now=NOW, deadline=DEADLINE)


def test_two_sources_of_one_name_are_both_heard() -> None:
    """Two folders of records are both called `records`: the second must not silence the first."""
    app = release("pkg:pypi/app@1")
    loud, quiet = FakeSource(known={app.purl: (advisory(),)}), FakeSource()

    for sources in ((loud, quiet), (quiet, loud)):
        facts = gather(plan(app), sources, now=NOW, deadline=timedelta(seconds=5))
        assert [one.ident for one in facts.advisories(app.purl)] == ["MAL-2026-1"]
        assert len(facts.sources) == 2
