"""Judged files fetched while pip still starts, resolves and unpacks; it asks for one at a time."""

import os
import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from safeinstall.errors import SafeinstallError, SourceUnavailable
from safeinstall.gateway.pages import Channel
from safeinstall.gateway.pypi_remote import passing_on
from safeinstall.gateway.server import Refusal, Request
from safeinstall.gateway.stream import HELD_BACK, Checking, Expected
from safeinstall.gateway.upstream import CHUNK, Answer, Upstream
from safeinstall.text import redacted

THREADS = 6
ROOM = 512_000_000
"""Bytes that may lie on disk at once, for pip to ask for."""

_FREE = 4
"""The part of the disk's free space that is ours at most: pip needs room as well."""

_OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A file that pip will ask for."""

    url: str
    channel: Channel
    """The very one by which pip asked for this file's metadata: its credentials, its trust, its proxy."""
    expected: Expected
    size: int | None


class Ahead:
    """
    Fetches what was judged, in order, and hands it over when pip asks: what it never asks for is never delivered.

    Whatever goes wrong here is nobody's: the file is then fetched when it is asked for, as if this did not exist.
    """

    def __init__(self, upstream: Upstream, *, room: int = ROOM) -> None:
        """Fetch nothing yet; *room* is in bytes."""
        self._upstream = upstream
        self._room = room
        self._used = 0
        self._queue: deque[Fetch] = deque()
        self._fetches: dict[str, Fetch] = {}
        self._closed = False
        self._changed = threading.Condition()

    def start(self, wanted: Sequence[Wanted]) -> None:
        """Begin to fetch *wanted*; call it once, after the verdict."""
        room = min(self._room, shutil.disk_usage(tempfile.gettempdir()).free // _FREE)
        with self._changed:
            if self._closed:
                return
            self._room = room
            for one in wanted:
                fetch = Fetch(one, self._changed, self._release)
                self._queue.append(fetch)
                self._fetches[one.url] = fetch
        for number in range(min(THREADS, len(wanted))):
            threading.Thread(target=self._work, name=f"ahead-{number}", daemon=True).start()

    def take(self, request: Request, where: str, expected: Expected) -> "Fetch | None":
        """Return what is here or on its way of the file with key *where*, once; None: fetch it as *request* says."""
        with self._changed:
            fetch = self._fetches.pop(where, None)
            if fetch is None:
                return None
            if not fetch.opened or not _same(fetch.wanted, request, expected):
                fetch.dropped = True
            self._changed.wait_for(lambda: fetch.dropped or fetch.ended or fetch.headers is not None)
            if not fetch.dropped and fetch.failure is None:
                return fetch
        fetch.close()
        return None

    def close(self) -> None:
        """Fetch nothing more, and remove what lies here; what is under way ends at its next bytes."""
        with self._changed:
            self._closed = True
            left = [*self._fetches.values()]
            self._fetches.clear()
            self._queue.clear()
        for fetch in left:
            fetch.close()

    def _work(self) -> None:
        while (fetch := self._next()) is not None:
            fetch.run(self._upstream, self._reserve)

    def _next(self) -> "Fetch | None":
        with self._changed:
            while True:
                self._changed.wait_for(lambda: not self._queue or self._fits(self._queue[0]))
                if not self._queue or self._closed:
                    return None
                fetch = self._queue.popleft()
                size = fetch.wanted.size or 0
                if not fetch.dropped and size <= self._room:
                    fetch.opened = True
                    self._take_room(fetch, size)
                    return fetch

    def _fits(self, fetch: "Fetch") -> bool:
        size = fetch.wanted.size or 0
        return fetch.dropped or size > self._room or self._used + size <= self._room

    def _reserve(self, fetch: "Fetch", size: int) -> bool:
        with self._changed:
            if self._closed or self._used - fetch.room + size > self._room:
                return False
            self._take_room(fetch, size)
            return True

    def _take_room(self, fetch: "Fetch", size: int) -> None:
        self._used += size - fetch.room
        fetch.room = size

    def _release(self, fetch: "Fetch") -> None:
        self._take_room(fetch, 0)


class Fetch:
    """One file: on disk as far as it has come; what `Ahead.take` returned is read once, and closed."""

    def __init__(self, wanted: Wanted, changed: threading.Condition, release: "Callable[[Fetch], None]") -> None:
        """Begin with nothing; *changed* guards all that is mutable here."""
        self.wanted = wanted
        self.room = 0
        self.opened = False
        """Whether a thread has begun with it."""
        self.dropped = False
        self.headers: Mapping[str, str] | None = None
        """What upstream said, with lower-case names, once it has said 200."""
        self.sha256: str | None = None
        """Set when all of it is here and as expected."""
        self.failure: Refusal | SafeinstallError | None = None
        self._changed = changed
        self._release = release
        self._spool: IO[bytes] | None = None
        self._size = 0

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.sha256 is not None or self.failure is not None

    @property
    def length(self) -> int | None:
        """The length of the whole file, once it is here and as expected."""
        with self._changed:
            return self._size if self.sha256 is not None else None

    def chunks(self, done: Callable[[str], None]) -> Iterator[bytes]:
        """Yield the file; see `stream.verified`: the end comes only when all is well, and is waited for."""
        given = 0
        try:
            while True:
                data, digest = self._more(given)
                given += len(data)
                if digest is not None and given == self._size:
                    done(digest)
                    yield data
                    return
                yield data
        finally:
            self.close()

    def close(self) -> None:
        """Give up what lies on disk."""
        with self._changed:
            self.dropped = True
            if self._spool is not None:
                self._spool.close()
                self._spool = None
            self._release(self)
            self._changed.notify_all()

    def run(self, upstream: Upstream, reserve: "Callable[[Fetch, int], bool]") -> None:
        """Fetch it, in a thread of `Ahead`."""
        try:
            self._run(upstream, reserve)
        except (Refusal, SafeinstallError) as error:
            self._fail(error)
        except (OSError, ValueError) as error:  # a full disk; or a file that was closed in the meantime
            self._fail(SourceUnavailable(f"{redacted(self.wanted.url)} could not be kept ({type(error).__name__})"))

    def _run(self, upstream: Upstream, reserve: "Callable[[Fetch, int], bool]") -> None:
        channel = self.wanted.channel
        headers = passing_on(channel, accept="*/*", accept_encoding="identity")
        answer = upstream.open(self.wanted.url, headers=headers, transport=channel.transport)
        try:
            length = answer.headers.get("content-length", "")
            if answer.status != _OK or not length.isdigit() or not reserve(self, int(length)):
                raise SourceUnavailable(f"{redacted(self.wanted.url)} is not fetched ahead")
            spool = tempfile.TemporaryFile(prefix="safeinstall-")  # noqa: SIM115 - lives until it was handed over
            with self._changed:
                self._spool = spool  # `_fail` closes it, should it not be wanted any more
                self.headers = answer.headers
                self._changed.notify_all()
            self._fill(spool, answer, int(length))
        finally:
            answer.close()

    def _fill(self, spool: IO[bytes], answer: Answer, length: int) -> None:
        checking = Checking(self.wanted.expected)
        size = 0
        for chunk in answer.chunks(decode=False):
            size += len(chunk)
            if self.dropped or size > length:
                raise SourceUnavailable(f"{redacted(self.wanted.url)} is longer than it said, or not wanted any more")
            checking.take(chunk)
            spool.write(chunk)
            spool.flush()
            with self._changed:
                self._size = size
                self._changed.notify_all()
        digest = checking.conclude(spool)
        with self._changed:
            self.sha256 = digest
            self._changed.notify_all()

    def _more(self, given: int) -> tuple[bytes, str | None]:
        with self._changed:
            self._changed.wait_for(lambda: self.ended or self.dropped or self._size - HELD_BACK > given)
            if self.failure is not None:
                raise self.failure
            if self._spool is None:
                raise SourceUnavailable(f"{redacted(self.wanted.url)} was given up")
            end = self._size if self.sha256 is not None else self._size - HELD_BACK
            # Read by position: the thread that fills the file has its own.
            return os.pread(self._spool.fileno(), min(end - given, CHUNK), given), self.sha256

    def _fail(self, error: Refusal | SafeinstallError) -> None:
        with self._changed:
            self.failure = error
        self.close()


def _same(wanted: Wanted, request: Request, expected: Expected) -> bool:
    """Whether *request* would be answered alike: the same checks, the same credentials, the same way there."""
    one, other = wanted.channel.headers, request.headers
    return (
        wanted.expected == expected
        and wanted.channel.transport == request.transport
        and all(one.get(name) == other.get(name) for name in ("authorization", "cookie"))
    )
