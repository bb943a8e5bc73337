"""`uv.lock`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, items, optional
from safeinstall.inventories.draft import Draft, toml_of
from safeinstall.inventories.pylock import files
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import ArtifactKind, EcosystemName, Release
from safeinstall.text import printable


class UvLock:
    """See `InventoryReader`."""

    ident: ClassVar[str] = "uv.lock"
    names: ClassVar[tuple[str, ...]] = ("uv.lock",)

    def fits(self, path: Path) -> bool:
        """See `InventoryReader.fits`."""
        return path.name == "uv.lock" and path.is_file()

    def read(self, path: Path, label: str, origins: Origins) -> Inventory:
        """See `InventoryReader.read`."""
        document = toml_of(path)
        version = field(document, "version", int)
        if version != 1:
            raise MalformedAnswer(f"version {version} of it is not known here (1 is)")
        draft = Draft(kind=self.ident, label=label, origins=origins, ecosystem=EcosystemName.PYPI)
        packages = items(document, "package", dict)
        found: dict[tuple[str, str], Release] = {}
        own: set[int] = set()
        for number, package in enumerate(packages):
            release = _package(draft, package)
            if release is None:
                own.add(number)
            else:
                found[field(package, "name", str), optional(package, "version", str) or ""] = release
        for number, package in enumerate(packages):
            key = field(package, "name", str), optional(package, "version", str) or ""
            for wanted in _wanted(package, own=number in own):
                child = _child(wanted, found)
                if child is not None:
                    parent = None if number in own else found[key].purl
                    draft.edge(parent, child.purl, printable(child.name))
        return draft.finish()


def _package(draft: Draft, package: Mapping[str, object]) -> Release | None:
    """Add one package; None: it is the user's own project or a member of its workspace."""
    name = field(package, "name", str)
    version = optional(package, "version", str) or ""
    source = optional(package, "source", dict) or {}
    if "editable" in source or "virtual" in source:
        return None
    registry = optional(source, "registry", str)
    if registry is not None and version:
        web = registry if "://" in registry else f"file:{registry}"
        return files(draft, name, version, package, web)
    for key, kind, start in (
        ("git", ArtifactKind.VCS, "git+"),
        ("url", ArtifactKind.URL, ""),
        ("path", ArtifactKind.LOCAL_FILE, "file:"),
        ("directory", ArtifactKind.LOCAL_PROJECT, "file:"),
    ):
        place = optional(source, key, str)
        if place is not None:
            return draft.unvouched(name, version, kind, start + place)
    raise MalformedAnswer(f"`{printable(name)}` has no source that is known here")


def _wanted(package: Mapping[str, object], *, own: bool) -> Iterator[Mapping[str, object]]:
    yield from items(package, "dependencies", dict)
    for table in ("optional-dependencies", *(("dev-dependencies",) if own else ())):
        for extra in optional(package, table, dict) or {}:
            yield from items((optional(package, table, dict) or {}), str(extra), dict) if "." not in str(extra) else ()


def _child(wanted: Mapping[str, object], found: Mapping[tuple[str, str], Release]) -> Release | None:
    name, version = field(wanted, "name", str), optional(wanted, "version", str)
    if version is not None:
        return found.get((name, version))
    # uv leaves the version out where there is only one.
    return next((release for (other, _), release in found.items() if other == name), None)
