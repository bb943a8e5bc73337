"""
The loopback HTTP server that the package managers' transport hooks talk to.

A hooked manager sends `METHOD /<secret>/<context>/<original URL>` with its original headers. The secret is made for
each run and handed over in the environment of our own children only, so other users of the machine cannot use the
gateway. The context is `-` or a urlsafe base64 JSON object that tells how the manager would have reached the URL
(`Transport`). A request of any other shape, `CONNECT` above all, is what slipped past the hook: it is refused.
"""

import base64
import binascii
import json
import secrets
import socket
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Protocol

from safeinstall.errors import MalformedAnswer, SafeinstallError
from safeinstall.fields import optional
from safeinstall.gateway.proof import origin, unproven
from safeinstall.runs import Access, AccessKind, Phase
from safeinstall.text import printable, redacted

if TYPE_CHECKING:
    from typing_extensions import Self

MAX_BODY = 10_000_000
"""Bytes of request body that are read; managers post at most an audit of some 100 KB."""

_SETTLE_SECONDS = 1.0
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "host", "content-length", "expect"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Transport:
    """How the manager itself would reach a URL: its trust and its proxy."""

    verify: bool | str = True
    """False: certificates are not checked (pip's `--trusted-host`); a string: the path of a CA bundle."""
    cert: str | tuple[str, str] | None = None
    """Client certificate: one PEM file, or certificate and key."""
    proxy: str | None = None
    """The user's own proxy, for gateway to upstream; None: the environment decides; empty: none."""
    stranger: bool = False
    """The CA bundle is named by a file of the repository alone."""

    def doubt(self, url: str) -> str | None:
        """Return why what *url* answers may be somebody else's; None: it is its own."""
        return unproven(url, self.verify, stranger=self.stranger)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request of a hooked manager."""

    method: str
    url: str
    """The original URL, credentials and all: never log it, never print it."""
    headers: Mapping[str, str]
    """Lower-case names, without hop-by-hop ones."""
    transport: Transport
    body: bytes = b""


class Refusal(Exception):
    """The answer is no; *reason* is told to the manager, which prints it."""

    def __init__(self, reason: str, *, status: int = HTTPStatus.FORBIDDEN, kind: AccessKind = AccessKind.OTHER) -> None:
        """Keep *reason* (one sentence for the user, harmless text), the HTTP *status* and what was asked for."""
        super().__init__(reason)
        self.reason = reason
        self.status = int(status)
        self.kind = kind


@dataclass(slots=True)
class Response:
    """What the gateway answers; *body* is streamed as it comes."""

    status: int
    headers: dict[str, str]
    body: Iterable[bytes] = ()
    kind: AccessKind = AccessKind.OTHER
    reason: str | None = None
    """Stands in the status line, which is what managers print of an error; None: the usual words."""


class Handler(Protocol):
    """Answers the requests of one run."""

    phase: Phase

    def answer(self, request: Request) -> Response:
        """
        Return the response; raises `Refusal`, or any `SafeinstallError` (told as 502).

        An iterator in `Response.body` may raise `Refusal` before it has given its last chunk: the connection is then
        cut, so that the manager holds a short file and installs nothing of it.
        """
        ...


@dataclass(slots=True)
class _State:
    handler: Handler
    secret: str
    accesses: list[Access] = field(default_factory=list)
    escapes: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    doubts: dict[str, str] = field(default_factory=dict)
    answering: int = 0
    lock: threading.Condition = field(default_factory=threading.Condition)


class LoopbackServer:
    """A running gateway; use it as a context manager."""

    def __init__(self, handler: Handler) -> None:
        """Bind to 127.0.0.1 on a free port; nothing is served before `__enter__`."""
        self._state = _State(handler=handler, secret=secrets.token_urlsafe(24))
        self._server = _Server(("127.0.0.1", 0), _bind(self._state))
        self._server.state = self._state
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> "Self":
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def base(self) -> str:
        """`http://127.0.0.1:PORT/<secret>`: what the hooks are given, in the environment of our children only."""
        return f"{self.proxy}/{self._state.secret}"

    @property
    def proxy(self) -> str:
        """`http://127.0.0.1:PORT`: set as everyone's proxy, so that what slips past the hook is refused here."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def accesses(self) -> tuple[Access, ...]:
        """
        Return the requests so far, in the order in which they were finished.

        A manager may have read its last answer a moment before we have written it down: that moment is waited for.
        """
        with self._state.lock:
            self._state.lock.wait_for(lambda: self._state.answering == 0, timeout=_SETTLE_SECONDS)
            return tuple(self._state.accesses)

    def escapes(self) -> tuple[str, ...]:
        """Return what came past the hook and was refused: `CONNECT host:443`."""
        with self._state.lock:
            return tuple(self._state.escapes)

    def crashes(self) -> tuple[str, ...]:
        """Return what went wrong in the gateway itself; the manager saw a connection that was cut."""
        with self._state.lock:
            return tuple(self._state.crashes)

    def doubts(self) -> Mapping[str, str]:
        """Return why the answers of a registry may be somebody else's, by its `origin`."""
        with self._state.lock:
            return dict(self._state.doubts)

    def troubles(self) -> tuple[str, ...]:
        """Return in words for the user what must not happen: requests past the hook, failures of the gateway itself."""
        past = (f"a request past the gateway: {printable(one)}" for one in self.escapes())
        return (*past, *(f"safeinstall's own gateway failed: {one}" for one in self.crashes()))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    state: _State

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - socketserver's own
        """Stay silent, for managers drop connections at will and stderr is the user's screen; but remember the rest."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            where = traceback.extract_tb(error.__traceback__)[-1]
            with self.state.lock:
                self.state.crashes.append(f"{type(error).__name__} in {where.name} (line {where.lineno})")


def _bind(state: _State) -> type[BaseHTTPRequestHandler]:
    class Bound(_RequestHandler):
        pass

    Bound.state = state
    return Bound


class _RequestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "safeinstall"
    sys_version = ""
    timeout = 600
    state: _State

    def setup(self) -> None:
        super().setup()
        # Small answers over keep-alive connections wait 40 ms for an ACK otherwise.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_GET  # noqa: N815 - see do_GET

    def do_CONNECT(self) -> None:
        self._escape()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Log nothing: the access log is kept as records."""

    def _serve(self) -> None:
        secret, context, url = self._split()
        if not secrets.compare_digest(secret.encode(), self.state.secret.encode()) or "://" not in url:
            self._escape()
            return
        with self.state.lock:
            self.state.answering += 1
        try:
            self._send(url, self._answer(context, url))
        finally:
            with self.state.lock:
                self.state.answering -= 1
                self.state.lock.notify_all()

    def _answer(self, context: str, url: str) -> Response:
        try:
            request = Request(
                method=self.command,
                url=url,
                headers={k.lower(): v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP},
                transport=transport_of(context),
                body=self._body(),
            )
            self._doubt(request)
            return self.state.handler.answer(request)
        except Refusal as refusal:
            return _plain(refusal.status, refusal.reason, refusal.kind)
        except SafeinstallError as error:
            return _plain(HTTPStatus.BAD_GATEWAY, error.message)

    def _doubt(self, request: Request) -> None:
        try:
            why = request.transport.doubt(request.url)
        except ValueError:  # no URL at all: whoever answers it says so
            return
        if why is not None:
            with self.state.lock:
                self.state.doubts[origin(request.url)] = why

    def _split(self) -> tuple[str, str, str]:
        secret, _, rest = self.path.removeprefix("/").partition("/")
        context, _, url = rest.partition("/")
        return secret, context, url

    def _body(self) -> bytes:
        length = self.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            raise Refusal("request body too large", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self.rfile.read(int(length))

    def _escape(self) -> None:
        target = self.path if self.command == "CONNECT" else redacted(self.path)
        with self.state.lock:
            self.state.escapes.append(f"{self.command} {target}")
        self._send(None, _plain(HTTPStatus.FORBIDDEN, "this request did not come through safeinstall's hook"))
        self.close_connection = True

    def _send(self, url: str | None, response: Response) -> None:
        phase = self.state.handler.phase
        sent = 0
        try:
            sent = self._write(response)
        except (Refusal, SafeinstallError, OSError):
            # A refusal in mid-stream, or a client that hung up: the cut connection is the answer.
            self.close_connection = True
        finally:
            if url is not None:
                access = Access(phase=phase, kind=response.kind, url=redacted(url), status=response.status, sent=sent)
                with self.state.lock:
                    self.state.accesses.append(access)

    def _write(self, response: Response) -> int:
        known = {name.lower() for name in response.headers}
        bodiless = self.command == "HEAD" or response.status in {204, 304}
        chunked = "content-length" not in known and not bodiless
        self.send_response(response.status, response.reason and _header(response.reason))
        for name, value in response.headers.items():
            self.send_header(name, _header(value))
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if bodiless:
            return 0
        sent = 0
        for chunk in response.body:
            if chunk:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
                sent += len(chunk)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        return sent


def _header(text: str) -> str:
    """Return foreign *text* so that it stays on its line and inside latin-1, which is all that HTTP headers know."""
    return text.replace("\r", " ").replace("\n", " ").encode("latin-1", "replace").decode("latin-1")


def _plain(status: int, text: str, kind: AccessKind = AccessKind.OTHER) -> Response:
    body = (text + "\n").encode()
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
    }
    return Response(int(status), headers, (body,), kind, reason=f"safeinstall: {text}")


def transport_of(context: str) -> Transport:
    """Return the transport that a hook wrote into the URL; raises `MalformedAnswer` when it is none."""
    if context == "-":
        return Transport()
    try:
        document = json.loads(base64.urlsafe_b64decode(context.encode() + b"=" * (-len(context) % 4)))
    except (ValueError, binascii.Error) as error:
        raise MalformedAnswer("the transport of a request is no base64 JSON") from error
    verify = optional(document, "verify", object)
    cert = optional(document, "cert", object)
    return Transport(
        verify=verify if isinstance(verify, (bool, str)) else True,
        cert=cert if isinstance(cert, str) else (str(cert[0]), str(cert[1])) if isinstance(cert, list) else None,
        proxy=optional(document, "proxy", str),
        stranger=optional(document, "stranger", bool) is True,
    )
