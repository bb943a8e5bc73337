"""The dependency graph of a run, laid out as a tree on its side: each release right of the one that first brings it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from safeinstall.model import Decision, Edge, Purl
from safeinstall.paths import ways
from safeinstall.purl import parts
from safeinstall.runs import Run
from safeinstall.text import printable

_ROW = 24
_HEIGHT = 18
_GAP = 28
_MARGIN = 10
_LETTER = 6.7
"""How wide one letter of the labels is, which are of fixed width for this."""
_LONGEST = 30
_MOST = 3000
"""Edges beside the tree that are drawn: more of them are a grey cloud that says nothing."""
_STATES = {Decision.BLOCK: "bad", Decision.WARN: "warn", Decision.OVERRIDDEN: "over", Decision.NOTE: "plain"}
_LOUD = ("bad", "warn", "over")
MARKS = {"bad": "✕", "warn": "!", "over": "✓"}
"""What stands before a flagged name: colour alone does not reach everybody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One release in its place."""

    ident: str
    parent: str
    """The name of the node that it hangs on; empty: none."""
    x: int
    y: int
    width: int
    label: str
    title: str
    state: str
    """`bad`, `warn`, `over`, `way` (it leads to one of these) or `plain`."""
    towards: str
    """The worst of `bad`, `warn` and `over` that it is or leads to; empty: none."""
    checks: tuple[str, ...]
    """The checks that say something of it, or of what it leads to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One edge, as an SVG path."""

    child: str
    """The name of the node that it leads to."""
    path: str
    towards: str
    """The worst that it leads to, where it is on the way to it."""
    beside: bool
    """It is not of the tree: another release brought the child first."""
    checks: tuple[str, ...]
    """Of what it leads to, if that is flagged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """The whole graph."""

    nodes: tuple[Node, ...]
    edges: tuple[Line, ...]
    width: int
    height: int
    flagged: int
    left_out: int
    """Edges beside the tree that are not drawn, as they were too many."""
    idents: Mapping[Purl, str]


@dataclass(frozen=True, slots=True)
class _Flags:
    """What the rulings say of each release, and of the releases that each leads to."""

    states: Mapping[Purl, str]
    checks: Mapping[Purl, Mapping[str, None]]
    towards: Mapping[Purl, str]
    on_way: frozenset[tuple[Purl | None, Purl]]


class _Box(NamedTuple):
    """Where one release lies."""

    ident: str
    parent: str
    left: int
    top: int
    width: int

    @property
    def middle(self) -> int:
        return self.top + _HEIGHT // 2


def drawn(run: Run) -> Drawn:
    """Return the graph of *run*; what is flagged, and the way to it, comes first below each release."""
    found = ways(run.plan)
    flags = _flags(run, found)
    labels = {one.purl: _label(one.purl, flags.states.get(one.purl, "plain")) for one in run.plan.releases}
    boxes = _boxes(labels, found, flags)
    nodes = tuple(
        Node(
            ident=box.ident,
            parent=box.parent,
            x=box.left,
            y=box.top,
            width=box.width,
            label=labels[purl],
            title=purl,
            state=_state(flags.states.get(purl, "plain"), leads=purl in flags.towards),
            towards=flags.towards.get(purl, ""),
            checks=tuple(flags.checks.get(purl, ())),
        )
        for purl, box in boxes.items()
    )
    lines = tuple(_lines(run.plan.edges, boxes, found, flags))
    # Who else requires what is flagged is worth knowing however many there are.
    spare = iter(range(_MOST))
    kept = tuple(one for one in lines if not one.beside or one.checks or next(spare, None) is not None)
    return Drawn(
        nodes=nodes,
        edges=kept,
        width=max((node.x + node.width for node in nodes), default=0) + _MARGIN,
        height=max((node.y for node in nodes), default=0) + _HEIGHT + _MARGIN,
        flagged=sum(state in _LOUD for purl, state in flags.states.items() if purl in boxes),
        left_out=len(lines) - len(kept),
        idents={purl: box.ident for purl, box in boxes.items()},
    )


