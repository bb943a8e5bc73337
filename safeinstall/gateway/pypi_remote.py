"""Metadata of files that stay where they are: `.metadata`, range reads of wheels, the head of sdists; and its cache."""

import hashlib
import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.gateway import contents, metadata
from safeinstall.gateway.contents import Contents
from safeinstall.gateway.pages import Channel, IndexFile
from safeinstall.gateway.pypi_flight import SingleFlight
from safeinstall.gateway.pypi_ranges import NoRanges, remote
from safeinstall.gateway.upstream import Answer, Upstream
from safeinstall.text import printable

MAX_SDIST = 32_000_000
"""Bytes of an sdist that are read in search of one file."""

_AHEAD = 32_768
_OK, _UNAUTHORIZED, _PROXY_AUTH = 200, 401, 407
# The client's own words on what it wants do not fit what we ask in its name.
_NOT_OURS = re.compile(r"accept|accept-encoding|cache-control|pragma|range|if-.*|content-.*")


class Told(Exception):
    """Upstream asks for credentials: the client's own business."""

    def __init__(self, answer: Answer) -> None:
        """Keep *answer*, unread."""
        super().__init__(answer.status)
        self.answer = answer


def passing_on(channel: Channel, **more: str) -> dict[str, str]:
    """Return the client's headers as far as they fit a request of ours, with *more* (`_` stands for `-`)."""
    kept = {name: value for name, value in channel.headers.items() if not _NOT_OURS.fullmatch(name)}
    return {**kept, **{name.replace("_", "-"): value for name, value in more.items()}}


def for_host(channel: Channel, page: str, url: str) -> Channel:
    """Return *channel*, which was used for *page*, for use with *url*: credentials do not go to another host."""
    one, other = urlsplit(page), urlsplit(url)
    if (one.scheme, one.hostname, one.port) == (other.scheme, other.hostname, other.port):
        return channel
    headers = {name: value for name, value in channel.headers.items() if name not in {"authorization", "cookie"}}
    return Channel(headers=headers, transport=channel.transport)


