"""StarJacking: whose repository a release claims, and what speaks for and against it."""

from datetime import datetime, timedelta

import pytest

from safeinstall.checks.starjacking import ESTABLISHED, JACKED, StarJacking
from safeinstall.facts import Facts
from safeinstall.model import Claim, Confidence, Finding, Project, Purl, Release, Severity
from safeinstall.origin import Origin
from safeinstall.purl import project
from tests import fakes
from tests.fakes import NOW

PAMPYIO, PAMPY = "pkg:pypi/pampyio@0.3.0", "pkg:pypi/pampy"
REPOSITORY, OTHER = "github.com/owner/pampy", "github.com/somebody/pampy"
NEW = NOW - timedelta(days=3)


def ran(
    release: Release, *others: Release, first: datetime | None = NEW, edges: object = (), **claims: str
) -> list[Finding]:
    """Return what the check finds about *release*; *claims* are repositories, `_` standing for what purls have."""
    plan = fakes.plan(
        release,
        *others,
        edges=edges,  # type: ignore[arg-type]  # as `fakes.plan` takes them
        projects=(Project(purl=project(release.purl), first_uploaded=first),),
        claims=tuple(Claim(purl=Purl(WHO[name]), repositories=(one,)) for name, one in claims.items()),
    )
    return list(StarJacking().run(release, Facts(plan=plan, now=NOW)))


WHO = {
    "pampyio": PAMPYIO,
    "pampy": PAMPY,
    "requests": "pkg:pypi/requests@2.0",
    "requests_project": "pkg:pypi/requests",
    "stranger": "pkg:pypi/qzxv-things@1.0",
    "relative": "pkg:pypi/django-umbrella-forms@1.0",
    "django": "pkg:pypi/django@6.0",
}


def test_the_repository_of_a_popular_project_under_a_like_name() -> None:
    """The popular project itself says whose repository it is."""
    (found,) = ran(fakes.release(PAMPYIO), pampyio=REPOSITORY, pampy=REPOSITORY)

    assert (found.kind, found.severity, found.confidence) == (JACKED, Severity.HIGH, Confidence.HIGH)
    assert found.title == "`pampyio` claims the repository of `pampy`"
    assert found.evidence[0] == f"`pampy` says that {REPOSITORY} is its repository"
    assert found.evidence[-1] == "first released on 2026-11-20"


def test_nobody_could_ask_the_popular_project() -> None:
    """What is not known is said, and the confidence is lower."""
    (found,) = ran(fakes.release(PAMPYIO), pampyio=REPOSITORY)

    assert (found.kind, found.confidence) == (JACKED, Confidence.MEDIUM)
    assert "which repository `pampy` itself has is not known here" in found.evidence


def test_two_repositories_that_are_named_alike() -> None:
    """A repository of its own is none that was taken."""
    assert ran(fakes.release(PAMPYIO), pampyio=OTHER, pampy=REPOSITORY) == []


def test_an_old_name_is_told_only() -> None:
    """Whoever has it for years is no impostor of last week."""
    (found,) = ran(fakes.release(PAMPYIO), first=NOW - timedelta(days=900), pampyio=REPOSITORY, pampy=REPOSITORY)

    assert (found.kind, found.confidence) == (ESTABLISHED, Confidence.LOW)


def test_an_unknown_age_is_no_old_age() -> None:
    """A registry that does not tell cannot vouch."""
    (found,) = ran(fakes.release(PAMPYIO), first=None, pampyio=REPOSITORY)

    assert found.kind == JACKED
    assert found.evidence[-1] == "unknown age: the registry does not tell"


@pytest.mark.parametrize("repository", ["github.com/owner/pampyio", "github.com/psf/requests"])
def test_another_repository_says_nothing(repository: str) -> None:
    """Neither one of its own name nor one that its name is not near."""
    assert ran(fakes.release(PAMPYIO), pampyio=repository) == []


def test_only_the_first_repository_counts() -> None:
    """An honest plugin names the project that it extends as well."""
    plan = fakes.plan(
        fakes.release(PAMPYIO), claims=(Claim(purl=Purl(PAMPYIO), repositories=("github.com/a/pampyio", REPOSITORY)),)
    )

    assert list(StarJacking().run(plan.releases[0], Facts(plan=plan, now=NOW))) == []


def test_what_a_popular_package_requires_is_told_only() -> None:
    """Whom it trusts may be wrong, but is no stranger's trick on you."""
    parent = fakes.release(WHO["requests"])
    edges = [(None, WHO["requests"], "requests"), (WHO["requests"], PAMPYIO, "pampyio")]

    (found,) = ran(fakes.release(PAMPYIO), parent, edges=edges, pampyio=REPOSITORY, pampy=REPOSITORY)

    assert found.kind == ESTABLISHED
    assert "required by the popular `requests`" in found.evidence


EVIL = "github.com/evil/pampyio"
DENIED = f"its attestations, by the word of its registry, say that it was built from {EVIL}"


