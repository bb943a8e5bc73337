"""
Names that were there on some day: a table of fingerprints, to tell old small names from new ones without a registry.

One file (see `container`) holds one ecosystem; its body is the fingerprints, sorted. A fingerprint is the first ten
bytes of the SHA-256 of a name. The table is public, so whoever wants a name of theirs to be taken for a known one can
search for a name with a fingerprint that is in it. Of the names that a finding would need it for, those one or two
letters away from a popular one, there are about 2**35; with four million known names (2**22) one of them is hit by
chance once in 2**(80 - 35 - 22), which is eight million. No salt would help: it would have to be in the file.
`docs/checks/typosquat.md` says what the table decides, and what it never does.
"""

import hashlib
import json
import zlib
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field
from safeinstall.model import EcosystemName
from safeinstall.names import container, forms
from safeinstall.names.index import NamesDamaged

MAGIC = b"SAFEINSTALL-KNOWN-1\n"
WIDTH = 10
"""Bytes of a fingerprint."""
FOLDER = Path(__file__).parent.parent / "data" / "known"

_chosen: dict[EcosystemName, Path] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """The known names of one ecosystem; made by `open_known` only."""

    ecosystem: EcosystemName
    as_of: date
    """The day on which all of them were there."""
    size: int
    """How many there are."""
    prints: memoryview
    crc: int
    """What the CRC-32 of the fingerprints must be."""

    def verify(self) -> None:
        """Read the whole table once; raises `NamesDamaged` when a byte of it has changed."""
        if zlib.crc32(self.prints) != self.crc:
            raise _damaged(f"{self.ecosystem.value}.known")

    def holds(self, name: str) -> bool:
        """Whether *name*, as its registry compares it, was there."""
        wanted = fingerprint(self.ecosystem, name)
        place = bisect_left(_Rows(self.prints), wanted)
        return place < self.size and bytes(self.prints[place * WIDTH : (place + 1) * WIDTH]) == wanted


class _Rows:
    """The fingerprints as a sequence that bisect can search."""

    def __init__(self, prints: memoryview) -> None:
        self.prints = prints

    def __len__(self) -> int:
        return len(self.prints) // WIDTH

    def __getitem__(self, place: int) -> bytes:
        return bytes(self.prints[place * WIDTH : (place + 1) * WIDTH])


def fingerprint(ecosystem: EcosystemName, name: str) -> bytes:
    """Return what stands for *name* in the table of *ecosystem*."""
    spelled = f"{ecosystem.value}/{forms.spelled(ecosystem, name)}"
    return hashlib.sha256(spelled.encode("utf-8", "surrogatepass")).digest()[:WIDTH]


def pack_known(ecosystem: EcosystemName, names: Iterable[str], as_of: date) -> bytes:
    """Return the file for *names*; the same names and date always give the same bytes."""
    prints = sorted({fingerprint(ecosystem, name) for name in names})
    body = b"".join(prints)
    header = json.dumps(
        {
            "ecosystem": ecosystem.value,
            "as_of": as_of.isoformat(),
            "names": len(prints),
            "width": WIDTH,
            "crc": zlib.crc32(body),
        },
        sort_keys=True,
    ).encode()
    return container.written(MAGIC, header, body)


def open_known(path: Path) -> Known:
    """
    Return the table in the file at *path*; raises `NamesDamaged` unless its header is right and nothing is cut off.

    The fingerprints are not read here: call `verify` once before relying on what is found.
    """
    try:
        return _table(*container.opened(path, MAGIC))
    except (OSError, ValueError, TypeError, MalformedAnswer) as error:
        raise _damaged(path.name) from error


def packaged(ecosystem: EcosystemName) -> Path:
    """Return where the table of *ecosystem* that came with safeinstall lies."""
    return FOLDER / f"{ecosystem.value}.known"


def known_file(ecosystem: EcosystemName) -> Path:
    """Return the table of *ecosystem* that counts in this process."""
    return _chosen.get(ecosystem, packaged(ecosystem))


def look_in(folder: Path) -> tuple[str, ...]:
    """
    Let the tables in *folder* count in this process that are whole, and newer or larger; returns what was not used.

    As `popular.look_in`: called once by the command, and a table that cannot be used ends no run.
    """
    said = []
    _chosen.clear()
    known.cache_clear()
    for ecosystem in EcosystemName:
        path = folder / packaged(ecosystem).name
        if not path.is_file():
            continue
        try:
            fresh = _checked(path, ecosystem)
        except NamesDamaged:
            said.append(f"{path} is damaged and not used: the table that came with safeinstall counts instead")
            continue
        if (fresh.as_of, fresh.size) > (known(ecosystem).as_of, known(ecosystem).size):
            _chosen[ecosystem] = path
            known.cache_clear()
    return tuple(said)


@cache
def known(ecosystem: EcosystemName) -> Known:
    """Return the known names of *ecosystem*, opened and verified once; raises `NamesDamaged` unless all is whole."""
    return _checked(known_file(ecosystem), ecosystem)


def _checked(path: Path, ecosystem: EcosystemName) -> Known:
    table = open_known(path)
    table.verify()
    if table.ecosystem is not ecosystem:
        raise _damaged(path.name)
    return table


def _table(header: object, prints: memoryview) -> Known:
    names = field(header, "names", int)
    if field(header, "width", int) != WIDTH or len(prints) != names * WIDTH:
        raise ValueError("cut short, or of another width")
    return Known(
        ecosystem=EcosystemName(field(header, "ecosystem", str)),
        as_of=date.fromisoformat(field(header, "as_of", str)),
        size=names,
        prints=prints,
        crc=field(header, "crc", int),
    )


def _damaged(title: str) -> NamesDamaged:
    message = f"the table of known names `{title}` is missing or damaged, so no name can be judged"
    return NamesDamaged(message, hint="install safeinstall again")
