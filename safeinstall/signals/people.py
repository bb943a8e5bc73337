"""Signals in who made a release, and how it got to its registry."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from safeinstall.history import History, Maintainer, Method, Publication
from safeinstall.signals.signal import Kind, Signal
from safeinstall.text import printable

KNOWN = timedelta(days=60)
"""Whoever published, or could publish, for so long before the planned release is not new."""

_SHOWN = 3
_RELEASES = 2
"""A project needs so many earlier ones before anybody can be new to it."""

_PROVEN = timedelta(days=365)
"""Attestations, and trusted publishing, of releases that are older than this against the planned one count no more."""


def people(history: History) -> Iterator[Signal]:
    """Yield what is odd about who may publish and who did."""
    yield from _publisher(history)
    yield from _owners(history)
    yield from _seen(history)


def attested(history: History) -> Iterator[Signal]:
    """Yield what the planned release lacks of the proofs that earlier ones had."""
    planned = history.planned
    recent = [one for one in _line(history) if _is_recent(one, planned)]
    before = next((one for one in recent if one.provenance is not None), None)
    if planned.provenance is not None and not planned.provenance.present and before is not None:
        told = before.provenance
        if told is not None and told.present:
            said = f"no attestation says what it was built from; {printable(before.version, limit=60)} had one"
            yield Signal(kind=Kind.UNATTESTED, told=said)
    if planned.method is Method.ACCOUNT and recent and recent[0].method is Method.TRUSTED:
        who = f"the account `{printable(planned.publisher or '')}`"
        said = f"{who} published it; a build service did {printable(recent[0].version, limit=60)}"
        yield Signal(kind=Kind.ACCOUNT, told=said)


def _publisher(history: History) -> Iterator[Signal]:
    planned = history.planned
    known = history.publishers
    if planned.publisher is None or planned.method is not Method.ACCOUNT or known is None:
        return
    if planned.uploaded is None or (history.versions or 0) < _RELEASES or not known:
        return
    since = dict(known).get(planned.publisher)
    if since is not None and planned.uploaded - since >= KNOWN:
        return
    if _announced(history, planned.publisher):
        return
    others = ", ".join(f"`{printable(name)}`" for name, _ in known[-2:] if name != planned.publisher)
    when = "never did before" if since is None else f"did for the first time on {since:%Y-%m-%d}"
    told = f"`{printable(planned.publisher)}` published it, who {when}; earlier ones are by {others or 'others'}"
    yield Signal(kind=Kind.PUBLISHER, told=told)


def _announced(history: History, name: str) -> bool:
    """Whether *name* could publish the project long before, by an earlier release or by what we saw ourselves."""
    at = history.planned.uploaded
    for one in history.publications():
        names = {person.name for person in one.maintainers or ()}
        if name in names and at is not None and one.uploaded is not None and at - one.uploaded >= KNOWN:
            return True
    seen = dict(history.seen).get(name)
    return seen is not None and at is not None and at - seen >= KNOWN


def _owners(history: History) -> Iterator[Signal]:
    base = history.base()
    if base is None or base.maintainers is None or history.planned.maintainers is None:
        return
    before, now = _identities(base.maintainers), _identities(history.planned.maintainers)
    added = {key: name for key, name in now.items() if key not in before and not _announced(history, name)}
    if before and now and not (set(before) & set(now)) and added:
        told = f"{_named(now.values())} instead of {_named(before.values())} in {printable(base.version, limit=60)}"
        yield Signal(kind=Kind.REPLACED, told=told)
    elif added and before:
        told = f"{_named(added.values())} can publish it, who could not when {printable(base.version, limit=60)} came"
        yield Signal(kind=Kind.ADDED, told=told)


def _seen(history: History) -> Iterator[Signal]:
    """Compare today's owners with those that this machine has seen before the planned release came."""
    at = history.planned.uploaded
    before = {name: seen for name, seen in history.seen if at is not None and seen < at}
    if history.owners is None or not before:
        return
    added = [name for name in history.owners if name not in before]
    if added and not set(before) & set(history.owners):
        told = f"{_named(added)} own it now; this machine has seen {_named(before)} before"
        yield Signal(kind=Kind.REPLACED, told=told)
    elif added:
        first = min(before.values())
        told = f"{_named(added)} own it too, since this machine first looked ({first:%Y-%m-%d})"
        yield Signal(kind=Kind.ADDED, told=told)


def _identities(some: tuple[Maintainer, ...]) -> dict[str, str]:
    # A person keeps either the name or the address.
    found: dict[str, str] = {}
    for one in some:
        found[(one.mail or one.name).casefold()] = one.name
        found[one.name.casefold()] = one.name
    return found


def _line(history: History) -> list[Publication]:
    """Return the earlier releases of the planned one's major version, newest first; of any where there is none."""
    planned = history.planned
    major = planned.version.split(".")[0]
    own = [one for one in history.earlier if one.version.split(".")[0] == major]
    return own or list(history.earlier)


def _is_recent(one: Publication, planned: Publication) -> bool:
    if one.uploaded is None or planned.uploaded is None:
        return False
    return planned.uploaded - one.uploaded <= _PROVEN


def _named(names: Iterable[str]) -> str:
    found = list(dict.fromkeys(names))
    return ", ".join(f"`{printable(name)}`" for name in found[:_SHOWN]) + (" and more" if len(found) > _SHOWN else "")
