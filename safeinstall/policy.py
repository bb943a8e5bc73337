"""What blocks, what warns and what is only noted: `judge` is pure and is tested as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from safeinstall.model import Decision, Finding, Gap, Override, Ruling, Severity, Verdict
from safeinstall.purl import same

MALWARE = "malware"
"""The kind that only an override of its own name, with an end date, lets through."""

COMMAND_LINE = "command line"
"""The origin of an override that stands in the guarded command itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of the policy table: what to do with findings of one kind."""

    decision: Decision
    minimum: Severity = Severity.NOTE
    """Findings of a lower severity are noted only."""
    origin: str = "default"
    """Where the row was set."""


DEFAULT_ROWS: Mapping[str, Row] = MappingProxyType(
    {
        MALWARE: Row(decision=Decision.BLOCK),
        "protestware": Row(decision=Decision.WARN),
        "vulnerability": Row(decision=Decision.WARN, minimum=Severity.HIGH),
        "name-collides": Row(decision=Decision.WARN),
        "telemetry": Row(decision=Decision.NOTE),
        "unmaintained": Row(decision=Decision.NOTE),
        "typosquat-strong": Row(decision=Decision.BLOCK),
        "typosquat-strong-established": Row(decision=Decision.WARN),
        "typosquat-note": Row(decision=Decision.NOTE),
        "typosquat-note-new": Row(decision=Decision.WARN),
        "starjacking": Row(decision=Decision.BLOCK),
        "starjacking-established": Row(decision=Decision.WARN),
        "confusion": Row(decision=Decision.BLOCK),
        "confusion-note": Row(decision=Decision.WARN),
        "unverified-source": Row(decision=Decision.BLOCK),
        "unpinned": Row(decision=Decision.BLOCK),
        "local-source": Row(decision=Decision.NOTE),
        "source-build": Row(decision=Decision.NOTE),
        # These two ask only where a setting says that not everybody's code runs.
        "source-build-unlisted": Row(decision=Decision.BLOCK),
        "install-script": Row(decision=Decision.BLOCK),
        "install-script-skipped": Row(decision=Decision.NOTE),
        "fresh-release": Row(decision=Decision.BLOCK),
        "combination": Row(decision=Decision.BLOCK),
        "combination-established": Row(decision=Decision.WARN),
        "changed-release": Row(decision=Decision.WARN),
        "changed-release-note": Row(decision=Decision.NOTE),
        "ownership": Row(decision=Decision.WARN),
        "ownership-note": Row(decision=Decision.NOTE),
        "provenance": Row(decision=Decision.WARN),
        "provenance-note": Row(decision=Decision.NOTE),
        "unexpected-origin": Row(decision=Decision.BLOCK),
        "quarantined": Row(decision=Decision.BLOCK),
        "security-placeholder": Row(decision=Decision.BLOCK),
        "unpublished": Row(decision=Decision.BLOCK),
        "yanked": Row(decision=Decision.WARN),
        "archived": Row(decision=Decision.NOTE),
        # npm says it itself, and most trees have some: a warning here would be one that nobody reads.
        "deprecated": Row(decision=Decision.NOTE),
    }
)
"""DESIGN section 4; a kind that stands in no row blocks."""

UNANSWERED = Row(decision=Decision.BLOCK)
"""What a check could not answer, where no row says otherwise."""

DEFAULT_GAPS: Mapping[str, Row] = MappingProxyType(
    {
        # Plain mirrors tell no upload times: where nobody can know, a block would only teach to switch it off.
        "fresh-release": Row(decision=Decision.NOTE),
        # Nor do they tell who published what, how, and from where.
        "changed-release": Row(decision=Decision.NOTE),
        "ownership": Row(decision=Decision.NOTE),
        "provenance": Row(decision=Decision.NOTE),
    }
)
"""What of these checks could not be answered is said in one line for the whole set."""

_UNKNOWN_KIND = Row(decision=Decision.BLOCK, origin="unknown kind")


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The whole policy of one run."""

    rows: Mapping[str, Row] = field(default_factory=lambda: DEFAULT_ROWS)
    gaps: Mapping[str, Row] = field(default_factory=dict)
    """By check; else `DEFAULT_GAPS`, else it blocks."""


def judge(results: Sequence[Finding | Gap], policy: Policy, overrides: Sequence[Override], *, now: datetime) -> Verdict:
    """
    Return what *policy* and *overrides* make of *results*.

    An override counts until its end, for its check and its exact release alone. Malware is let through only by an
    override of the check `malware` that has a reason and an end date: one given for a vulnerability, or for this run
    only, does not cover what a later advisory calls malware.
    """
    rulings = [_ruling(result, policy, overrides, now) for result in results]
    used = {id(ruling.override) for ruling in rulings if ruling.override is not None}
    expired = tuple(
        override
        for override in overrides
        if _ended(override, now) and any(_names(override, result) for result in results)
    )
    unused = tuple(
        override
        for override in overrides
        if override.origin == COMMAND_LINE and id(override) not in used and override not in expired
    )
    return Verdict(rulings=tuple(sorted(rulings, key=_order)), unused=unused, expired=expired)


def row_of(result: Finding | Gap, policy: Policy) -> Row:
    """Return the policy row that decides *result*, before any override."""
    match result:
        case Finding():
            return policy.rows.get(result.kind, _UNKNOWN_KIND)
        case Gap():
            return policy.gaps.get(result.check, DEFAULT_GAPS.get(result.check, UNANSWERED))


def _ruling(result: Finding | Gap, policy: Policy, overrides: Sequence[Override], now: datetime) -> Ruling:
    row = row_of(result, policy)
    decision = row.decision
    if isinstance(result, Finding) and result.severity < row.minimum:
        decision = Decision.NOTE
    because = f"policy ({row.origin})"
    if decision is Decision.BLOCK:
        for override in overrides:
            if not _ended(override, now) and _covers(override, result):
                because = f"override by {override.by} ({override.origin}): {override.reason}"
                return Ruling(result=result, decision=Decision.OVERRIDDEN, because=because, override=override)
    return Ruling(result=result, decision=decision, because=because)


def _ended(override: Override, now: datetime) -> bool:
    return override.until is not None and override.until <= now


def _covers(override: Override, result: Finding | Gap) -> bool:
    if not _names(override, result):
        return False
    if isinstance(result, Finding) and result.kind == MALWARE:
        return override.until is not None and bool(override.reason.strip())
    return True


def _names(override: Override, result: Finding | Gap) -> bool:
    wanted = MALWARE if isinstance(result, Finding) and result.kind == MALWARE else result.check
    return override.check == wanted and same(override.purl, result.purl)


def _order(ruling: Ruling) -> tuple[int, int, int, str]:
    place = {Decision.BLOCK: 0, Decision.WARN: 1, Decision.OVERRIDDEN: 2, Decision.NOTE: 3}[ruling.decision]
    match ruling.result:
        case Finding(severity=severity):
            return place, 0, -severity, ruling.result.purl
        case Gap():
            return place, 1, 0, ruling.result.purl
