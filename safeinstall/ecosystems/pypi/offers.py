"""What several indexes list under one name, and which index may be asked for it."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from safeinstall import purl
from safeinstall.choices import Choice
from safeinstall.contracts import Conditions
from safeinstall.ecosystems.pypi.disk import LocalFile, local_files
from safeinstall.ecosystems.pypi.registries import Registries
from safeinstall.gateway.pages import IndexFile, project_of_page
from safeinstall.gateway.pypi import PypiGateway
from safeinstall.model import ArtifactKind, EcosystemName, Offer, Registry, Release, Visibility
from safeinstall.private import below
from safeinstall.versions import uncounted

_PYPI = EcosystemName.PYPI
HINT = "name the registry that owns it in your settings: `[registries] private = [URL]`, and give it to pip as an index"
_LISTED = frozenset({ArtifactKind.WHEEL, ArtifactKind.SDIST})


@dataclass(frozen=True, kw_only=True, slots=True)
class Disk:
    """Where pip looks for archives on this machine."""

    places: Sequence[str]
    """The values of `--find-links`, URLs among them."""
    cwd: Path


@dataclass(slots=True)
class Keeper:
    """Decides, page by page, which index is not asked for a name, and keeps what was not asked."""

    conditions: Conditions
    registries: Callable[[], Registries]
    """The indexes of the command, as far as they are known by now."""
    pinned: set[str] = field(default_factory=set)
    """Names that a private registry turned out to list, where the user wants such names pinned."""
    withheld: dict[str, set[str]] = field(default_factory=dict)
    """By name: the indexes that were not asked."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keeps(self, page: str) -> bool:
        """Whether the index of the project page *page* must not be asked for it."""
        name = project_of_page(page)
        if name not in self.pinned and self.conditions.private.claim(_PYPI, name) is None:
            return False
        known = self.registries()
        registry = known.of_page(page)
        # As long as the indexes are unknown every one that nobody declared private may be a public one.
        sure = bool(known.indexes) or known.declared(registry.url)
        owned = self._owns(registry) if name in self.pinned else self._may_ask(registry)
        if sure and owned:
            return False
        with self._lock:
            self.withheld.setdefault(name, set()).add(registry.url)
        return True

    def pin(self, releases: Iterable[Release], gateway: PypiGateway, known: Registries) -> bool:
        """Pin every name that came from another registry than its declared private one; whether there was any."""
        found = set[str]()
        for release in releases if self.conditions.pin else ():
            name = canonicalize_name(release.name)
            owners = {one for one in _by_registry(gateway.listed(name), known) if self._owns(one)}
            listed = release.artifact.kind in _LISTED and not release.kept
            if listed and owners and release.registry not in owners:
                found.add(name)
        new = found - self.pinned
        self.pinned |= new
        return bool(new)

    def _may_ask(self, registry: Registry) -> bool:
        return self.conditions.private.may_ask(registry, self.conditions.private_registries)

    def _owns(self, registry: Registry) -> bool:
        # Only what the user said themselves: an index that some requirements file adds is no owner of anything.
        return below(registry.url, self.conditions.private.registries or self.conditions.private_registries)

    def missing(self, gateway: PypiGateway) -> str | None:
        """Return in words which private name no registry has that may be asked for it; None: there is no such name."""
        for name, registries in self.withheld.items():
            claim = self.conditions.private.claim(_PYPI, name)
            if claim is not None and not gateway.listed(name):
                asked = ", ".join(sorted(registries))
                return f"`{name}` is private ({claim}) and no private registry lists it; {asked} was not asked"
        return None

    def notes(self, releases: Iterable[Release]) -> tuple[str, ...]:
        """Return what the user should know of names that were taken from one registry alone."""
        said = []
        for release in releases:
            name = canonicalize_name(release.name)
            asked = sorted(self.withheld.get(name, ()))
            if asked and release.registry is not None and release.artifact.kind in _LISTED:
                why = self.conditions.private.claim(_PYPI, name) or "private.conflicts"
                verb = "was not asked" if name not in self.pinned else "does not count"
                said.append(
                    f"`{name}` is private ({why}): taken from {release.registry.url}; {', '.join(asked)} {verb}"
                )
        return tuple(said)


