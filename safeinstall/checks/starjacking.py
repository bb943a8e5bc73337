"""StarJacking: a package that claims the repository of a popular one, and with it its stars and its good name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from safeinstall.facts import Facts
from safeinstall.model import ArtifactKind, Confidence, EcosystemName, Finding, Release, Severity
from safeinstall.names import forms, posing
from safeinstall.names.index import Index
from safeinstall.names.popular import popular
from safeinstall.origin import Origin
from safeinstall.purl import make, parts
from safeinstall.text import printable

JACKED = "starjacking"
ESTABLISHED = "starjacking-established"

_LISTED = frozenset({ArtifactKind.WHEEL, ArtifactKind.SDIST, ArtifactKind.TARBALL})


@dataclass(frozen=True, kw_only=True, slots=True)
class StarJacking:
    """See `Check`."""

    ident: ClassVar[str] = "starjacking"
    question: ClassVar[str] = "Is the repository that it claims its own?"

    young: timedelta = timedelta(days=90)
    """A name first released less than this ago, or nobody knows when, is not established."""
    names: Callable[[EcosystemName], Index] = popular
    """Where the popular names come from."""

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        claimed = facts.repositories(release.purl)
        if not claimed or release.kept or release.artifact.kind not in _LISTED:
            return
        ecosystem, name, _ = parts(release.purl)
        index = self.names(ecosystem)
        origin = facts.origin(release.purl)
        if index.rank(name) is not None or _vouched(origin, claimed[0], ecosystem, name):
            return
        target = posing.target(index, name, claimed[0])
        found = (
            self._posing(release, facts, target, index) if target is not None else self._shared(release, facts, index)
        )
        yield from found or self._denied(release, facts, origin)

    def _posing(self, release: Release, facts: Facts, target: str, index: Index) -> list[Finding]:
        ecosystem = parts(release.purl)[0]
        mine = facts.repositories(release.purl)[0]
        theirs = facts.repositories(make(ecosystem, target))
        against = _against(facts.origin(release.purl), mine)
        sure = mine in theirs
        if theirs and not sure:
            # The popular project has another repository: this one is named alike, and its own.
            return []
        evidence = [f"`{target}` says that {mine} is its repository" if sure else f"it claims {mine}"]
        if not sure:
            evidence.append(f"which repository `{target}` itself has is not known here")
        evidence.append(f"`{target}` is rank {index.rank(target)} of the most downloaded names (as of {index.as_of})")
        parents = (parts(edge.parent)[1] for edge in facts.parents(release.purl) if edge.parent is not None)
        parent = next((one for one in parents if index.rank(one) is not None), None)
        if parent is not None:
            evidence.append(f"required by the popular `{parent}`")
        told = _Told(evidence=(*evidence, *against), sure=sure or bool(against), blocks=parent is None)
        return [self._finding(release, facts, target, told)]

    def _shared(self, release: Release, facts: Facts, index: Index) -> list[Finding]:
        """Tell of a repository that a popular project has, where nothing else ties the two."""
        ecosystem, name, _ = parts(release.purl)
        page = facts.project(release.purl)
        first = None if page is None else page.first_uploaded
        if first is None or facts.now - first >= self.young:
            return []
        mine = facts.repositories(release.purl)[0]
        against = _against(facts.origin(release.purl), mine)
        owner = posing.owner(index, name, mine)
        if owner is not None and mine in facts.repositories(make(ecosystem, owner)):
            evidence = (f"`{owner}` says that {mine} is its repository", *against)
            return [self._finding(release, facts, owner, _Told(evidence=evidence, sure=True, blocks=bool(against)))]
        tied = {edge.parent for edge in facts.parents(release.purl)}
        for claim in facts.plan.claims:
            other = parts(claim.purl)[1]
            alike = forms.words(other)[:1] == forms.words(name)[:1]
            if mine in claim.repositories and index.rank(other) is not None and claim.purl not in tied and not alike:
                evidence = (f"{mine} is the repository of `{other}`, which is in the same set", *against)
                return [
                    self._finding(release, facts, other, _Told(evidence=evidence, sure=False, blocks=bool(against)))
                ]
        return []

    def _denied(self, release: Release, facts: Facts, origin: Origin) -> Iterator[Finding]:
        """Tell of a claim that attestations or the repository itself deny, whoever the repository belongs to."""
        mine = facts.repositories(release.purl)[0]
        against = _against(origin, mine)
        if against:
            young, told = self._age(release, facts)
            yield Finding(
                check=self.ident,
                purl=release.purl,
                kind=ESTABLISHED,
                severity=Severity.MEDIUM,
                confidence=Confidence.MEDIUM if young else Confidence.LOW,
                title=f"`{printable(release.name)}` claims a repository that is not its own, or not there",
                evidence=(f"it claims {mine}", *against, told),
                hint="look where it really comes from before you trust what the repository shows",
            )

    def _age(self, release: Release, facts: Facts) -> tuple[bool, str]:
        page = facts.project(release.purl)
        first = None if page is None else page.first_uploaded
        if first is None:
            return True, "unknown age: the registry does not tell"
        return facts.now - first < self.young, f"first released on {first:%Y-%m-%d}"

    def _finding(self, release: Release, facts: Facts, target: str, told: "_Told") -> Finding:
        young, age = self._age(release, facts)
        damped = not young or not told.blocks
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind=ESTABLISHED if damped else JACKED,
            severity=Severity.MEDIUM if damped else Severity.HIGH,
            confidence=Confidence.LOW if damped else Confidence.HIGH if told.sure else Confidence.MEDIUM,
            title=f"`{printable(release.name)}` claims the repository of `{target}`",
            evidence=(*told.evidence, age),
            hint=f"did you mean `{target}`? What the repository shows says nothing about what is in this package",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """What speaks for a finding."""

    evidence: tuple[str, ...]
    sure: bool
    blocks: bool


def _vouched(origin: Origin, mine: str, ecosystem: EcosystemName, name: str) -> bool:
    """Whether the repository is its own: it was built there, or the manifest there names it."""
    named = origin.manifest is not None and forms.spelled(ecosystem, origin.manifest) == forms.spelled(ecosystem, name)
    return named or (origin.attested is not None and mine in origin.attested)


def _against(origin: Origin, mine: str) -> tuple[str, ...]:
    found = []
    if origin.attested is not None:
        places = ", ".join(map(printable, origin.attested))
        found.append(f"its attestations, by the word of its registry, say that it was built from {places}")
    if origin.manifest is not None:
        found.append(f"the manifest in {mine} names `{printable(origin.manifest)}`")
    if origin.exists is False:
        found.append(f"there is no public repository {mine}")
    return tuple(found)
