"""Signals beside a project's past, and the rows that combine them."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.checks.changed_release import ChangedRelease
from safeinstall.checks.combination import ESTABLISHED, FOUND, Combination
from safeinstall.checks.ownership import Ownership
from safeinstall.checks.provenance import Provenance as ProvenanceCheck
from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.history import Domain, History, Maintainer, Method, Provenance, Publication
from safeinstall.model import Finding, Plan, Project
from safeinstall.origin import Origin
from safeinstall.pipeline import inspect
from safeinstall.purl import project
from safeinstall.signals.combinations import COMBINATIONS, combined
from safeinstall.signals.gathered import signals
from safeinstall.signals.signal import WEIGHTS, Kind, Signal, score
from tests import fakes
from tests.fakes import NOW

THING = "pkg:npm/thing@1.1.1"
WEEK, YEAR = NOW - timedelta(days=7), NOW - timedelta(days=300)
AMY, BEN = Maintainer(name="amy", mail="amy@a.example"), Maintainer(name="ben", mail="ben@b.example")
BEFORE = Publication(
    version="1.1.0",
    uploaded=YEAR,
    publisher="amy",
    method=Method.ACCOUNT,
    maintainers=(AMY,),
    provenance=Provenance(present=True),
    install_scripts=(),
    dependencies=("old",),
    commands=(),
    startup=(),
    size=20_000,
    kinds=("wheel",),
    builder="setuptools",
    repositories=("github.com/amy/thing",),
)
AFTER = replace(BEFORE, version="1.1.1", uploaded=WEEK)


def past(planned: Publication = AFTER, before: Publication | None = BEFORE, **fields: object) -> History:
    """Return the history of *planned* after *before*, published by amy for years."""
    known: dict[str, object] = {
        "publishers": (("amy", NOW - timedelta(days=2000)),),
        "versions": 5,
        "earlier": () if before is None else (before,),
        "dated": True,
    }
    known.update(fields)
    return History(name="thing", planned=planned, settled=before, previous=before, **known)  # type: ignore[arg-type]


def facts(history: History, *projects: Project, **more: object) -> Facts:
    """Return the facts of a plan with one release that has this past."""
    release = fakes.release(THING, uploaded=history.planned.uploaded)
    plan = replace(fakes.plan(release, projects=projects, histories={release.purl: history}), **more)  # type: ignore[arg-type]
    return Facts(plan=plan, now=NOW)


def kinds(history: History, *projects: Project, **more: object) -> set[Kind]:
    """Return what kinds of signals there are."""
    known = facts(history, *projects, **more)
    return {one.kind for one in signals(known.plan.releases[0], history, known)} - {Kind.PATCH}


def test_an_honest_patch_release_has_no_signal() -> None:
    """Nothing changed but what a new version is for."""
    assert kinds(past()) == set()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"install_scripts": (("postinstall", "x"),)}, Kind.SCRIPT),
        ({"startup": ("evil.pth",)}, Kind.STARTUP),
        ({"dependencies": ("new", "old")}, Kind.DEPENDENCY),
        ({"commands": ("thing",)}, Kind.COMMAND),
        ({"builder": "hatchling"}, Kind.BUILDER),
        ({"size": 3_000_000}, Kind.SIZE),
        ({"kinds": ("sdist",)}, Kind.SOURCE_ONLY),
        ({"repositories": ()}, Kind.REPOSITORY),
        ({"uploaded": YEAR + timedelta(days=400)}, Kind.AWAKENED),
        ({"version": "99.0.0"}, Kind.JUMP),
        ({"publisher": "ben"}, Kind.PUBLISHER),
        ({"maintainers": (BEN,)}, Kind.REPLACED),
        ({"maintainers": (AMY, BEN)}, Kind.ADDED),
        ({"provenance": Provenance(present=False)}, Kind.UNATTESTED),
    ],
)
def test_each_change_is_one_signal(change: dict[str, object], kind: Kind) -> None:
    """And nothing else is made of it."""
    assert kinds(past(replace(AFTER, **change))) == {kind}  # type: ignore[arg-type]


@pytest.mark.parametrize("side", ["planned", "before"])
@pytest.mark.parametrize(
    "field",
    [
        *("install_scripts", "startup", "dependencies", "commands", "size", "repositories", "builder"),
        *("publisher", "maintainers", "provenance", "uploaded", "method"),
    ],
)
def test_what_is_unknown_is_no_signal(side: str, field: str) -> None:
    """Neither a mirror's silence on the planned release nor on the earlier one says anything against it."""
    empty = {field: None}
    history = past(replace(AFTER, **empty)) if side == "planned" else past(before=replace(BEFORE, **empty))  # type: ignore[arg-type]

    assert kinds(history) == set()


