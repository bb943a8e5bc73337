"""
METADATA and PKG-INFO: found inside archives that are only read, never unpacked or run, and compared.

Archives are hostile: whatever is wrong with one is `MalformedAnswer`, and every size is capped before it is read.
"""

import bz2
import gzip
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, Protocol

import tomlkit
from packaging.metadata import RawMetadata, parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from tomlkit.exceptions import TOMLKitError

from safeinstall import fields
from safeinstall.errors import MalformedAnswer
from safeinstall.model import BuildNeed
from safeinstall.text import printable

MAX_METADATA = 5_000_000
"""Bytes of one METADATA, PKG-INFO or pyproject.toml, unpacked."""

MAX_UNPACKED = 512_000_000
"""Bytes of a tar that are walked through while looking for a file in it."""

LEGACY_BUILD = ("setuptools>=40.8.0",)
"""What pip installs to build a project that names nothing; older pips add `wheel`, as older setuptools ask for it."""

_BLOCK = 512
_MAX_HEADER = 1_000_000
_TOP_LEVEL = re.compile(r"(?:\./)*([^/]+)/([^/]+)")
_DEPENDENCIES = frozenset({"requires-dist", "requires-python", "provides-extra"})
_STATIC_SINCE = Version("2.2")

_Essentials = tuple[str, str, frozenset[str], str, frozenset[str]]


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextmanager
def _hostile(what: str) -> Iterator[None]:
    try:
        yield
    # All that zipfile, tarfile and the decompressors raise on garbage; RuntimeError stands for encrypted zip members.
    except (
        *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, struct.error),
        *(OSError, ValueError, KeyError, IndexError, NotImplementedError, RuntimeError, OverflowError),
    ) as error:
        raise MalformedAnswer(f"`{printable(what)}` is broken ({type(error).__name__})") from error


def of_wheel(file: IO[bytes], filename: str) -> bytes:
    """Return METADATA of the seekable wheel *file*; raises `MalformedAnswer`, also when it holds two of them."""
    project = canonicalize_name(filename.partition("-")[0])
    with _hostile(filename), zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
        if len(names) != 1:
            raise MalformedAnswer(f"`{printable(filename)}` holds {len(names)} METADATA files instead of one")
        if not canonicalize_name(names[0]).startswith(project):  # pip's own rule
            raise MalformedAnswer(f"`{printable(filename)}` holds the METADATA of another project")
        return _member(archive, names[0], filename)


@contextmanager
def opened(file: IO[bytes], filename: str) -> Iterator[zipfile.ZipFile]:
    """Open the seekable zip *file* for reading; whatever is wrong with it is `MalformedAnswer`."""
    with _hostile(filename), zipfile.ZipFile(file) as archive:
        yield archive


def of_zip(file: IO[bytes], filename: str, wanted: str) -> bytes | None:
    """Return the file *wanted* in the top folder of the seekable zip *file*; None when there is none."""
    with _hostile(filename), zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if _is_wanted(name, wanted):
                return _member(archive, name, filename)
    return None


def _member(archive: zipfile.ZipFile, name: str, filename: str) -> bytes:
    with archive.open(name) as member:
        data = member.read(MAX_METADATA + 1)
    if len(data) > MAX_METADATA:
        raise MalformedAnswer(f"`{printable(name)}` in `{printable(filename)}` is too large")
    return data


def _is_wanted(name: str, wanted: str) -> bool:
    found = _TOP_LEVEL.fullmatch(name)
    return found is not None and found[2] == wanted and not found[1].endswith(".egg-info")


def of_tar(stream: BinaryIO, filename: str, wanted: str) -> bytes | None:
    """
    Return the file *wanted* in the top folder of a tar, reading *stream* only as far as needed; None: there is none.

    tarfile itself would hold a header of any size in memory; this walk holds at most `MAX_METADATA`.
    """
    with _hostile(filename):
        return _walk(_Capped(_unpacked(stream, filename)), filename, wanted)


def _unpacked(stream: BinaryIO, filename: str) -> _Readable:
    name = filename.lower()
    if name.endswith((".tar.gz", ".tgz")):
        return gzip.GzipFile(fileobj=stream, mode="rb")
    if name.endswith((".tar.bz2", ".tbz")):
        return bz2.BZ2File(stream)
    if name.endswith((".tar.xz", ".txz", ".tar.lzma", ".tlz")):
        return lzma.LZMAFile(stream)
    if name.endswith(".tar"):
        return stream
    raise MalformedAnswer(f"`{printable(filename)}` is of no kind that is read here")


class _Capped:
    """Exactly as many bytes as asked for; a bomb ends at `MAX_UNPACKED`."""

    def __init__(self, stream: _Readable) -> None:
        self._stream = stream
        self._left = MAX_UNPACKED

    def take(self, size: int) -> bytes:
        self._left -= size
        if self._left < 0:
            raise MalformedAnswer(f"more than {MAX_UNPACKED:,} bytes unpacked")
        parts = []
        while size:
            part = self._stream.read(size)
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        while size:
            size -= len(self.take(min(size, 65_536)))


