"""`safeinstall.effects.RequestsHttp`: limits that hold against servers which respect none."""

import gzip
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from safeinstall.effects import RequestsHttp
from safeinstall.errors import MalformedAnswer, NotThere, SourceUnavailable
from tests.registries.server import FOREVER, Asked, LoopbackHttp, Reply, refused_url

SECOND = timedelta(seconds=1)
TOKEN = {"Private-Token": "s3cret", "Authorization": "Bearer s3cret"}


class Pages(LoopbackHttp):
    """Answers by path."""

    def __init__(self) -> None:
        """Serve nothing yet."""
        super().__init__()
        self.pages: dict[str, Reply] = {}

    def answer(self, asked: Asked) -> Reply:
        """See `LoopbackHttp.answer`."""
        return self.pages.get(asked.path, Reply(status=404))


@pytest.fixture
def server() -> Iterator[Pages]:
    """Serve pages."""
    with Pages() as pages:
        yield pages


@pytest.fixture
def other() -> Iterator[Pages]:
    """Serve pages on another port: another place."""
    with Pages() as pages:
        pages.pages["/"] = Reply(body=b'"elsewhere"')
        yield pages


def moved(url: str, status: int = 302) -> Reply:
    """Return a redirect."""
    return Reply(status=status, headers={"Location": url})


def test_json_is_got_and_posted(server: Pages) -> None:
    """The plain case, with our name in the request."""
    server.pages["/"] = Reply(body=b'{"a": [1]}')

    assert RequestsHttp().get_json(server.url + "/", timeout=SECOND) == {"a": [1]}
    assert RequestsHttp(headers=TOKEN).post_json(server.url + "/", {"b": 2}, timeout=SECOND) == {"a": [1]}
    get, post = server.hits()
    assert json.loads(post.body) == {"b": 2}
    assert get.headers["user-agent"].startswith("safeinstall/")
    assert post.headers["private-token"] == "s3cret"


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_an_error(body: bytes, server: Pages) -> None:
    """Also an empty body, and one that nests without end."""
    server.pages["/"] = Reply(body=body)

    with pytest.raises(MalformedAnswer):
        RequestsHttp().get_json(server.url + "/", timeout=SECOND * 5)


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 429, 500, 503])
def test_any_status_but_200_is_no_answer(status: int, server: Pages) -> None:
    """The message says which."""
    server.pages["/"] = Reply(status=status)

    with pytest.raises(SourceUnavailable, match=str(status)) as raised:
        RequestsHttp().get_bytes(server.url + "/", timeout=SECOND)
    assert not isinstance(raised.value, NotThere)


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_document_is_told_apart(status: int, server: Pages) -> None:
    """Whoever asks a service that may lack a document can tell."""
    server.pages["/"] = Reply(status=status)

    with pytest.raises(NotThere):
        RequestsHttp().get_bytes(server.url + "/", timeout=SECOND)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=b'"late"', delay=FOREVER), id="nothing"),
        pytest.param(Reply(body=b'"' + b"x" * 1000 + b'"', drip=0.1), id="dripping"),
        pytest.param(moved("/"), id="redirecting-slowly"),
    ],
)
def test_the_deadline_is_for_the_whole(reply: Reply, server: Pages) -> None:
    """No server holds us for longer, however it goes about it."""
    server.pages["/"] = reply
    if reply.status == 302:
        server.latency = 0.3
    start = time.monotonic()

    with pytest.raises(SourceUnavailable, match=r"did not answer within 0\.6 s"):
        RequestsHttp().get_bytes(server.url + "/", timeout=timedelta(seconds=0.6))

    assert time.monotonic() - start < 2


def test_an_answer_larger_than_the_limit_is_given_up(server: Pages) -> None:
    """Plain or packed, the limit is on what it unpacks to."""
    server.pages["/plain"] = Reply(body=b"x" * 200_000)
    server.pages["/gzip"] = Reply(body=gzip.compress(b" " * 30_000_000), headers={"Content-Encoding": "gzip"})

    for path in ("/plain", "/gzip"):
        with pytest.raises(SourceUnavailable, match="more than 100,000 bytes"):
            RequestsHttp().get_bytes(server.url + path, timeout=SECOND * 10, max_bytes=100_000)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x"])