class MetadataReader:
    """Reads the metadata of listed files, each once."""

    def __init__(self, upstream: Upstream, cache: Path | None) -> None:
        """Keep what was read in the folder *cache* as well, for files that the index gives a sha256 of."""
        self._upstream = upstream
        self._cache = cache
        self._flight: SingleFlight[bytes] = SingleFlight()
        self._contents: SingleFlight[Contents] = SingleFlight()

    def known(self, url: str) -> bytes | None:
        """Return what was read already."""
        return self._flight.peek(url)

    def get(self, file: IndexFile, channel: Channel) -> bytes:
        """
        Return METADATA or PKG-INFO of *file*.

        Raises `SourceUnavailable` or `MalformedAnswer` when it cannot be had, `Told` when credentials are asked for.
        """
        return self._flight.get(file.url, lambda: self._get(file, channel))

    def contents(self, file: IndexFile, channel: Channel) -> Contents:
        """
        Return what the wheel *file* holds, by range requests for its directory: mostly one, of 16 KB.

        Raises as `get` does, and `SourceUnavailable` where its server gives no parts of it.
        """
        return self._contents.get(file.url, lambda: self._list(file, channel))

    def known_contents(self, url: str) -> Contents | None:
        """Return what was read already."""
        return self._contents.peek(url)

    def forget(self, file: IndexFile) -> None:
        """Take what the disk holds for *file* away: the file itself says otherwise."""
        for path in (self._path(file), self._path(file, "contents")):
            if path is not None:
                path.unlink(missing_ok=True)

    def pyproject(self, file: IndexFile) -> bytes | None:
        """Return the `pyproject.toml` of an sdist, None when it has none; raises as `get` does."""
        return self._of_sdist(file, for_host(file.channel, file.page, file.url), "pyproject.toml")

    def _get(self, file: IndexFile, channel: Channel) -> bytes:
        path = self._path(file)
        stored = _load(path)
        if stored is not None:
            return stored
        data = self._fetch(file, channel)
        metadata.parsed(data)
        if path is not None:
            _store(path, data)
        return data

    def _list(self, file: IndexFile, channel: Channel) -> Contents:
        path = self._path(file, "contents")
        data = _load(path)
        found = contents.restored(data) if data is not None else None
        if found is not None:
            return found
        try:
            found = contents.of_wheel(self._remote(file, channel), file.filename)
        except NoRanges as error:
            raise SourceUnavailable(f"`{printable(file.filename)}`: its server gives no parts of it") from error
        metadata.parsed(found.metadata)
        if path is not None:
            _store(path, contents.stored(found))
        return found

    def _fetch(self, file: IndexFile, channel: Channel) -> bytes:
        beside = self._beside(file, channel) if file.promised is not None else None
        if beside is not None:
            return beside
        if not file.is_wheel:
            inside = self._of_sdist(file, channel, "PKG-INFO")
            if inside is None:
                raise MalformedAnswer(f"`{printable(file.filename)}` holds no PKG-INFO")
            return inside
        try:
            return metadata.of_wheel(self._remote(file, channel), file.filename)
        except NoRanges as error:
            beside = self._beside(file, channel) if file.promised is None else None
            if beside is None:
                reason = "its server gives neither its metadata nor parts of it"
                raise SourceUnavailable(f"`{printable(file.filename)}`: {reason}") from error
            return beside

    def _beside(self, file: IndexFile, channel: Channel) -> bytes | None:
        answer = self._open(f"{file.url}.metadata", channel)
        if answer.status != _OK:
            answer.close()
            return None
        data = answer.read(metadata.MAX_METADATA)
        for digest in file.promised or ():
            if hashlib.new(digest.algorithm, data, usedforsecurity=False).hexdigest() != digest.value:
                raise MalformedAnswer(f"`{printable(file.filename)}.metadata` is not what its index says it is")
        return data

    def _of_sdist(self, file: IndexFile, channel: Channel, wanted: str) -> bytes | None:
        if file.filename.lower().endswith(".zip"):
            try:
                return metadata.of_zip(self._remote(file, channel), file.filename, wanted)
            except NoRanges as error:
                raise SourceUnavailable(f"`{printable(file.filename)}`: its server gives no parts of it") from error
        answer = self._open(file.url, channel, accept_encoding="identity")
        try:
            if answer.status != _OK:
                raise SourceUnavailable(f"`{printable(file.filename)}`: its server answered {answer.status}")
            reader = io.BufferedReader(_Head(answer.chunks(decode=False), MAX_SDIST, file.filename), _AHEAD)
            return metadata.of_tar(reader, file.filename, wanted)
        finally:
            answer.close()

    def _remote(self, file: IndexFile, channel: Channel) -> BinaryIO:
        def ask(*, method: str, span: str | None) -> Answer:
            headers = (
                {"accept_encoding": "identity"} if span is None else {"accept_encoding": "identity", "range": span}
            )
            return self._open(file.url, channel, method, **headers)

        return remote(ask, file.filename, file.size)

    def _open(self, url: str, channel: Channel, method: str = "GET", **headers: str) -> Answer:
        sent = passing_on(channel, **headers)
        answer = self._upstream.open(url, headers=sent, transport=channel.transport, method=method)
        if answer.status in (_UNAUTHORIZED, _PROXY_AUTH):
            raise Told(answer)
        return answer

    def _path(self, file: IndexFile, kind: str = "metadata") -> Path | None:
        if self._cache is None or file.sha256 is None:
            return None
        # The host counts too: an index that lists somebody else's sha256 must not write what others will read.
        # And what an impostor may have said is not for a command that asks the true index.
        doubt = file.channel.transport.doubt(file.url) or ""
        host = hashlib.sha256(f"{urlsplit(file.url).netloc}{doubt}".encode()).hexdigest()[:16]
        return self._cache / kind / file.sha256[:2] / f"{file.sha256}-{host}"


def _load(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        digest, _, data = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    # What was cut off or written over on disk is read anew.
    return data if hashlib.sha256(data).hexdigest().encode() == digest else None


def _store(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as new:
            new.write(hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
        Path(new.name).replace(path)
    except OSError:  # a full or read-only disk costs time, not truth
        return


class _Head(io.RawIOBase):
    """The first bytes of a body, as a file; more is `SourceUnavailable`."""

    def __init__(self, chunks: Iterator[bytes], limit: int, filename: str) -> None:
        self._chunks = chunks
        self._left = limit
        self._filename = filename
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override] # typeshed's buffer has no len()
        if not self._rest:
            self._rest = next(self._chunks, b"")
            self._left -= len(self._rest)
            if self._left < 0:
                limit = f"{MAX_SDIST // 1_000_000} MB"
                raise SourceUnavailable(f"`{printable(self._filename)}`: not found in its first {limit}")
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
