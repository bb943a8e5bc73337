"""The lists of popular names that come with safeinstall."""

from functools import cache
from pathlib import Path

from safeinstall.model import EcosystemName
from safeinstall.names.index import Index, open_index

FOLDER = Path(__file__).parent.parent / "data" / "popular"


def names_file(ecosystem: EcosystemName) -> Path:
    """Return where the list of *ecosystem* lies."""
    return FOLDER / f"{ecosystem.value}.names"


@cache
def popular(ecosystem: EcosystemName) -> Index:
    """Return the popular names of *ecosystem*, opened and verified once; raises `NamesDamaged` unless all is whole."""
    index = open_index(names_file(ecosystem))
    index.verify()
    return index
