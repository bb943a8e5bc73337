"""What a person reads about a run: why it stopped or went on, in blocks of plain lines."""

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from safeinstall.formats import cooling
from safeinstall.formats.grouping import grouped
from safeinstall.model import (
    Confidence,
    Decision,
    Finding,
    Gap,
    Intent,
    Override,
    Plan,
    Purl,
    Ruling,
    SourceState,
)
from safeinstall.paths import ways, why
from safeinstall.policy import MALWARE
from safeinstall.purl import parts
from safeinstall.runs import AUDIT, Run
from safeinstall.text import counted, printable

_COMMANDS_SHOWN = 3
_PURL = 2000
"""Characters of a purl: one that names a URL or a commit is of no use when it is cut."""
_NAMES_SHOWN = 3
_OFFLINE = "--safeinstall-offline"
_ADVISORY = "advisory"
"""The check whose gaps are the silence of advisory sources."""
_RED, _YELLOW, _CYAN, _BOLD = "31", "33", "36", "1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """The screen of a run; every line makes sense without colour."""

    ident: ClassVar[str] = "text"

    colour: bool = False
    planning: bool = False
    """Nothing is to be installed, whatever the verdict."""

    def render(self, run: Run) -> str:
        """See `Format.render`."""
        return self.verdict(run) + self.outcome(run)

    def listing(self, run: Run) -> str:
        """Return the plan itself, one line for each release: what, as which artifact, and why."""
        where = _Where(run.intent, run.plan)
        return "".join(f"{where.line(one.purl)} ({one.artifact.kind.value})\n" for one in run.plan.releases)

    def verdict(self, run: Run) -> str:
        """Return what is said before anything is installed."""
        where = _Where(run.intent, run.plan)
        shown = [ruling for ruling in run.verdict.rulings if ruling.decision is not Decision.NOTE]
        blocks = [*(_lines(group, where, self._paint) for group in grouped(shown)), *self._asides(run)]
        paragraphs = ["\n".join(block) for block in blocks if block]
        command = _last_resort(run.verdict.rulings, offline="--offline" if run.intent.verb == AUDIT else _OFFLINE)
        if command:
            paragraphs.append("\n".join(command))
        paragraphs.append(self._summary(run))
        return "\n\n".join(paragraphs) + "\n"

    def outcome(self, run: Run) -> str:
        """Return what is said after installing; empty when all went as planned."""
        done = run.installed
        if done is None or not (done.blocked or done.differences):
            return ""
        lines = [f"{self._paint('error[changed]', _RED)}: what the registry served is not what was judged"]
        lines += [f"   = refused: {printable(one)}" for one in done.blocked]
        lines += [f"   = differs: {printable(one)}" for one in done.differences]
        if done.differences:
            last = (
                f"{counted(len(done.differences), 'difference')} to what was judged: treat this environment as unsafe"
            )
        else:
            last = f"blocked: {counted(len(done.blocked), 'refusal')} while installing; nothing unjudged was installed"
        return "\n".join([*lines, "", f"{last} (the manager ended with {done.exit_code})."]) + "\n"

    def _asides(self, run: Run) -> Iterable[Sequence[str]]:
        warning = self._paint("warning", _YELLOW)
        for override in run.verdict.expired:
            yield [f"{warning}: the override of {_named(override.purl)} for `{override.check}` {_ended(override)}"]
        for override in run.verdict.unused:
            yield [f"{warning}: the override of {_named(override.purl)} for `{override.check}` was not needed"]
        yield list(cooling.lines(run.plan, run.started))
        yield [*(f"note: {printable(note)}" for note in run.plan.notes), *cooling.unanswered(run.verdict.rulings)]

    def _summary(self, run: Run) -> str:
        counts = _Counts(run.verdict.rulings)
        of = counted(len(run.plan.releases), "release")
        if not run.verdict.allowed:
            findings, gaps = counted(counts.blocking_findings, "finding"), counted(counts.blocking_gaps, "gap")
            if run.intent.verb == AUDIT:
                what = "affected" if counts.blocking_findings else "not judged"
                return f"{self._paint(what, _RED)}: {findings}, {gaps} in {of}. Nothing was installed or changed."
            return f"{self._paint('blocked', _RED)}: {findings}, {gaps} in {of}. Nothing was installed."
        then = "nothing was installed, as only the plan was asked for" if self.planning else "installing"
        if run.intent.verb == AUDIT:
            then = "only read: nothing was installed or changed"
        if not run.plan.releases:
            return f"safeinstall: no release to judge; {'going on' if then == 'installing' else then}"
        said = [counted(counts.warnings, "warning")] if counts.warnings else []
        said += [counted(counts.overridden, "override")] if counts.overridden else []
        loud = bool(said)
        said += [f"{counted(counts.notes, 'note')} ({counts.noted})"] if counts.notes else []
        said += [f"{counted(counts.open, 'open question')} ({counts.opened})"] if counts.open else []
        if run.offline:
            known = f"nothing {'else ' if loud else ''}known against {of}"
            result = ", ".join([f"judged offline with {_stores(run)}: {known}", *said])
        else:
            result = f"{of} judged, {', '.join(said) or 'all clean'} ({_ages(run)})"
        return f"safeinstall: {result}; {then}"

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{_BOLD};{code}m{text}\x1b[0m" if self.colour else text


class _Where:
    """Tells of each release why it is in the plan."""

    def __init__(self, intent: Intent, plan: Plan) -> None:
        self._intent = intent
        self._ways = ways(plan)
        self._releases = {release.purl: release for release in plan.releases}

    def line(self, purl: Purl) -> str:
        return ", ".join([printable(purl, limit=_PURL), *why(purl, self._ways, self._releases, self._intent)])


class _Counts:
    """How many rulings of each sort there are."""

    def __init__(self, rulings: Sequence[Ruling]) -> None:
        by: dict[tuple[Decision, bool], int] = {}
        for ruling in rulings:
            key = (ruling.decision, isinstance(ruling.result, Finding))
            by[key] = by.get(key, 0) + 1
        self.blocking_findings = by.get((Decision.BLOCK, True), 0)
        self.blocking_gaps = by.get((Decision.BLOCK, False), 0)
        self.warnings = sum(by.get((Decision.WARN, kind), 0) for kind in (True, False))
        self.overridden = sum(by.get((Decision.OVERRIDDEN, kind), 0) for kind in (True, False))
        self.notes, self.open = by.get((Decision.NOTE, True), 0), by.get((Decision.NOTE, False), 0)
        noted = {ruling.result for ruling in rulings if ruling.decision is Decision.NOTE}
        self.noted = ", ".join(sorted({one.kind for one in noted if isinstance(one, Finding)}))
        self.opened = ", ".join(sorted({one.check for one in noted if isinstance(one, Gap)}))


def _lines(group: Sequence[Ruling], where: _Where, paint: Callable[[str, str], str]) -> list[str]:
    first = group[0]
    result = first.result
    lines = [f"{_head(first, paint)}: {_title(result, len(group))}"]
    lines += [f"  --> {where.line(ruling.result.purl)}" for ruling in group[:_NAMES_SHOWN]]
    if len(group) > _NAMES_SHOWN:
        lines.append(f"  --> and {len(group) - _NAMES_SHOWN} more")
    if isinstance(result, Finding):
        lines += [f"   = evidence: {printable(one)}" for one in result.evidence]
        if result.ids:
            lines.append(f"   = advisories: {printable(', '.join(result.ids))}")
        lines.append(f"   = severity: {result.severity.name.lower()}; confidence: {_confidence(result.confidence)}")
    if first.override is not None:
        lines.append(f"   = allowed: {_allowed(first.override)}")
    elif result.hint is not None:
        lines += ["", f"hint: {printable(result.hint)}"]
    elif isinstance(result, Gap):
        lines += ["", "hint: mend what is named above, or try again later; unanswered is never read as clean"]
    return lines


def _head(ruling: Ruling, paint: Callable[[str, str], str]) -> str:
    check = ruling.result.check
    match ruling.decision:
        case Decision.BLOCK:
            return paint(f"{'gap' if isinstance(ruling.result, Gap) else 'error'}[{check}]", _RED)
        case Decision.OVERRIDDEN:
            return paint(f"override[{check}]", _CYAN)
        case Decision.WARN | Decision.NOTE:
            return paint(f"warning[{check}]", _YELLOW)


def _title(result: Finding | Gap, releases: int) -> str:
    match result:
        case Finding(title=title):
            return printable(title)
        case Gap(reason=reason) if releases > 1:
            return f"{releases} releases could not be judged: {printable(reason)}"
        case Gap(reason=reason, purl=purl):
            return f"{_named(purl)} could not be judged: {printable(reason)}"


def _last_resort(rulings: Sequence[Ruling], *, offline: str) -> list[str]:
    """Return the commands that let through what blocks; the hints above them are the better way."""
    groups = list(grouped([ruling for ruling in rulings if ruling.decision is Decision.BLOCK]))
    # Nobody allows a whole set release by release because a source is down.
    singles = [ruling.result for group in groups if not _is_outage(group) for ruling in group]
    # What has no version cannot be let through by one.
    singles = [one for one in singles if parts(one.purl)[2] is not None or "?" in one.purl]
    if not groups:
        return []
    lines = ["If you have looked into it yourself and take the risk, a last resort:"]
    for result in singles[:_COMMANDS_SHOWN]:
        check = MALWARE if isinstance(result, Finding) and result.kind == MALWARE else result.check
        # Quoted for the shell: the purl is foreign text, and people paste this line.
        release = shlex.quote(printable(result.purl, limit=_PURL))
        lines.append(f"  safeinstall allow {release} --check {check} --reason TEXT --until DATE")
    if len(singles) > _COMMANDS_SHOWN:
        lines.append(f"  and so on for {len(singles) - _COMMANDS_SHOWN} more")
    if any(_is_outage(group) for group in groups):
        lines.append(f"  {offline}, which judges with what is on this machine and says how old that is")
    return lines if len(lines) > 1 else []


def _is_outage(group: Sequence[Ruling]) -> bool:
    """Whether so many releases lack an answer for one reason that a source is down."""
    return len(group) > _NAMES_SHOWN and isinstance(group[0].result, Gap) and group[0].result.check == _ADVISORY


def _allowed(override: Override) -> str:
    end = "for this run" if override.until is None else f"until {override.until:%Y-%m-%d}"
    return f"by {printable(override.by)} {end} ({printable(override.origin)}): {printable(override.reason)}"


def _ended(override: Override) -> str:
    end = "is over" if override.until is None else f"ended on {override.until:%Y-%m-%d}"
    return f"{end} ({printable(override.origin)}): {printable(override.reason)}"


def _confidence(confidence: Confidence) -> str:
    return confidence.name.lower()


def _named(purl: Purl) -> str:
    _, name, version = parts(purl)
    return f"`{printable(name)}` {printable(version)}" if version else f"`{printable(name)}`"


def _ages(run: Run) -> str:
    return ", ".join(_age(state, run.started) for state in run.sources if state.answered) or "no source asked"


def _age(state: SourceState, now: datetime) -> str:
    if state.as_of is None:
        return f"{state.source}: of unknown age"
    return f"{state.source}: {age(now - state.as_of)}"


def _stores(run: Run) -> str:
    stores = [
        f"{printable(state.detail) or state.source}" + (f" of {state.as_of:%Y-%m-%d}" if state.as_of else "")
        for state in run.sources
        if state.answered or state.as_of
    ]
    return " and ".join(stores) or "no records at all"


def age(passed: timedelta) -> str:
    """Return how long ago, in the largest unit that is at least one: `now`, `5 min ago`, `3 h ago`, `12 days ago`."""
    minutes = int(passed.total_seconds() // 60)
    if minutes < 1:
        return "now"
    for size, unit in ((1440, "day"), (60, "h"), (1, "min")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    raise AssertionError(minutes)
