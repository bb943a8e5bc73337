"""Pictures for a terminal: the tree of a plan with what was found beside the names, and all ways to one release."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from safeinstall.commandline import revealed
from safeinstall.model import Decision, EcosystemName, Edge, Finding, Plan, Purl, Ruling
from safeinstall.purl import parts
from safeinstall.text import printable

T = TypeVar("T")

_MOST = 50
"""Ways that are shown: a release that everything needs has thousands."""
_TRIED = 20_000
"""Beginnings of ways that are followed, shortest first, before the rest is only said to exist."""
_NARROW = 20
_WORDS = {Decision.BLOCK: "blocks", Decision.WARN: "warning", Decision.NOTE: "note", Decision.OVERRIDDEN: "accepted"}


def tree(plan: Plan, rulings: Sequence[Ruling], *, width: int) -> Iterator[str]:
    """
    Yield the lines of the dependency tree of *plan*, each at most *width* long where that is possible.

    What a release needs is drawn below its first place only; `(above)` stands at the others, so circles end, too.
    """
    label = _Labels(plan, rulings)
    below = _below(plan)
    drawn: set[Purl] = set()

    def children(edge: Edge) -> Sequence[Edge]:
        if edge.child in drawn:
            return ()
        drawn.add(edge.child)
        return below.get(edge.child, ())

    def name(edge: Edge) -> tuple[str, str]:
        again = edge.child in drawn and bool(below.get(edge.child))
        return label.name(edge.child), " ".join(filter(None, (label.flags(edge), "(above)" if again else "")))

    yield from _drawn(below.get(None, ()), children, name, width)
    lost = [Edge(parent=None, child=one.purl, requirement="") for one in plan.releases if one.purl not in drawn]
    if lost:
        yield "nobody says why:"
        yield from _drawn(lost, children, name, width)


def ways_to(plan: Plan, wanted: str, rulings: Sequence[Ruling], *, width: int) -> Iterator[str]:
    """
    Yield the picture of all ways from what the user asked for to every release called *wanted*, shortest ways first.

    *wanted* is a name or a purl; nothing is yielded when the plan has no such release.
    """
    label = _Labels(plan, rulings)
    for target in matching(plan, wanted):
        found, more = _ways(plan, target)
        count = f"{'more than ' if more else ''}{len(found)} way{'' if len(found) == 1 else 's'}"
        flags = label.flags(Edge(parent=None, child=target, requirement=""))
        yield f"{label.name(target)}{' ' if flags else ''}{flags}: {count}"
        top: dict[Edge, object] = {}
        for way in found:
            inner = top
            for edge in way:
                inner = inner.setdefault(edge, {})  # type: ignore[assignment]  # dicts all the way down
        yield from _drawn(list(top.items()), _inner, lambda one: (label.name(one[0].child), _asked(one[0])), width)


def matching(plan: Plan, wanted: str) -> tuple[Purl, ...]:
    """Return the releases of *plan* that *wanted* names: by name as its ecosystem compares names, or by purl."""
    found = []
    for release in plan.releases:
        ecosystem, name, version = parts(release.purl)
        spelled = _normal(ecosystem, wanted)
        if wanted == release.purl or spelled in (name, f"{name}@{version}"):
            found.append(release.purl)
    return tuple(found)


class _Labels:
    """What stands at a release."""

    def __init__(self, plan: Plan, rulings: Sequence[Ruling]) -> None:
        self._kept = {release.purl for release in plan.releases if release.kept}
        flags: dict[Purl, dict[str, None]] = {}
        for ruling in rulings:
            result = ruling.result
            what = result.kind if isinstance(result, Finding) else f"not judged ({result.check})"
            flags.setdefault(result.purl, {})[f"{_WORDS[ruling.decision]}: {what}"] = None
        self._flags: Mapping[Purl, Mapping[str, None]] = flags

    def name(self, purl: Purl) -> str:
        _, name, version = parts(purl)
        return printable(f"{name} {version or ''}".strip())

    def flags(self, edge: Edge) -> str:
        said = list(self._flags.get(edge.child, ()))
        said += ["kept"] if edge.child in self._kept else []
        said += ["to build"] if edge.build else []
        return " ".join(f"[{printable(one)}]" for one in said)


def _below(plan: Plan) -> Mapping[Purl | None, Sequence[Edge]]:
    below: dict[Purl | None, dict[Purl, Edge]] = {}
    for edge in plan.edges:
        below.setdefault(edge.parent, {}).setdefault(edge.child, edge)
    return {parent: tuple(edges.values()) for parent, edges in below.items()}


def _drawn(
    top: Sequence[T], children: Callable[[T], Sequence[T]], name: Callable[[T], tuple[str, str]], width: int
) -> Iterator[str]:
    # A stack of our own: a chain of a thousand packages is deeper than Python's.
    stack = [(one, "", "", "") for one in reversed(top)]
    while stack:
        node, before, branch, under = stack.pop()
        yield _line(before + branch, *name(node), width)
        inner = children(node)
        prefix = before + under
        last = len(inner) - 1
        stack += [
            (one, prefix, "└── " if place == last else "├── ", "    " if place == last else "│   ")
            for place, one in reversed(list(enumerate(inner)))
        ]


def _line(prefix: str, name: str, flags: str, width: int) -> str:
    """Return the line: where it is too long the branches are cut, then the name; what was found is never cut."""
    room = max(width - len(flags) - (1 if flags else 0), _NARROW)
    if len(prefix) + len(name) > room:
        kept = max(room - len(name) - 1, 0)
        prefix = "…" + prefix[len(prefix) - kept :] if kept else "…"
        name = name if len(prefix) + len(name) <= room else name[: max(room - len(prefix) - 1, 1)] + "…"
    return f"{prefix}{name}{' ' if flags else ''}{flags}"


def _ways(plan: Plan, target: Purl) -> tuple[list[tuple[Edge, ...]], bool]:
    """Return the ways to *target*, shortest first, and whether there are more."""
    below = _below(plan)
    above: dict[Purl, list[Purl | None]] = {}
    for edge in plan.edges:
        above.setdefault(edge.child, []).append(edge.parent)
    leads: set[Purl | None] = {target}
    queue: list[Purl | None] = [target]
    while queue:
        one = queue.pop()
        fresh = [parent for parent in above.get(one, ()) if parent not in leads] if one is not None else []
        leads.update(fresh)
        queue.extend(fresh)
    found: list[tuple[Edge, ...]] = []
    begun: deque[tuple[Edge, ...]] = deque([(edge,) for edge in below.get(None, ()) if edge.child in leads])
    tried = 0
    while begun and len(found) < _MOST and tried < _TRIED:
        tried += 1
        way = begun.popleft()
        if way[-1].child == target:
            found.append(way)
            continue
        seen = {edge.child for edge in way}
        begun.extend((*way, edge) for edge in below.get(way[-1].child, ()) if edge.child in leads - seen)
    return found, bool(begun)


def _inner(node: tuple[Edge, object]) -> Sequence[tuple[Edge, object]]:
    inner = node[1]
    assert isinstance(inner, dict)
    return list(inner.items())


def _asked(edge: Edge) -> str:
    said = printable(revealed(edge.requirement))
    return f"({'builds with ' if edge.build else ''}{said})" if said else ""


def _normal(ecosystem: EcosystemName, wanted: str) -> str:
    if ecosystem is EcosystemName.NPM:
        return wanted
    name, at, version = wanted.partition("@")
    return f"{name.lower().replace('_', '-').replace('.', '-')}{at}{version}"
