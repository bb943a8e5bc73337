"""OSV records out of bytes: one JSON record, a list, JSON lines, gzip or zip of these; an error names file and line."""

import io
import json
import zipfile
import zlib
from collections.abc import Iterator

from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.sources.osv_record import Record, parse
from safeinstall.text import printable

SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
"""The names of files in a folder or zip that hold records; others are left alone."""

_LARGEST = 1_000_000_000
"""Bytes of one document once unpacked: the bulk export of npm has 700 MB."""
_CHUNK = 1_000_000
_BOM = b"\xef\xbb\xbf"
_LINES = (".jsonl", ".jsonl.gz", ".ndjson")


def records(name: str, body: bytes, *, largest: int = _LARGEST) -> Iterator[Record]:
    """
    Yield the records in *body*, which came from the file or URL *name*.

    No more than *largest* bytes are unpacked. Raises `MalformedAnswer` at the first that is none, naming file and line:
    one that is left out silently would be a hole in what the user believes to be checked.
    """
    for inner, plain in _unpacked(name, body, largest):
        for place, document in _documents(inner, plain):
            try:
                yield parse(document)
            except MalformedAnswer as error:
                raise MalformedAnswer(f"{place}: {error.message}") from error


def _unpacked(name: str, body: bytes, largest: int) -> Iterator[tuple[str, bytes]]:
    if body.startswith(b"\x1f\x8b"):
        yield name, _gunzipped(name, body, largest)
    elif body.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from _unzipped(name, body, largest)
    else:
        yield name, body


def _gunzipped(name: str, body: bytes, largest: int) -> bytes:
    plain = bytearray()
    rest = body
    try:
        while rest:  # a gzip may have several members
            unpacker = zlib.decompressobj(wbits=31)
            plain += unpacker.decompress(rest, largest - len(plain) + 1)
            if len(plain) > largest:
                raise SourceUnavailable(f"{printable(name)} unpacks to more than {largest:,} bytes")
            if not unpacker.eof:
                raise MalformedAnswer(f"{printable(name)} is cut short")
            rest = unpacker.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise MalformedAnswer(f"{printable(name)} is no gzip ({printable(str(error), limit=80)})") from error
    return bytes(plain)


def _unzipped(name: str, body: bytes, largest: int) -> Iterator[tuple[str, bytes]]:
    left = largest
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.infolist():
                if member.is_dir() or not member.filename.endswith(SUFFIXES):
                    continue
                with archive.open(member) as stream:
                    plain = stream.read(left + 1)
                left -= len(plain)
                if left < 0:
                    raise SourceUnavailable(f"{printable(name)} unpacks to more than {largest:,} bytes")
                inner = f"{name}!{member.filename}"
                yield inner, _gunzipped(inner, plain, left) if plain.startswith(b"\x1f\x8b") else plain
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise MalformedAnswer(f"{printable(name)} is no zip ({printable(str(error), limit=80)})") from error


def _documents(name: str, plain: bytes) -> Iterator[tuple[str, object]]:
    """Yield each document in *plain* with its place in words."""
    shown = printable(name)
    lines = name.endswith(_LINES)
    if not lines:
        try:
            whole = _loaded(plain, shown)
        except _SeveralDocuments:
            lines = True
        else:
            listed = whole if isinstance(whole, list) else None
            if listed is None:
                yield shown, whole
            for number, one in enumerate(listed or (), 1):
                yield f"{shown}, record {number}", one
    if lines:
        for number, line in enumerate(plain.removeprefix(_BOM).split(b"\n"), 1):
            place = f"{shown}, line {number}"
            if line.strip():
                try:
                    yield place, _loaded(line, place)
                except _SeveralDocuments as error:
                    raise MalformedAnswer(f"{place} holds more than one record") from error


class _SeveralDocuments(Exception):
    """One JSON value stands after the other."""


def _loaded(plain: bytes, place: str) -> object:
    try:
        return json.loads(plain.decode("utf-8-sig"))
    except RecursionError as error:
        raise MalformedAnswer(f"{place} is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise MalformedAnswer(f"{place} is not UTF-8") from error
    except ValueError as error:
        if str(error).startswith("Extra data"):
            raise _SeveralDocuments from error
        raise MalformedAnswer(f"{place}: {printable(str(error), limit=100)}") from error
