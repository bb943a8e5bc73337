"""Typosquatting: which kind of finding a likeness becomes, and what the user reads of it."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.checks.typosquat import ESTABLISHED, NOTE, NOTE_NEW, STRONG, Typosquat
from safeinstall.facts import Facts
from safeinstall.history import History, Publication
from safeinstall.model import ArtifactKind, Claim, Confidence, EcosystemName, Finding, Project, Purl, Release, Severity
from safeinstall.names.known import Known, fingerprint
from safeinstall.origin import Origin
from safeinstall.purl import project
from tests import fakes
from tests.fakes import NOW

SQUAT = "pkg:pypi/reqeusts@1.0.4"


def page(purl: str, *, first: datetime | None = None, releases: int | None = None) -> Project:
    """Return what a registry's page tells."""
    return Project(purl=project(Purl(purl)), first_uploaded=first, releases=releases)


def ran(release: Release, *others: Release, projects: tuple[Project, ...] = (), **fields: object) -> list[Finding]:
    """Return what the check finds about *release* in a plan with *others*."""
    plan = fakes.plan(release, *others, projects=projects, **fields)  # type: ignore[arg-type]  # edges, as named
    return list(Typosquat().run(release, Facts(plan=plan, now=NOW)))


def test_a_young_squat_is_told_with_all_that_is_known() -> None:
    """The finding says how the name differs, of what, how young it is, and what was probably meant."""
    first = NOW - timedelta(days=2)
    (found,) = ran(fakes.release(SQUAT), projects=(page(SQUAT, first=first, releases=1),))

    assert found == Finding(
        check="typosquat",
        purl=Purl(SQUAT),
        kind=STRONG,
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        title="`reqeusts` is one swap away from `requests`",
        evidence=(
            "`eu` for `ue`",
            "`requests` is rank 6 of the 15k most downloaded names on PyPI (as of 2026-11-01)",
            "what differs is no word of any popular name",
            "score 10.8, strong from 4: base +4.5, rare name +4.5, rank -1.4, slip +1.8, as many words +1.4",
            "first released 2 days ago",
            "releases: 1",
        ),
        hint="did you mean `requests`?",
    )


@pytest.mark.parametrize(
    ("projects", "kind", "told"),
    [
        pytest.param((), STRONG, "unknown age: the registry does not tell", id="no-page"),
        pytest.param((page(SQUAT, releases=9),), STRONG, "unknown age: the registry does not tell", id="no-times"),
        pytest.param((page(SQUAT, first=NOW),), STRONG, "first released less than a day ago", id="today"),
        pytest.param((page(SQUAT, first=NOW - timedelta(days=89)),), STRONG, "first released 2 months ago", id="89"),
        pytest.param((page(SQUAT, first=NOW - timedelta(90)),), ESTABLISHED, "first released 3 months ago", id="90"),
        pytest.param((page(SQUAT, first=NOW - timedelta(1500)),), ESTABLISHED, "first released 4 years ago", id="old"),
    ],
)
def test_age_decides_whether_a_name_is_established(projects: tuple[Project, ...], kind: str, told: str) -> None:
    """A name of unknown age counts as young; only one that the registry has known for 90 days is established."""
    (found,) = ran(fakes.release(SQUAT), projects=projects)

    assert found.kind == kind
    assert told in found.evidence


@pytest.mark.parametrize(
    ("days", "releases", "kind"),
    [
        pytest.param(30, 10, ESTABLISHED, id="a-month-and-ten-releases"),
        pytest.param(30, 9, STRONG, id="too-few-releases"),
        pytest.param(29, 500, STRONG, id="many-releases-at-once"),
        pytest.param(30, None, STRONG, id="nobody-counts"),
    ],
)
def test_many_releases_establish_a_name_sooner(days: int, releases: int | None, kind: str) -> None:
    """Ten releases and thirty days are as good as ninety days; releases alone can be made in an hour."""
    (found,) = ran(fakes.release(SQUAT), projects=(page(SQUAT, first=NOW - timedelta(days=days), releases=releases),))

    assert found.kind == kind


def known_names(ecosystem: EcosystemName, as_of: date, *names: str) -> Known:
    """Return a table of *names*."""
    body = b"".join(sorted(fingerprint(ecosystem, name) for name in names))
    return Known(ecosystem=ecosystem, as_of=as_of, size=len(names), prints=memoryview(body), crc=0)


