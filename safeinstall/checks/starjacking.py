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
        target = posing.target(index, name, claimed[0])
        if target is not None:
            yield from self._posing(release, facts, target, index)
            return
        yield from self._shared(release, facts, index)

    def _posing(self, release: Release, facts: Facts, target: str, index: Index) -> Iterator[Finding]:
        ecosystem = parts(release.purl)[0]
        mine = facts.repositories(release.purl)[0]
        theirs = facts.repositories(make(ecosystem, target))
        sure = mine in theirs
        if theirs and not sure:
            # The popular project has another repository: this one is named alike, and its own.
            return
        evidence = [f"`{target}` says that {mine} is its repository" if sure else f"it claims {mine}"]
        if not sure:
            evidence.append(f"which repository `{target}` itself has is not known here")
        evidence.append(f"`{target}` is rank {index.rank(target)} of the most downloaded names (as of {index.as_of})")
        parents = (parts(edge.parent)[1] for edge in facts.parents(release.purl) if edge.parent is not None)
        parent = next((one for one in parents if index.rank(one) is not None), None)
        if parent is not None:
            evidence.append(f"required by the popular `{parent}`")
        yield self._finding(release, facts, target, evidence, sure=sure, blocks=parent is None)

    def _shared(self, release: Release, facts: Facts, index: Index) -> Iterator[Finding]:
        """Tell of a repository that a popular release of the same plan has, where nothing else ties the two."""
        name = parts(release.purl)[1]
        page = facts.project(release.purl)
        first = None if page is None else page.first_uploaded
        if index.rank(name) is not None or first is None or facts.now - first >= self.young:
            return
        tied = {edge.parent for edge in facts.parents(release.purl)}
        for claim in facts.plan.claims:
            other = parts(claim.purl)[1]
            mine = facts.repositories(release.purl)[0]
            alike = forms.words(other)[:1] == forms.words(name)[:1]
            if mine in claim.repositories and index.rank(other) is not None and claim.purl not in tied and not alike:
                evidence = [f"{mine} is the repository of `{other}`, which is in the same set"]
                yield self._finding(release, facts, other, evidence, sure=False, blocks=False)
                return

    def _finding(
        self, release: Release, facts: Facts, target: str, evidence: list[str], *, sure: bool, blocks: bool
    ) -> Finding:
        page = facts.project(release.purl)
        first = None if page is None else page.first_uploaded
        young = first is None or facts.now - first < self.young
        told = "unknown age: the registry does not tell" if first is None else f"first released on {first:%Y-%m-%d}"
        damped = not young or not blocks
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind=ESTABLISHED if damped else JACKED,
            severity=Severity.MEDIUM if damped else Severity.HIGH,
            confidence=Confidence.LOW if damped else Confidence.HIGH if sure else Confidence.MEDIUM,
            title=f"`{printable(release.name)}` claims the repository of `{target}`",
            evidence=(*evidence, told),
            hint=f"did you mean `{target}`? What the repository shows says nothing about what is in this package",
        )
