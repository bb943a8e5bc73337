"""
The members of a large zip on disk, one after the other, in constant memory.

`zipfile` keeps an object for every member: 300,000 of them are more memory than the whole import may use.
The format is PKWARE's APPNOTE, sections 4.3 (structures) and 4.4 (fields), ZIP64 included.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from safeinstall.errors import MalformedAnswer
from safeinstall.text import printable

_LARGEST_MEMBER = 50_000_000
_CHUNK = 1_000_000
_TAIL = 65_535 + 22 + 20 + 56
_BEYOND_32 = 0xFFFFFFFF
_ENCRYPTED = 0x1
_STORED, _DEFLATED = 0, 8
_MARGIN = 64
"""A local header may be that much longer than the central one says without a second read."""

_END = struct.Struct("<4s4H2IH")
_LOCATOR = struct.Struct("<4sIQI")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of the central directory."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int


class Archive:
    """A zip on disk; every method raises `MalformedAnswer` for what is no whole zip."""

    def __init__(self, path: Path) -> None:
        """Open the file at *path*; raises `OSError`."""
        self._handle = os.open(path, os.O_RDONLY)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def members(self) -> Iterator[Member]:
        """Yield every file, without its content."""
        with _telling():
            for member in _directory(self._handle, os.fstat(self._handle).st_size):
                if not member.name.endswith("/"):
                    yield member

    def content(self, member: Member) -> bytes:
        """Return what *member* holds."""
        with _telling():
            return _content(self._handle, member)


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except (struct.error, zlib.error, UnicodeDecodeError) as error:
        raise MalformedAnswer(f"the zip is damaged ({printable(str(error), limit=80)})") from error


def _directory(handle: int, size: int) -> Iterator[Member]:
    number, length, start = _end(handle, size)
    if start + length > size:
        raise MalformedAnswer("the zip is cut short")
    buffer, at = b"", 0
    ends = start + length
    for _ in range(number):
        if len(buffer) - at < _CENTRAL.size + 3 * 65_535 and start < ends:
            more = os.pread(handle, min(_CHUNK, ends - start), start)
            start += len(more)
            buffer, at = buffer[at:] + more, 0
        member, at = _entry(buffer, at)
        yield member
    if at != len(buffer) or start != ends:
        raise MalformedAnswer("the zip's directory does not hold what it says")


def _end(handle: int, size: int) -> tuple[int, int, int]:
    """Return how many members there are, and how long the directory is and where it starts."""
    first = max(0, size - _TAIL)
    tail = os.pread(handle, _TAIL, first)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise MalformedAnswer("no zip, or cut short")
    _, _, _, _, number, length, start, _ = _END.unpack_from(tail, at)
    if at >= _LOCATOR.size and tail[at - _LOCATOR.size :].startswith(b"PK\x06\x07"):
        _, _, where, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
        found = _END_64.unpack(os.pread(handle, _END_64.size, where))
        if found[0] != b"PK\x06\x06":
            raise MalformedAnswer("the zip is damaged (no end of its directory)")
        number, length, start = found[7:10]
    return number, length, start


def _entry(buffer: bytes, at: int) -> tuple[Member, int]:
    found = _CENTRAL.unpack_from(buffer, at)
    magic, flags, method, crc, packed, size = found[0], found[3], found[4], found[7], found[8], found[9]
    name_length, extra_length, comment_length, offset = found[10], found[11], found[12], found[16]
    if magic != b"PK\x01\x02":
        raise MalformedAnswer("the zip's directory is damaged")
    if flags & _ENCRYPTED or method not in (_STORED, _DEFLATED):
        raise MalformedAnswer("the zip is packed in a way that we do not read")
    at += _CENTRAL.size
    name = buffer[at : at + name_length].decode("utf-8")
    at += name_length
    if _BEYOND_32 in (packed, size, offset):
        size, packed, offset = _extended(buffer[at : at + extra_length], size, packed, offset)
    return Member(name, method, crc, packed, size, offset), at + extra_length + comment_length


def _extended(extra: bytes, *fields: int) -> tuple[int, int, int]:
    """Return *fields* (size, packed size, offset) with those that are too large for their place read from *extra*."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            told = iter(struct.unpack_from(f"<{length // 8}Q", extra, at + 4))
            size, packed, offset = (next(told, -1) if one == _BEYOND_32 else one for one in fields)
            return size, packed, offset
        at += 4 + length
    raise MalformedAnswer("the zip's directory is damaged (no large sizes)")


def _content(handle: int, member: Member) -> bytes:
    if not (member.packed >= 0 and 0 <= member.size <= _LARGEST_MEMBER and member.offset >= 0):
        raise MalformedAnswer(f"{printable(member.name)} in the zip is larger than {_LARGEST_MEMBER:,} bytes")
    guess = _LOCAL.size + len(member.name.encode()) + member.packed + _MARGIN
    buffer = os.pread(handle, guess, member.offset)
    found = _LOCAL.unpack_from(buffer)
    if found[0] != b"PK\x03\x04":
        raise MalformedAnswer(f"{printable(member.name)} in the zip is not where its directory says")
    start = _LOCAL.size + found[9] + found[10]
    data = buffer[start : start + member.packed]
    if len(data) < member.packed:
        data = os.pread(handle, member.packed, member.offset + start)
    if member.method == _DEFLATED:
        data = zlib.decompressobj(-15).decompress(data, member.size + 1)
    if len(data) != member.size or zlib.crc32(data) != member.crc:
        raise MalformedAnswer(f"{printable(member.name)} in the zip is damaged")
    return data
