"""Typosquatting: a name that is almost a popular one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from safeinstall.facts import Facts
from safeinstall.model import ArtifactKind, BuildNeed, Confidence, EcosystemName, Finding, Purl, Release, Severity
from safeinstall.names import forms, phrases
from safeinstall.names.index import Index
from safeinstall.names.known import Known, known
from safeinstall.names.popular import popular
from safeinstall.names.score import Level, Likeness, judge
from safeinstall.purl import make, parts, project

STRONG = "typosquat-strong"
ESTABLISHED = "typosquat-strong-established"
NOTE = "typosquat-note"
NOTE_NEW = "typosquat-note-new"

_OWN = frozenset({ArtifactKind.LOCAL_FILE, ArtifactKind.LOCAL_PROJECT, ArtifactKind.BUNDLED})
"""The user's own files, and what a judged release brings along: nobody chose these by a name at a registry."""
_STRONG = {False: (STRONG, Severity.HIGH), True: (ESTABLISHED, Severity.MEDIUM)}
"""Kind and severity of a strong likeness, by whether facts damp it."""
_NOTE = {False: (NOTE, Severity.LOW), True: (NOTE_NEW, Severity.MEDIUM)}
"""The same of a faint one, by whether other signs stand beside it."""
_SIGNS = 2
_REGISTRIES = {EcosystemName.PYPI: "PyPI", EcosystemName.NPM: "npm"}
_NPM = "pkg:npm/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Age:
    """What the registry's page tells of how long a name is in use."""

    young: bool
    known: bool
    evidence: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Typosquat:
    """See `Check`."""

    ident: ClassVar[str] = "typosquat"
    question: ClassVar[str] = "Is the name almost that of a popular package?"

    young: timedelta = timedelta(days=90)
    """A name first released less than this ago, or nobody knows when, is not established."""
    used: timedelta = timedelta(days=30)
    """With *many* releases a name is established after this already: releases can be faked in an hour, days cannot."""
    many: int = 10
    new: timedelta = timedelta(days=30)
    """First released less than this ago is a signal beside a note; with another one it is warned about."""
    few: int = 2
    """So many releases or less are another one; code that runs on install is the third."""
    names: Callable[[EcosystemName], Index] = popular
    """Where the popular names come from."""
    seen: timedelta = timedelta(days=14)
    """A name that stood on a list this long ago, and is no name of malware, is not new where no registry tells."""
    table: Callable[[EcosystemName], Known] = known
    """Where the known names come from."""

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        if release.artifact.kind in _OWN:
            return
        index = self.names(EcosystemName.NPM if release.purl.startswith(_NPM) else EcosystemName.PYPI)
        if not release.name.isascii():
            yield self._foreign(release, index)
            return
        likeness = judge(index, release.name)
        if likeness is not None:
            yield self._finding(release, facts, index, likeness)

    def _finding(self, release: Release, facts: Facts, index: Index, likeness: Likeness) -> Finding:
        age = self._age(release, facts, index.ecosystem)
        trust = tuple(_trust(release, facts, index, likeness.target))
        damped = bool(trust) or not age.young
        kind, severity = _STRONG[damped]
        told = (*age.evidence, *trust)
        if likeness.level is not Level.STRONG:
            signs = tuple(self._signs(release, facts))
            raised = not damped and len(signs) >= _SIGNS
            kind, severity = _NOTE[raised]
            told = (*told, "beside the name: " + ", ".join(signs)) if raised else told
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind=kind,
            severity=severity,
            confidence=_confidence(strong=likeness.level is Level.STRONG, damped=damped, age=age),
            title=phrases.claim(release.name, likeness),
            evidence=(*_likeness(index, likeness), *told),
            hint=_hint(likeness),
        )

    def _signs(self, release: Release, facts: Facts) -> Iterator[str]:
        """Yield what makes a faint likeness worth a look; what the registry does not tell is no sign."""
        page = facts.project(release.purl)
        if page is not None and page.first_uploaded is not None and facts.now - page.first_uploaded < self.new:
            yield "the name is new"
        if page is not None and page.releases is not None and page.releases <= self.few:
            yield "it has hardly any releases"
        if release.install_script or release.build is not BuildNeed.NONE:
            yield "it runs code of its own on install"

    def _foreign(self, release: Release, index: Index) -> Finding:
        # Neither registry takes such a name, so nothing about its age could vouch for it.
        letters = phrases.foreign_letters(release.name)
        lookalikes = [] if not letters else index.same_skeleton(forms.squashed(release.name))
        target = index.name(lookalikes[0]) if lookalikes else None
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind=STRONG,
            severity=Severity.HIGH,
            confidence=Confidence.HIGH if target else Confidence.MEDIUM,
            title=f"{phrases.quoted(release.name)} has letters outside ASCII"
            + (f" and looks like `{target}`" if target else ""),
            evidence=(f"letters: {letters}",),
            hint=f"did you mean `{target}`?" if target else "type the name by hand instead of pasting it",
        )

    def _age(self, release: Release, facts: Facts, ecosystem: EcosystemName) -> Age:
        page = facts.project(release.purl)
        releases = () if page is None or page.releases is None else (f"releases: {page.releases}",)
        if page is None or page.first_uploaded is None:
            return self._unknown(release, facts, ecosystem, releases)
        age = facts.now - page.first_uploaded
        told = f"first released {_days(age)} ago"
        used = age >= self.used and (page.releases or 0) >= self.many
        return Age(young=age < self.young and not used, known=True, evidence=(told, *releases))

    def _unknown(self, release: Release, facts: Facts, ecosystem: EcosystemName, releases: tuple[str, ...]) -> Age:
        table = self.table(ecosystem)
        listed = table.holds(release.name) and facts.now.date() - table.as_of >= self.seen
        told = ("unknown age: the registry does not tell", *releases)
        if listed:
            told = (*told, f"a list of {table.as_of} has the name, so it is not new; what is in it is another matter")
        return Age(young=not listed, known=False, evidence=told)


