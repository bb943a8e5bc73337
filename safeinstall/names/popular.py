"""The lists of popular names: those that come with safeinstall, and newer ones that `safeinstall update` has loaded."""

from functools import cache
from pathlib import Path

from safeinstall.model import EcosystemName
from safeinstall.names.index import Index, NamesDamaged, open_index

FOLDER = Path(__file__).parent.parent / "data" / "popular"

_chosen: dict[EcosystemName, Path] = {}


def packaged(ecosystem: EcosystemName) -> Path:
    """Return where the list of *ecosystem* that came with safeinstall lies."""
    return FOLDER / name_of(ecosystem)


def name_of(ecosystem: EcosystemName) -> str:
    """Return the name of the file of *ecosystem*, wherever it lies."""
    return f"{ecosystem.value}.names"


def names_file(ecosystem: EcosystemName) -> Path:
    """Return the list of *ecosystem* that counts in this process."""
    return _chosen.get(ecosystem, packaged(ecosystem))


def look_in(folder: Path) -> tuple[str, ...]:
    """
    Let the lists in *folder* count in this process where they are whole and newer; returns what was not used, and why.

    Called once, by the command, before anything is judged: checks name no folder. A list that cannot be used is never
    the end of a run, since the one that came with safeinstall is still there.
    """
    said = []
    _chosen.clear()
    popular.cache_clear()
    for ecosystem in EcosystemName:
        path = folder / name_of(ecosystem)
        if not path.is_file():
            continue
        try:
            fresh = checked(path, ecosystem)
        except NamesDamaged:
            said.append(
                f"{path} is damaged and not used: names are compared with the list of {popular(ecosystem).as_of}, "
                "which came with safeinstall; `safeinstall update` or a bundle brings a new one"
            )
            continue
        if fresh.as_of > popular(ecosystem).as_of:
            _chosen[ecosystem] = path
            popular.cache_clear()
    return tuple(said)


def checked(path: Path, ecosystem: EcosystemName) -> Index:
    """Return the list at *path*, read to its end; raises `NamesDamaged` unless it is whole and of *ecosystem*."""
    index = open_index(path)
    index.verify()
    if index.ecosystem is not ecosystem:
        raise NamesDamaged(f"{path} is a list of {index.ecosystem.value}, not of {ecosystem.value}")
    return index


@cache
def popular(ecosystem: EcosystemName) -> Index:
    """Return the popular names of *ecosystem*, opened and verified once; raises `NamesDamaged` unless all is whole."""
    return checked(names_file(ecosystem), ecosystem)