def judged(purl: str, claimed: str, origin: Origin, *, first: datetime | None = NEW, **claims: str) -> list[Finding]:
    """Return what the check finds about a release of which *origin* is told."""
    release = fakes.release(purl)
    told = {release.purl: claimed, **{Purl(WHO[name]): one for name, one in claims.items()}}
    plan = fakes.plan(
        release,
        projects=(Project(purl=project(release.purl), first_uploaded=first),),
        claims=tuple(Claim(purl=one, repositories=(place,)) for one, place in told.items()),
    )
    facts = Facts(plan=plan, now=NOW, origins={release.purl: origin})
    return list(StarJacking().run(release, facts))


def test_attestations_that_name_another_repository() -> None:
    """The registry's word on where it was built is as good as that of the popular project."""
    (found,) = judged(PAMPYIO, REPOSITORY, Origin(attested=(EVIL,)))

    assert (found.kind, found.confidence) == (JACKED, Confidence.HIGH)
    assert DENIED in found.evidence


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param(Origin(attested=(REPOSITORY,)), id="built-there"),
        pytest.param(Origin(manifest="Pampyio"), id="its-manifest-names-it"),
    ],
)
def test_evidence_that_the_repository_is_its_own(origin: Origin) -> None:
    """Nobody but the people of a repository builds in it, or writes its manifest."""
    assert judged(PAMPYIO, REPOSITORY, origin, pampy=REPOSITORY) == []


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        pytest.param(Origin(manifest="pampy"), f"the manifest in {REPOSITORY} names `pampy`", id="manifest"),
        pytest.param(Origin(exists=False), f"there is no public repository {REPOSITORY}", id="not-there"),
    ],
)
def test_what_the_repository_itself_says_is_evidence(origin: Origin, told: str) -> None:
    """It is printed beside what else is known."""
    (found,) = judged(PAMPYIO, REPOSITORY, origin, pampy=REPOSITORY)

    assert found.kind == JACKED
    assert told in found.evidence


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        pytest.param(Origin(exists=False), "there is no public repository github.com/a/b", id="not-there"),
        pytest.param(Origin(manifest="b"), "the manifest in github.com/a/b names `b`", id="another-package"),
        pytest.param(Origin(attested=(EVIL,)), DENIED, id="built-elsewhere"),
    ],
)
def test_a_claim_that_is_denied_is_told_whoever_it_is_about(origin: Origin, told: str) -> None:
    """Private repositories and renamed ones exist: a warning, and no block."""
    (found,) = judged(WHO["stranger"], "github.com/a/b", origin)

    assert (found.kind, found.confidence) == (ESTABLISHED, Confidence.MEDIUM)
    assert found.title == "`qzxv-things` claims a repository that is not its own, or not there"
    assert told in found.evidence


def test_nothing_told_is_no_suspicion() -> None:
    """Unknown is not against it."""
    assert judged(WHO["stranger"], "github.com/a/b", Origin()) == []
    assert judged(WHO["stranger"], "github.com/a/b", Origin(exists=True)) == []


@pytest.mark.parametrize(
    ("origin", "kind"),
    [(Origin(), ESTABLISHED), (Origin(attested=(EVIL,)), JACKED), (Origin(exists=True), ESTABLISHED)],
)
def test_the_repository_of_a_popular_project_under_any_name(origin: Origin, kind: str) -> None:
    """A new name that borrows a famous repository is told, and blocked when it was built elsewhere."""
    (found,) = judged(WHO["stranger"], "github.com/psf/requests", origin, requests_project="github.com/psf/requests")

    assert found.kind == kind
    assert found.title == "`qzxv-things` claims the repository of `requests`"


def test_no_repository_is_no_suspicion() -> None:
    """Facts that nobody tells are unknown."""
    assert ran(fakes.release(PAMPYIO)) == []


def test_the_repository_of_a_popular_release_in_the_same_set() -> None:
    """A new stranger that shares it is told of."""
    stranger, popular = fakes.release(WHO["stranger"]), fakes.release(WHO["requests"])
    same = "github.com/psf/requests"

    (found,) = ran(stranger, popular, stranger=same, requests=same)

    assert found.kind == ESTABLISHED
    assert found.evidence[0] == f"{same} is the repository of `requests`, which is in the same set"


def test_what_a_popular_release_requires_is_tied_to_it() -> None:
    """One repository holds several packages more often than not."""
    stranger, popular = fakes.release(WHO["stranger"]), fakes.release(WHO["requests"])
    same = "github.com/psf/requests"

    edges = [(None, WHO["requests"], "requests"), (WHO["requests"], WHO["stranger"], "qzxv-things")]
    assert ran(stranger, popular, edges=edges, stranger=same, requests=same) == []
    relative, django = fakes.release(WHO["relative"]), fakes.release(WHO["django"])
    assert ran(relative, django, relative="github.com/d/forms", django="github.com/d/forms") == []
    assert ran(stranger, popular, first=NOW - timedelta(days=300), stranger=same, requests=same) == []
