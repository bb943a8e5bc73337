"""A Python environment: what its site-packages hold, by their metadata, and by pip's listing where that knows more."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.utils import canonicalize_name

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, optional
from safeinstall.inventories.draft import Draft, text_of
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import ArtifactKind, EcosystemName, Release
from safeinstall.text import printable

_PLACES = ("lib/python3*/site-packages", "lib64/python3*/site-packages", "Lib/site-packages")
_OLDER = ("*.egg-info", "*.egg", "*.egg-link", "easy-install.pth")
"""What older tools left in a site-packages instead of a `.dist-info`."""
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

        The environment's own Python is not started: what is installed there could run with it. pip-api, which has our
        own pip list it, takes as long as all the rest together: it is asked where older tools left something that has
        no `.dist-info`, or where the user wants both ways compared. What one of the two finds counts.
        """
        draft = Draft(kind=self.ident, label=label, origins=origins, ecosystem=EcosystemName.PYPI, installed=True)
        places = folders(path)
        if not places:
            raise MalformedAnswer("it has no site-packages")
        found = {place: tuple(_distributions(place)) for place in places}
        releases: dict[str, list[Release]] = {}
        for one in (one for some in found.values() for one in some):
            releases.setdefault(canonicalize_name(one.name), []).append(_release(draft, one))
        for place, some in found.items():
            if origins.compared or any(True for pattern in _OLDER for _ in place.glob(pattern)):
                _compare(draft, releases, place, {canonicalize_name(one.name) for one in some})
        _edges(draft, releases, [one for some in found.values() for one in some])
        draft.notes += [
            f"{label}: `{printable(name)}` lies there {len(same)} times, and all of it was judged"
            for name, same in releases.items()
            if len(same) > 1
        ]
        if _sees_system(path):
            draft.notes.append(f"{label}: it also sees the packages of the Python below it, which were not judged")
        return draft.finish()


def folders(path: Path) -> tuple[Path, ...]:
    """Return the folders of *path* that hold distributions; *path* itself may be one."""
    if any(path.glob("*.dist-info")):
        return (path,)
    found = {one.resolve(): one for pattern in reversed(_PLACES) for one in sorted(path.glob(pattern)) if one.is_dir()}
    return tuple(found.values())


def _compare(draft: Draft, releases: dict[str, list[Release]], place: Path, read: set[str]) -> None:
    """Add what pip lists in *place* and is not among the names that were *read*; tell the difference if asked to."""
    listed = {canonicalize_name(name): (name, version) for name, version in draft.origins.listed(place).items()}
    more = sorted(listed.keys() - read)
    for name in more:
        releases.setdefault(name, []).append(draft.registered(*listed[name]))
    if draft.origins.compared:
        less = sorted(read - listed.keys())
        told = [f"it alone sees {', '.join(more)}"] if more else []
        told += [f"it does not see {', '.join(less)}"] if less else []
        draft.notes.append(
            f"{draft.label}: pip lists {len(listed)} distributions; "
            + (printable("; ".join(told), limit=400) if told else "they are those of the metadata")
        )


def _edges(draft: Draft, releases: Mapping[str, list[Release]], found: Iterable[_Distribution]) -> None:
    for one in found:
        parent = _release_of(releases, one)
        if one.requested:
            draft.edge(None, parent.purl, one.name)
        for wanted, text in _required(one.requires):
            for child in releases.get(wanted, ()):
                if child != parent:
                    draft.edge(parent.purl, child.purl, text)


def _release_of(releases: Mapping[str, list[Release]], one: _Distribution) -> Release:
    some = releases[canonicalize_name(one.name)]
    return next((each for each in some if each.version == one.version), some[0])


def _distributions(place: Path) -> Iterator[_Distribution]:
    for folder in sorted(place.glob("*.dist-info")):
        metadata = folder / "METADATA"
        if folder.name.startswith("~") or not metadata.is_file():
            # pip renames what it replaces, and leaves that behind when it is killed; it is not installed any more.
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
        if marker.strip() and not _applies(marker.strip()):
            continue
        name = _NAME.match(bare.strip())
        if name is not None:
            yield canonicalize_name(name[0].rstrip("._-")), printable(bare.strip())


@lru_cache(maxsize=1000)
def _applies(marker: str) -> bool:
    """Whether *marker* holds here; extras are left out: which of them were asked for, nothing there tells."""
    try:
        return Marker(marker).evaluate({"extra": ""})
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, ValueError):
        return False


def _sees_system(path: Path) -> bool:
    settings = path / "pyvenv.cfg"
    if not settings.is_file():
        return False
    lines = (line.partition("=") for line in text_of(settings, most=_LARGEST).splitlines())
    return any(key.strip() == "include-system-site-packages" and value.strip() == "true" for key, _, value in lines)
