"""The gateway's own requests to the real registries, with the manager's credentials, trust and proxy."""

import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

import requests
import urllib3
from urllib3.util.retry import Retry

from safeinstall.errors import SourceUnavailable
from safeinstall.gateway.server import Transport
from safeinstall.text import redacted
from safeinstall.trust import TrustingAdapter, bundle_of_environment, trusted

CHUNK = 131_072
"""Bytes read from upstream at once."""

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0
_WHOLE_SECONDS = 120.0
_DOCUMENT = 50_000_000
_OK = 200
# Refused connections and gateway errors are tried again twice, after 0.3 and 0.6 s; an answer of any other kind stands.
_RETRY = Retry(
    total=2,
    backoff_factor=0.3,
    status_forcelist=(502, 503, 504),
    raise_on_status=False,
    respect_retry_after_header=False,
)


@dataclass(slots=True)
class Answer:
    """An upstream response whose body is still to be read, decoded (gzip) as it comes; close it."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names."""
    url: str
    """Where redirects led."""
    raw: requests.Response

    def chunks(self, *, decode: bool = True) -> Iterator[bytes]:
        """
        Yield the body; raises `SourceUnavailable` when it breaks off.

        Without *decode* it is as sent: the hash of an archive is that of the bytes before any `Content-Encoding`.
        """
        try:
            if decode:
                yield from self.raw.iter_content(CHUNK)
            else:
                yield from self.raw.raw.stream(CHUNK, decode_content=False)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise SourceUnavailable(f"{redacted(self.url)} broke off ({type(error).__name__})") from error
        finally:
            self.close()

    def read(self, max_bytes: int) -> bytes:
        """
        Return the whole body.

        Raises `SourceUnavailable` when it breaks off, is longer than *max_bytes* or drips for more than two minutes.
        """
        taken = bytearray()
        end = time.monotonic() + _WHOLE_SECONDS
        for chunk in self.chunks():
            taken += chunk
            if len(taken) > max_bytes:
                self.close()
                raise SourceUnavailable(f"{redacted(self.url)} answered more than {max_bytes:,} bytes")
            if time.monotonic() > end:
                self.close()
                raise SourceUnavailable(f"{redacted(self.url)} took more than {_WHOLE_SECONDS:g} s")
        return bytes(taken)

    def close(self) -> None:
        """Give the connection back."""
        self.raw.close()


class Upstream:
    """Pooled connections to the registries, one session for each transport; safe to share between threads."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._sessions: dict[Transport, requests.Session] = {}
        self._lock = threading.Lock()

    def open(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        transport: Transport,
        method: str = "GET",
        body: bytes = b"",
    ) -> Answer:
        """
        Send one request with exactly *headers*, follow redirects, and return the response of whatever status.

        `Authorization` is dropped when a redirect leads to another host. Raises `SourceUnavailable` when nobody
        answers: refused, timed out, TLS failure, redirect loop.
        """
        try:
            session = self._session(transport)
            response = session.request(
                method,
                url,
                headers=dict(headers),
                data=body or None,
                stream=True,
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                auth=_keep_authorization,
                verify=transport.verify,
                cert=transport.cert,
                proxies=_proxies(transport),
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, OSError) as error:
            raise SourceUnavailable(f"{redacted(url)} could not be reached ({type(error).__name__})") from error
        hops = [one.url for one in (*response.history, response)]
        if any(transport.doubt(one) for one in hops) and transport.doubt(url) is None:
            response.close()
            raise SourceUnavailable(f"{redacted(url)} leads to {redacted(response.url)}, which proves nothing")
        return Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            url=response.url,
            raw=response,
        )

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for session in self._sessions.values():
                session.close()
            self._sessions.clear()

    def _session(self, transport: Transport) -> requests.Session:
        with self._lock:
            session = self._sessions.get(transport)
            if session is None:
                session = self._sessions[transport] = _session(transport)
            return session


def once(url: str, accept: str) -> tuple[str, bytes]:
    """
    Return content type and body of *url*, which may hold credentials, in a form that the header *accept* names.

    Raises `SourceUnavailable`, also for an answer of another status than 200.
    """
    parts = urlsplit(url)
    headers = {"Accept": accept, "Accept-Encoding": "gzip"}
    if parts.username is not None:
        told = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(told.encode()).decode()}"
    upstream = Upstream()
    try:
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        answer = upstream.open(bare, headers=headers, transport=Transport())
        if answer.status != _OK:
            answer.close()
            raise SourceUnavailable(f"{redacted(url)} answers {answer.status}")
        return answer.headers.get("content-type", ""), answer.read(_DOCUMENT)
    finally:
        upstream.close()


def _session(transport: Transport) -> requests.Session:
    session = requests.Session()
    # `curl -n` and pip read netrc themselves and send what they want sent: requests must not add to it.
    session.trust_env = transport.proxy is None
    session.max_redirects = 10
    bundle = transport.verify if isinstance(transport.verify, str) else None
    if bundle is None and session.trust_env:  # as requests itself would, for pip and for us
        bundle = bundle_of_environment()
    if not transport.verify:  # the user said so, and the manager has its own words for it
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    session.mount("https://", TrustingAdapter(context=trusted(bundle) if transport.verify else None, retries=_RETRY))
    session.mount("http://", TrustingAdapter(context=None, retries=_RETRY))
    return session


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Be an auth that adds nothing: without one, requests would look into netrc."""
    return request


def _proxies(transport: Transport) -> dict[str, str] | None:
    if not transport.proxy:
        return None
    return {"http": transport.proxy, "https": transport.proxy}
