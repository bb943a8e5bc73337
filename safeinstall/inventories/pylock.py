"""`pylock.toml`, the lockfile of PEP 751."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, items, optional
from safeinstall.inventories.draft import Draft, digest, moment, toml_of
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import ArtifactKind, Digest, EcosystemName, Release
from safeinstall.text import printable

_NAME = re.compile(r"pylock\.(?:[^.]+\.)?toml")


class Pylock:
    """See `InventoryReader`."""

    ident: ClassVar[str] = "pylock.toml"
    names: ClassVar[tuple[str, ...]] = ("pylock.toml", "pylock.*.toml")

    def fits(self, path: Path) -> bool:
        """See `InventoryReader.fits`."""
        return _NAME.fullmatch(path.name) is not None and path.is_file()

    def read(self, path: Path, label: str, origins: Origins) -> Inventory:
        """See `InventoryReader.read`."""
        document = toml_of(path)
        version = field(document, "lock-version", str)
        if not version.startswith("1."):
            raise MalformedAnswer(f"lock version {printable(version, limit=20)} is not known here (1 is)")
        draft = Draft(kind=self.ident, label=label, origins=origins, ecosystem=EcosystemName.PYPI)
        found: dict[str, Release] = {}
        packages = items(document, "packages", dict)
        for package in packages:
            release = _package(draft, package)
            if release is not None:
                found[field(package, "name", str)] = release
        for package in packages:
            parent = found.get(field(package, "name", str))
            for wanted in items(package, "dependencies", dict):
                child = found.get(optional(wanted, "name", str) or "")
                if parent is not None and child is not None:
                    draft.edge(parent.purl, child.purl, child.name)
        return draft.finish()


def _package(draft: Draft, package: Mapping[str, object]) -> Release | None:
    name, version = field(package, "name", str), optional(package, "version", str)
    for key, kind in (("vcs", ArtifactKind.VCS), ("archive", ArtifactKind.URL)):
        told = optional(package, key, dict)
        if told is not None:
            commit = optional(told, "commit-id", str)
            url = optional(told, "url", str) or f"file:{optional(told, 'path', str) or ''}"
            vcs = f"{optional(told, 'type', str) or 'git'}+{url}@{commit}" if key == "vcs" else url
            return draft.unvouched(name, version or "", kind, vcs, digests=_hashes(told))
    folder = optional(package, "directory", dict)
    if folder is not None:
        return draft.unvouched(name, version or "", ArtifactKind.LOCAL_PROJECT, f"file:{field(folder, 'path', str)}")
    if version is None:
        draft.gap(name, f"`{printable(name)}` has no version")
        return None
    return files(draft, name, version, package, optional(package, "index", str))


def files(draft: Draft, name: str, version: str, package: Mapping[str, object], registry: str | None) -> Release:
    """Add a release that *package* lists the files of: any of them may be the one that is installed."""
    wheels = items(package, "wheels", dict)
    sdist = optional(package, "sdist", dict)
    held = [*wheels, *([sdist] if sdist is not None else [])]
    first = held[0] if held else {}
    uploads = [when for one in held if (when := moment(optional(one, "upload-time", object))) is not None]
    return draft.registered(
        name,
        version,
        registry=registry,
        url=optional(first, "url", str) or "",
        digests=[one for entry in held for one in _hashes(entry)],
        kind=ArtifactKind.WHEEL if wheels or sdist is None else ArtifactKind.SDIST,
        uploaded=min(uploads, default=None),
    )


def _hashes(entry: Mapping[str, object]) -> tuple[Digest, ...]:
    """Return the hashes of one file, in PEP 751's spelling or in uv's."""
    told = optional(entry, "hashes", dict) or {}
    found = [one for name, value in told.items() for one in digest(str(name), str(value))]
    algorithm, _, value = (optional(entry, "hash", str) or "").partition(":")
    return (*found, *digest(algorithm, value))
