"""npm's own lockfiles, `package-lock.json` and `npm-shrinkwrap.json`, of versions 1, 2 and 3."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import mapping, optional
from safeinstall.gateway.npm_packument import digests
from safeinstall.inventories.draft import Draft, is_web, json_of
from safeinstall.inventories.npm_names import locked, tarball
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import ArtifactKind, EcosystemName, Release
from safeinstall.text import printable

FOLDER = "node_modules/"
_DEEPEST = 200
_REQUIRED = ("dependencies", "optionalDependencies", "peerDependencies")


class NpmLock:
    """See `InventoryReader`."""

    ident: ClassVar[str] = "package-lock.json"
    names: ClassVar[tuple[str, ...]] = ("package-lock.json", "npm-shrinkwrap.json")

    def fits(self, path: Path) -> bool:
        """See `InventoryReader.fits`."""
        return path.name in self.names and path.is_file()

    def read(self, path: Path, label: str, origins: Origins) -> Inventory:
        """See `InventoryReader.read`."""
        document = json_of(path)
        draft = Draft(kind=self.ident, label=label, origins=origins, ecosystem=EcosystemName.NPM)
        if "packages" in document:
            packages(draft, mapping(document, "packages"))
        elif optional(document, "lockfileVersion", int) == 1 or "dependencies" in document:
            _tree(draft, document)
        elif optional(document, "lockfileVersion", int) not in (2, 3):
            raise MalformedAnswer("it is no lockfile of npm's: it has neither `packages` nor `dependencies`")
        return draft.finish()


def packages(draft: Draft, held: Mapping[str, object]) -> Mapping[str, Release]:
    """Add the entries of a `packages` table (version 2 and 3), and return each release by its location."""
    found: dict[str, Release] = {}
    links: dict[str, str] = {}
    for location, entry in held.items():
        if optional(entry, "link", bool):
            links[location] = optional(entry, "resolved", str) or ""
        # What lies outside of node_modules is the project itself or a workspace of it: the user's own files.
        elif FOLDER in f"{location}/" and not location.endswith("node_modules"):
            release = _entry(draft, location, entry)
            if release is not None:
                found[location] = release
    for location, entry in held.items():
        parent = found.get(location)
        if parent is None and (FOLDER in location or optional(entry, "link", bool)):
            continue
        for name, requirement in _requirements(entry, root=parent is None):
            at = _resolved(location, name, found, links)
            if at is not None:
                draft.edge(parent.purl if parent is not None else None, found[at].purl, f"{name}@{requirement}")
    return found


def _entry(draft: Draft, location: str, entry: object) -> Release | None:
    folder = location.rpartition(FOLDER)[2]
    name = optional(entry, "name", str) or folder
    version = optional(entry, "version", str)
    source = optional(entry, "resolved", str)
    if version is None:
        if source is None:
            # npm leaves an empty entry for an optional dependency that it could not have.
            return None
        version = ""
    alias = folder if folder != name else None
    hashes = digests(optional(entry, "integrity", str))
    if optional(entry, "inBundle", bool):
        return draft.registered(name, version, digests=hashes, kind=ArtifactKind.BUNDLED, alias=alias)
    return locked(
        draft,
        name,
        version,
        source,
        hashes,
        alias=alias,
        script=optional(entry, "hasInstallScript", bool) or False,
        deprecated=_words(entry),
    )


def _words(entry: object) -> str | None:
    """Return the registry's words on a deprecated release; old npms wrote true for none."""
    told = optional(entry, "deprecated", object)
    return told if isinstance(told, str) else None if told in (None, False) else ""


def _requirements(entry: object, *, root: bool) -> Iterator[tuple[str, str]]:
    for key in (*_REQUIRED, *(("devDependencies",) if root else ())):
        for name, requirement in (optional(entry, key, dict) or {}).items():
            yield str(name), printable(str(requirement), limit=100)


def _resolved(location: str, name: str, found: Mapping[str, Release], links: Mapping[str, str]) -> str | None:
    """Return where node would find *name* from *location*: the nearest node_modules on the way up."""
    place = location
    while True:
        at = f"{place}/{FOLDER}{name}" if place else f"{FOLDER}{name}"
        if at in found:
            return at
        if at in links or not place:
            return None
        place = place.rpartition(f"/{FOLDER}")[0] if f"/{FOLDER}" in place else ""


def _tree(draft: Draft, document: Mapping[str, object]) -> None:
    """Add the nested entries of version 1; which of them is required by which, `requires` tells."""
    found: dict[tuple[str, ...], Release | None] = {}
    wanted: list[tuple[tuple[str, ...], str, str]] = []
    queue: list[tuple[tuple[str, ...], object]] = [((), document)]
    while queue:
        place, entry = queue.pop()
        if len(place) > _DEEPEST:
            raise MalformedAnswer("its dependencies are nested too deeply")
        for name, inner in (optional(entry, "dependencies", dict) or {}).items():
            at = (*place, str(name))
            found[at] = _old(draft, str(name), inner)
            queue.append((at, inner))
            requires = optional(inner, "requires", object)
            if isinstance(requires, Mapping):
                wanted += [(at, str(one), printable(str(text), limit=100)) for one, text in requires.items()]
    for at, name, requirement in wanted:
        parent = found[at]
        for depth in range(len(at), -1, -1):
            child = found.get((*at[:depth], name))
            if child is not None:
                draft.edge(None if parent is None else parent.purl, child.purl, f"{name}@{requirement}")
                break


def _old(draft: Draft, name: str, entry: object) -> Release | None:
    """Add an entry of version 1; None: it is a link to a folder of the user's own, as `link` tells in later ones."""
    version = optional(entry, "version", str) or ""
    source = optional(entry, "resolved", str)
    hashes = digests(optional(entry, "integrity", str))
    alias = None
    if version.startswith("npm:"):
        alias, (name, _, version) = name, version[4:].rpartition("@")
    elif ":" in version:
        source, version = version, ""
        told = tarball(source) if is_web(source) else None
        if source.startswith("file:") and not source.endswith((".tgz", ".tar.gz", ".tar")):
            return None
        if told is not None:
            # Whoever asked for the tarball of another name by its URL knew what it is.
            alias, name, version = name if name != told.name else None, told.name, told.version
    if optional(entry, "bundled", bool):
        return draft.registered(name, version, digests=hashes, kind=ArtifactKind.BUNDLED, alias=alias)
    return locked(draft, name, version, source, hashes, alias=alias)
