"""Reading a file of popular names: what is popular, and which popular names are near; it opens by mmap."""

import json
import mmap
import sys
import zlib
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from safeinstall.errors import MalformedAnswer, SafeinstallError
from safeinstall.fields import field, items
from safeinstall.model import EcosystemName
from safeinstall.names import forms, layout
from safeinstall.names.layout import MIDDLE, PREFIX, SUFFIX, Kind, piece_key


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
    offsets: memoryview
    names: bytes | memoryview
    mask: int
    starts: memoryview
    postings: memoryview
    prints: memoryview
    counts: memoryview
    letters: memoryview

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
        return forms.squashed(str(self.names[self.offsets[ident] : self.offsets[ident + 1]], "utf-8"))

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
            for shift in range(-2, 3):
                if 0 <= first + shift < size:
                    piece = squashed[first + shift : second + shift]
                    found.update(self.listed(Kind.THIRD, piece_key(MIDDLE, other, piece)))
        return found

    def count(self, word: str) -> int:
        """Return in how many popular names *word* stands."""
        mark = layout.fingerprint(word)
        place = bisect_left(self.prints, mark)
        return int(self.counts[place]) if place < len(self.prints) and self.prints[place] == mark else 0

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
    """Return the index in the file at *path*; raises `NamesDamaged` unless it is whole."""
    try:
        with path.open("rb") as file:
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        return _opened(content)
    except (OSError, ValueError, MalformedAnswer, IndexError, TypeError) as error:
        message = f"the list of popular names `{path.name}` is missing or damaged, so no name can be judged"
        raise NamesDamaged(message, hint="install safeinstall again") from error


def _opened(content: memoryview) -> Index:
    start = len(layout.MAGIC)
    if content[:start] != layout.MAGIC:
        raise ValueError("not a file of popular names")
    body = start + 4 + int.from_bytes(content[start : start + 4], "little")
    header = json.loads(bytes(content[start + 4 : body]))
    whole = content[body:]
    if len(whole) != field(header, "size", int) or zlib.crc32(whole) != field(header, "crc", int):
        raise ValueError("cut short or changed")

    def section(title: str) -> memoryview:
        begin, length = items(header, f"sections.{title}", int)
        return whole[begin : begin + length]

    item = field(header, "item", str)
    starts = _numbers(section("starts"), "I")
    return Index(
        ecosystem=EcosystemName(field(header, "ecosystem", str)),
        as_of=date.fromisoformat(field(header, "as_of", str)),
        size=field(header, "names", int),
        offsets=_numbers(section("offsets"), "I"),
        names=section("names"),
        mask=len(starts) - 2,
        starts=starts,
        postings=_numbers(section("postings"), item),
        prints=_numbers(section("words"), "I"),
        counts=_numbers(section("counts"), "H"),
        letters=section("letters"),
    )


def _numbers(section: memoryview, kind: str) -> memoryview:
    if sys.byteorder == "big":
        swapped = array(kind, section.tobytes())
        swapped.byteswap()
        return memoryview(swapped)
    return section.cast(kind)  # type: ignore[call-overload]  # "H" and "I" are formats mypy cannot see in a variable
