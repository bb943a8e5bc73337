"""All signals of one release, and what they come to."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from safeinstall.facts import Facts
from safeinstall.history import History
from safeinstall.model import ArtifactKind, Confidence, Finding, Release, Severity
from safeinstall.signals.changes import changes
from safeinstall.signals.combinations import combined
from safeinstall.signals.mails import mails
from safeinstall.signals.people import attested, people
from safeinstall.signals.signal import LOUD, RECENT, Kind, Signal, score
from safeinstall.text import printable

_LISTED: Final = frozenset({ArtifactKind.WHEEL, ArtifactKind.SDIST, ArtifactKind.TARBALL})


def judged(release: Release) -> bool:
    """Whether a registry vouches for it and it is not here already: the others have no past to look at."""
    return release.artifact.kind in _LISTED and release.registry is not None and not release.kept


def signals(release: Release, history: History, facts: Facts) -> tuple[Signal, ...]:
    """Return all signals of *release*."""
    who = (*people(history), *mails(history, facts), *attested(history))
    return (*changes(release, history, facts), *who)


def recent(uploaded: datetime | None, facts: Facts) -> bool:
    """Whether the world had little time to look at it; so it is held where the registry does not tell."""
    return uploaded is None or facts.now - uploaded < RECENT


def alone(
    check: str, release: Release, history: History, facts: Facts, found: Iterable[Signal], claim: str
) -> Iterable[Finding]:
    """Yield the finding of one check on its own signals, unless a combination tells of them with the others."""
    own = tuple(one for one in found if one.kind is not Kind.PATCH)
    if not own or combined(signals(release, history, facts)) is not None:
        return
    total = score(own)
    loud = total >= LOUD and recent(history.planned.uploaded, facts)
    name, version = printable(release.name), printable(release.version, limit=60)
    yield Finding(
        check=check,
        purl=release.purl,
        kind=check if loud else f"{check}-note",
        severity=Severity.MEDIUM if loud else Severity.NOTE,
        confidence=Confidence.LOW,
        title=f"`{name}` {version} {claim}",
        evidence=(*(one.told for one in own), told_score(own)),
        hint=f"look at what has changed: `safeinstall diff {_tool(release)} {name} {_base(history)} {version}`",
    )


def told_score(found: tuple[Signal, ...]) -> str:
    """Return the sum in words: which signals, and how much each adds."""
    weights = {one.kind: one.weight for one in found if one.weight}
    parts = " + ".join(f"{kind.value} {weight}" for kind, weight in weights.items())
    return f"score {score(found)} ({parts})"


def _tool(release: Release) -> str:
    return "npm" if release.purl.startswith("pkg:npm/") else "pip"


def _base(history: History) -> str:
    base = history.base()
    return printable(base.version, limit=60) if base is not None else "OLD"
