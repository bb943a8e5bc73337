"""A Python environment: what its site-packages hold, by their own metadata and by pip's listing."""

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import ClassVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, optional
from safeinstall.inventories.draft import Draft, text_of
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import ArtifactKind, EcosystemName, Release
from safeinstall.text import printable

_PLACES = ("lib/python3*/site-packages", "lib64/python3*/site-packages", "Lib/site-packages")
_LARGEST = 20_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Distribution:
    """What one `.dist-info` tells."""

    name: str
    version: str
    requires: tuple[str, ...]
    requested: bool
    direct: Mapping[str, object] | None
    """PEP 610's `direct_url.json`; None: a registry served it."""


class Environment:
    """See `InventoryReader`."""

    ident: ClassVar[str] = "environment"
    names: ClassVar[tuple[str, ...]] = (".venv", "venv", "env")

    def fits(self, path: Path) -> bool:
        """See `InventoryReader.fits`."""
        return path.is_dir() and ((path / "pyvenv.cfg").is_file() or bool(folders(path)))

    def read(self, path: Path, label: str, origins: Origins) -> Inventory:
        """
        See `InventoryReader.read`.

        The environment's own Python is not started: what is installed there could run with it. pip-api asks our own
        pip, which only reads; what one of the two ways of reading finds counts, whatever the other says.
        """
        draft = Draft(kind=self.ident, label=label, origins=origins, ecosystem=EcosystemName.PYPI, installed=True)
        places = folders(path)
        if not places:
            raise MalformedAnswer("it has no site-packages")
        # pip takes its time to start: it lists while we read.
        with ThreadPoolExecutor(max_workers=len(places)) as pool:
            listings = [pool.submit(origins.listed, place) for place in places]
            found = [one for place in places for one in _distributions(place)]
            listed = {name: version for listing in listings for name, version in listing.result().items()}
        releases: dict[str, Release] = {canonicalize_name(one.name): _release(draft, one) for one in found}
        for name, version in listed.items():
            if canonicalize_name(name) not in releases:
                releases[canonicalize_name(name)] = draft.registered(name, version)
        for one in found:
            parent = releases[canonicalize_name(one.name)]
            if one.requested:
                draft.edge(None, parent.purl, one.name)
            for wanted, text in _required(one.requires):
                if wanted in releases and releases[wanted] != parent:
                    draft.edge(parent.purl, releases[wanted].purl, text)
        if _sees_system(path):
            draft.notes.append(f"{label}: it also sees the packages of the Python below it, which were not judged")
        return draft.finish()


def folders(path: Path) -> tuple[Path, ...]:
    """Return the folders of *path* that hold distributions; *path* itself may be one."""
    if any(path.glob("*.dist-info")):
        return (path,)
    found = {one.resolve(): one for pattern in reversed(_PLACES) for one in sorted(path.glob(pattern)) if one.is_dir()}
    return tuple(found.values())


def _distributions(place: Path) -> Iterator[_Distribution]:
    for folder in sorted(place.glob("*.dist-info")):
        metadata = folder / "METADATA"
        if not metadata.is_file():
            # pip leaves such a folder behind when it is killed; what it belongs to is not installed.
            continue
        # The description comes after the first empty line and may be long; nobody needs it.
        head = re.split(r"\r?\n\r?\n", text_of(metadata, most=_LARGEST), maxsplit=1)[0]
        told = HeaderParser().parsestr(head)
        name, version = told.get("Name"), told.get("Version")
        if name is None or version is None:
            raise MalformedAnswer(f"`{printable(folder.name)}` has no name or no version")
        yield _Distribution(
            name=str(name).strip(),
            version=str(version).strip(),
            requires=tuple(str(one) for one in told.get_all("Requires-Dist", ())),
            requested=(folder / "REQUESTED").is_file(),
            direct=_direct(folder / "direct_url.json"),
        )


def _direct(path: Path) -> Mapping[str, object] | None:
    if not path.is_file():
        return None
    try:
        document: object = json.loads(text_of(path, most=_LARGEST))
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer(f"`{printable(path.parent.name)}/direct_url.json` is no JSON") from error
    if not isinstance(document, dict):
        raise MalformedAnswer(f"`{printable(path.parent.name)}/direct_url.json` is no object")
    return document


def _release(draft: Draft, one: _Distribution) -> Release:
    if _NAME.fullmatch(one.name) is None:
        raise MalformedAnswer(f"`{printable(one.name)}` is no name")
    if one.direct is None:
        return draft.registered(one.name, one.version)
    url = field(one.direct, "url", str)
    vcs = optional(one.direct, "vcs_info", dict)
    if vcs is not None:
        place = f"{field(vcs, 'vcs', str)}+{url}@{field(vcs, 'commit_id', str)}"
        return draft.unvouched(one.name, one.version, ArtifactKind.VCS, place)
    if optional(one.direct, "dir_info", dict) is not None:
        return draft.unvouched(one.name, one.version, ArtifactKind.LOCAL_PROJECT, url)
    kind = ArtifactKind.LOCAL_FILE if url.startswith("file:") else ArtifactKind.URL
    return draft.unvouched(one.name, one.version, kind, url)


def _required(requires: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for text in requires:
        bare, _, marker = text.partition(";")
        if marker.strip():
            try:
                # Extras are left out: which of them were asked for, nothing in the environment tells.
                wanted = Requirement(text)
                if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
                    continue
            except (InvalidRequirement, ValueError):
                continue
        name = _NAME.match(bare.strip())
        if name is not None:
            yield canonicalize_name(name[0].rstrip("._-")), printable(bare.strip())


def _sees_system(path: Path) -> bool:
    settings = path / "pyvenv.cfg"
    if not settings.is_file():
        return False
    lines = (line.partition("=") for line in text_of(settings, most=_LARGEST).splitlines())
    return any(key.strip() == "include-system-site-packages" and value.strip() == "true" for key, _, value in lines)
