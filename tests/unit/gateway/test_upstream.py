"""The gateway reaches registries as the manager would, and says so when it cannot."""

import gzip
import socket
import ssl
from pathlib import Path

import pytest

from safeinstall.errors import SourceUnavailable
from safeinstall.gateway.server import Transport
from safeinstall.gateway.upstream import Upstream
from tests.registries.pypi import PypiRegistry
from tests.registries.server import Reply

DIRECT = Transport(proxy="")


def test_nobody_there_is_an_outage() -> None:
    """A refused connection is no answer."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"

    with pytest.raises(SourceUnavailable):
        Upstream().open(url, headers={}, transport=DIRECT)


@pytest.mark.parametrize("url", ["http://", "gopher://h.example/", "http://[::1/", "http://a b/"])
def test_what_is_no_url_is_an_outage(url: str) -> None:
    """A malformed URL of a page crashes nothing."""
    with pytest.raises(SourceUnavailable):
        Upstream().open(url, headers={}, transport=DIRECT)


def test_a_bundle_that_is_not_there_is_an_outage(tmp_path: Path) -> None:
    """The user's `--cert` is obeyed, not silently left out."""
    with pytest.raises(SourceUnavailable):
        Upstream().open(
            "https://127.0.0.1:1/", headers={}, transport=Transport(verify=str(tmp_path / "no.pem"), proxy="")
        )


def test_a_bundle_of_the_users_own_is_what_is_trusted(tmp_path: Path) -> None:
    """A broken bundle does not fall back to the system's."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificate")

    with pytest.raises(SourceUnavailable) as failed:
        Upstream().open("https://127.0.0.1:1/", headers={}, transport=Transport(verify=str(bundle), proxy=""))
    assert isinstance(failed.value.__cause__, ssl.SSLError)


def test_bodies_are_decoded_or_left_as_they_are(pypi: PypiRegistry) -> None:
    """Pages are unpacked; the hash of an archive is that of the bytes as sent."""
    packed = gzip.compress(b"hello")
    pypi.faults["/x"] = Reply(body=packed, headers={"Content-Encoding": "gzip"})
    upstream = Upstream()

    assert upstream.open(f"{pypi.url}/x", headers={}, transport=DIRECT).read(100) == b"hello"
    raw = upstream.open(f"{pypi.url}/x", headers={}, transport=DIRECT)
    assert b"".join(raw.chunks(decode=False)) == packed
    upstream.close()


@pytest.mark.parametrize("reply", [Reply(body=b"x" * 100, cut=10), Reply(body=b"x" * 101)])
def test_a_body_that_is_short_or_too_long_is_an_outage(pypi: PypiRegistry, reply: Reply) -> None:
    """Half a document is none."""
    pypi.faults["/x"] = reply

    with pytest.raises(SourceUnavailable):
        Upstream().open(f"{pypi.url}/x", headers={}, transport=DIRECT).read(100)


def test_a_redirect_to_another_host_loses_the_credentials(pypi: PypiRegistry) -> None:
    """`Authorization` is for the host that it was meant for."""
    with PypiRegistry("127.0.0.2") as other:
        pypi.faults["/x"] = Reply(status=302, headers={"Location": f"{other.url}/y"})
        other.faults["/y"] = Reply(body=b"here")
        upstream = Upstream()
        answer = upstream.open(f"{pypi.url}/x", headers={"authorization": "Basic eDp5"}, transport=DIRECT)

        assert answer.read(10) == b"here"
        upstream.close()

    assert "authorization" in pypi.hits()[0].headers
    assert "authorization" not in other.hits()[0].headers
