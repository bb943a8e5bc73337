"""The alert that comes later: what was installed in good faith, held against what is known now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, items, optional
from safeinstall.inventories.environment import Environment as EnvironmentReader
from safeinstall.inventories.node_modules import NodeModules
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import Decision, Edge, Finding, Plan, Purl, Release, Verdict
from safeinstall.paths import ways
from safeinstall.purl import parts
from safeinstall.recorded import ending, environment_of, plan_of
from safeinstall.runs import Environment, EnvironmentKind
from safeinstall.text import printable

_LEFT_SOMETHING = frozenset({"installed", "differs", "interrupted"})
"""How a run ended that may have put releases onto the disk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One run of the ledger that installed something."""

    when: str
    """RFC 3339, as the ledger has it."""
    user: str
    command: str
    cwd: str
    plan: Plan
    environment: Environment | None
    known: Mapping[Purl, frozenset[str]]
    """The advisories that were known, and told, when it was installed."""

    @property
    def place(self) -> str:
        """Where it installed to, or the folder that it ran in when nobody wrote that down."""
        return self.environment.path if self.environment is not None else self.cwd


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One environment that the ledger knows, with what lies in it now."""

    path: str
    inventory: Inventory
    records: tuple[Record, ...]
    """The runs that installed into it, oldest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """One release that lies in one environment and is accused by a record that was not known when it came there."""

    finding: Finding
    place: str
    record: Record | None
    """The run that brought it; None: it came there without us."""
    way: tuple[str, ...]
    """From what was asked for down to it, each as `name version`."""
    blocks: bool
    """The policy would not install it today."""

    @property
    def key(self) -> str:
        """What tells it from other alerts: the place, the release and what it is accused of."""
        return "\n".join((self.place, self.finding.purl, self.finding.kind, *sorted(self.finding.ids)))


def records(lines: Iterable[Mapping[str, object]]) -> tuple[tuple[Record, ...], int]:
    """Return what the ledger's runs installed, oldest first, and how many of its runs could not be read."""
    found: list[Record] = []
    unreadable = 0
    for line in lines:
        if ending(line) not in _LEFT_SOMETHING:
            continue
        try:
            found.append(_record(line))
        except MalformedAnswer:
            unreadable += 1
    return tuple(found), unreadable


def _record(line: Mapping[str, object]) -> Record:
    known: dict[Purl, frozenset[str]] = {}
    for ruling in items(line, "rulings", dict):
        purl = Purl(field(ruling, "purl", str))
        known[purl] = known.get(purl, frozenset()) | frozenset(items(ruling, "advisories", str))
    return Record(
        when=field(line, "started", str),
        user=optional(line, "user", str) or "?",
        command=" ".join(items(line, "command", str)),
        cwd=field(line, "cwd", str),
        plan=plan_of(line),
        environment=environment_of(line),
        known=known,
    )


def looked(found: Sequence[Record], origins: Origins) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """
    Return what lies now in every environment of *found*, and in words where nobody could look.

    An environment that is gone has nothing in it. Of a run whose environment nobody wrote down, what it installed is
    held for present: whether it was removed, nobody can tell.
    """
    by_place: dict[str, list[Record]] = {}
    for record in found:
        by_place.setdefault(record.place, []).append(record)
    places: list[Place] = []
    unseen: list[str] = []
    for path, some in by_place.items():
        environment = some[-1].environment
        try:
            inventory = _assumed(path, some) if environment is None else _present(environment, origins)
        except MalformedAnswer as error:
            unseen.append(f"{path}: {error.message}")
            continue
        places.append(Place(path=path, inventory=inventory, records=tuple(some)))
    return tuple(places), tuple(unseen)


def _present(environment: Environment, origins: Origins) -> Inventory:
    parts_: list[Inventory] = []
    for folder in environment.folders:
        path = Path(folder)
        if not path.is_dir():
            continue
        if environment.kind is EnvironmentKind.NODE:
            parts_.append(NodeModules().read(path, environment.path, origins))
        elif any(path.glob("*.dist-info")):
            parts_.append(EnvironmentReader().read(path, environment.path, origins))
    return Inventory(
        kind=environment.kind.value,
        label=environment.path,
        releases=tuple(one for part in parts_ for one in part.releases),
        edges=tuple(one for part in parts_ for one in part.edges),
        gaps=tuple(one for part in parts_ for one in part.gaps),
    )


def _assumed(path: str, some: Sequence[Record]) -> Inventory:
    releases = {one.purl: replace(one, kept=True) for record in some for one in record.plan.releases}
    return Inventory(kind="assumed", label=path, releases=tuple(releases.values()))


def informed(place: Place) -> Inventory:
    """Return what lies in *place*, with what the ledger knows of it: hashes, and the registry that served it."""
    told: dict[Purl, Release] = {one.purl: one for record in place.records for one in record.plan.releases}
    releases = tuple(
        replace(one, artifact=told[one.purl].artifact, registry=told[one.purl].registry or one.registry)
        if one.purl in told
        else one
        for one in place.inventory.releases
    )
    return replace(place.inventory, releases=releases)


def alerts(places: Sequence[Place], verdict: Verdict) -> tuple[Alert, ...]:
    """Return who is affected by what *verdict* says now and nobody could know when it was installed."""
    accused: dict[Purl, list[tuple[Finding, bool]]] = {}
    for ruling in verdict.rulings:
        if isinstance(ruling.result, Finding) and ruling.decision in (Decision.BLOCK, Decision.WARN):
            pair = (ruling.result, ruling.decision is Decision.BLOCK)
            accused.setdefault(ruling.result.purl, []).append(pair)
    found: list[Alert] = []
    for place in places:
        for purl in dict.fromkeys(one.purl for one in place.inventory.releases):
            for finding, blocks in accused.get(purl, ()):
                record = _brought(place, purl)
                if record is None or not frozenset(finding.ids) <= record.known.get(purl, frozenset()):
                    way = _way(place, purl, record)
                    found.append(Alert(finding=finding, place=place.path, record=record, way=way, blocks=blocks))
    return tuple(sorted(found, key=lambda one: not one.blocks))


def _brought(place: Place, purl: Purl) -> Record | None:
    """Return the last run that put *purl* into *place*; where it stayed as it was, it was brought before."""
    fresh = [one for one in place.records if any(each.purl == purl and not each.kept for each in one.plan.releases)]
    return fresh[-1] if fresh else None


def _way(place: Place, purl: Purl, record: Record | None) -> tuple[str, ...]:
    edges: tuple[Edge, ...] = record.plan.edges if record is not None else place.inventory.edges
    plan = Plan(ecosystem=parts(purl)[0], releases=(), edges=edges)
    steps = [edge.parent for edge in ways(plan).get(purl, ()) if edge.parent is not None]
    return tuple(_named(one) for one in (*reversed(steps), purl))


def _named(purl: Purl) -> str:
    _, name, version = parts(purl)
    return printable(f"{name} {version}" if version else name)


def days(when: str, now: datetime) -> str:
    """Return how long before *now* the ledger's moment *when* lies, in words."""
    try:
        passed = now - datetime.fromisoformat(when.replace("Z", "+00:00"))
    except ValueError:
        return f"at {printable(when, limit=40)}"
    if passed.days < 1:
        return "today" if passed.total_seconds() >= 0 else f"at {printable(when, limit=40)}"
    return "yesterday" if passed.days == 1 else f"{passed.days} days ago"
