"""Artifacts streamed to pip, checked on the way; what was refused once stays refused."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from safeinstall.gateway.pages import STRONG, Channel
from safeinstall.gateway.pypi_ahead import Ahead, Fetch, Wanted
from safeinstall.gateway.pypi_index import told
from safeinstall.gateway.pypi_remote import passing_on
from safeinstall.gateway.server import Refusal, Request, Response
from safeinstall.gateway.stream import Expected, verified
from safeinstall.gateway.upstream import Answer, Upstream
from safeinstall.runs import AccessKind
from safeinstall.text import printable

_OK = 200
# What pip's HTTP cache may know of a file. A listed file's name is not its server's to choose (`Content-Disposition`).
_FORWARDED = ("content-type", "content-encoding", "cache-control", "etag", "last-modified", "expires")


class Artifacts:
    """Sends files and remembers what their bytes were."""

    def __init__(self, upstream: Upstream) -> None:
        """Begin with nothing sent."""
        self._upstream = upstream
        self._ahead = Ahead(upstream)
        self._computed: dict[str, str] = {}
        self._refused: dict[str, str] = {}
        self._lock = threading.Lock()

    def computed(self, where: str) -> str | None:
        """Return the sha256 of what was sent whole from the URL with key *where*."""
        return self._computed.get(where)

    def refusals(self) -> tuple[str, ...]:
        """Return the reasons of every refusal since `reset`."""
        with self._lock:
            return tuple(dict.fromkeys(self._refused.values()))

    def reset(self) -> None:
        """Forget refusals: installing asks anew for what planning was refused."""
        with self._lock:
            self._refused.clear()

    def begin(self, wanted: Sequence[Wanted]) -> None:
        """Fetch *wanted* before they are asked for; call it once."""
        self._ahead.start(wanted)

    def close(self) -> None:
        """Fetch nothing more ahead."""
        self._ahead.close()

    def refuse(self, where: str, reason: str) -> Refusal:
        """Return the refusal of *where*, remembered."""
        with self._lock:
            self._refused[where] = reason
        return Refusal(reason, kind=AccessKind.ARTIFACT)

    def send(
        self, request: Request, where: str, expected: Expected, *, named: bool, spoiled: Callable[[], None]
    ) -> Response:
        """
        Return the file as a stream that is cut when it is not as *expected*; ranges and conditions are not heeded.

        *named*: the server's `Content-Disposition` counts, as it does for a direct URL without a telling path.
        *spoiled* is called when the stream is cut.
        """
        before = self._refused.get(where)
        if before is not None:  # pip resumes what was cut, up to five times
            raise Refusal(before, kind=AccessKind.ARTIFACT)
        fetch = self._ahead.take(request, where, expected) if request.method == "GET" else None
        if fetch is not None:
            return self._handed_over(fetch, where, expected, spoiled)
        channel = Channel(headers=request.headers, transport=request.transport)
        headers = passing_on(channel, accept="*/*", accept_encoding="identity")
        answer = self._upstream.open(request.url, headers=headers, transport=request.transport, method=request.method)
        if answer.status != _OK:
            return told(answer, AccessKind.ARTIFACT)
        found = _headers(answer.headers, sure=request.method == "HEAD" or _bound(expected))
        if named and "content-disposition" in answer.headers:
            found["Content-Disposition"] = answer.headers["content-disposition"]
        if request.method == "HEAD":
            answer.close()
            return Response(_OK, found, (), AccessKind.ARTIFACT)
        chunks = verified(answer.chunks(decode=False), expected, lambda digest: self._note(where, digest))
        return Response(_OK, found, self._told(chunks, answer, where, expected, spoiled), AccessKind.ARTIFACT)

    def _handed_over(self, fetch: Fetch, where: str, expected: Expected, spoiled: Callable[[], None]) -> Response:
        # What is here whole and checked cannot be cut any more, and may say its length.
        found = _headers(fetch.headers or {}, sure=fetch.length is not None or _bound(expected))
        chunks = fetch.chunks(lambda digest: self._note(where, digest))
        return Response(_OK, found, self._told(chunks, fetch, where, expected, spoiled), AccessKind.ARTIFACT)

    def _told(
        self,
        chunks: Iterator[bytes],
        origin: Answer | Fetch,
        where: str,
        expected: Expected,
        spoiled: Callable[[], None],
    ) -> Iterator[bytes]:
        try:
            yield from chunks
        except Refusal as refusal:
            self.refuse(where, refusal.reason)
            spoiled()
            raise
        except OSError as error:
            reason = f"`{printable(expected.filename)}` could not be checked ({error.strerror})"
            raise self.refuse(where, reason) from error
        finally:
            origin.close()

    def _note(self, where: str, digest: str) -> None:
        with self._lock:
            self._computed[where] = digest


def _bound(expected: Expected) -> bool:
    return any(digest.algorithm in STRONG for digest in expected.digests)


def _headers(said: Mapping[str, str], *, sure: bool) -> dict[str, str]:
    """
    Return what pip is told of a file of which upstream has *said* so; *sure*: that length may be told.

    pip before 23 takes a short body for a whole one when it was told the length. Where it has no hash of its own to
    compare, the length stays unsaid: a chunked body that is cut is an error for every pip.
    """
    forwarded = (*_FORWARDED, "content-length") if sure else _FORWARDED
    return {name.title(): value for name, value in said.items() if name in forwarded}
