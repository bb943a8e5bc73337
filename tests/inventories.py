"""Files and folders to be audited, in small, and a short way to read them."""

import json
from collections.abc import Mapping
from pathlib import Path

from safeinstall.contracts import InventoryReader
from safeinstall.inventories import INVENTORIES
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import EcosystemName
from safeinstall.private import Private

OWN = {
    EcosystemName.NPM: ("https://npm.example/", "https://yarn.example/"),
    EcosystemName.PYPI: ("https://pypi.example/simple", "https://files.example/"),
}
"""What stands for the public registries in tests."""


def origins(
    *, private: tuple[str, ...] = (), names: tuple[str, ...] = (), listed: Mapping[str, str] | None = None
) -> Origins:
    """Return origins of a user who declared the registries *private* and the private *names*."""
    return Origins(
        private_registries=private,
        private=Private(names=names),
        defaults=lambda ecosystem: OWN[ecosystem],
        listed=lambda _: listed or {},
    )


def reader(path: Path) -> InventoryReader:
    """Return the first reader that takes *path* for its own, as the command does."""
    return next(one for one in INVENTORIES if one.fits(path))


def read(folder: Path, name: str, text: str, by: Origins | None = None) -> Inventory:
    """Write *text* into the file *name* and read it."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return reader(path).read(path, name, by or origins())


def purls(inventory: Inventory) -> list[str]:
    """Return the package URLs of what *inventory* holds, sorted."""
    return sorted(one.purl for one in inventory.releases)


def edges(inventory: Inventory) -> set[tuple[str | None, str]]:
    """Return who requires whom, without versions."""
    return {(None if edge.parent is None else _name(edge.parent), _name(edge.child)) for edge in inventory.edges}


def distribution(place: Path, name: str, version: str, *, head: str = "", direct: object = None, **files: str) -> Path:
    """Put a `.dist-info` into the site-packages at *place*, and return it."""
    folder = place / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{head}\nText.\n")
    if direct is not None:
        (folder / "direct_url.json").write_text(json.dumps(direct))
    for file, text in files.items():
        (folder / file).write_text(text)
    return folder


def package(folder: Path, name: str, version: str) -> Path:
    """Put a package into the node_modules at *folder*, and return its own folder."""
    own = folder / name
    own.mkdir(parents=True)
    (own / "package.json").write_text(json.dumps({"name": name, "version": version}))
    return own


def _name(purl: str) -> str:
    return purl.partition("/")[2].rpartition("@")[0] or purl
