"""
The file of popular names: what its sections are and how a key finds names.

One file (see `container`) holds one ecosystem, so that it opens by mmap without being parsed. Its body is sections,
each aligned to 4 bytes; the header names each one's place and the CRC-32 of all of them together. A *key* is a form of
a name (its squashed form, a half of it, its skeleton, ...) under one `Kind`; its CRC-32 picks a bucket, which lists
ids. An id is a rank less one. Other keys share buckets, so a reader compares what it finds with what it looked for.
"""

import zlib
from enum import IntEnum

MAGIC = b"SAFEINSTALL-NAMES-1\n"
ALIGN = 4


class Kind(IntEnum):
    """The forms under which a name can be found."""

    EXACT = 1
    """The name as its registry compares it."""
    SQUASHED = 2
    HALF = 3
    """First or last half of the squashed name: one edit leaves the other half alone."""
    THIRD = 4
    """A third of the squashed name: two edits leave one third alone."""
    SKELETON = 5
    CORE = 6
    BARE = 7
    """What is left of a name without its scope or family."""
    SCOPE = 8
    """Only the best-ranked name of a scope is listed under it."""


SHORTEST_HALVED = 3
SHORTEST_THIRDED = 6
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
WIDTH = len(ALPHABET) + 2
"""Letters the letter model tells apart: the alphabet, a word's edge (0), and all others (1)."""
CODES = {char: index + 2 for index, char in enumerate(ALPHABET)}
BITS = 12.0
"""The letter model keeps a letter's cost in twelfths of a bit."""

PREFIX = "p"
MIDDLE = "m"
SUFFIX = "s"


def bucket(kind: Kind, key: str, mask: int) -> int:
    """Return the bucket of *key*."""
    return zlib.crc32(key.encode("utf-8", "surrogatepass"), kind) & mask


def fingerprint(word: str) -> int:
    """Return what stands for *word* in the table of words."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def half_keys(squashed: str) -> tuple[str, ...]:
    """Return the keys of the halves of a popular name; its length is part of them."""
    size = len(squashed)
    if size < SHORTEST_HALVED:
        return ()
    return piece_key(PREFIX, size, squashed[: size // 2]), piece_key(SUFFIX, size, squashed[size // 2 :])


def third_keys(squashed: str) -> tuple[str, ...]:
    """Return the keys of the thirds of a popular name; its length is part of them."""
    size = len(squashed)
    if size < SHORTEST_THIRDED:
        return ()
    first, second = thirds(size)
    return (
        piece_key(PREFIX, size, squashed[:first]),
        piece_key(MIDDLE, size, squashed[first:second]),
        piece_key(SUFFIX, size, squashed[second:]),
    )


def thirds(size: int) -> tuple[int, int]:
    """Return where the second and the last third of a name of *size* letters begin."""
    return size // 3, 2 * size // 3


def piece_key(place: str, size: int, piece: str) -> str:
    """Return the key of a piece of a name of *size* letters."""
    return f"{place}{size}:{piece}"
