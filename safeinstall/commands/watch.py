"""`safeinstall watch`: whoever is affected by what became known after the install is told, once."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

from safeinstall import ledger
from safeinstall.auditing import Auditor, audit
from safeinstall.commands.arguments import Parser
from safeinstall.commands.audit import origins_of
from safeinstall.commands.common import replaced, settings_of
from safeinstall.config import Settings
from safeinstall.errors import MalformedAnswer, Misconfigured, ToolMissing
from safeinstall.fields import items
from safeinstall.formats.json_v1 import moment
from safeinstall.model import Decision, Gap
from safeinstall.outside import Outside
from safeinstall.places import Places, places
from safeinstall.runs import BLOCKED_BY_FINDING, BLOCKED_BY_GAP
from safeinstall.text import counted, printable
from safeinstall.watching import Alert, alerts, days, informed, looked, records

STATE = "alerts.json"
_PATIENCE = timedelta(minutes=1)
_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class _Watched:
    """What one look found."""

    alerts: tuple[Alert, ...]
    gaps: tuple[str, ...]
    """What could not be judged or looked at, in words."""
    places: int
    releases: int


def run(outside: Outside, words: Sequence[str]) -> int:
    """Hold the ledger against what is known now; returns 40 when someone is affected, 41 when that is not known."""
    parser = Parser("watch", "Tell who is affected by what became known after the install.")
    parser.add_argument("--once", action="store_true", required=True, help="look once, for cron and systemd timers")
    parser.add_argument("--again", action="store_true", help="also tell what was told before")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args(words)
    where = places(outside.env)
    return watch(outside, settings_of(outside, where), where, again=given.again, document=given.format == "json")


def watch(outside: Outside, settings: Settings, where: Places, *, again: bool = False, document: bool = False) -> int:
    """Look once, tell what is new, and remember what was told; returns the exit code."""
    seen = _look(outside, settings, where)
    state = (settings.ledger or where.ledger).parent / STATE
    told = _told(state)
    fresh = tuple(one for one in seen.alerts if again or one.key not in told)
    if document:
        outside.data(json.dumps(_document(outside, seen, fresh), indent=2, ensure_ascii=True) + "\n")
    else:
        outside.say("\n\n".join("\n".join(block) for block in _blocks(outside, seen, fresh)) + "\n")
    # What nobody could be notified of is not remembered as told: the next look tries again.
    if not fresh or _notified(outside, settings, _document(outside, seen, fresh)):
        _remember(outside, state, seen.alerts)
    if any(one.blocks for one in seen.alerts):
        return BLOCKED_BY_FINDING
    return BLOCKED_BY_GAP if seen.gaps else 0


def _look(outside: Outside, settings: Settings, where: Places) -> _Watched:
    path = settings.ledger or where.ledger
    try:
        runs, unreadable = records(ledger.read(path))
    except FileNotFoundError:
        runs, unreadable = (), 0
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from error
    known, unseen = looked(runs, origins_of(outside, settings))
    gaps = [f"could not look into {printable(one, limit=400)}" for one in unseen]
    if unreadable:
        gaps.append(f"{counted(unreadable, 'run')} of the ledger could not be read")
    inventories = [informed(one) for one in known]
    where.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    by = Auditor(
        sources=outside.sources(settings, where.cache),
        # A name was a person's to judge when it was typed; what changes later is what is published about it.
        checks=[one for one in outside.checks() if one.ident == "advisory"],
        policy=settings.policy,
        overrides=settings.overrides,
        deadline=settings.deadline,
        offline=settings.offline,
    )
    done = audit(inventories, by, cwd=outside.cwd, now=outside.now)
    reasons: dict[str, int] = {}
    for ruling in done.verdict.rulings:
        if isinstance(ruling.result, Gap) and ruling.decision is Decision.BLOCK:
            reasons[ruling.result.reason] = reasons.get(ruling.result.reason, 0) + 1
    gaps += [f"{counted(number, 'release')} could not be judged: {printable(why)}" for why, number in reasons.items()]
    return _Watched(
        alerts=alerts(known, done.verdict), gaps=tuple(gaps), places=len(known), releases=len(done.plan.releases)
    )


def _blocks(outside: Outside, seen: _Watched, fresh: Sequence[Alert]) -> Iterator[Sequence[str]]:
    for alert in fresh:
        yield list(_lines(outside, alert))
    for gap in seen.gaps:
        yield [f"gap[watch]: {gap}"]
    affected = sum(one.blocks for one in seen.alerts)
    before = len(seen.alerts) - len(fresh)
    counts = f"{counted(seen.releases, 'release')} in {counted(seen.places, 'environment')}"
    known = f" ({before} told before)" if before else ""
    if affected:
        yield [f"affected: {affected} of {counts}{known}. Nothing was installed or changed."]
    elif seen.gaps:
        yield [f"not judged: {counted(len(seen.gaps), 'gap')} in {counts}. Nothing was installed or changed."]
    else:
        what = counted(len(seen.alerts), "warning") if seen.alerts else "nothing new is known against them"
        yield [f"safeinstall: {counts}, {what}{known}; nothing was installed or changed"]


def _lines(outside: Outside, alert: Alert) -> Iterator[str]:
    finding = alert.finding
    yield f"{'alert' if alert.blocks else 'warning'}[{finding.check}]: {printable(finding.title)}"
    yield f"  --> {printable(finding.purl, limit=2000)}"
    yield f"   = lies in: {printable(alert.place, limit=400)}"
    if alert.record is None:
        yield "   = installed by: nobody knows, it came there without safeinstall"
    else:
        when = f"{days(alert.record.when, outside.now())} ({printable(alert.record.when)})"
        yield f"   = installed {when} by {printable(alert.record.user)}: {printable(alert.record.command, limit=400)}"
    if len(alert.way) > 1:
        yield f"   = through: {' -> '.join(alert.way)}"
    yield from (f"   = evidence: {printable(one)}" for one in finding.evidence)
    if finding.hint is not None:
        yield ""
        yield f"hint: {printable(finding.hint)}"


def _document(outside: Outside, seen: _Watched, fresh: Sequence[Alert]) -> dict[str, object]:
    return {
        "format": "safeinstall-alerts",
        "version": 1,
        "checked": moment(outside.now()),
        "affected": sum(one.blocks for one in seen.alerts),
        "gaps": list(seen.gaps),
        "alerts": [
            {
                "purl": one.finding.purl,
                "kind": one.finding.kind,
                "severity": one.finding.severity.name.lower(),
                "title": printable(one.finding.title),
                "advisories": [printable(each) for each in one.finding.ids],
                "hint": None if one.finding.hint is None else printable(one.finding.hint),
                "blocks": one.blocks,
                "environment": printable(one.place, limit=4000),
                "path": list(one.way),
                "installed": None if one.record is None else printable(one.record.when),
                "command": None if one.record is None else printable(one.record.command, limit=4000),
                "user": None if one.record is None else printable(one.record.user),
            }
            for one in fresh
        ],
    }


def _notified(outside: Outside, settings: Settings, document: dict[str, object]) -> bool:
    argv = cast("tuple[str, ...]", settings.values["watch.notify"].value)
    if not argv:
        return True
    text = json.dumps(document, ensure_ascii=True) + "\n"
    try:
        done = outside.runner().capture(argv, cwd=outside.cwd, env=outside.env, timeout=_PATIENCE, fed=text)
    except ToolMissing as error:
        outside.say(f"warning: nobody was notified: {printable(error.message)}\n")
        return False
    if done.exit_code:
        outside.say(f"warning: nobody was notified: `{printable(argv[0])}` ended with {done.exit_code}\n")
    return done.exit_code == 0


def _told(state: Path) -> frozenset[str]:
    """Return the keys of the alerts that were told; a file that cannot be read is none: telling twice does no harm."""
    try:
        return frozenset(items(json.loads(state.read_text(encoding="utf-8")), "told", str))
    except (OSError, ValueError, RecursionError, MalformedAnswer):
        return frozenset()


def _remember(outside: Outside, state: Path, found: Sequence[Alert]) -> None:
    """Keep the alerts that stand: what was removed, and comes back, is told again."""
    try:
        state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replaced(state, json.dumps({"alerts": 1, "told": sorted({one.key for one in found})}) + "\n")
    except OSError as error:
        outside.say(f"warning: {state} could not be written, so the same is told again: {error.strerror}\n")
