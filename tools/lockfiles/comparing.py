"""Whether a reader of ours and the tool that wrote a lockfile tell the same releases."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from safeinstall.inventories import INVENTORIES
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import Purl
from safeinstall.purl import make, parse, parts


@dataclass(frozen=True, slots=True)
class Difference:
    """What only one of them tells."""

    releases: int
    """Of the reader."""
    missing: tuple[str, ...]
    """What the tool lists and the reader does not have."""
    more: tuple[str, ...]
    gaps: tuple[str, ...]
    """What the reader could not judge."""

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.missing or self.more or self.gaps)


def read(path: Path, origins: Origins) -> Inventory:
    """Return what the reader that takes *path* for its own finds in it."""
    return next(one for one in INVENTORIES if one.fits(path)).read(path, path.name, origins)


def difference(held: Inventory, listed: Iterable[str]) -> Difference:
    """
    Return what tells *held* and *listed* apart, by package URLs without qualifiers.

    Where one of them has a release without a version (a repository, a folder, an archive at a URL), its name counts.
    """
    ours = {_plain(one.purl) for one in held.releases}
    theirs = {_plain(parse(one)) for one in listed}
    loose = {one for one in ours | theirs if parts(one)[2] is None}
    ours, theirs = _loosened(ours, loose), _loosened(theirs, loose)
    gaps = tuple(f"{one.purl}: {one.reason}" for one in held.gaps)
    return Difference(len(held.releases), tuple(sorted(theirs - ours)), tuple(sorted(ours - theirs)), gaps)


def _plain(purl: Purl) -> Purl:
    return make(*parts(purl))


def _loosened(purls: set[Purl], loose: set[Purl]) -> set[Purl]:
    names = {parts(one)[:2] for one in loose}
    return {make(*parts(one)[:2]) if parts(one)[:2] in names else one for one in purls}
