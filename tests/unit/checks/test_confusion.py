"""Dependency confusion: which offers contradict each other, and which of them is the wrong one."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from safeinstall.checks.confusion import CONFUSION, NOTE, DependencyConfusion
from safeinstall.facts import Facts
from safeinstall.model import Confidence, Finding, Offer, Registry, Release, Severity, Visibility
from safeinstall.purl import project
from tests import fakes
from tests.fakes import NOW, PRIVATE, PUBLIC

UTILS = "pkg:pypi/acme-utils@9.9.9"


def offer(registry: Registry, highest: str, **fields: object) -> Offer:
    """Return what *registry* lists under `acme-utils`."""
    made = Offer(purl=project(fakes.release(UTILS).purl), registry=registry, highest=highest, releases=2, planned=False)
    return replace(made, **fields)  # type: ignore[arg-type]  # the caller names fields of Offer


def ran(release: Release, *offers: Offer) -> list[Finding]:
    """Return what the check finds."""
    named = tuple(replace(one, purl=project(release.purl)) for one in offers)
    return list(DependencyConfusion().run(release, Facts(plan=fakes.plan(release, offers=named), now=NOW)))


def test_the_public_one_would_win() -> None:
    """Both candidates stand in the finding."""
    (found,) = ran(fakes.release(UTILS), offer(PUBLIC, "9.9.9", planned=True, releases=1), offer(PRIVATE, "1.2.0"))

    assert (found.kind, found.severity, found.confidence) == (CONFUSION, Severity.HIGH, Confidence.HIGH)
    assert found.evidence == (
        "9.9.9 would be taken from https://pypi.example/simple (declared public): 1 version, the highest 9.9.9",
        "the other: https://packages.corp.example/simple (declared private): 2 versions, the highest 1.2.0",
        "9.9.9 is a number that nobody counts up to; such a one is chosen to win over a private name",
    )


@pytest.mark.parametrize("version", ["1.2.1", "2.0"])
def test_a_modest_version_wins_just_as_well(version: str) -> None:
    """The wrong one is wrong whatever its number."""
    (found,) = ran(fakes.release(f"pkg:pypi/acme-utils@{version}"), offer(PUBLIC, version), offer(PRIVATE, "1.2.0"))

    assert found.kind == CONFUSION


def test_archives_of_the_users_own_are_a_candidate_too() -> None:
    """A folder of `--find-links` is no registry, but whose it is is certain."""
    local = Registry(url="file:///home/ann/wheels", visibility=Visibility.LOCAL)

    (found,) = ran(fakes.release("pkg:pypi/acme-utils@1.3"), offer(PUBLIC, "1.3"), offer(local, "1.2.0", releases=1))

    assert found.kind == CONFUSION
    assert found.title == "`acme-utils` lies on this machine with other bytes, and a public registry would win"
    assert found.evidence[1] == "the other: file:///home/ann/wheels (on this machine): 1 version, the highest 1.2.0"


def test_the_private_one_wins_today() -> None:
    """It is told, because a higher public version would win tomorrow."""
    (found,) = ran(fakes.release(UTILS, registry=PRIVATE), offer(PRIVATE, "9.9.9"), offer(PUBLIC, "1.0"))

    assert found.kind == NOTE


@pytest.mark.parametrize(("version", "kind"), [("9.9.9", CONFUSION), ("12.0", CONFUSION), ("1.3.0", NOTE)])
def test_nobody_declared_anything(version: str, kind: str) -> None:
    """Which of two is public is a guess then; a far higher one is suspicious wherever it stands."""
    release = fakes.release(f"pkg:pypi/acme-utils@{version}", registry=PRIVATE)

    (found,) = ran(release, offer(PRIVATE, version, guessed=True), offer(PUBLIC, "1.2.0", guessed=True))

    assert found.kind == kind


@pytest.mark.parametrize(
    "rival",
    [
        pytest.param(offer(PRIVATE, "1.2.0", planned=True), id="the-very-file"),
        pytest.param(offer(PRIVATE, "1.2.0", shared=True, guessed=True), id="files-in-common"),
    ],
)
def test_a_mirror_is_no_rival(rival: Offer) -> None:
    """The same bytes are the same thing."""
    release = fakes.release("pkg:pypi/acme-utils@1.4")

    assert ran(release, offer(PUBLIC, "1.4"), rival) == []


def test_files_in_common_do_not_excuse_a_declared_registry() -> None:
    """Whoever has got hold of one private file could publish it, and be excused."""
    (found,) = ran(fakes.release(UTILS), offer(PUBLIC, "9.9.9"), offer(PRIVATE, "1.2.0", shared=True))

    assert found.kind == CONFUSION


def test_popular_names_are_nobodys_own() -> None:
    """An extra index with its own builds of `numpy` is usual; who owns the name says so."""
    release = fakes.release("pkg:pypi/numpy@2.0")

    assert ran(release, offer(PUBLIC, "2.0"), offer(PRIVATE, "1.0")) == []
    (found,) = ran(release, offer(PUBLIC, "2.0", claim="private.names"))
    assert found.title == "`numpy` is private, but a public registry answers for it"
    assert found.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("registry", "below", "age", "kind"),
    [
        (PUBLIC, "1.2.0", timedelta(days=3), CONFUSION),
        (PUBLIC, "1.2.0", None, CONFUSION),
        (PUBLIC, "1.2.0", timedelta(days=400), NOTE),
        (PRIVATE, "1.2.0", timedelta(days=400), CONFUSION),
        (PUBLIC, None, timedelta(days=3), NOTE),
        (PUBLIC, "9.8.0", timedelta(days=3), None),
        (PUBLIC, "5.0", timedelta(days=3), None),
    ],
)
def test_one_page_with_a_leap(registry: Registry, below: str | None, age: timedelta | None, kind: str | None) -> None:
    """A registry that merges two others shows no more than this."""
    uploaded: datetime | None = None if age is None else NOW - age
    release = fakes.release(UTILS, registry=registry, uploaded=uploaded)

    found = ran(release, offer(registry, "9.9.9", below=below))

    assert [one.kind for one in found] == ([] if kind is None else [kind])


def test_what_stays_is_not_chosen() -> None:
    """Only what is taken now can be taken from the wrong place."""
    kept = fakes.release(UTILS, kept=True)

    assert ran(kept, offer(PUBLIC, "9.9.9"), offer(PRIVATE, "1.2.0")) == []


def test_two_declared_public_registries_are_no_confusion() -> None:
    """Nobody's private name is at stake, unless the number says so."""
    other = Registry(url="https://mirror.example/simple", visibility=Visibility.PUBLIC)
    plain = fakes.release("pkg:pypi/acme-utils@1.4")

    assert ran(plain, offer(PUBLIC, "1.4"), offer(other, "1.2.0")) == []
    assert [one.kind for one in ran(fakes.release(UTILS), offer(PUBLIC, "9.9.9"), offer(other, "1.2.0"))] == [CONFUSION]
