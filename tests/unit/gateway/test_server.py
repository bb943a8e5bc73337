"""The loopback server answers our own hooks and nobody else."""

import base64
import http.client
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.gateway.server import LoopbackServer, Refusal, Request, Response, Transport, transport_of
from safeinstall.runs import AccessKind, Phase


class Echo:
    """A handler that answers by the last part of the URL."""

    phase = Phase.PLAN

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.heard: list[Request] = []

    def answer(self, request: Request) -> Response:
        """See `Handler.answer`."""
        self.heard.append(request)
        match request.url.rpartition("/")[2]:
            case "refused":
                raise Refusal("`evil` is\r\nX-Evil: 1 \u2013 not in the plan")
            case "outage":
                raise SourceUnavailable("nobody answered")
            case "crash":
                raise ZeroDivisionError
            case "cut":
                return Response(200, {}, cut(), AccessKind.ARTIFACT)
            case _:
                return Response(200, {"X-Odd": "a\r\nb\u2603"}, (b"he", b"", b"llo"), AccessKind.PAGE)


def cut() -> Iterator[bytes]:
    """Yield a part and refuse the rest."""
    yield b"part"
    raise Refusal("no more")


def get(server: LoopbackServer, path: str, method: str = "GET") -> tuple[http.client.HTTPResponse, bytes]:
    """Return response and body of one request to *path* below the secret."""
    base = urlsplit(server.base)
    connection = http.client.HTTPConnection(base.hostname or "", base.port, timeout=10)
    try:
        connection.request(method, f"{base.path}{path}")
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_the_original_url_arrives() -> None:
    """The handler sees what the manager wanted, and the access log hides what it carried."""
    handler = Echo()
    with LoopbackServer(handler) as server:
        response, body = get(server, "/-/https://me:pass@index.example/simple/x/?token=1")

        assert (response.status, body) == (200, b"hello")
        assert response.getheader("X-Odd") == "a  b?"
        assert handler.heard[0].url == "https://me:pass@index.example/simple/x/?token=1"
        (access,) = server.accesses()
        assert (access.url, access.sent, access.kind) == ("https://index.example/simple/x/", 5, AccessKind.PAGE)


def test_a_refusal_is_told_where_pip_prints_it() -> None:
    """Managers print the status line of an error: the reason stands there, and breaks no header."""
    with LoopbackServer(Echo()) as server:
        response, _ = get(server, "/-/https://h.example/refused")

        assert response.status == 403
        assert response.reason == "safeinstall: `evil` is  X-Evil: 1 ? not in the plan"
        assert response.getheader("X-Evil") is None
        assert get(server, "/-/https://h.example/outage")[0].status == 502


def test_a_refusal_in_mid_stream_cuts_the_connection() -> None:
    """The client knows that it has not got the whole."""
    with LoopbackServer(Echo()) as server, pytest.raises(http.client.IncompleteRead):
        get(server, "/-/https://h.example/cut")


def test_a_crash_is_remembered() -> None:
    """A fault of ours is a cut connection for the manager, and no secret to the run."""
    with LoopbackServer(Echo()) as server:
        with pytest.raises(ConnectionError):
            get(server, "/-/https://h.example/crash")

        assert "ZeroDivisionError" in server.crashes()[0]


@pytest.mark.parametrize(
    "line", ["CONNECT h.example:443", "GET /wrong/-/https://h.example/x", "GET http://h.example/x"]
)
def test_what_did_not_come_through_the_hook_is_refused(line: str) -> None:
    """The gateway is no proxy, and other users of the machine do not know the secret."""
    handler = Echo()
    with LoopbackServer(handler) as server:
        base = urlsplit(server.base)
        with socket.create_connection((base.hostname or "", base.port or 0), timeout=10) as client:
            client.sendall(f"{line} HTTP/1.1\r\nHost: h.example\r\n\r\n".encode())
            answer = client.recv(1000)

        assert b" 403 " in answer.split(b"\r\n")[0]
        assert handler.heard == []
        assert len(server.escapes()) == 1


def test_the_transport_of_the_manager_is_read() -> None:
    """How the manager would have gone is how the gateway goes."""
    document: dict[str, object] = {
        "verify": "/ca.pem",
        "cert": ["/c.pem", "/k.pem"],
        "proxy": "http://proxy.example:3128",
    }
    document["stranger"] = True
    context = base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")

    assert transport_of(context) == Transport(
        verify="/ca.pem", cert=("/c.pem", "/k.pem"), proxy="http://proxy.example:3128", stranger=True
    )
    assert transport_of("-") == Transport()
    with pytest.raises(MalformedAnswer):
        transport_of("!")
