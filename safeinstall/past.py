"""Which of a project's earlier releases count for a planned one; the same for every ecosystem."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from safeinstall.versions import Ordered

SETTLED: timedelta = timedelta(days=14)
"""A release that stood for so long before the planned one came was open for the world to look at."""

_MOST_EARLIER = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Dated:
    """One version with what it sorts by and when it came."""

    version: str
    order: Ordered | None
    """None: it is no version of its ecosystem."""
    prerelease: bool
    uploaded: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """The versions that matter, by name; see `History`."""

    previous: str | None
    settled: str | None
    earlier: tuple[str, ...]
    before: tuple[str, ...]
    """Every version that was there before the planned one."""


def past(versions: Iterable[Dated], planned: Dated, *, settled: timedelta = SETTLED) -> Past:
    """
    Return which of *versions* count for *planned*.

    Where the registry does not tell times, a lower version counts as an earlier one, and none as settled.
    """
    others = [one for one in versions if one.version != planned.version]
    before = [one for one in others if _came_before(one, planned)]
    stable = [one for one in before if not one.prerelease or planned.prerelease]
    lower = [one for one in stable if _is_below(one, planned)]
    at = planned.uploaded
    old = [one for one in lower if at is not None and one.uploaded is not None and one.uploaded <= at - settled]
    return Past(
        previous=_highest(lower),
        settled=_highest(old),
        earlier=tuple(one.version for one in _newest([one for one in before if not one.prerelease])[:_MOST_EARLIER]),
        before=tuple(one.version for one in before),
    )


def _came_before(one: Dated, planned: Dated) -> bool:
    if one.uploaded is not None and planned.uploaded is not None:
        return one.uploaded < planned.uploaded
    return _is_below(one, planned)


def _is_below(one: Dated, planned: Dated) -> bool:
    return one.order is not None and planned.order is not None and one.order < planned.order


def _highest(some: Sequence[Dated]) -> str | None:
    best: Dated | None = None
    for one in some:
        if best is None or _is_below(best, one):
            best = one
    return best.version if best is not None else None


def _newest(some: Sequence[Dated]) -> Sequence[Dated]:
    dated = [(one.uploaded, one) for one in some if one.uploaded is not None]
    return [one for _, one in sorted(dated, key=lambda pair: pair[0], reverse=True)]


def first_of(pairs: Iterable[tuple[str, datetime]]) -> tuple[tuple[str, datetime], ...]:
    """Return each name with its earliest time, in the order of these times."""
    first: dict[str, datetime] = {}
    for name, at in pairs:
        if name not in first or at < first[name]:
            first[name] = at
    return tuple(sorted(first.items(), key=lambda pair: (pair[1], pair[0])))