def test_an_encoding_that_we_did_not_ask_for_is_refused(encoding: str, server: Pages) -> None:
    """Some unpack a kilobyte into a gigabyte."""
    server.pages["/"] = Reply(body=b"x", headers={"Content-Encoding": encoding})

    with pytest.raises(SourceUnavailable):
        RequestsHttp().get_bytes(server.url + "/", timeout=SECOND)


def test_an_answer_that_breaks_off_is_none(server: Pages) -> None:
    """Half of a list of records may be a right document, with the bad half missing."""
    server.pages["/"] = Reply(body=b"[1]\n[2]\n", cut=4)

    with pytest.raises(SourceUnavailable):
        RequestsHttp().get_bytes(server.url + "/", timeout=SECOND)


def test_redirects_are_followed_within_limits(server: Pages, other: Pages) -> None:
    """A few, and with the method that they keep."""
    server.pages["/a"] = moved("/b")
    server.pages["/b"] = moved(other.url + "/")
    server.pages["/loop"] = moved("/loop")
    server.pages["/post"] = moved(other.url + "/", 307)

    assert RequestsHttp().get_json(server.url + "/a", timeout=SECOND) == "elsewhere"
    assert RequestsHttp().post_json(server.url + "/post", {}, timeout=SECOND) == "elsewhere"
    with pytest.raises(SourceUnavailable, match="redirects more than 5 times"):
        RequestsHttp().get_json(server.url + "/loop", timeout=SECOND * 5)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://x.example/", "http://[", "http://x:y/", "js:1"])
def test_a_redirect_to_what_is_no_web_address_is_refused(location: str, server: Pages) -> None:
    """Nothing but http and https is ever opened."""
    server.pages["/"] = moved(location)

    with pytest.raises(SourceUnavailable):
        RequestsHttp().get_bytes(server.url + "/", timeout=SECOND)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_posted_question_is_not_turned_into_another(status: int, server: Pages, other: Pages) -> None:
    """The answer to a GET elsewhere is no answer to what was posted."""
    server.pages["/"] = moved(other.url + "/", status)

    with pytest.raises(SourceUnavailable):
        RequestsHttp().post_json(server.url + "/", {"queries": []}, timeout=SECOND)
    assert other.hits() == ()


def test_tokens_stay_with_their_host(
    server: Pages, other: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither our own headers, nor those of the URL, nor the user's `.netrc` go where a redirect leads."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.pages["/"] = moved(other.url + "/")
    url = server.url.replace("//", "//user:s3cret@")

    RequestsHttp(headers=TOKEN).get_bytes(url + "/", timeout=SECOND)
    RequestsHttp().get_bytes(server.url + "/", timeout=SECOND)

    assert server.hits()[0].headers["private-token"] == "s3cret"
    assert "authorization" not in server.hits()[1].headers
    for hit in other.hits():
        assert not {"authorization", "private-token"} & set(hit.headers)


def test_messages_show_no_token() -> None:
    """What a URL carries besides its place is not printed."""
    url = refused_url().replace("//", "//user:s3cret@") + "/x?token=s3cret"

    with pytest.raises(SourceUnavailable) as raised:
        RequestsHttp().get_bytes(url, timeout=SECOND)
    assert "s3cret" not in raised.value.message
    assert "could not be reached" in raised.value.message


@pytest.mark.parametrize("url", ["", "osv", "ftp://x.example/", "http://[", "http://" + "a" * 70 + ".example/"])
def test_an_address_that_is_none_is_no_answer(url: str) -> None:
    """A mistyped setting is the source's failure, not a crash."""
    with pytest.raises(SourceUnavailable):
        RequestsHttp().get_bytes(url, timeout=SECOND)
