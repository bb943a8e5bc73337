"""
One OSV record, read from untrusted JSON: whether it hits a release, and what it says.

The rules are those of the OSV schema (https://ossf.github.io/osv-schema/), section "Evaluation". Where the schema
leaves a choice, the one that does not miss a hit is taken.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from packaging.utils import canonicalize_name

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, items, mapping, optional
from safeinstall.model import Advisory, AdvisoryKind, Digest, EcosystemName, Severity
from safeinstall.sources import osv_hashes, osv_meaning
from safeinstall.text import printable
from safeinstall.versions import Ordered, equal, oldest_first, order

_OURS = {"pypi": EcosystemName.PYPI, "npm": EcosystemName.NPM}
_GIT = "GIT"
_TYPES = frozenset({"SEMVER", "ECOSYSTEM", _GIT})
_FROM_THE_START = "0"
_WITHOUT_END = "*"


class Bound(str, Enum):
    """What an event of a range does to versions from there on."""

    INTRODUCED = "introduced"
    LAST_AFFECTED = "last_affected"
    FIXED = "fixed"
    LIMIT = "limit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event of a range."""

    bound: Bound
    version: str


def _is_start(event: Event) -> bool:
    """Whether every version comes after *event*, also those that sort below `0`."""
    return event.bound is Bound.INTRODUCED and event.version == _FROM_THE_START