def offers(
    releases: Sequence[Release], gateway: PypiGateway, known: Registries, conditions: Conditions, disk: Disk
) -> tuple[Offer, ...]:
    """Return what the registries list under the names of *releases*, where there is something to compare."""
    found: list[Offer] = []
    archives = local_files(disk.places, {canonicalize_name(one.name) for one in releases}, disk.cwd)
    for release in releases:
        if release.artifact.kind not in _LISTED or release.kept or release.registry is None:
            continue
        name = canonicalize_name(release.name)
        claim = conditions.private.claim(_PYPI, name)
        listed = _by_registry(gateway.listed(name), known)
        local = _local(release, [one for one in archives if one.project == name], gateway.listed(name))
        if local or len(listed) > 1 or claim is not None or uncounted(release.version):
            found += [*_offers(release, listed, known, claim), *local]
    return tuple(found)


def choices(release: Release, gateway: PypiGateway, known: Registries) -> tuple[Choice, ...]:
    """Return the versions that the registry of *release* lists of its name and that fit this Python."""
    found: dict[str, Choice] = {}
    for file in gateway.listed(canonicalize_name(release.name)):
        if known.of_page(file.page) != release.registry or not gateway.fits(file):
            continue
        before = found.get(file.version)
        dates = [one for one in (file.uploaded, before.uploaded if before is not None else None) if one is not None]
        found[file.version] = Choice(
            version=file.version,
            # The newest file of a version counts: each of them could be the one that is taken.
            uploaded=max(dates, default=None),
            withdrawn=file.yanked is not None,
        )
    return tuple(found.values())


def _local(release: Release, archives: Sequence[LocalFile], listed: Iterable[IndexFile]) -> list[Offer]:
    """Return the offer of the user's own folders; none if they hold nothing but copies of what some index lists."""
    hashes = {file.sha256 for file in listed}
    if not archives or None in hashes or all(one.sha256() in hashes for one in archives):
        # An index without hashes could list these very files: what cannot be known is no suspicion.
        return []
    versions = {one.version for one in archives}
    return [
        Offer(
            purl=purl.project(release.purl),
            registry=Registry(url=archives[0].path.parent.as_uri(), visibility=Visibility.LOCAL),
            highest=_highest(versions) or "",
            below=_highest(versions, below=release.version),
            releases=len(versions),
            planned=False,
        )
    ]


def _by_registry(files: Iterable[IndexFile], known: Registries) -> dict[Registry, list[IndexFile]]:
    pages: dict[str, Registry] = {}
    listed: dict[Registry, list[IndexFile]] = {}
    for file in files:
        registry = pages.get(file.page)
        if registry is None:
            registry = pages[file.page] = known.of_page(file.page)
        listed.setdefault(registry, []).append(file)
    return listed


def _offers(
    release: Release, listed: dict[Registry, list[IndexFile]], known: Registries, claim: str | None
) -> Iterable[Offer]:
    planned = {digest.value for digest in release.artifact.digests}
    chosen = {file.sha256 for file in listed.get(release.registry, ())} if release.registry is not None else set()
    for registry, files in listed.items():
        hashes = {file.sha256 for file in files if file.sha256 is not None}
        versions = {file.version for file in files}
        yield Offer(
            purl=purl.project(release.purl),
            registry=registry,
            guessed=registry.visibility is not Visibility.LOCAL and not known.declared(registry.url),
            highest=_highest(versions) or "",
            below=_highest(versions, below=release.version),
            releases=len(versions),
            planned=bool(planned & hashes),
            shared=registry != release.registry and bool(chosen & hashes),
            claim=claim,
        )


def _highest(versions: Iterable[str], *, below: str | None = None) -> str | None:
    ranked: list[tuple[bool, Version]] = []
    limit = _version(below) if below is not None else None
    for text in versions:
        version = _version(text)
        if version is not None and (below is None or (limit is not None and version < limit)):
            ranked.append((not version.is_prerelease, version))
    return str(max(ranked)[1]) if ranked else None


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