def _likeness(index: Index, likeness: Likeness) -> Iterator[str]:
    letters = phrases.detail(likeness)
    if letters is not None:
        yield letters
    of = f"the {phrases.thousands(index.size)} most downloaded names on {_REGISTRIES[index.ecosystem]}"
    if likeness.rank is None:
        yield f"`{likeness.word}` is a word of {index.count(likeness.word)} of {of} (as of {index.as_of})"
    else:
        yield f"`{likeness.target}` is rank {likeness.rank} of {of} (as of {index.as_of})"
    if likeness.rare:
        yield "what differs is no word of any popular name"
    yield phrases.sum_of(likeness)


def _hint(likeness: Likeness) -> str:
    asked = f"did you mean `{likeness.target}`?"
    return (
        asked if likeness.rank is not None else f"{asked} That is no popular name either: look at it before you use it"
    )


def _trust(release: Release, facts: Facts, index: Index, target: str) -> Iterator[str]:
    if release.kept:
        yield "installed already"
    history = facts.history(release.purl)
    if history is not None and history.present is not None:
        yield "another version of it is installed, or locked, here already"
    theirs = make(index.ecosystem, target)
    built = facts.origin(release.purl).attested or ()
    if any(one in facts.repositories(theirs) for one in built):
        yield f"built from the repository of `{target}`, by the word of its registry"
    if _owners(facts, release.purl) & _owners(facts, theirs):
        yield f"the people who may publish `{target}` may publish this too"
    for edge in facts.parents(release.purl):
        parent = parts(edge.parent)[1] if edge.parent is not None else None
        if parent is not None and index.rank(parent) is not None:
            yield f"required by the popular `{parent}`"
            return


def _owners(facts: Facts, purl: Purl) -> frozenset[str]:
    """Return who may publish the project of *purl*, by its registry, where the plan has it."""
    wanted = project(purl)
    found = (facts.history(one.purl) for one in facts.plan.releases if project(one.purl) == wanted)
    return frozenset(name for history in found if history is not None for name in history.owners or ())


def _confidence(*, strong: bool, damped: bool, age: Age) -> Confidence:
    if damped or not strong:
        return Confidence.LOW
    return Confidence.HIGH if age.known else Confidence.MEDIUM


def _days(age: timedelta) -> str:
    if age.days < 1:
        return "less than a day"
    if age.days < _MONTHS_FROM:
        return "1 day" if age.days == 1 else f"{age.days} days"
    months = age.days // 30
    return f"{months} months" if months < _YEARS_FROM else f"{age.days // 365} years"


_MONTHS_FROM = 60
_YEARS_FROM = 24
