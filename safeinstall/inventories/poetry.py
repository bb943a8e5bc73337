"""`poetry.lock`, of poetry 1 and 2."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from packaging.utils import canonicalize_name

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, items, mapping, optional
from safeinstall.inventories.draft import Draft, hashed, toml_of
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import ArtifactKind, Digest, EcosystemName, Release
from safeinstall.text import printable

_KINDS = {
    "git": ArtifactKind.VCS,
    "url": ArtifactKind.URL,
    "file": ArtifactKind.LOCAL_FILE,
    "directory": ArtifactKind.LOCAL_PROJECT,
}


class PoetryLock:
    """See `InventoryReader`."""

    ident: ClassVar[str] = "poetry.lock"
    names: ClassVar[tuple[str, ...]] = ("poetry.lock",)

    def fits(self, path: Path) -> bool:
        """See `InventoryReader.fits`."""
        return path.name == "poetry.lock" and path.is_file()

    def read(self, path: Path, label: str, origins: Origins) -> Inventory:
        """See `InventoryReader.read`."""
        document = toml_of(path)
        mapping(document, "metadata")
        draft = Draft(kind=self.ident, label=label, origins=origins, ecosystem=EcosystemName.PYPI)
        # poetry 1.0 to 1.2 kept all hashes in one table at the end.
        old = optional(document, "metadata.files", dict) or {}
        found: dict[str, list[tuple[Release, Mapping[str, object]]]] = {}
        for package in items(document, "package", dict):
            name = field(package, "name", str)
            digests = _digests(items(package, "files", dict) or items({"files": old.get(name)}, "files", dict))
            release = _package(draft, name, package, digests)
            found.setdefault(canonicalize_name(name), []).append((release, package))
        for pairs in found.values():
            for release, told in pairs:
                for wanted, words in (optional(told, "dependencies", dict) or {}).items():
                    for child, _ in found.get(canonicalize_name(str(wanted)), ()):
                        text = words if isinstance(words, str) else ""
                        draft.edge(release.purl, child.purl, printable(f"{wanted} {text}".strip()))
        return draft.finish()


def _package(draft: Draft, name: str, package: Mapping[str, object], digests: tuple[Digest, ...]) -> Release:
    version = field(package, "version", str)
    source = optional(package, "source", dict) or {}
    kind = optional(source, "type", str) or "legacy"
    url = optional(source, "url", str)
    if kind in _KINDS and url is not None:
        commit = optional(source, "resolved_reference", str)
        place = f"git+{url}@{commit}" if kind == "git" else url if kind == "url" else f"file:{url}"
        return draft.unvouched(name, version, _KINDS[kind], place, digests=digests)
    if kind != "legacy":
        raise MalformedAnswer(f"`{printable(name)}` has a source that is not known here")
    return draft.registered(name, version, registry=url, digests=digests)


def _digests(files: tuple[Mapping[str, object], ...]) -> tuple[Digest, ...]:
    return tuple(one for entry in files for one in hashed(optional(entry, "hash", str) or ""))
