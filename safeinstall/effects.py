"""The real HTTP, for advisory sources."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.utils import get_environ_proxies

from safeinstall import __version__
from safeinstall.contracts import Stream
from safeinstall.errors import MalformedAnswer, NotThere, SourceUnavailable
from safeinstall.text import printable, redacted
from safeinstall.trust import TrustingAdapter, bundle_of_environment, trusted

_CHUNK = 65_536
_CONNECT_SECONDS = 5.0
_STALLED_SECONDS = 60.0
"""A server that sends nothing for so long sends nothing any more, however long the whole may take."""
_MOST_REDIRECTS = 5
_KEEPS_METHOD = frozenset({307, 308})
_AHEAD = 16
"""Pieces that are read before somebody takes them."""
_TICK_SECONDS = 0.2
T = TypeVar("T")
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _no_token(host: str) -> str | None:
    del host
    return None


class RequestsHttp:
    """
    `Http` on one pooled requests session; every answer has a size limit and a deadline for the whole of it.

    Tokens go to the host that a URL names and to no other: neither over a redirect nor from `.netrc`.
    """

    def __init__(
        self, *, headers: Mapping[str, str] | None = None, tokens: Callable[[str], str | None] = _no_token
    ) -> None:
        """Open a session that sends *headers* besides our user agent, and to each host its token of *tokens*."""
        self._headers = dict(headers or {})
        self._tokens = tokens
        self._lock = threading.Lock()
        self._opened: requests.Session | None = None
        self._proxies: dict[tuple[str, str | None, int | None], dict[str, str]] = {}

    def get_json(self, url: str, *, timeout: timedelta, max_bytes: int = 50_000_000) -> object:
        """See `Http.get_json`."""
        return _decoded(self._read(_Ask("GET", url, None, timeout, max_bytes)), url)

    def get_bytes(self, url: str, *, timeout: timedelta, max_bytes: int = 50_000_000) -> bytes:
        """See `Http.get_bytes`."""
        return self._read(_Ask("GET", url, None, timeout, max_bytes))

    def post_json(self, url: str, body: object, *, timeout: timedelta, max_bytes: int = 50_000_000) -> object:
        """See `Http.post_json`."""
        return _decoded(self._read(_Ask("POST", url, body, timeout, max_bytes)), url)

    @contextmanager
    def stream(self, url: str, *, timeout: timedelta, max_bytes: int, etag: str = "") -> Iterator[Stream]:
        """See `Bulk.stream`."""
        ask = _Ask("GET", url, None, timeout, max_bytes, {"If-None-Match": etag} if etag else {})
        with _told(ask):
            response = _waited(lambda: self._arrive(ask), ask)
            if etag and response.status_code == requests.codes.not_modified:
                response.close()
                yield Stream(chunks=iter(()), etag=etag, changed=False)
                return
            pump = _Pump(response, ask)
            try:
                yield Stream(chunks=pump.taken(), etag=response.headers.get("ETag", ""))
            finally:
                pump.stopped.set()

    def _session(self) -> requests.Session:
        with self._lock:
            if self._opened is None:
                self._opened = _Session()
                # What the environment says is read once: requests would read all of it for every request, and netrc.
                self._opened.trust_env = False
                self._opened.mount("https://", TrustingAdapter(context=trusted(bundle_of_environment())))
                self._opened.mount("http://", TrustingAdapter(context=None))
                # Only what we can unpack under a limit.
                self._opened.headers.update(
                    {"User-Agent": f"safeinstall/{__version__}", "Accept-Encoding": "gzip, deflate"}
                )
            return self._opened

    def _read(self, ask: "_Ask") -> bytes:
        return _waited(lambda: self._follow(ask), ask)

    def _follow(self, ask: "_Ask") -> bytes:
        with _told(ask), self._arrive(ask) as response:
            return b"".join(_chunks(response, ask))

    def _arrive(self, ask: "_Ask") -> requests.Response:
        """Return the answer that all redirects lead to."""
        url = ask.url
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(ask, url)
            if not response.is_redirect:
                return response
            with response:
                url = _redirected(response, ask)
        raise SourceUnavailable(f"{redacted(ask.url)} redirects more than {_MOST_REDIRECTS} times")

    def _send(self, ask: "_Ask", url: str) -> requests.Response:
        left = ask.seconds_left()
        if left <= 0:
            raise ask.late()
        home = _place(url) == _place(ask.url)
        return self._session().request(
            ask.method,
            url,
            json=ask.body,
            headers={**ask.headers, **(self._own(url) if home else {})},
            proxies=self._proxies_for(url),
            timeout=(min(_CONNECT_SECONDS, left), min(_STALLED_SECONDS, left)),
            allow_redirects=False,
            stream=True,
        )

    def _proxies_for(self, url: str) -> dict[str, str]:
        place = _place(url)
        with self._lock:
            if place not in self._proxies:
                self._proxies[place] = get_environ_proxies(url)
            return self._proxies[place]

    def _own(self, url: str) -> Mapping[str, str]:
        """Return the headers that are for the host of *url* alone; a token is never sent in the clear."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        token = self._tokens(host) if parts.scheme == "https" or host in _LOOPBACK else None
        return self._headers if token is None else {**self._headers, "Authorization": f"Bearer {token}"}