def _walk(stream: _Capped, filename: str, wanted: str) -> bytes | None:
    name: str | None = None
    while True:
        block = stream.take(_BLOCK)
        if not block.strip(b"\0"):
            return None
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        if info.size < 0:
            raise tarfile.ReadError
        padding = -info.size % _BLOCK
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
            # The name of the next member, where it does not fit into a header of the old form.
            data = _header(stream, info.size + padding)[: info.size]
            name = _long_name(info.type, data) or name
            continue
        if info.type in (tarfile.GNUTYPE_LONGLINK, tarfile.XGLTYPE):
            _header(stream, info.size + padding)
            continue
        if not info.isreg() or info.type == tarfile.GNUTYPE_SPARSE:
            # Links and folders have no body, whatever their size says; of sparse files we cannot tell where they end.
            if info.type == tarfile.GNUTYPE_SPARSE:
                raise tarfile.ReadError
            name = None
            continue
        if _is_wanted(name if name is not None else info.name, wanted):
            if info.size > MAX_METADATA:
                raise MalformedAnswer(f"`{printable(wanted)}` in `{printable(filename)}` is too large")
            return stream.take(info.size)
        stream.skip(info.size + padding)
        name = None


def _header(stream: _Capped, size: int) -> bytes:
    if size > _MAX_HEADER:
        raise tarfile.ReadError
    return stream.take(size)


def _long_name(kind: bytes, data: bytes) -> str | None:
    if kind == tarfile.GNUTYPE_LONGNAME:
        return data.rstrip(b"\0").decode("utf-8", "surrogateescape")
    name = None
    while data:
        length, _, _ = data.partition(b" ")
        size = int(length)
        if size <= len(length) + 1:
            raise tarfile.ReadError
        keyword, _, value = data[len(length) + 1 : size].partition(b"=")
        if keyword == b"size":  # a member of more than 8 GB: nothing that we would look into
            raise tarfile.ReadError
        if keyword == b"path":
            name = value.rstrip(b"\n").decode("utf-8", "surrogateescape")
        data = data[size:]
    return name


def parsed(data: bytes) -> RawMetadata:
    """Return the fields of METADATA or PKG-INFO; raises `MalformedAnswer` unless it has a name and a version."""
    raw, _ = _head(data)
    if not raw.get("name") or not raw.get("version"):
        raise MalformedAnswer("the metadata has no name or no version")
    return raw


def _head(data: bytes) -> tuple[RawMetadata, dict[str, list[str]]]:
    # Behind the first empty line stands the description: long, and of no meaning here.
    with _hostile("METADATA"):
        return parse_email(re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0] + b"\n\n")


def build_need(data: bytes) -> BuildNeed:
    """Return what building the sdist with this PKG-INFO can change: nothing that counts (PEP 643), or anything."""
    try:
        raw = parsed(data)
        version = Version(raw.get("metadata_version", "1.0"))
    except (MalformedAnswer, InvalidVersion):
        return BuildNeed.DYNAMIC
    dynamic = {name.strip().lower() for name in raw.get("dynamic", ())}
    return BuildNeed.DYNAMIC if version < _STATIC_SINCE or dynamic & _DEPENDENCIES else BuildNeed.STATIC


def build_requires(pyproject: bytes | None) -> tuple[str, ...]:
    """Return what pip installs to start the build that a `pyproject.toml` describes (None: there is none)."""
    if pyproject is None:
        return LEGACY_BUILD
    try:
        document: object = tomlkit.parse(pyproject.decode("utf-8")).unwrap()
    except (TOMLKitError, ValueError, RecursionError) as error:
        raise MalformedAnswer("pyproject.toml is no TOML") from error
    if fields.optional(document, "build-system", dict) is None:
        return LEGACY_BUILD
    fields.field(document, "build-system.requires", list)
    return fields.items(document, "build-system.requires", str)


def differences(planned: bytes, found: bytes) -> tuple[str, ...]:
    """Return in which of the fields that decide a plan two METADATA files differ; order and spelling do not count."""
    names = ("Name", "Version", "Requires-Dist", "Requires-Python", "Provides-Extra")
    if planned == found:
        return ()
    pairs = zip(names, _essentials(planned), _essentials(found), strict=True)
    return tuple(name for name, one, other in pairs if one != other)


def _essentials(data: bytes) -> _Essentials:
    raw, unparsed = _head(data)
    # What packaging could not take in (a field given twice, say) still counts as a difference.
    odd = {name: " | ".join(str(value) for value in values) for name, values in unparsed.items()}
    return (
        canonicalize_name(raw.get("name", odd.get("name", ""))),
        _version(raw.get("version", odd.get("version", ""))),
        frozenset(_requirement(text) for text in raw.get("requires_dist", ())) | {odd.get("requires-dist", "")},
        _specifiers(raw.get("requires_python", odd.get("requires-python", ""))),
        frozenset(canonicalize_name(name) for name in raw.get("provides_extra", ())) | {odd.get("provides-extra", "")},
    )


def _version(text: str) -> str:
    try:
        return str(Version(text))
    except InvalidVersion:
        return text


def _requirement(text: str) -> str:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return text
    extras = ",".join(sorted(canonicalize_name(extra) for extra in requirement.extras))
    parts = (
        canonicalize_name(requirement.name),
        extras,
        str(requirement.specifier),
        requirement.url,
        requirement.marker,
    )
    return "\n".join("" if part is None else str(part) for part in parts)


def _specifiers(text: str) -> str:
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier:
        return text
