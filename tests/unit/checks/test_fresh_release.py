"""Too young, of unknown age, or old enough."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from safeinstall.checks.fresh_release import FreshRelease
from safeinstall.cooldown import OFF, Cooldown, Cooling, Fix, Young
from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.model import ArtifactKind, Finding, Project, Release, Severity
from safeinstall.purl import project
from tests.fakes import NOW, plan, release

LIB = "pkg:pypi/lib@3.0"
YOUNG = NOW - timedelta(hours=12)


def ran(
    one: Release, *, young: Sequence[Young] = (), cooldown: Cooldown | None = None, first: datetime | None = None,
    fixes: tuple[Fix, ...] = (),
) -> list[Finding]:  # fmt: skip
    """Return what the check finds about *one*."""
    cooling = Cooling(cooldown=cooldown or Cooldown(), young=tuple(young), fixes=fixes)
    page = Project(purl=project(one.purl), first_uploaded=first)
    return list(FreshRelease().run(one, Facts(plan=plan(one, cooling=cooling, projects=(page,)), now=NOW)))


def test_a_young_release_is_a_finding_that_says_when_it_will_be_none() -> None:
    """Age, cooldown, the way out."""
    (found,) = ran(release(LIB, uploaded=YOUNG), young=[Young(purl=release(LIB).purl, older="2.0")])

    assert (found.kind, found.title) == ("fresh-release", "`lib` 3.0 was uploaded 12 h ago, less than 72 h")
    assert found.hint == "take `lib` 2.0, the newest that is old enough, or wait until 2026-11-26 00:00 UTC"


def test_a_first_release_says_so() -> None:
    """There is nothing older to take."""
    (found,) = ran(release(LIB, uploaded=YOUNG), first=YOUNG)

    assert "it is the first release of `lib`" in found.evidence
    assert "no version of `lib` is old enough yet" in (found.hint or "")


def test_a_file_added_late_is_worse_than_a_new_release() -> None:
    """Nobody waits for one, and it changes what everybody with a pin gets."""
    late = Young(purl=release(LIB).purl, older="3.0", since=NOW - timedelta(days=400))
    (found,) = ran(release(LIB, uploaded=YOUNG), young=[late])

    assert found.severity is Severity.HIGH
    assert "was added 12 h ago to an old release" in found.title
    assert "3.0 has been there since 2025-10-19; this file is younger than it" in found.evidence


def test_files_of_one_upload_are_not_late() -> None:
    """They come within minutes."""
    (found,) = ran(
        release(LIB, uploaded=YOUNG), young=[Young(purl=release(LIB).purl, since=YOUNG - timedelta(minutes=9))]
    )

    assert found.severity is Severity.MEDIUM


def test_what_could_not_be_withheld_says_why() -> None:
    """So that the user can loosen what asks for it."""
    why = "it could not be withheld: without it nothing fits `lib>=3`"
    (found,) = ran(release(LIB, uploaded=YOUNG), young=[Young(purl=release(LIB).purl, older="2.0", why=why)])

    assert why in found.evidence
    assert "loosen what asks for it" in (found.hint or "")


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(release(LIB), id="old-enough"),
        pytest.param(release(LIB, uploaded=YOUNG, kept=True), id="there-already"),
        pytest.param(release(LIB, uploaded=YOUNG, registry=None), id="no-registry-vouches-for-it"),
        pytest.param(release(LIB, uploaded=None, kind=ArtifactKind.LOCAL_FILE), id="a-file-of-ones-own"),
        pytest.param(release("pkg:npm/lib@1.0.0", uploaded=None, kind=ArtifactKind.BUNDLED), id="inside-another"),
    ],
)
def test_nothing_is_said_of(one: Release) -> None:
    """What is no news, or no upload."""
    assert ran(one) == []


def test_what_mends_an_advisory_and_what_is_switched_off_are_let_through() -> None:
    """The exception and the setting."""
    one = release(LIB, uploaded=YOUNG)

    assert ran(one, cooldown=OFF) == []
    assert ran(one, fixes=(Fix(purl=one.purl, ids=("GHSA-1",), instead="2.0"),)) == []


def test_an_unknown_age_is_a_question_that_stays_open() -> None:
    """A mirror without upload times is neither young nor clean."""
    with pytest.raises(FactMissing, match="does not tell when it was uploaded"):
        ran(release(LIB, uploaded=None))
