"""Whether a release proves where it was built, as the ones before it did."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.history import History
from safeinstall.model import Confidence, Finding, Release, Severity
from safeinstall.signals.gathered import alone, judged
from safeinstall.signals.people import attested
from safeinstall.text import printable

UNEXPECTED = "unexpected-origin"


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """See `Check`; attestations are what the registry says of them: their signatures are not verified here."""

    ident: ClassVar[str] = "provenance"
    question: ClassVar[str] = "Does it prove where it was built, as the ones before it did?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        if not judged(release):
            return
        history = facts.history(release.purl)
        wanted = facts.plan.demanded.get(release.purl)
        if wanted is not None:
            yield from self._demanded(release, history, wanted, facts)
        if history is None or history.planned.provenance is None:
            raise FactMissing("its registry does not tell of attestations")
        found = attested(history)
        yield from alone(self.ident, release, history, facts, found, "lacks a proof that earlier releases had")

    def _demanded(self, release: Release, history: History | None, wanted: str, facts: Facts) -> Iterator[Finding]:
        """Hold the release to the repository that a setting says it must be built from."""
        told = history.planned.provenance if history is not None else None
        named = facts.origin(release.purl).attested
        # All that its attestations name must be it: one file from elsewhere is enough to be harmed by.
        if told is not None and told.present and named == (wanted,):
            return
        if told is None:
            said = "its registry does not tell of attestations"
        elif not told.present:
            said = "it has no attestation"
        elif named is None:
            said = "its attestation could not be read"
        else:
            said = f"its attestation names {printable(', '.join(named))}"
        yield Finding(
            check=self.ident,
            purl=release.purl,
            kind=UNEXPECTED,
            severity=Severity.HIGH,
            confidence=Confidence.HIGH,
            title=f"`{printable(release.name)}` must be built from {printable(wanted)}, and does not prove it",
            evidence=(said, "the setting `built-from` demands it"),
            hint="take a release that proves its origin, or look into why this one does not",
        )
