"""Signals that together look like an attack that has happened: one finding that names them all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from safeinstall.facts import Facts
from safeinstall.model import Confidence, Finding, Release, Severity
from safeinstall.signals.combinations import combined
from safeinstall.signals.gathered import judged, recent, signals, told_score
from safeinstall.signals.signal import Kind
from safeinstall.text import printable

FOUND = "combination"
ESTABLISHED = "combination-established"


@dataclass(frozen=True, kw_only=True, slots=True)
class Combination:
    """See `Check`."""

    ident: ClassVar[str] = "combination"
    question: ClassVar[str] = "Do the odd things about it fit together as in a known attack?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        history = facts.history(release.purl) if judged(release) else None
        if history is None:
            return
        found = signals(release, history, facts)
        row = combined(found)
        if row is None:
            return
        base = history.base()
        uploaded = history.planned.uploaded
        fresh = recent(uploaded, facts)
        name, version = printable(release.name), printable(release.version, limit=60)
        age = f"uploaded on {uploaded:%Y-%m-%d}" if uploaded is not None else "the registry does not tell its age"
        told = [
            one.told for one in found if one.kind is not Kind.PATCH or any(Kind.PATCH in need for need in row.needs)
        ]
        older = printable(base.version, limit=60) if base is not None else None
        yield Finding(
            check=self.ident,
            purl=release.purl,
            kind=FOUND if fresh else ESTABLISHED,
            severity=Severity.HIGH if fresh else Severity.MEDIUM,
            confidence=Confidence.MEDIUM if fresh else Confidence.LOW,
            title=f"`{name}` {version} looks like a good package gone bad ({row.ident})",
            evidence=(row.means, *told, told_score(found), age, f"as it happened: {row.incident}"),
            hint=f"stay at {older} until others have looked into it" if older is not None else None,
        )
