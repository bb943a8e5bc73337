"""A small real HTTP server on loopback, with an access log and faults for each path; the registries stand on it."""

import hashlib
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from typing_extensions import Self

FOREVER = 120.0
"""Seconds that a slow answer waits: longer than every deadline of ours; stopping the server ends it at once."""

_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One request as the server read it."""

    method: str
    host: str
    """The address that was asked, `127.0.0.1:PORT`."""
    path: str
    """Decoded, without the query."""
    query: str
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One answer; the last fields make it a bad one."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None
    """Send only so many bytes of the announced body, then close the connection."""
    delay: float = 0.0
    """Seconds before the first byte."""
    pause_at: int | None = None
    """Wait `delay` after so many bytes of the body instead."""
    drip: float | None = None
    """Seconds between single bytes of the body."""
    reset: bool = False
    """Close the connection without any answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One line of the access log."""

    method: str
    host: str
    path: str
    status: int
    sent: int
    """Bytes of body."""
    headers: Mapping[str, str]
    """What the client sent, lower-case names."""
    body: bytes
    """What the client posted."""
    at: float
    """When the answer was finished (`time.monotonic`), to be compared with other servers' hits."""


class LoopbackHttp:
    """A server with one port on each of *hosts*; subclasses say what is answered."""

    def __init__(self, *hosts: str) -> None:
        """Bind free ports; nothing is answered before `start`."""
        self.latency = 0.0
        """Seconds before each answer."""
        self.faults: dict[str, Reply] = {}
        """Decoded path -> what is answered instead; `*` stands for every path."""
        self.after: dict[str, Callable[[], object]] = {}
        """Decoded path -> what happens right after its next answer: the attack that waits for the right moment."""
        self._hits: list[Hit] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._servers = [_Server((host, 0), _bind(self)) for host in hosts or ("127.0.0.1",)]
        self._threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            for server in self._servers
        ]

    def start(self) -> "Self":
        """Begin to answer."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Stop answering, free the ports; later connections are refused. Raises what went wrong in `after`."""
        self._stopping.set()
        for server, thread in zip(self._servers, self._threads, strict=True):
            if thread.is_alive():
                server.shutdown()
                thread.join()
            server.server_close()
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> "Self":
        """See `start`."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """See `stop`."""
        self.stop()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, of the first host."""
        return self.urls[0]

    @property
    def urls(self) -> tuple[str, ...]:
        """The base URL of each host."""
        return tuple(f"http://{server.place}" for server in self._servers)

    def hits(self) -> tuple[Hit, ...]:
        """Return the access log, in the order in which requests were finished."""
        with self._lock:
            return tuple(self._hits)

    def forget(self) -> None:
        """Empty the access log."""
        with self._lock:
            self._hits.clear()

    def fail(self, path: str, status: int = 500) -> None:
        """Answer *path* with *status* from now on."""
        self.faults[path] = Reply(status=status, body=b"no\n", headers={"Content-Type": "text/plain"})

    def answer(self, asked: Asked) -> Reply:
        """Return the answer to *asked*; subclasses say which."""
        raise NotImplementedError

    def respond(self, asked: Asked) -> Reply:
        """Return what *asked* gets, faults before answers."""
        fault = self.faults.get(asked.path) or self.faults.get("*")
        reply = fault if fault is not None else self.answer(asked)
        return replace(reply, delay=reply.delay + self.latency) if self.latency else reply

    def finished(self, hit: Hit) -> None:
        """Keep *hit*, and let happen what waits for it."""
        with self._lock:
            self._hits.append(hit)
            then = self.after.pop(hit.path, None)
        if then is not None:
            try:
                then()
            except BaseException as error:
                self._failure = error
                raise

    def wait(self, seconds: float) -> None:
        """Sleep, unless the server is stopped meanwhile."""
        self._stopping.wait(seconds)


def refused_url() -> str:
    """Return a base URL on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def with_etag(asked: Asked, reply: Reply) -> Reply:
    """Return *reply* with an ETag, or 304 when *asked* holds that very body already."""
    etag = '"' + hashlib.sha256(reply.body).hexdigest()[:32] + '"'
    headers = {**reply.headers, "ETag": etag}
    if asked.headers.get("if-none-match") == etag:
        return Reply(status=304, headers=headers)
    return replace(reply, headers=headers)


def with_range(asked: Asked, reply: Reply) -> Reply:
    """Return the part of *reply* that *asked* wants, as a server with byte ranges does (RFC 9110, one range)."""
    whole = replace(reply, headers={**reply.headers, "Accept-Ranges": "bytes"})
    match = _RANGE.match(asked.headers.get("range", ""))
    if match is None or match.groups() == ("", ""):
        return whole
    size = len(reply.body)
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        return Reply(status=416, headers={"Content-Range": f"bytes */{size}"})
    headers = {**whole.headers, "Content-Range": f"bytes {start}-{end}/{size}"}
    return replace(whole, status=206, headers=headers, body=reply.body[start : end + 1])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    @property
    def place(self) -> str:
        """`127.0.0.1:PORT`."""
        host, port = self.socket.getsockname()[:2]
        return f"{host}:{port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: managers drop connections at will."""


def _bind(owner: LoopbackHttp) -> type[BaseHTTPRequestHandler]:
    class Bound(_Handler):
        pass

    Bound.owner = owner
    return Bound


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    owner: LoopbackHttp
    server: "_Server"

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = Asked(
            method=self.command,
            host=self.server.place,
            path=unquote(parts.path),
            query=parts.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("content-length") or 0)),
        )
        reply = self.owner.respond(asked)
        if reply.delay and reply.pause_at is None:
            self.owner.wait(reply.delay)
        if reply.reset or reply.cut is not None or reply.pause_at is not None:
            sent = 0
            try:
                sent = 0 if reply.reset else self._write(reply)
            except OSError:
                self.close_connection = True
            finally:
                self._finished(asked, 0 if reply.reset else reply.status, sent)
        else:
            # Known before the client can know of it: what it does next must find the log and what waits for it done.
            self._finished(asked, reply.status, 0 if self.command == "HEAD" else len(reply.body))
            try:
                self._write(reply)
            except OSError:
                self.close_connection = True
        if reply.reset or reply.cut is not None:
            self.close_connection = True

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 - the base class looks for these names

    def _finished(self, asked: Asked, status: int, sent: int) -> None:
        self.owner.finished(
            Hit(
                method=asked.method,
                host=asked.host,
                path=asked.path,
                status=status,
                sent=sent,
                headers=asked.headers,
                body=asked.body,
                at=time.monotonic(),
            )
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Print nothing: the access log is kept as records."""

    def _write(self, reply: Reply) -> int:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status not in {204, 304}:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command == "HEAD" or reply.status in {204, 304}:
            return 0
        body = reply.body if reply.cut is None else reply.body[: reply.cut]
        if reply.drip is None:
            pause = reply.pause_at or 0
            self.wfile.write(body[:pause])
            if pause:
                self.wfile.flush()
                self.owner.wait(reply.delay)
            self.wfile.write(body[pause:])
            return len(body)
        for index in range(len(body)):
            self.wfile.write(body[index : index + 1])
            self.wfile.flush()
            self.owner.wait(reply.drip)
        return len(body)
