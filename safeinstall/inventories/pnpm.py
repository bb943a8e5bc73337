"""`pnpm-lock.yaml` of the lockfile versions 6 to 9."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, mapping, optional
from safeinstall.gateway.npm_packument import digests
from safeinstall.inventories.documents import yaml_of
from safeinstall.inventories.draft import Draft, text_of
from safeinstall.inventories.npm_names import locked
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import ArtifactKind, EcosystemName, Release
from safeinstall.text import printable

_KINDS = ("dependencies", "devDependencies", "optionalDependencies")
_PEERS = re.compile(r"\(.*$")
_KNOWN = re.compile(r"[6-9](\.[0-9]+)?")


class PnpmLock:
    """See `InventoryReader`."""

    ident: ClassVar[str] = "pnpm-lock.yaml"
    names: ClassVar[tuple[str, ...]] = ("pnpm-lock.yaml",)

    def fits(self, path: Path) -> bool:
        """See `InventoryReader.fits`."""
        return path.name == "pnpm-lock.yaml" and path.is_file()

    def read(self, path: Path, label: str, origins: Origins) -> Inventory:
        """See `InventoryReader.read`."""
        document = yaml_of(text_of(path))
        version = field(document, "lockfileVersion", str)
        if _KNOWN.fullmatch(version) is None:
            raise MalformedAnswer(f"lockfile version {printable(version, limit=20)} is not known here (6 to 9 are)")
        draft = Draft(kind=self.ident, label=label, origins=origins, ecosystem=EcosystemName.NPM)
        found: dict[str, Release] = {}
        members = {name for name, _ in _table(document, "importers")}
        for key, entry in _table(document, "packages"):
            # What is injected is a copy of a member of the workspace: the user's own.
            if optional(entry, "resolution.directory", str) not in members:
                found[_key(key)] = _package(draft, _key(key), entry)
        # Version 9 keeps what a release requires apart from what it is.
        snapshots = "snapshots" if "snapshots" in document else "packages"
        for key, entry in _table(document, snapshots):
            _below(draft, entry, found, found.get(_key(key)))
        importers = _table(document, "importers") if "importers" in document else (("", document),)
        for _, entry in importers:
            _asked(draft, entry, found)
        return draft.finish()


def _table(document: object, key: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    for name, entry in (optional(document, key, dict) or {}).items():
        yield str(name), mapping({"entry": entry}, "entry")


def _key(key: str) -> str:
    """Return *key* without what pnpm adds: `/@a/b@1.0.0(react@18.2.0)` is `@a/b@1.0.0`."""
    return _PEERS.sub("", key.removeprefix("/"))


def _package(draft: Draft, key: str, entry: Mapping[str, object]) -> Release:
    at = key.find("@", 1)
    name = optional(entry, "name", str) or (key[:at] if at > 0 else "")
    version = optional(entry, "version", str) or (key[at + 1 :] if at > 0 else "")
    told = mapping(entry, "resolution")
    hashes = digests(optional(told, "integrity", str))
    if not name:
        raise MalformedAnswer(f"`{printable(key)}` has no name")
    repository = optional(told, "repo", str)
    if repository is not None:
        commit = optional(told, "commit", str) or ""
        # pnpm writes a URL in the place of the version.
        return draft.unvouched(name, _version(version), ArtifactKind.VCS, f"git+{repository}#{commit}")
    folder = optional(told, "directory", str)
    if folder is not None:
        return draft.unvouched(name, _version(version), ArtifactKind.LOCAL_PROJECT, f"file:{folder}")
    return locked(
        draft,
        name,
        _version(version),
        optional(told, "tarball", str),
        hashes,
        script=optional(entry, "requiresBuild", str) == "true",
        deprecated=optional(entry, "deprecated", str),
    )


def _version(text: str) -> str:
    return "" if ":" in text or "/" in text else text


def _below(draft: Draft, entry: object, found: Mapping[str, Release], parent: Release | None) -> None:
    if parent is None:
        return
    for kind in _KINDS:
        for name, version in (optional(entry, kind, dict) or {}).items():
            child = _child(str(name), version, found)
            if child is not None:
                draft.edge(parent.purl, child.purl, f"{name}@{child.version}")


def _asked(draft: Draft, entry: object, found: Mapping[str, Release]) -> None:
    for kind in _KINDS:
        for name, told in (optional(entry, kind, dict) or {}).items():
            version = optional(told, "version", str) if isinstance(told, Mapping) else told
            wanted = optional(told, "specifier", str) if isinstance(told, Mapping) else None
            child = _child(str(name), version, found)
            if child is not None:
                draft.edge(None, child.purl, printable(f"{name}@{wanted or child.version}"))


def _child(name: str, version: object, found: Mapping[str, Release]) -> Release | None:
    """Return what *name* at *version* is; an alias has the whole key in the place of the version."""
    if not isinstance(version, str):
        return None
    short = _key(version)
    return found.get(f"{name}@{short}") or found.get(short)
