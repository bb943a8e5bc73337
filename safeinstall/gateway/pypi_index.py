"""Index pages fetched, once each, and answered in the form that the client reads."""

from collections.abc import Iterable, Iterator
from email.message import Message

from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.gateway.pages import Channel, Entry, Page, key
from safeinstall.gateway.pypi_flight import SingleFlight
from safeinstall.gateway.pypi_known import Known
from safeinstall.gateway.pypi_read import read_html, read_json
from safeinstall.gateway.pypi_remote import Told, passing_on
from safeinstall.gateway.pypi_render import JSON, Advert, as_html, as_json
from safeinstall.gateway.server import Request, Response
from safeinstall.gateway.upstream import Answer, Upstream
from safeinstall.runs import AccessKind
from safeinstall.text import printable, redacted

MAX_PAGE = 50_000_000
"""Bytes of one index page."""

_ACCEPT = f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
_MAX_TOLD = 100_000
_OK = 200
_SERVER_ERROR = 500
_TOLD = ("content-type", "www-authenticate", "proxy-authenticate", "retry-after")


class Index:
    """Reads pages of any index and tells `Known` of them."""

    def __init__(self, upstream: Upstream, known: Known) -> None:
        """Fetch nothing yet."""
        self._upstream = upstream
        self._known = known
        self._flight: SingleFlight[Page] = SingleFlight()

    def page(self, url: str, channel: Channel) -> Page:
        """Return the page at *url*; raises `SourceUnavailable`, `MalformedAnswer`, or `Told` for 404 and its like."""
        return self._flight.get(key(url), lambda: self._fetch(url, channel))

    def seen(self, url: str) -> Page | None:
        """Return the page at *url* if it was read before."""
        return self._flight.peek(key(url))

    def _fetch(self, url: str, channel: Channel) -> Page:
        headers = passing_on(channel, accept=_ACCEPT, accept_encoding="gzip, deflate")
        answer = self._upstream.open(url, headers=headers, transport=channel.transport)
        if answer.status >= _SERVER_ERROR:
            answer.close()
            raise SourceUnavailable(f"{redacted(url)} answered {answer.status}")
        if answer.status != _OK:
            raise Told(answer)
        page = _read(answer, url, channel)
        self._known.add(page)
        return page


def _read(answer: Answer, url: str, channel: Channel) -> Page:
    header = Message()
    header["content-type"] = answer.headers.get("content-type", "")
    kind = header.get_content_type()
    if kind == JSON:
        return read_json(answer.read(MAX_PAGE), url=url, base=answer.url, channel=channel)
    if kind in {"text/html", "application/vnd.pypi.simple.v1+html"}:
        encoding = str(header.get_param("charset", "utf-8"))
        return read_html(answer.read(MAX_PAGE), url=url, base=answer.url, channel=channel, encoding=encoding)
    answer.close()
    raise MalformedAnswer(f"{redacted(url)} is no index page but {printable(kind)}")


def written(request: Request, page: Page, entries: Iterable[Entry], advert: Advert) -> Response:
    """Return *page* with *entries* alone, in JSON if *request* accepts it, else in HTML."""
    if JSON in request.headers.get("accept", ""):
        return _fresh(JSON, as_json(page, entries, advert), AccessKind.PAGE)
    return _fresh("text/html; charset=utf-8", as_html(page, entries, advert), AccessKind.PAGE)


def served(data: bytes) -> Response:
    """Return a file's metadata as an answer."""
    return _fresh("application/octet-stream", data, AccessKind.METADATA)


def _fresh(kind: str, body: bytes, access: AccessKind) -> Response:
    # Nothing that we have written may outlive the run in pip's HTTP cache.
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
    return Response(_OK, headers, (body,), access)


def told(answer: Answer, kind: AccessKind) -> Response:
    """Return what upstream said in place of a document, credentials asked for included."""
    headers = {name.title(): value for name, value in answer.headers.items() if name in _TOLD}
    headers["Cache-Control"] = "no-store"
    return Response(answer.status, headers, _some(answer), kind)


def _some(answer: Answer) -> Iterator[bytes]:
    left = _MAX_TOLD
    for chunk in answer.chunks():
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            answer.close()
            return