def test_a_young_dependency() -> None:
    """Its own first release was just before this one; an old, a popular or an unknown one is ordinary."""
    history = past(replace(AFTER, dependencies=("old", "zq-new")))
    page = Project(purl=project(fakes.release("pkg:npm/zq-new@1.0.0").purl), first_uploaded=WEEK - timedelta(days=3))

    assert kinds(history, page) == {Kind.YOUNG_DEPENDENCY}
    assert kinds(history, replace(page, first_uploaded=YEAR)) == {Kind.DEPENDENCY}
    assert kinds(history, replace(page, first_uploaded=None)) == {Kind.DEPENDENCY}
    popular = past(replace(AFTER, dependencies=("express", "old")))
    assert kinds(popular, replace(page, purl=project(fakes.release("pkg:npm/express@1.0.0").purl))) == {Kind.DEPENDENCY}


def test_whoever_could_publish_for_months_is_not_new() -> None:
    """An announced hand-over: by an earlier release, by an earlier publication, or by what this machine saw."""
    ben = replace(AFTER, publisher="ben", maintainers=(AMY, BEN))

    assert kinds(past(ben, replace(BEFORE, maintainers=(AMY, BEN)))) == set()
    assert Kind.PUBLISHER not in kinds(past(ben, publishers=(("amy", YEAR), ("ben", YEAR))))
    assert kinds(past(ben, seen=(("amy", YEAR), ("ben", YEAR)))) == set()
    assert Kind.PUBLISHER in kinds(past(ben, seen=(("ben", WEEK - timedelta(days=1)),)))


def test_a_build_service_is_nobody_new_but_an_account_after_it_is_told() -> None:
    """Going over to trusted publishing is good news; going back is not."""
    service = replace(AFTER, publisher="GitHub Actions", method=Method.TRUSTED)

    assert kinds(past(service)) == set()
    assert kinds(past(before=replace(BEFORE, publisher="GitHub Actions", method=Method.TRUSTED))) == {Kind.ACCOUNT}


def test_old_proofs_count_no_more() -> None:
    """A project that stopped attesting years ago does not warn for ever."""
    before = replace(BEFORE, uploaded=WEEK - timedelta(days=500))

    assert Kind.UNATTESTED not in kinds(past(replace(AFTER, provenance=Provenance(present=False)), before))


def test_todays_owners_against_those_that_this_machine_saw() -> None:
    """Where releases name nobody, our own memory does."""
    silent = replace(AFTER, maintainers=None)

    assert kinds(past(silent, seen=(("amy", YEAR),), owners=("ben",))) == {Kind.REPLACED}
    assert kinds(past(silent, seen=(("amy", YEAR),), owners=("amy", "ben"))) == {Kind.ADDED}
    assert kinds(past(silent, seen=(("amy", YEAR),), owners=("amy",))) == set()


def test_mail_domains() -> None:
    """One that is not in the DNS, one that was registered after the last release; one that nobody asked about."""
    new = {"a.example": Domain(resolves=True, registered=WEEK)}

    assert kinds(past(), domains=new) == {Kind.MAIL_NEW}
    assert kinds(past(), domains={"a.example": Domain(resolves=False)}) == {Kind.MAIL_GONE}
    assert kinds(past(), domains={"a.example": Domain(resolves=True, registered=YEAR - timedelta(days=1))}) == set()
    assert kinds(past(), domains={"b.example": Domain(resolves=False)}) == set()


def test_ctx_is_an_expired_domain() -> None:
    """The first release after years, by whoever registered the domain anew."""
    slept = replace(BEFORE, uploaded=NOW - timedelta(days=2700))
    known = facts(past(before=slept), domains={"a.example": Domain(resolves=True, registered=WEEK - timedelta(days=7))})
    (found,) = Combination().run(known.plan.releases[0], known)

    assert "(expired-domain)" in found.title
    assert found.kind == FOUND


# --- what becomes of them -------------------------------------------------------------------------------------------

BAD = past(replace(AFTER, install_scripts=(("postinstall", "node x.js"),), size=3_000_000))


def ran(
    check: Combination | ChangedRelease | Ownership | ProvenanceCheck, history: History, **more: object
) -> list[Finding]:
    """Return what *check* finds."""
    known = facts(history, **more)
    return list(check.run(known.plan.releases[0], known))


