"""Reading a file of popular names: what is popular, and which popular names are near; it opens by mmap."""

import sys
import zlib
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

from safeinstall.errors import MalformedAnswer, SafeinstallError
from safeinstall.fields import field, items
from safeinstall.model import EcosystemName
from safeinstall.names import container, forms, layout
from safeinstall.names.layout import MIDDLE, PREFIX, SUFFIX, Kind, piece_key

_LOWER = bytes(range(256)).lower()
_SEPARATORS = b"-_./@ "


class NamesDamaged(SafeinstallError):
    """The file of popular names cannot be trusted; without it no name can be judged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """The popular names of one ecosystem; made by `open_index` only."""

    ecosystem: EcosystemName
    as_of: date
    """The day of the download statistics behind it."""
    size: int
    """How many names it holds."""
    body: memoryview
    crc: int
    """What the CRC-32 of the body must be."""
    offsets: memoryview
    names: memoryview
    mask: int
    starts: memoryview
    postings: memoryview
    prints: memoryview
    counts: memoryview
    letters: memoryview

    def verify(self) -> None:
        """Read the whole file once; raises `NamesDamaged` when a byte of it has changed."""
        if zlib.crc32(self.body) != self.crc:
            raise _damaged(f"{self.ecosystem.value}.names")

    def name(self, ident: int) -> str:
        """Return the name whose rank is *ident* + 1."""
        return str(self.names[self.offsets[ident] : self.offsets[ident + 1]], "utf-8")

    def listed(self, kind: Kind, key: str) -> list[int]:
        """Return the ids listed under *key*, best rank first; some may be there for another key."""
        place = layout.bucket(kind, key, self.mask)
        return self.postings[self.starts[place] : self.starts[place + 1]].tolist()

    def rank(self, name: str) -> int | None:
        """Return the rank (from 1) of *name*, or None when it is not popular."""
        spelled = forms.spelled(self.ecosystem, name)
        encoded = spelled.encode("utf-8", "surrogatepass")
        place = zlib.crc32(encoded, Kind.EXACT) & self.mask
        for ident in self.postings[self.starts[place] : self.starts[place + 1]]:
            if self.names[self.offsets[ident] : self.offsets[ident + 1]] == encoded:
                return int(ident) + 1
        return None

    def squashed(self, ident: int) -> str:
        """Return the squashed form of the name whose rank is *ident* + 1."""
        # As `forms.squashed`, which costs four times as much for a name that is bytes anyway; listed names are ASCII.
        spelled = bytes(self.names[self.offsets[ident] : self.offsets[ident + 1]])
        return spelled.translate(_LOWER, _SEPARATORS).decode()

    def squashed_as(self, squashed: str) -> list[int]:
        """Return the ids of the names with this squashed form."""
        return [ident for ident in self.listed(Kind.SQUASHED, squashed) if self.squashed(ident) == squashed]

    def same_skeleton(self, squashed: str) -> list[int]:
        """Return the ids of the names that look like a squashed name."""
        wanted = forms.skeleton(squashed)
        return [ident for ident in self.listed(Kind.SKELETON, wanted) if forms.skeleton(self.squashed(ident)) == wanted]

    def same_core(self, core: str) -> list[int]:
        """Return the ids of the names with this core."""
        return [ident for ident in self.listed(Kind.CORE, core) if forms.core(self.name(ident)) == core]

    def same_bare(self, squashed: str) -> list[int]:
        """Return the ids of the names of which *squashed* is left without their scope or family."""
        return [ident for ident in self.listed(Kind.BARE, squashed) if forms.bare(self.name(ident)) == squashed]

    def owns(self, scope: str) -> bool:
        """Whether a popular name stands in the npm scope *scope*, so that only its owner can publish there."""
        return any(forms.scope(self.name(ident))[0] == scope for ident in self.listed(Kind.SCOPE, scope))

    def one_edit(self, squashed: str) -> set[int]:
        """Return the ids of names that may be one edit away from a squashed name, and of some that are not."""
        size = len(squashed)
        found = set[int]()
        for other in range(max(size - 1, layout.SHORTEST_HALVED), size + 2):
            middle = other // 2
            found.update(self.listed(Kind.HALF, piece_key(PREFIX, other, squashed[:middle])))
            found.update(self.listed(Kind.HALF, piece_key(SUFFIX, other, squashed[size - (other - middle) :])))
        # A swap across the middle changes both halves.
        cut = size // 2
        if size >= layout.SHORTEST_HALVED:
            swapped = squashed[: cut - 1] + squashed[cut] + squashed[cut - 1] + squashed[cut + 1 :]
            found.update(self.listed(Kind.SQUASHED, swapped))
        return found

    def two_edits(self, squashed: str) -> set[int]:
        """Return the ids of names that may be two edits away from a squashed name, and of some that are not."""
        size = len(squashed)
        found = set[int]()
        for other in range(max(size - 2, layout.SHORTEST_THIRDED), size + 3):
            first, second = layout.thirds(other)
            found.update(self.listed(Kind.THIRD, piece_key(PREFIX, other, squashed[:first])))
            found.update(self.listed(Kind.THIRD, piece_key(SUFFIX, other, squashed[size - (other - second) :])))
            # Only the middle is whole: one edit lies before it and one behind, each moving it by one letter at most.
            for shift in range(max(-1, size - other - 1), min(1, size - other + 1) + 1):
                piece = squashed[first + shift : second + shift]
                found.update(self.listed(Kind.THIRD, piece_key(MIDDLE, other, piece)))
        return found

    def count(self, word: str) -> int:
        """Return in how many popular names *word* stands."""
        mark = layout.fingerprint(word)
        place = bisect_left(self.prints, mark)
        return int(self.counts[place]) if place < len(self.prints) and self.prints[place] == mark else 0

    def family(self, words: list[str]) -> int:
        """Return in about how many popular names all of *words* stand in this order."""
        if len(words) == 1:
            return self.count(words[0])
        return max(min(self.count(f"{one} {two}") for one, two in pairwise(words)), 1)

    def letter_bits(self, word: str) -> float:
        """Return how unlike the words of popular names the letters of *word* are, in bits."""
        before, total = 0, 0
        width, square = layout.WIDTH, layout.WIDTH**2
        for char in word:
            before = before * width % (square * width) + layout.CODES.get(char, 1)
            total += self.letters[before]
            before %= square
        return (total + self.letters[before * width]) / layout.BITS


def open_index(path: Path) -> Index:
    """
    Return the index in the file at *path*; raises `NamesDamaged` unless its header is right and nothing is cut off.

    The body is not read here: call `verify` once before relying on what is found.
    """
    try:
        return _index(*container.opened(path, layout.MAGIC))
    except (OSError, ValueError, TypeError, MalformedAnswer) as error:
        raise _damaged(path.name) from error


def _damaged(title: str) -> NamesDamaged:
    message = f"the list of popular names `{title}` is missing or damaged, so no name can be judged"
    return NamesDamaged(message, hint="install safeinstall again")


def _index(header: object, body: memoryview) -> Index:
    if len(body) != field(header, "size", int):
        raise ValueError("cut short")

    def section(title: str) -> memoryview:
        first, length = items(header, f"sections.{title}", int)
        return body[first : first + length]

    starts = _numbers(section("starts"), "I")
    return Index(
        ecosystem=EcosystemName(field(header, "ecosystem", str)),
        as_of=date.fromisoformat(field(header, "as_of", str)),
        size=field(header, "names", int),
        body=body,
        crc=field(header, "crc", int),
        offsets=_numbers(section("offsets"), "I"),
        names=section("names"),
        mask=len(starts) - 2,
        starts=starts,
        postings=_numbers(section("postings"), field(header, "item", str)),
        prints=_numbers(section("words"), "I"),
        counts=_numbers(section("counts"), "H"),
        letters=section("letters"),
    )


def _numbers(section: memoryview, kind: str) -> memoryview:
    if sys.byteorder == "big":
        swapped = array(kind, section.tobytes())
        swapped.byteswap()
        return memoryview(swapped)
    if kind not in {"H", "I"}:
        raise ValueError("not a number format of ours")
    return section.cast("H" if kind == "H" else "I")
