"""The dependency graph of a run, laid out in columns: what was asked for first, what it brings to the right of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from safeinstall.model import Decision, Edge, Purl
from safeinstall.paths import ways
from safeinstall.purl import parts
from safeinstall.runs import Run

_COLUMN = 250
_ROW = 24
_WIDTH = 190
_MOST = 3000
"""Edges beside the shortest ways that are drawn: more of them are a grey cloud that says nothing."""
_STATES = {Decision.BLOCK: "bad", Decision.WARN: "warn", Decision.OVERRIDDEN: "over", Decision.NOTE: "plain"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One release in its place."""

    x: int
    y: int
    width: int
    label: str
    title: str
    state: str
    """`bad`, `warn`, `over`, `way` (it leads to one of these) or `plain`."""
    checks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One edge, as an SVG path."""

    path: str
    on_way: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """The whole graph."""

    nodes: tuple[Node, ...]
    edges: tuple[Line, ...]
    width: int
    height: int
    flagged: int


def drawn(run: Run) -> Drawn:
    """Return the graph of *run*; what is flagged, and the way to it, comes first in each column."""
    states: dict[Purl, str] = {}
    checks: dict[Purl, dict[str, None]] = {}
    for ruling in run.verdict.rulings:  # blocking ones come first
        states.setdefault(ruling.result.purl, _STATES[ruling.decision])
        checks.setdefault(ruling.result.purl, {})[ruling.result.check] = None
    found = ways(run.plan)
    loud = {purl for purl, state in states.items() if state != "plain"}
    on_way = {(edge.parent, edge.child) for purl in loud for edge in found.get(purl, ())}
    leading = {purl for pair in on_way for purl in pair if purl is not None} | loud
    columns: dict[int, list[Purl]] = {}
    for purl in dict.fromkeys(one.purl for one in run.plan.releases):
        columns.setdefault(max(len(found.get(purl, ())) - 1, 0), []).append(purl)
    at = _placed(columns, found, leading)
    nodes = tuple(
        Node(
            x=x,
            y=y,
            width=_WIDTH,
            label=_label(purl),
            title=purl,
            state=_state(states.get(purl, "plain"), leads=purl in leading),
            checks=tuple(checks.get(purl, ())),
        )
        for purl, (x, y) in at.items()
    )
    return Drawn(
        nodes=nodes,
        edges=_lines(run.plan.edges, at, found, on_way),
        width=max((x for x, _ in at.values()), default=0) + _WIDTH + 20,
        height=max((y for _, y in at.values()), default=0) + 40,
        flagged=len(loud & at.keys()),
    )


def _state(state: str, *, leads: bool) -> str:
    return "way" if state == "plain" and leads else state


def _placed(
    columns: Mapping[int, list[Purl]], found: Mapping[Purl, tuple[Edge, ...]], leading: set[Purl]
) -> dict[Purl, tuple[int, int]]:
    at: dict[Purl, tuple[int, int]] = {}
    for number, depth in enumerate(sorted(columns)):
        # Children lie in the order of their parents, so that few lines cross.
        rows = sorted(columns[depth], key=lambda purl: (purl not in leading, _above(purl, found, at), purl))
        for row, purl in enumerate(rows):
            at[purl] = (10 + number * _COLUMN, 10 + row * _ROW)
    return at


def _above(purl: Purl, found: Mapping[Purl, tuple[Edge, ...]], at: Mapping[Purl, tuple[int, int]]) -> int:
    way = found.get(purl, ())
    parent = way[0].parent if way else None
    return at[parent][1] if parent is not None and parent in at else 0


def _lines(
    edges: tuple[Edge, ...],
    at: Mapping[Purl, tuple[int, int]],
    found: Mapping[Purl, tuple[Edge, ...]],
    on_way: set[tuple[Purl | None, Purl]],
) -> tuple[Line, ...]:
    lines: list[Line] = []
    extra = 0
    for edge in edges:
        if edge.parent is None or edge.parent not in at or edge.child not in at:
            continue
        shortest = found.get(edge.child, (edge,))[0] == edge
        extra += not shortest
        if shortest or extra <= _MOST:
            lines.append(Line(path=_curve(at[edge.parent], at[edge.child]), on_way=(edge.parent, edge.child) in on_way))
    return tuple(lines)


def _curve(start: tuple[int, int], end: tuple[int, int]) -> str:
    left, top = start[0] + _WIDTH, start[1] + 9
    right, bottom = end[0], end[1] + 9
    bend = max((right - left) // 2, 25)
    return f"M{left} {top}C{left + bend} {top} {right - bend} {bottom} {right} {bottom}"


def _label(purl: Purl) -> str:
    _, name, version = parts(purl)
    return f"{name} {version}" if version else name
