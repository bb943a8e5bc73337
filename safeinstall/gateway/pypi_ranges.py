"""A file on a server, read in parts by HTTP ranges: enough of a wheel to find its METADATA."""

import io
import re
from typing import BinaryIO, Protocol

from safeinstall.errors import SourceUnavailable
from safeinstall.gateway.upstream import Answer
from safeinstall.text import printable

_TAIL = 16_384
_AHEAD = 32_768
_MAX_WHOLE = 2_000_000  # of a file whose server has no ranges
_MAX_PARTS = 64
_MAX_BYTES = 64_000_000
_OK, _PARTIAL = 200, 206
_GONE = frozenset({403, 404, 410})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class NoRanges(Exception):
    """The server does not give parts of files."""


class Ask(Protocol):
    """Sends one request for the file."""

    def __call__(self, *, method: str, span: str | None) -> Answer:
        """Return the answer to *method* with *span* as `Range`."""
        ...


def remote(ask: Ask, filename: str, size: int | None) -> BinaryIO:
    """
    Return the remote file, seekable; *size* is what the index says of it.

    Raises `NoRanges` when its server gives only the whole of a large file, `SourceUnavailable` when it gives nothing;
    so does reading.
    """
    return io.BufferedReader(_RemoteFile(ask, filename, size), _AHEAD // 4)


class _RemoteFile(io.RawIOBase):
    def __init__(self, ask: Ask, filename: str, size: int | None) -> None:
        self._ask = ask
        self._filename = printable(filename)
        self._blocks: list[tuple[int, bytes]] = []
        self._parts = 0
        self._taken = 0
        self._at = 0
        self._size = size or 0
        span = f"bytes=-{_TAIL}" if size is None else f"bytes={max(size - _TAIL, 0)}-{max(size - 1, 0)}"
        if not self._begin(span):
            # Some servers know ranges but no suffixes, or another size than the index: ask how long the file is.
            length = _length(ask(method="HEAD", span=None))
            if length is None or not self._begin(f"bytes={max(length - _TAIL, 0)}-{max(length - 1, 0)}"):
                raise NoRanges

    def _begin(self, span: str) -> bool:
        answer = self._ask(method="GET", span=span)
        if answer.status == _PARTIAL:
            self._size = self._take(answer)
            return True
        if answer.status != _OK:
            answer.close()
            if answer.status in _GONE:
                raise SourceUnavailable(f"`{self._filename}`: its server answered {answer.status}")
            return False
        length = _length(answer)
        if length is None or length > _MAX_WHOLE:
            answer.close()
            raise NoRanges
        whole = answer.read(_MAX_WHOLE)
        self._blocks.append((0, whole))
        self._size = len(whole)
        return True

    def _take(self, answer: Answer) -> int:
        found = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", "").strip())
        if found is None:
            answer.close()
            raise NoRanges
        start, end, total = (int(group) for group in found.groups())
        data = answer.read(_MAX_BYTES - self._taken)
        self._taken += len(data)
        if len(data) != end - start + 1 or end >= total:
            raise SourceUnavailable(f"`{self._filename}`: its server gave another part of it than it says")
        self._blocks.append((start, data))
        return total

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise ValueError("before the start of the file")
        self._at = origin + offset
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override] # typeshed: a Buffer, without len()
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        block = self._block()
        if block is None:
            self._fetch(wanted)
            block = self._block()
        if block is None:
            raise SourceUnavailable(f"`{self._filename}`: its server gave another part of it than was asked for")
        start, data = block
        part = data[self._at - start : self._at - start + wanted]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _block(self) -> tuple[int, bytes] | None:
        covering = (one for one in self._blocks if one[0] <= self._at < one[0] + len(one[1]))
        return next(covering, None)

    def _fetch(self, wanted: int) -> None:
        self._parts += 1
        last = min(self._at + max(wanted, _AHEAD), self._size) - 1
        if self._parts > _MAX_PARTS or self._taken + (last - self._at) > _MAX_BYTES:
            raise SourceUnavailable(f"`{self._filename}`: its metadata is scattered over too many parts")
        answer = self._ask(method="GET", span=f"bytes={self._at}-{last}")
        if answer.status != _PARTIAL:
            answer.close()
            raise SourceUnavailable(f"`{self._filename}`: its server answered {answer.status} to a range")
        self._take(answer)


def _length(answer: Answer) -> int | None:
    text = answer.headers.get("content-length", "")
    if answer.raw.request.method == "HEAD":
        answer.close()
    return int(text) if text.isdigit() and answer.status == _OK else None