def test_one_finding_lists_all_signals() -> None:
    """And the single checks leave them to it."""
    (found,) = ran(Combination(), BAD)

    assert found.kind == FOUND
    assert any("`postinstall` runs `node x.js`" in one for one in found.evidence)
    assert "score 6 (new-script 4 + size-jump 2)" in found.evidence
    assert found.hint == "stay at 1.1.0 until others have looked into it"
    assert ran(ChangedRelease(), BAD) == []


def test_what_everyone_has_looked_at_warns() -> None:
    """A release of last year that was never reported does not block for its signals."""
    old = replace(BAD.planned, uploaded=NOW - timedelta(days=200))
    slept = replace(BEFORE, uploaded=NOW - timedelta(days=400))

    assert [one.kind for one in ran(Combination(), past(old, slept))] == [ESTABLISHED]
    assert [one.kind for one in ran(Combination(), past(replace(old, uploaded=None), slept))] == [FOUND]


def test_what_nobody_could_look_into_is_a_gap_beside_what_was_found() -> None:
    """The other signals are told all the same."""
    history = past(replace(AFTER, commands=("thing",)), unread=True)
    known = facts(history)
    found = inspect(known.plan.releases, known, [ChangedRelease()])

    assert [type(one).__name__ for one in found] == ["Finding", "Gap"]


@pytest.mark.parametrize(
    ("change", "check", "kind"),
    [
        ({"install_scripts": (("install", "x"),)}, ChangedRelease(), "changed-release"),
        ({"commands": ("thing",)}, ChangedRelease(), "changed-release-note"),
        ({"publisher": "ben"}, Ownership(), "ownership"),
        ({"maintainers": (AMY, BEN)}, Ownership(), "ownership-note"),
        ({"provenance": Provenance(present=False)}, ProvenanceCheck(), "provenance"),
    ],
)
def test_single_signals_warn_or_are_noted(change: dict[str, object], check: ChangedRelease, kind: str) -> None:
    """By their weight."""
    assert [one.kind for one in ran(check, past(replace(AFTER, **change)))] == [kind]  # type: ignore[arg-type]


def test_silence_is_never_clean() -> None:
    """A registry that tells nothing leaves a question open in each of the checks."""
    mirror = past(Publication(version="1.1.1"), Publication(version="1.1.0"), publishers=None)

    for check in (Ownership(), ProvenanceCheck()):
        with pytest.raises(FactMissing):
            ran(check, mirror)
    release = fakes.release(THING)
    bare = Facts(plan=fakes.plan(release), now=NOW)
    for other in (ChangedRelease(), Ownership(), ProvenanceCheck()):
        with pytest.raises(FactMissing):
            list(other.run(release, bare))


def test_what_is_here_already_is_not_asked_about() -> None:
    """It is no news."""
    release = fakes.release(THING, kept=True)
    bare = Facts(plan=Plan(ecosystem=fakes.plan(release).ecosystem, releases=(release,)), now=NOW)

    for check in (Combination(), ChangedRelease(), Ownership(), ProvenanceCheck()):
        assert list(check.run(release, bare)) == []


def test_a_demanded_origin() -> None:
    """Only attestations that name the repository, and no other, are one."""
    purl = fakes.release(THING).purl
    mine, evil = "github.com/amy/thing", "github.com/evil/thing"

    def found(named: tuple[str, ...] | None) -> list[Finding]:
        known = facts(past(), demanded={purl: mine})
        known = replace(known, origins={purl: Origin(attested=named)})
        return list(ProvenanceCheck().run(known.plan.releases[0], known))

    assert found((mine,)) == []
    for other in ((evil,), (mine, evil), None):
        (one,) = found(other)
        assert one.kind == "unexpected-origin"
        assert one.title == "`thing` must be built from github.com/amy/thing, and does not prove it"


# --- the table ------------------------------------------------------------------------------------------------------

SIGNALS = st.lists(st.sampled_from(list(Kind))).map(lambda some: tuple(Signal(kind=one, told="x") for one in some))


@given(SIGNALS, SIGNALS)
def test_more_signals_never_make_it_better(some: tuple[Signal, ...], more: tuple[Signal, ...]) -> None:
    """Neither the score nor the rows."""
    assert score((*some, *more)) >= score(some)
    assert combined(some) is None or combined((*some, *more)) is not None


def test_every_kind_has_a_weight_and_every_row_is_documented() -> None:
    """The page of the check is the table."""
    text = (Path(__file__).parents[2] / "docs/checks/combination.md").read_text()

    assert set(WEIGHTS) == set(Kind)
    for row in COMBINATIONS:
        assert f"| `{row.ident}` |" in text
    for kind in Kind:
        assert f"`{kind.value}`" in text
