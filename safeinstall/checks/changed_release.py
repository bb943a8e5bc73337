"""What a release does that the one before it, or the one that is installed, did not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.model import Finding, Release
from safeinstall.signals.changes import changes
from safeinstall.signals.gathered import alone, judged


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedRelease:
    """See `Check`."""

    ident: ClassVar[str] = "changed-release"
    question: ClassVar[str] = "Does it do what the release before it did not?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        if not judged(release):
            return
        history = facts.history(release.purl)
        if history is None:
            raise FactMissing("its registry does not tell of earlier releases")
        found = changes(release, history, facts)
        yield from alone(self.ident, release, history, facts, found, "differs from the release before it")
        if history.unread:
            raise FactMissing(
                "its wheel could not be compared with the one before, so a new startup file would not be seen"
            )