@pytest.mark.parametrize(
    ("name", "days", "kind"),
    [
        pytest.param("reqeusts", 14, ESTABLISHED, id="two-weeks"),
        pytest.param("Reqeusts", 14, ESTABLISHED, id="another-spelling"),
        pytest.param("reqeusts", 13, STRONG, id="a-list-of-yesterday-proves-nothing"),
        pytest.param("requestss", 400, STRONG, id="another-name"),
    ],
)
def test_a_known_name_is_not_new_where_no_registry_tells(name: str, days: int, kind: str) -> None:
    """A plain mirror tells no upload times; a name that was on a list two weeks ago is warned about, not blocked."""
    table = known_names(EcosystemName.PYPI, NOW.date() - timedelta(days=days), name)
    check = Typosquat(table=lambda _: table)
    (found,) = check.run(fakes.release(SQUAT), Facts(plan=fakes.plan(fakes.release(SQUAT)), now=NOW))

    assert found.kind == kind
    assert "unknown age: the registry does not tell" in found.evidence
    said = f"a list of {table.as_of} has the name, so it is not new; what is in it is another matter"
    assert (said in found.evidence) == (kind == ESTABLISHED)


def test_what_the_registry_tells_is_believed_instead() -> None:
    """A known name that the registry calls two days old was taken away and given anew."""
    table = known_names(EcosystemName.PYPI, NOW.date() - timedelta(days=400), "reqeusts")
    plan = fakes.plan(fakes.release(SQUAT), projects=(page(SQUAT, first=NOW - timedelta(days=2)),))
    (found,) = Typosquat(table=lambda _: table).run(fakes.release(SQUAT), Facts(plan=plan, now=NOW))

    assert found.kind == STRONG


def test_a_misspelt_word_is_no_proof_of_a_popular_package() -> None:
    """The evidence is the word, and the hint does not recommend a name that nobody knows."""
    (found,) = ran(fakes.release("pkg:npm/acme-validtaor@1.0.0"))

    assert (found.kind, found.title) == (STRONG, "`acme-validtaor` is one swap away from `acme-validator`")
    assert any(one.startswith("`validator` is a word of 123 of the 51k most downloaded") for one in found.evidence)
    assert found.hint == ("did you mean `acme-validator`? That is no popular name either: look at it before you use it")


def test_what_is_installed_already_is_not_blocked() -> None:
    """A kept release brings nothing new: it is told, as established."""
    (found,) = ran(fakes.release(SQUAT, kept=True))

    assert (found.kind, found.confidence) == (ESTABLISHED, Confidence.LOW)
    assert "installed already" in found.evidence


def test_what_a_popular_package_requires_is_not_blocked() -> None:
    """Nobody mistyped a name that a popular package's own metadata gives."""
    parent = fakes.release("pkg:pypi/flask@3.0.0")
    edges = [("pkg:pypi/flask@3.0.0", SQUAT, "reqeusts")]
    (found,) = ran(fakes.release(SQUAT), parent, edges=edges)

    assert found.kind == ESTABLISHED
    assert "required by the popular `flask`" in found.evidence


def test_another_version_that_is_here_vouches_for_a_name() -> None:
    """An update of what was installed, or locked, is no slip of today's."""
    here = History(name="reqeusts", planned=Publication(version="1.0"), present=Publication(version="0.9"))
    (found,) = ran(fakes.release(SQUAT), histories={Purl(SQUAT): here})

    assert found.kind == ESTABLISHED
    assert "another version of it is installed, or locked, here already" in found.evidence


@pytest.mark.parametrize("built", ["github.com/psf/requests", "github.com/stranger/requests"])
def test_the_same_workshop_vouches_for_a_name(built: str) -> None:
    """Attestations that name the popular project's own repository; what a release claims by itself does not count."""
    real = Claim(purl=Purl("pkg:pypi/requests"), repositories=("github.com/psf/requests",))
    mine = Claim(purl=Purl(SQUAT), repositories=("github.com/psf/requests",))
    one = fakes.release(SQUAT)
    facts = Facts(plan=fakes.plan(one, claims=(real, mine)), now=NOW, origins={one.purl: Origin(attested=(built,))})
    (found,) = Typosquat().run(one, facts)

    assert (found.kind == ESTABLISHED) == (built == "github.com/psf/requests")


@pytest.mark.parametrize("owner", ["expressjs-team", "stranger"])
def test_the_same_people_vouch_for_a_name(owner: str) -> None:
    """Whoever may publish the popular project, too; nobody else."""
    squat, real = fakes.release("pkg:npm/exrpess@1.0.0"), fakes.release("pkg:npm/express@5.0.0")
    histories = {
        squat.purl: History(name="exrpess", planned=Publication(version="1.0.0"), owners=(owner,)),
        real.purl: History(name="express", planned=Publication(version="5.0.0"), owners=("amy", "expressjs-team")),
    }
    (found,) = ran(squat, real, histories=histories)

    assert (found.kind == ESTABLISHED) == (owner == "expressjs-team")


def test_what_an_unknown_package_requires_is_blocked() -> None:
    """A squat among the requirements of a package that nobody knows is no accident of the user's."""
    parent = fakes.release("pkg:pypi/some-unheard-of-thing@1")
    edges = [("pkg:pypi/some-unheard-of-thing@1", SQUAT, "reqeusts")]
    (found,) = ran(fakes.release(SQUAT), parent, edges=edges)

    assert found.kind == STRONG


