"""What the cooldown made of an npm plan, and how planning goes on where npm's resolver would stop or say nothing."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path

from safeinstall.cooldown import Cooling, Withheld, Young
from safeinstall.ecosystems.npm.document import Dependency, Document, Node
from safeinstall.errors import MalformedAnswer
from safeinstall.fields import items, mapping, optional
from safeinstall.gateway.npm import NpmGateway, bare
from safeinstall.gateway.npm_cooling import newest
from safeinstall.gateway.npm_packument import parsed
from safeinstall.gateway.withholding import NO_PINS, Withholding
from safeinstall.model import ArtifactKind, EcosystemName, Plan
from safeinstall.purl import make
from safeinstall.text import printable
from safeinstall.versions import in_npm_range, newer

_NPM = EcosystemName.NPM
_MISSING = frozenset({"ETARGET", "ENOVERSIONS"})
_STEPS = 24


class Pins:
    """What planner.js said is asked for exactly, locked or installed."""

    def __init__(self, temp: Path) -> None:
        """Read it from the folder *temp* when it is first asked for."""
        self._path = temp / "pins.json"
        self._read: Mapping[str, frozenset[str]] | None = None

    def __call__(self) -> Mapping[str, frozenset[str]]:
        """Return the versions by name."""
        if self._read is None:
            try:
                told: object = json.loads(self._path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                return {name: frozenset(versions) for name, versions in NO_PINS.items()}
            self._read = {name: frozenset(items(found, "", str)) for name, found in mapping(told, "").items()}
        return self._read


@dataclass(slots=True)
class StepsBack:
    """
    Plans again what npm could not plan, or would have planned with something missing.

    npm takes the newest version in range and never looks for an older one whose requirements can be met: what needs a
    withheld version is hidden with it. What even so cannot be had is let go, for the verdict to judge.
    """

    withholding: Withholding
    gateway: NpmGateway
    left: int = _STEPS

    def failed(self, told: object) -> bool:
        """Whether planning is worth another try after npm's error *told*."""
        held = self.withholding
        if held.open or not self.gateway.cool.names():
            return False
        name = optional(told, "error.name", str) or ""
        self.left -= 1
        missed = optional(told, "error.code", str) in _MISSING and name in self.gateway.cool.names()
        if self.left > 0 and missed and (self._hide(name) or held.let(name)):
            return True
        held.open = True
        return True

    def incomplete(self, document: Document) -> bool:
        """Whether npm left withheld optional packages out of *document* in silence: it is to be planned again then."""
        if self.withholding.open or self.left <= 0:
            return False
        again = False
        for node in document.nodes:
            lacking = [edge for edge in node.edges if _is_optional(edge) and self._lacks(edge)]
            if not lacking:
                continue
            if not node.root and self.withholding.shut(node.package, {node.version}):
                again = True
                continue
            # Its parent is pinned, or the user's own project: they are judged like everything that was asked for.
            for edge in lacking:
                again = self.withholding.let(edge.name) or again
        self.left -= again
        return again

    def _lacks(self, edge: Dependency) -> bool:
        return self.gateway.cool.lacks(edge.name, edge.spec)

    def _hide(self, name: str) -> bool:
        """Hide every version that needs what is withheld of *name*; whether there was any."""
        found = False
        for page in self.gateway.pages().values():
            if page.status != HTTPStatus.OK or f'"{name}"'.encode() not in page.body:
                continue
            packument = parsed(page.body)
            own = optional(packument, "name", str)
            if own and own != name:
                needing = {one for one in self.gateway.cool.needing(name, packument) if self._may_shut(own, one)}
                found = (bool(needing) and self.withholding.shut(own, needing)) or found
        return found

    def _may_shut(self, name: str, version: str) -> bool:
        return version not in self.withholding.pins().get(name, ())


def _is_optional(edge: Dependency) -> bool:
    return edge.kind == "optional"


def cooling(document: Document, plan: Plan, gateway: NpmGateway, withholding: Withholding) -> Cooling:
    """Return what was withheld in favour of *plan*, and what of it is too young."""
    wanted: dict[str, list[Dependency]] = {}
    for node in document.nodes:
        for edge in node.edges:
            if edge.to is not None:
                wanted.setdefault(edge.to, []).append(_as_asked(edge, withholding) if node.root else edge)
    listed = [
        node for node in document.nodes if node.page and not (node.kept or node.omitted or node.stub or node.root)
    ]
    planned = {one.purl for one in plan.releases if one.artifact.kind is ArtifactKind.TARBALL and not one.kept}
    withheld, young = {}, {}
    for node in listed:
        if make(_NPM, node.package, node.version) not in planned:
            continue
        for one in _withheld(node, gateway, wanted.get(node.location, ()), withholding):
            withheld[one.purl, one.chosen] = one
        for known in _young(node, gateway, withholding, wanted.get(node.location, ())):
            young[known.purl] = known
    return Cooling(
        cooldown=withholding.cooldown,
        withheld=tuple(withheld.values()),
        young=tuple(young.values()),
        fixes=withholding.fixes,
    )


def _as_asked(edge: Dependency, withholding: Withholding) -> Dependency:
    """Return *edge* of the project as the user meant it: of a tag on a prerelease npm makes the very version."""
    pinned = edge.spec in withholding.pins().get(edge.name, ())
    return edge if pinned or "-" not in edge.spec or not edge.spec[:1].isdigit() else replace(edge, spec="latest")


def _withheld(
    node: Node, gateway: NpmGateway, edges: "list[Dependency] | tuple[()]", withholding: Withholding
) -> Iterator[Withheld]:
    url = bare(node.page or "")
    recent = gateway.cool.recent(url)
    if recent is None or not gateway.cool.given(url):
        return
    hidden = [one for one in recent.versions if withholding.hides(recent.name, one)]
    for version in newer(_NPM, hidden, node.version):
        if all(_admits(edge.spec, version) for edge in edges) and ("-" in node.version or "-" not in version):
            yield Withheld(
                purl=make(_NPM, recent.name, version),
                uploaded=recent.versions[version],
                minimum=recent.minimum,
                chosen=node.version,
            )


def _young(
    node: Node, gateway: NpmGateway, withholding: Withholding, edges: "list[Dependency] | tuple[()]"
) -> Iterator[Young]:
    recent = gateway.cool.recent(bare(node.page or ""))
    if recent is None or node.version not in recent.versions:
        return
    old = [one for one in recent.all if one not in recent.versions]
    older = newest(old, below=node.version) or newest(old)
    why = ""
    if (
        older is not None
        and withholding.let_go(recent.name)
        and node.version not in withholding.pins().get(recent.name, ())
    ):
        asked = ", ".join(dict.fromkeys(f"`{printable(edge.name)}@{printable(edge.spec)}`" for edge in edges))
        why = f"it could not be withheld: without it nothing fits {asked or 'what requires it'}"
    yield Young(purl=make(_NPM, node.package, node.version), older=older, why=why)


def _admits(spec: str, version: str) -> bool:
    try:
        return in_npm_range(version, spec)
    except MalformedAnswer:
        return True  # a tag: it pointed at what was withheld, or may have
