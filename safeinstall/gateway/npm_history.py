"""What an npm packument tells of a project's past, for one planned version."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar, cast

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import mapping, optional
from safeinstall.gateway.npm_packument import moment, named_repositories
from safeinstall.history import History, Maintainer, Method, Provenance, Publication
from safeinstall.past import Dated, first_of, past
from safeinstall.repositories import repositories
from safeinstall.versions import Ordered

T = TypeVar("T")

_LIFECYCLE = ("preinstall", "install", "postinstall")
_SEMVER = re.compile(r"[v=\s]*(\d{1,15})\.(\d{1,15})\.(\d{1,15})(?:-?([^+\s]*))?")
_PERSON = re.compile(r"([^<(]*?)\s*(?:<([^<>\s]+)>)?\s*(?:\(.*)?")
_SERVICE_MAIL = "npm-oidc-no-reply@"
"""The address that npm writes down for releases by trusted publishers."""


def history(packument: Mapping[str, object], name: str, planned: str, present: str | None = None) -> History | None:
    """
    Return the past of *name* at *planned*, whose *present* version is here now; None: the packument lacks *planned*.

    What is of another type than npm's is unknown: no old manifest can stop a plan.
    """
    versions = _told(packument, "versions", dict) or {}
    if planned not in versions:
        return None
    times = _told(packument, "time", dict) or {}
    dated = [_dated(version, times) for version in versions]
    own = _dated(planned, times)
    found = past(dated, own)
    attests = any("attestations" in _dist(manifest) for manifest in versions.values())
    made: dict[str, Publication] = {}

    def publication(version: str | None) -> Publication | None:
        if version is None or version not in versions:
            return None
        if version not in made:
            made[version] = _publication(version, versions[version], moment(times.get(version)), attests=attests)
        return made[version]

    earlier = (publication(version) for version in found.earlier)
    return History(
        name=name,
        planned=_publication(planned, versions[planned], own.uploaded, attests=attests),
        previous=publication(found.previous),
        settled=publication(found.settled),
        present=publication(present) if present != planned else None,
        earlier=tuple(one for one in earlier if one is not None),
        publishers=_publishers(versions, times, found.before),
        versions=len(found.before),
        owners=_owners(packument),
        dated=own.uploaded is not None,
    )


def _dated(version: str, times: Mapping[str, object]) -> Dated:
    # node-semver's own order costs 50 times as much, and packuments have thousands of versions.
    found = _SEMVER.match(version)
    return Dated(
        version=version,
        order=None if found is None else cast("Ordered", _place(found)),
        prerelease=found is not None and bool(found[4]),
        uploaded=moment(times.get(version)),
    )


def _place(found: re.Match[str]) -> tuple[int, int, int, bool, str]:
    return int(found[1]), int(found[2]), int(found[3]), not found[4], found[4] or ""


def _publication(version: str, told: object, uploaded: datetime | None, *, attests: bool) -> Publication:
    manifest = _mapping(told)
    dist = _dist(manifest)
    user = _told(manifest, "_npmUser", dict)
    return Publication(
        version=version,
        uploaded=uploaded,
        publisher=_told(user, "name", str),
        maintainers=_people(manifest),
        method=None if user is None else _method(user),
        provenance=_provenance(dist, attests=attests),
        install_scripts=_install_scripts(manifest),
        dependencies=tuple(sorted(set(_dependencies(manifest)))),
        commands=_commands(manifest),
        size=_told(dist, "unpackedSize", int),
        files=_told(dist, "fileCount", int),
        kinds=("tarball",),
        repositories=repositories(named_repositories(manifest)),
    )


def _publishers(
    versions: Mapping[str, object], times: Mapping[str, object], before: Iterable[str]
) -> tuple[tuple[str, datetime], ...] | None:
    found = []
    told = False
    for version in before:
        user = _told(_mapping(versions[version]), "_npmUser", dict)
        name, at = _told(user, "name", str), moment(times.get(version))
        told = told or name is not None
        if user is not None and name is not None and at is not None and _method(user) is Method.ACCOUNT:
            found.append((name, at))
    return first_of(found) if told else None


def _method(user: Mapping[str, object]) -> Method:
    trusted = user.get("trustedPublisher") or (_told(user, "email", str) or "").startswith(_SERVICE_MAIL)
    return Method.TRUSTED if trusted else Method.ACCOUNT


def _owners(packument: Mapping[str, object]) -> tuple[str, ...] | None:
    people = _people(packument)
    return None if people is None else tuple(sorted(one.name for one in people))


def _people(document: Mapping[str, object]) -> tuple[Maintainer, ...] | None:
    listed = _told(document, "maintainers", list)
    if listed is None:
        return None
    found = []
    for person in listed:
        if isinstance(person, str):
            parts = _PERSON.fullmatch(person)
            name, mail = (parts[1], parts[2]) if parts is not None else ("", None)
        else:
            name, mail = _told(person, "name", str) or "", _told(person, "email", str)
        if name:
            found.append(Maintainer(name=name, mail=mail))
    return tuple(found)


def _provenance(dist: Mapping[str, object], *, attests: bool) -> Provenance | None:
    told = _told(dist, "attestations", dict)
    if told is not None:
        return Provenance(present=True, url=_told(told, "url", str))
    # Whoever serves the registry's signatures, or attestations of other versions, would serve this one's as well.
    return Provenance(present=False) if attests or "signatures" in dist else None


def _install_scripts(manifest: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    scripts = _told(manifest, "scripts", dict) or {}
    found = [(name, text) for name in _LIFECYCLE if isinstance(text := scripts.get(name), str) and text]
    native = manifest.get("gypfile") is True and not {"install", "preinstall"} & {name for name, _ in found}
    if native or (not found and manifest.get("hasInstallScript") is True):
        found.append(("install", "node-gyp rebuild" if native else ""))
    return tuple(found)


def _dependencies(manifest: Mapping[str, object]) -> Iterator[str]:
    optional_peers = _told(manifest, "peerDependenciesMeta", dict) or {}
    for key in ("dependencies", "optionalDependencies", "peerDependencies"):
        for name, spec in (_told(manifest, key, dict) or {}).items():
            if key == "peerDependencies" and _told(optional_peers.get(name), "optional", bool):
                continue
            alias = re.match(r"npm:(@?[^@]+)", spec) if isinstance(spec, str) else None
            yield alias[1] if alias is not None else str(name)


def _commands(manifest: Mapping[str, object]) -> tuple[str, ...]:
    told = manifest.get("bin")
    if isinstance(told, Mapping):
        return tuple(sorted(str(name) for name in told))
    name = _told(manifest, "name", str) or ""
    return (name.rpartition("/")[2],) if isinstance(told, str) and told else ()


def _dist(manifest: object) -> Mapping[str, object]:
    return _told(manifest, "dist", dict) or {}


def _mapping(value: object) -> Mapping[str, object]:
    return mapping(value, "") if isinstance(value, dict) else {}


def _told(document: object, key: str, kind: type[T]) -> T | None:
    """Return what *document* holds under *key*; of another type than npm's it is not known."""
    try:
        return optional(document, key, kind)
    except MalformedAnswer:
        return None