class _Ask:
    """One request with its limits; its clock runs from the start."""

    def __init__(
        self,
        method: str,
        url: str,
        body: object,
        timeout: timedelta,
        max_bytes: int,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        self.method = method
        self.headers = headers
        self.url = url
        self.body = body
        self.max_bytes = max_bytes
        self._seconds = max(timeout.total_seconds(), 0.001)
        self._end = time.monotonic() + self._seconds

    def seconds_left(self) -> float:
        return self._end - time.monotonic()

    def late(self) -> SourceUnavailable:
        return SourceUnavailable(f"{redacted(self.url)} did not answer within {self._seconds:.3g} s")


def _waited(work: Callable[[], T], ask: _Ask) -> T:
    """Return what *work* returns, unless it is too late."""
    # requests' own timeout is for each read: a server that drips its answer, or its headers, would hold us for
    # ever, and a resolver of names has no timeout at all. So a thread waits for it, and we wait for the thread.
    done: queue.SimpleQueue[tuple[T] | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(),))
        except BaseException as error:  # noqa: BLE001 - carried over to the asking thread, which raises it there
            done.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        answer = done.get(timeout=max(ask.seconds_left(), 0.001))
    except queue.Empty:
        raise ask.late() from None
    if isinstance(answer, BaseException):
        raise answer
    return answer[0]


class _Pump:
    """Reads an answer ahead in a thread, which owns it: closing what another thread reads from waits for that read."""

    def __init__(self, response: requests.Response, ask: _Ask) -> None:
        self.stopped = threading.Event()
        self._ask = ask
        self._pipe: queue.Queue[bytes | BaseException | None] = queue.Queue(maxsize=_AHEAD)
        threading.Thread(target=self._run, args=(response,), daemon=True).start()

    def taken(self) -> Iterator[bytes]:
        while True:
            try:
                got = self._pipe.get(timeout=min(max(self._ask.seconds_left(), 0.001), _STALLED_SECONDS))
            except queue.Empty:
                raise self._ask.late() from None
            if got is None:
                return
            if isinstance(got, BaseException):
                raise got
            yield got

    def _run(self, response: requests.Response) -> None:
        try:
            with response:
                for chunk in _chunks(response, self._ask):
                    if not self._put(chunk):
                        return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - carried over to the reading thread, which raises it there
            self._put(error)

    def _put(self, one: bytes | BaseException | None) -> bool:
        while not self.stopped.is_set():
            with suppress(queue.Full):
                self._pipe.put(one, timeout=_TICK_SECONDS)
                return True
        return False


@contextmanager
def _told(ask: _Ask) -> Iterator[None]:
    """Turn what goes wrong over the network into an error of ours."""
    try:
        yield
    except requests.Timeout as error:
        raise ask.late() from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError, OSError) as error:
        raise SourceUnavailable(f"{redacted(ask.url)} could not be reached ({type(error).__name__})") from error


def _chunks(response: requests.Response, ask: _Ask) -> Iterator[bytes]:
    shown = redacted(ask.url)
    if response.status_code in {requests.codes.not_found, requests.codes.gone}:
        raise NotThere(f"{shown} answered {response.status_code}")
    if response.status_code != requests.codes.ok:
        raise SourceUnavailable(f"{shown} answered {response.status_code}")
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip", "deflate"}:  # others unpack without a bound, stacked ones even more so
        raise SourceUnavailable(f"{shown} answered in the encoding `{printable(encoding, limit=40)}`")
    taken = 0
    for chunk in response.iter_content(_CHUNK):
        taken += len(chunk)
        if taken > ask.max_bytes:
            raise SourceUnavailable(f"{shown} answered more than {ask.max_bytes:,} bytes")
        if ask.seconds_left() <= 0:
            raise ask.late()
        yield chunk
    announced = response.headers.get("Content-Length", "")
    if encoding in {"", "identity"} and announced.isdigit() and int(announced) != taken:
        raise SourceUnavailable(f"{shown} broke off after {taken:,} bytes")


def _redirected(response: requests.Response, ask: _Ask) -> str:
    """Return where *response* leads, if anybody may lead us there."""
    shown = redacted(ask.url)
    if ask.method != "GET" and response.status_code not in _KEEPS_METHOD:
        raise SourceUnavailable(f"{shown} answered {response.status_code}")
    try:
        url = urljoin(response.url, response.headers.get("Location", ""))
    except ValueError as error:
        raise SourceUnavailable(f"{shown} redirects to what is no URL") from error
    scheme, _, _ = _place(url)
    if scheme not in {"http", "https"} or (scheme == "http" and _place(response.url)[0] == "https"):
        raise SourceUnavailable(f"{shown} redirects to {redacted(url)}, which is not as safe")
    return url


def _place(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port; raises `SourceUnavailable` for what is no URL."""
    with suppress(ValueError):
        known = urlsplit(url)
        return known.scheme, known.hostname, known.port
    raise SourceUnavailable(f"{redacted(url)} is no URL")


class _Session(requests.Session):
    """Leaves redirects to us: requests looks where they lead even when told not to follow, and reads their bodies."""

    def resolve_redirects(self, *_: Any, **__: Any) -> Iterator[Any]:  # noqa: ANN401 - requests' own signature
        return iter(())


def _decoded(body: bytes, url: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        message = f"{redacted(url)} did not answer with JSON ({printable(str(error), limit=80)})"
        raise MalformedAnswer(message) from error