def _flags(run: Run, found: Mapping[Purl, tuple[Edge, ...]]) -> _Flags:
    states: dict[Purl, str] = {}
    checks: dict[Purl, dict[str, None]] = {}
    towards: dict[Purl, str] = {}
    on_way: set[tuple[Purl | None, Purl]] = set()
    order = tuple(_STATES)
    for ruling in sorted(run.verdict.rulings, key=lambda one: order.index(one.decision)):  # What is set first stays.
        purl, check, state = ruling.result.purl, ruling.result.check, _STATES[ruling.decision]
        states.setdefault(purl, state)
        checks.setdefault(purl, {})[check] = None
        if state == "plain":
            continue
        towards.setdefault(purl, state)
        for edge in found.get(purl, ()):
            on_way.add((edge.parent, edge.child))
            if edge.parent is not None:
                towards.setdefault(edge.parent, state)
                checks.setdefault(edge.parent, {})[check] = None
    return _Flags(states, checks, towards, frozenset(on_way))


def _state(state: str, *, leads: bool) -> str:
    return "way" if state == "plain" and leads else state


def _boxes(labels: Mapping[Purl, str], found: Mapping[Purl, tuple[Edge, ...]], flags: _Flags) -> dict[Purl, _Box]:
    """
    Return the place of each release, parents before their children.

    The first child lies right of its parent in the same row, the others below all that the one before them brings.
    """
    rank = {state: number for number, state in enumerate(_LOUD)}
    below: dict[Purl | None, list[Purl]] = {}
    for purl in labels:
        way = found.get(purl, ())
        above = way[0].parent if way else None
        below.setdefault(above if above in labels else None, []).append(purl)
    for children in below.values():
        children.sort(key=lambda purl: (rank.get(flags.towards.get(purl, ""), len(rank)), purl))
    boxes: dict[Purl, _Box] = {}
    top = _MARGIN - _ROW
    # A stack of our own: a chain of a thousand releases is deeper than Python's.
    stack = [(purl, "", _MARGIN, False) for purl in reversed(below.get(None, []))]
    while stack:
        purl, parent, left, first = stack.pop()
        top += 0 if first else _ROW
        box = _Box(f"r{len(boxes)}", parent, left, top, int(len(labels[purl]) * _LETTER) + 12)
        boxes[purl] = box
        children = below.get(purl, [])
        right = left + box.width + _GAP
        stack.extend((child, box.ident, right, child is children[0]) for child in reversed(children))
    return boxes


def _lines(
    edges: Sequence[Edge], boxes: Mapping[Purl, _Box], found: Mapping[Purl, tuple[Edge, ...]], flags: _Flags
) -> Iterator[Line]:
    for parent, child in dict.fromkeys((edge.parent, edge.child) for edge in edges):
        if parent is None or parent not in boxes or child not in boxes:
            continue
        beside = child not in found or found[child][0].parent != parent
        # Beside the tree only what itself is flagged counts: every way to it would be a cloud again.
        strong = (parent, child) in flags.on_way or (beside and flags.states.get(child) in _LOUD)
        yield Line(
            child=boxes[child].ident,
            path=(_curve if beside else _elbow)(boxes[parent], boxes[child]),
            towards=flags.towards.get(child, "") if strong else "",
            beside=beside,
            checks=tuple(flags.checks.get(child, ())) if strong else (),
        )


def _elbow(parent: _Box, child: _Box) -> str:
    start = f"M{parent.left + parent.width} {parent.middle}"
    if parent.top == child.top:
        return f"{start}H{child.left}"
    return f"{start}H{child.left - _GAP // 2}V{child.middle}H{child.left}"


def _curve(parent: _Box, child: _Box) -> str:
    left = parent.left + parent.width
    bend = max((child.left - left) // 2, 25)
    return (
        f"M{left} {parent.middle}C{left + bend} {parent.middle} "
        f"{child.left - bend} {child.middle} {child.left} {child.middle}"
    )


def _label(purl: Purl, state: str) -> str:
    _, name, version = parts(purl)
    words = printable(f"{name} {version}" if version else name, limit=_LONGEST)
    return f"{MARKS[state]} {words}" if state in MARKS else words
