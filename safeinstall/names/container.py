"""
What the files of names have in common: they open by mmap, and a header tells what is in them.

    magic, header's length, header's CRC-32, header (JSON), body
"""

import json
import mmap
import zlib
from pathlib import Path

NUMBER = 4
"""Bytes of the header's length and of its CRC-32, little endian."""


def written(magic: bytes, header: bytes, body: bytes) -> bytes:
    """Return the file of these parts."""
    numbers = b"".join(number.to_bytes(NUMBER, "little") for number in (len(header), zlib.crc32(header)))
    return magic + numbers + header + body


def opened(path: Path, magic: bytes) -> tuple[object, memoryview]:
    """
    Return header and body of the file at *path*, the body unread.

    Raises `ValueError` for another magic, a header that changed or is no JSON, and `OSError`.
    """
    with path.open("rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    start = len(magic)
    size, crc = (int.from_bytes(content[at : at + NUMBER], "little") for at in (start, start + NUMBER))
    begin = start + 2 * NUMBER
    raw = bytes(content[begin : begin + size])
    if content[:start] != magic or zlib.crc32(raw) != crc:
        raise ValueError("another kind of file, or damaged")
    header: object = json.loads(raw)
    return header, content[begin + size :]