@dataclass(frozen=True, kw_only=True, slots=True)
class Affected:
    """What a record says about one package of ours."""

    ecosystem: EcosystemName
    name: str
    """In its normal form."""
    versions: tuple[str, ...]
    ranges: tuple[tuple[Event, ...], ...]
    """Without those of commits."""

    def holds(self, version: str) -> bool:
        """Return whether *version* is affected; raises `MalformedAnswer` when that cannot be told."""
        # (1) A package that is named without any version, or with commits only, is meant as a whole.
        if not self.versions and not self.ranges:
            return True
        # (2) Versions that are listed one by one.
        if any(equal(self.ecosystem, listed, version) for listed in self.versions):
            return True
        # (3) Ranges; one that cannot be evaluated must not hide one that hits.
        unclear: MalformedAnswer | None = None
        for events in self.ranges:
            try:
                if self._within(events, version):
                    return True
            except MalformedAnswer as error:
                unclear = error
        if unclear is not None:
            raise unclear
        return False

    def fixed(self) -> tuple[str, ...]:
        """Return the versions that the record calls fixed, oldest first."""
        found = {event.version for events in self.ranges for event in events if event.bound is Bound.FIXED}
        return oldest_first(self.ecosystem, frozenset(found))

    @property
    def whole(self) -> bool:
        """Whether every version is affected."""
        if not self.versions and not self.ranges:
            return True
        return any(all(_is_start(event) for event in events) for events in self.ranges)

    def told(self) -> tuple[str, ...]:
        """Return in words which versions are affected; ranges say more than the versions that follow from them."""
        if self.whole:
            return ("every version",)
        return tuple(_words(events) for events in self.ranges) or self.versions

    def _within(self, events: tuple[Event, ...], version: str) -> bool:
        if all(_is_start(event) for event in events):
            return True
        at = self._order(version)
        limits = [event for event in events if event.bound is Bound.LIMIT]
        if limits and not any(limit.version == _WITHOUT_END or at < self._order(limit.version) for limit in limits):
            return False
        affected = False
        # Python's sort is stable: events at one version keep the order in which the record tells them.
        for event in sorted((one for one in events if one.bound is not Bound.LIMIT), key=self._place):
            if self._reached(event, at):
                affected = event.bound is Bound.INTRODUCED
        return affected

    def _reached(self, event: Event, at: Ordered) -> bool:
        if _is_start(event):
            return True
        bound = self._order(event.version)
        return bound < at if event.bound is Bound.LAST_AFFECTED else bound <= at

    def _place(self, event: Event) -> tuple[bool, Ordered]:
        return not _is_start(event), self._order(event.version)

    def _order(self, version: str) -> Ordered:
        found = order(self.ecosystem, version)
        if found is None:
            raise MalformedAnswer(f"`{printable(version, limit=40)}` is no version that a range could be compared with")
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A published record, with what judging needs of it."""

    ident: str
    aliases: frozenset[str]
    kind: AdvisoryKind
    severity: Severity
    summary: str
    url: str | None
    withdrawn: bool
    affected: tuple[Affected, ...]
    """Packages of other ecosystems are left out."""
    digests: frozenset[Digest] = frozenset()
    """Hashes of the artifacts that it is about."""

    def hits(self, ecosystem: EcosystemName, name: str, version: str) -> bool:
        """
        Return whether the record is about *name* at *version*, and not withdrawn.

        Raises `MalformedAnswer` when it names the package but its ranges cannot be compared with *version*.
        """
        if self.withdrawn:
            return False
        unclear: MalformedAnswer | None = None
        for affected in self._about(ecosystem, name):
            try:
                if affected.holds(version):
                    return True
            except MalformedAnswer as error:
                unclear = error
        if unclear is not None:
            raise MalformedAnswer(f"{printable(self.ident, limit=60)}: {unclear.message}") from unclear
        return False

    def names(self, ecosystem: EcosystemName, name: str) -> bool:
        """Return whether the record is about some version of *name*."""
        return any(True for _ in self._about(ecosystem, name))

    def advisory(self, ecosystem: EcosystemName, name: str, *, source: str) -> Advisory:
        """Return what the record says about *name*, told by *source*."""
        about = tuple(self._about(ecosystem, name))
        fixed = frozenset(version for affected in about for version in affected.fixed())
        return Advisory(
            ident=self.ident,
            aliases=self.aliases,
            kind=self.kind,
            severity=self.severity,
            summary=self.summary,
            fixed=oldest_first(ecosystem, fixed),
            affected=tuple(dict.fromkeys(words for affected in about for words in affected.told())),
            every_version=any(affected.whole for affected in about),
            url=self.url,
            source=source,
        )

    def _about(self, ecosystem: EcosystemName, name: str) -> Iterator[Affected]:
        wanted = normal(ecosystem, name)
        return (one for one in self.affected if one.ecosystem is ecosystem and one.name == wanted)


_WORDS = {Bound.INTRODUCED: "from", Bound.FIXED: "before", Bound.LAST_AFFECTED: "up to", Bound.LIMIT: "below"}


def _words(events: tuple[Event, ...]) -> str:
    """Return *events* as people read them: `from 2.0 before 2.4, from 3.0`."""
    spans: list[str] = []
    for event in events:
        if _is_start(event) or (event.bound is Bound.LIMIT and event.version == _WITHOUT_END):
            continue
        words = f"{_WORDS[event.bound]} {event.version}"
        if spans and event.bound is not Bound.INTRODUCED:
            spans[-1] += f" {words}"
        else:
            spans.append(words)
    return ", ".join(spans)


def normal(ecosystem: EcosystemName, name: str) -> str:
    """Return *name* as both sides of every comparison spell it."""
    return str(canonicalize_name(name.strip())) if ecosystem is EcosystemName.PYPI else name.strip()


def parse(document: object) -> Record:
    """Return the record in *document*; raises `MalformedAnswer` with the path where it is not what the schema says."""
    mapping(document, "")
    ident = field(document, "id", str).strip()
    if not ident:
        raise MalformedAnswer("empty `id`")
    withdrawn = optional(document, "withdrawn", str) is not None
    try:
        if withdrawn:  # it can never hit, and some publishers empty the records that they take back
            affected: tuple[Affected, ...] = ()
        else:
            affected = _affected(document)
        meaning = osv_meaning.read(document, ident)
    except MalformedAnswer as error:
        raise MalformedAnswer(f"{printable(ident, limit=60)}: {error.message}") from error
    return Record(
        ident=ident,
        aliases=meaning.aliases,
        kind=meaning.kind,
        severity=meaning.severity,
        summary=meaning.summary,
        url=meaning.url,
        withdrawn=withdrawn,
        affected=affected,
        digests=frozenset() if withdrawn else osv_hashes.digests(mapping(document, "")),
    )


def _affected(document: object) -> tuple[Affected, ...]:
    field(document, "affected", list)
    found: list[Affected] = []
    entries = items(document, "affected", dict)
    if not entries:
        raise MalformedAnswer("empty `affected`")
    for index, entry in enumerate(entries):
        try:
            one = _entry(entry)
        except MalformedAnswer as error:
            raise MalformedAnswer(f"{error.message} in `affected[{index}]`") from error
        if one is not None:
            found.append(one)
    return tuple(found)


def _entry(entry: object) -> Affected | None:
    package = optional(entry, "package", dict)
    ranges = items(entry, "ranges", dict)
    if package is None:
        # Records on plain source code name a repository only; one that names nothing at all is broken.
        if ranges and all(field(one, "type", str) == _GIT for one in ranges):
            return None
        raise MalformedAnswer("missing `package`")
    kind = field(package, "ecosystem", str)
    name = field(package, "name", str)
    versions = items(entry, "versions", str)
    # An ecosystem may carry a suffix: `PyPI:https://index.example/simple`.
    ecosystem = _OURS.get(kind.partition(":")[0].strip().lower())
    if ecosystem is None:
        return None
    if not name.strip():
        raise MalformedAnswer("empty `package.name`")
    read = tuple(events for events in (_range(one) for one in ranges) if events)
    return Affected(ecosystem=ecosystem, name=normal(ecosystem, name), versions=versions, ranges=read)


def _range(document: object) -> tuple[Event, ...]:
    kind = field(document, "type", str)
    if kind not in _TYPES:
        raise MalformedAnswer(f"unknown range type `{printable(kind, limit=40)}`")
    if kind == _GIT:
        return ()
    field(document, "events", list)
    events: list[Event] = []
    for entry in items(document, "events", dict):
        told = [
            Event(bound=bound, version=version)
            for bound in Bound
            if (version := optional(entry, bound.value, str)) is not None
        ]
        if not told:
            raise MalformedAnswer("an event that is none of the schema's")
        events += told
    if not any(event.bound is Bound.INTRODUCED for event in events):
        raise MalformedAnswer("a range without `introduced`")
    return tuple(events)
