"""Who published a release, and who may: others than before are the first thing that a hijacked project shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.model import Finding, Release
from safeinstall.signals.gathered import alone, judged
from safeinstall.signals.mails import mails
from safeinstall.signals.people import people


@dataclass(frozen=True, kw_only=True, slots=True)
class Ownership:
    """See `Check`."""

    ident: ClassVar[str] = "ownership"
    question: ClassVar[str] = "Is it by those who published it before?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        if not judged(release):
            return
        history = facts.history(release.purl)
        known = history is not None and (
            history.planned.publisher is not None
            or history.planned.maintainers is not None
            or history.owners is not None
        )
        if history is None or not known:
            raise FactMissing("its registry does not tell who published it")
        found = (*people(history), *mails(history, facts))
        yield from alone(self.ident, release, history, facts, found, "is not by those who published it before")
