"""What a person and a program read of the cooldown: what was withheld, what was let through, what nobody knows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from safeinstall.ages import span
from safeinstall.cooldown import Withheld
from safeinstall.model import Decision, Gap, Plan, Purl, Ruling
from safeinstall.purl import parts, project
from safeinstall.text import printable
from safeinstall.versions import newer

_SHOWN = 12


def lines(plan: Plan, now: datetime) -> Iterator[str]:
    """Yield one line for each withheld version, and for each that was let through."""
    cooling = plan.cooling
    uploads = {release.purl: release.artifact.uploaded for release in plan.releases}
    for fix in cooling.fixes:
        if fix.purl in uploads:
            _, name, version = parts(fix.purl)
            uploaded = uploads[fix.purl]
            age = f" ({span(now - uploaded)} old)" if uploaded is not None else ""
            ids = printable(", ".join(fix.ids))
            yield (
                f"let through: {printable(name)} {printable(version or '')}{age}, the first version that mends {ids}, "
                f"which hits {printable(fix.instead)}"
            )
    groups: dict[tuple[Purl, str, bool], list[Withheld]] = {}
    for one in cooling.withheld:
        groups.setdefault((project(one.purl), one.chosen, one.filename is None), []).append(one)
    for group in list(groups.values())[:_SHOWN]:
        yield _withheld(group, now)
    if len(groups) > _SHOWN:
        yield f"withheld: newer versions of {len(groups) - _SHOWN} more, too young as well"


def _withheld(group: Sequence[Withheld], now: datetime) -> str:
    """Return the line of what was withheld in favour of one release: the newest, and how many others."""
    one = group[0]
    ecosystem, name, version = parts(one.purl)
    for other in group[1:]:
        candidate = parts(other.purl)[2]
        if candidate and newer(ecosystem, (candidate,), version or ""):
            one, version = other, candidate
    age, took = span(now - one.uploaded), printable(one.chosen, limit=60)
    if one.filename is not None:
        return f"withheld: {printable(one.filename)} ({age} old), added late; took another file of {took}"
    more = f" and {len(group) - 1} more" if len(group) > 1 else ""
    return f"withheld: {printable(name)} {printable(version or '', limit=60)} ({age} old){more}; took {took}"


def unanswered(rulings: Sequence[Ruling]) -> Iterator[str]:
    """Yield one line on the questions that releases left open and that the policy only notes."""
    counts: dict[tuple[str, str], int] = {}
    for ruling in rulings:
        if isinstance(ruling.result, Gap) and ruling.decision is Decision.NOTE:
            key = (ruling.result.check, ruling.result.reason)
            counts[key] = counts.get(key, 0) + 1
    said = [
        f"{check} not judged for {'1 release' if count == 1 else f'{count} releases'}: {printable(reason)}"
        for (check, reason), count in counts.items()
    ]
    if said:
        yield f"note: {'; '.join(said)}"


def withheld_of(plan: Plan) -> list[dict[str, object]]:
    """Return what was withheld as plain JSON values."""
    return [
        {
            "purl": one.purl,
            "uploaded": _moment(one.uploaded),
            "cooldown_hours": one.minimum.total_seconds() / 3600,
            "taken": printable(one.chosen),
            "filename": None if one.filename is None else printable(one.filename),
        }
        for one in plan.cooling.withheld
    ]


def let_through_of(plan: Plan) -> list[Mapping[str, object]]:
    """Return what the plan holds although it is too young, because it mends an advisory."""
    planned = {release.purl for release in plan.releases}
    return [
        {"purl": fix.purl, "advisories": [printable(one) for one in fix.ids], "instead_of": printable(fix.instead)}
        for fix in plan.cooling.fixes
        if fix.purl in planned
    ]


def _moment(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