@pytest.mark.parametrize("purl", ["pkg:pypi/pampyio@1.0", "pkg:npm/event-stream-utils@1.0.0"])
def test_added_words_are_noted(purl: str) -> None:
    """A popular name with words added is a note of low confidence: most such names are honest."""
    (found,) = ran(fakes.release(purl))

    assert (found.kind, found.severity, found.confidence) == (NOTE, Severity.LOW, Confidence.LOW)


@pytest.mark.parametrize("purl", ["pkg:npm/event-stream@3.3.6", "pkg:pypi/python-nmap@0.7", "pkg:npm/%40types/node@1"])
def test_popular_names_pass(purl: str) -> None:
    """A popular name is never a squat, whatever happened to its releases."""
    assert ran(fakes.release(purl)) == []


@pytest.mark.parametrize("kind", [ArtifactKind.LOCAL_FILE, ArtifactKind.LOCAL_PROJECT, ArtifactKind.BUNDLED])
def test_names_that_no_registry_gave_pass(kind: ArtifactKind) -> None:
    """The user may call a directory what they like."""
    assert ran(fakes.release(SQUAT, kind=kind)) == []


def test_letters_of_other_scripts_are_a_finding_of_their_own() -> None:
    """A name that a registry cannot even have is strong however old it claims to be."""
    disguised = "r\u0435quests"
    release = Release(
        purl=Purl("pkg:pypi/r%D0%B5quests@1.0"),
        name=disguised,
        version="1.0",
        artifact=fakes.release(SQUAT).artifact,
    )
    (found,) = ran(release, projects=(page("pkg:pypi/r%D0%B5quests", first=NOW - timedelta(days=4000)),))

    assert (found.kind, found.confidence) == (STRONG, Confidence.HIGH)
    assert found.title == f"`{disguised}` has letters outside ASCII and looks like `requests`"
    assert found.evidence == ("letters: CYRILLIC SMALL LETTER IE",)
    assert found.hint == "did you mean `requests`?"


def test_letters_of_other_scripts_that_look_like_nothing_are_told_too() -> None:
    """Without a look-alike the advice is to type the name."""
    release = Release(
        purl=Purl("pkg:pypi/x@1.0"), name="\u6f22\u5b57", version="1.0", artifact=fakes.release(SQUAT).artifact
    )
    (found,) = ran(release)

    assert (found.kind, found.confidence) == (STRONG, Confidence.MEDIUM)
    assert found.hint == "type the name by hand instead of pasting it"


FAINT = "pkg:npm/debug-logtron@1.0.0"


@pytest.mark.parametrize(
    ("days", "releases", "scripts", "kind"),
    [
        pytest.param(5, 1, False, NOTE_NEW, id="new-and-few"),
        pytest.param(5, 9, True, NOTE_NEW, id="new-and-runs-code"),
        pytest.param(60, 2, True, NOTE_NEW, id="few-and-runs-code"),
        pytest.param(5, 9, False, NOTE, id="only-new"),
        pytest.param(60, 1, False, NOTE, id="only-few"),
        pytest.param(60, 9, True, NOTE, id="only-runs-code"),
        pytest.param(400, 1, True, NOTE, id="established"),
        pytest.param(None, None, True, NOTE, id="what-nobody-tells-is-no-sign"),
    ],
)
def test_a_faint_likeness_with_two_more_signs_is_warned_about(
    days: int | None, releases: int | None, scripts: bool, kind: str
) -> None:
    """Neither sign alone says anything: most new names are new, and many honest packages build something."""
    first = None if days is None else NOW - timedelta(days=days)
    pages = (page(FAINT, first=first, releases=releases),)
    (found,) = ran(fakes.release(FAINT, install_script=scripts), projects=pages)

    assert found.kind == kind
    assert any(one.startswith("beside the name: ") for one in found.evidence) == (kind == NOTE_NEW)


def test_a_faint_likeness_that_is_installed_already_stays_a_note() -> None:
    """What damps a strong one damps this, too."""
    pages = (page(FAINT, first=NOW - timedelta(days=2), releases=1),)
    (found,) = ran(fakes.release(FAINT, kept=True), projects=pages)

    assert found.kind == NOTE


@given(st.integers(0, 5000), st.booleans(), st.one_of(st.none(), st.integers(1, 500)))
def test_nothing_known_makes_it_worse(days: int, kept: bool, releases: int | None) -> None:
    """Facts only damp: with any age, count or state, a likeness is never told as more than without."""
    pages = (page(SQUAT, first=NOW - timedelta(days=days), releases=releases),)
    (bare,) = ran(fakes.release(SQUAT))
    (found,) = ran(fakes.release(SQUAT, kept=kept), projects=pages)

    assert found.severity <= bare.severity
    assert (found.kind == STRONG) == (days < (30 if (releases or 0) >= 10 else 90) and not kept)
    assert (found.title, found.hint) == (bare.title, bare.hint)
