"""Who required what: the edges of a plan, from the metadata of what is in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from safeinstall.model import Edge, Purl


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One release that edges can lead to and from."""

    purl: Purl
    requires: tuple[str, ...]
    """Its `Requires-Dist` lines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Root:
    """One requirement that nobody but the user (or a build) asked for."""

    name: str
    """Canonical."""
    extras: tuple[str, ...] = ()
    requirement: str


def walk(
    roots: Iterable[Root],
    nodes: Mapping[str, Node],
    environment: Mapping[str, str],
    *,
    parent: Purl | None = None,
    follow: bool = True,
) -> tuple[Edge, ...]:
    """
    Return every edge that *roots* lead to, breadth first, by the markers of *environment* and the extras on the way.

    *nodes* are keyed by canonical name. The first edges come from *parent*; given one, they are build edges. Without
    *follow* (`--no-deps`) the roots are all there is. A requirement on a name that is no node has no edge.
    """
    edges: dict[Edge, None] = {}
    wanted: list[tuple[str, str]] = []
    seen: set[tuple[str, str]] = set()

    def want(name: str, extras: Iterable[str]) -> None:
        for extra in ("", *extras):
            key = (name, canonicalize_name(extra) if extra else "")
            if key not in seen:
                seen.add(key)
                wanted.append(key)

    for root in roots:
        if root.name in nodes:
            child = nodes[root.name].purl
            edges[Edge(parent=parent, child=child, requirement=root.requirement, build=parent is not None)] = None
            want(root.name, root.extras)
    while wanted and follow:
        name, extra = wanted.pop(0)
        node = nodes[name]
        for requirement in applying(node.requires, environment, extra):
            child_name = canonicalize_name(requirement.name)
            if child_name in nodes:
                edges[Edge(parent=node.purl, child=nodes[child_name].purl, requirement=_spelled(requirement))] = None
                want(child_name, requirement.extras)
    return tuple(edges)


def applying(requires: Sequence[str], environment: Mapping[str, str], extra: str) -> tuple[Requirement, ...]:
    """Return the requirements among *requires* whose markers hold; a line that cannot be parsed is left out."""
    found = []
    for line in requires:
        try:
            requirement = Requirement(line)
            holds = requirement.marker is None or requirement.marker.evaluate({**environment, "extra": extra})
        except (InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName):
            # pip has resolved this set, so such a line did not matter to it either.
            continue
        if holds and (extra == "" or (requirement.marker is not None and "extra" in str(requirement.marker))):
            found.append(requirement)
    return tuple(found)


def _spelled(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    where = f" @ {requirement.url}" if requirement.url else ""
    return f"{requirement.name}{extras}{where}{requirement.specifier}"
