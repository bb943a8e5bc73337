"""A CycloneDX SBOM in JSON: whatever made it, its package URLs of our ecosystems are judged."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from safeinstall import purl as purls
from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, items, optional
from safeinstall.inventories.draft import Draft, digest, is_web, json_of
from safeinstall.inventories.npm_names import locked, tarball
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import ArtifactKind, EcosystemName, Purl, Release
from safeinstall.text import printable

_OURS = tuple(f"pkg:{one.value}/" for one in EcosystemName)
_DEEPEST = 50


class Sbom:
    """See `InventoryReader`."""

    ident: ClassVar[str] = "cyclonedx"
    names: ClassVar[tuple[str, ...]] = ("bom.json", "*.cdx.json", "sbom.json")

    def fits(self, path: Path) -> bool:
        """See `InventoryReader.fits`; it may have any name, and is the last that is asked."""
        return path.suffix == ".json" and path.is_file()

    def read(self, path: Path, label: str, origins: Origins) -> Inventory:
        """See `InventoryReader.read`."""
        document = json_of(path)
        if optional(document, "bomFormat", str) != "CycloneDX":
            raise MalformedAnswer("it is no CycloneDX document, nor a lockfile that is known here")
        draft = Draft(kind=self.ident, label=label, origins=origins, ecosystem=EcosystemName.PYPI)
        found = _found(draft, document)
        for entry in items(document, "dependencies", dict):
            parent = found.get(optional(entry, "ref", str) or "")
            for child in items(entry, "dependsOn", str):
                if parent is not None and child in found and found[child] != parent:
                    draft.edge(parent, found[child], purls.parts(found[child])[1])
        return draft.finish()


def _found(draft: Draft, document: object) -> Mapping[str, Purl]:
    """Add every component of ours, and return each by its reference."""
    found: dict[str, Purl] = {}
    others = unnamed = 0
    for component in _components(document, depth=0):
        text = optional(component, "purl", str)
        if text is None:
            unnamed += optional(component, "type", str) not in ("file", "operating-system", "device", "data")
        elif not text.lower().startswith(_OURS):
            others += 1
        else:
            release = _component(draft, component, text)
            if release is not None:
                found[optional(component, "bom-ref", str) or text] = release.purl
    if others:
        draft.notes.append(f"{draft.label}: {others} of its components are of other ecosystems, and were not judged")
    if unnamed:
        draft.notes.append(f"{draft.label}: {unnamed} of its components have no package URL, and were not judged")
    return found


def _components(document: object, *, depth: int) -> Iterator[Mapping[str, object]]:
    if depth > _DEEPEST:
        raise MalformedAnswer("its components are nested too deeply")
    for component in items(document, "components", dict):
        yield component
        yield from _components(component, depth=depth + 1)


def _component(draft: Draft, component: Mapping[str, object], text: str) -> Release | None:
    purl = purls.parse(text)
    ecosystem, name, version = purls.parts(purl)
    draft.ecosystem = ecosystem
    digests = [
        one
        for entry in items(component, "hashes", dict)
        for one in digest(field(entry, "alg", str), field(entry, "content", str))
    ]
    origin = purls.qualifiers(purl)
    if "vcs_url" in origin:
        return draft.unvouched(name, version or "", ArtifactKind.VCS, origin["vcs_url"], digests=digests)
    if "download_url" in origin:
        place = origin["download_url"]
        if ecosystem is EcosystemName.NPM and version is not None and is_web(place) and tarball(place) is not None:
            # cyclonedx-npm names the tarball of each release from a mirror: it is a registry's all the same.
            return locked(draft, name, version, place, tuple(digests))
        kind = ArtifactKind.LOCAL_PROJECT if place.startswith("file:") else ArtifactKind.URL
        return draft.unvouched(name, version or "", kind, place, digests=digests)
    if version is None:
        draft.gap(name, f"`{printable(name)}` has no version")
        return None
    return draft.registered(name, version, registry=origin.get("repository_url"), digests=digests)
