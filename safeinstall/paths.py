"""Why a release is in the plan: the shortest way from what the user asked for to it."""

from collections import deque
from collections.abc import Iterable, Mapping

from safeinstall.commandline import revealed
from safeinstall.model import Edge, Intent, Plan, Purl, Release
from safeinstall.purl import parts
from safeinstall.runs import AUDIT
from safeinstall.text import printable


def ways(plan: Plan) -> Mapping[Purl, tuple[Edge, ...]]:
    """
    Return for each release the edges that lead to it, its own parent's edge first and the user's last.

    A release that no chain of edges connects to the user is left out; circles do no harm.
    """
    below: dict[Purl | None, list[Edge]] = {}
    for edge in plan.edges:
        below.setdefault(edge.parent, []).append(edge)
    found: dict[Purl, tuple[Edge, ...]] = {}
    # Breadth first: the first way that reaches a release is a shortest one.
    queue: deque[Purl | None] = deque([None])
    while queue:
        parent = queue.popleft()
        for edge in below.get(parent, ()):
            if edge.child not in found:
                found[edge.child] = (edge, *(found[parent] if parent is not None else ()))
                queue.append(edge.child)
    return found


def why(
    purl: Purl, found: Mapping[Purl, tuple[Edge, ...]], releases: Mapping[Purl, Release], intent: Intent
) -> tuple[str, ...]:
    """Return why *purl* is in the plan, nearest reason first; *found* is what `ways` told."""
    edges = found.get(purl, ())
    root = releases.get(edges[-1].child if edges else purl)
    words = root.asked if root is not None else None
    if not edges and words is None:
        if root is not None and root.kept:
            return ("kept as it is installed",)
        return ("named by what was audited" if intent.verb == AUDIT else "asked for while it was resolved",)
    if intent.verb == AUDIT:
        last = f"in {printable(revealed(words or 'what was audited'))}"
    elif words is None:
        last = "asked for by the project"
    elif words in intent.asked:
        last = "asked for on the command line"
    else:
        last = f"asked for as `{printable(revealed(words))}`"
    return (*(_reason(edge) for edge in edges if edge.parent is not None), last)


def _reason(edge: Edge) -> str:
    assert edge.parent is not None
    _, name, version = parts(edge.parent)
    parent = f"{name} {version}" if version else name
    return f"{'needed to build' if edge.build else 'required by'} {printable(parent)}"


def built(plan: Plan) -> frozenset[Purl]:
    """Return the releases that are only needed to build others: they are fetched and run, and not installed."""
    below: dict[Purl | None, list[Purl]] = {}
    building: list[Purl | None] = []
    for edge in plan.edges:
        if edge.build:
            building.append(edge.child)
        else:
            below.setdefault(edge.parent, []).append(edge.child)
    kept: list[Purl | None] = [one.purl for one in plan.releases if one.kept or one.asked is not None]
    return _below(building, below) - _below([None, *kept], below)


def _below(roots: Iterable[Purl | None], below: Mapping[Purl | None, list[Purl]]) -> frozenset[Purl]:
    """Return *roots* and everything under them."""
    found = set(roots)
    queue = list(found)
    while queue:
        fresh = [child for child in below.get(queue.pop(), ()) if child not in found]
        found.update(fresh)
        queue.extend(fresh)
    return frozenset(one for one in found if one is not None)
