"""A remote wheel is read in few small parts, whatever its server makes of ranges."""

import os
import random

import pytest

from safeinstall.errors import SourceUnavailable
from safeinstall.gateway import metadata
from safeinstall.gateway.pypi_ranges import NoRanges, remote
from safeinstall.gateway.server import Transport
from safeinstall.gateway.upstream import Answer, Upstream
from tests.builders.wheels import wheel
from tests.registries.server import Asked, LoopbackHttp, Reply, with_range

NOISE = random.Random(1).randbytes(3_000_000)


class FileServer(LoopbackHttp):
    """Serves one file, with the quirks of one kind of server."""

    def __init__(self, data: bytes, quirk: str = "") -> None:
        """Serve *data*."""
        super().__init__()
        self.data = data
        self.quirk = quirk

    def answer(self, asked: Asked) -> Reply:  # noqa: PLR0911 - one for each quirk
        """See `LoopbackHttp.answer`."""
        whole = Reply(body=self.data)
        span = asked.headers.get("range", "")
        if self.quirk == "no ranges" or (self.quirk == "no suffixes" and span.startswith("bytes=-")):
            return Reply(status=416) if self.quirk == "no suffixes" else whole
        if self.quirk == "never" and span:
            return Reply(status=416)
        if self.quirk == "gone":
            return Reply(status=404)
        if self.quirk == "first only" and not span.endswith(str(len(self.data) - 1)) and not span.startswith("bytes=-"):
            return whole
        found = with_range(asked, whole)
        if self.quirk == "no content-range":
            return Reply(status=206, body=found.body)
        if self.quirk == "lies":
            return Reply(status=206, body=found.body[:-1], headers=found.headers)
        if (
            self.quirk == "another part"
            and not span.endswith(str(len(self.data) - 1))
            and not span.startswith("bytes=-")
        ):
            return Reply(status=206, body=b"x", headers={"Content-Range": f"bytes 0-0/{len(self.data)}"})
        return found


def read(server: FileServer, filename: str, *, size: int | None = None) -> bytes:
    """Return METADATA of the wheel that *server* has."""
    upstream = Upstream()

    def ask(*, method: str, span: str | None) -> Answer:
        headers = {} if span is None else {"range": span}
        return upstream.open(f"{server.url}/{filename}", headers=headers, transport=Transport(proxy=""), method=method)

    try:
        return metadata.of_wheel(remote(ask, filename, size), filename)
    finally:
        upstream.close()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("quirk", ["", "no suffixes"])
@pytest.mark.parametrize("first", [True, False])
def test_a_large_wheel_is_read_at_its_ends(known: bool, quirk: str, first: bool) -> None:
    """Megabytes stay where they are, wherever in the file METADATA stands."""
    files = {f"big/{number}.bin": NOISE[number * 10 : number * 10 + 300_000] for number in range(10)}
    built = wheel("big", files=files if first else {}, headers=[f"Keywords: {NOISE[:9000].hex()}"])
    with FileServer(built.data, quirk) as server:
        assert read(server, built.filename, size=len(built.data) if known else None) == built.metadata

        assert sum(hit.sent for hit in server.hits()) < 150_000
        assert len(server.hits()) <= 5


def test_a_small_wheel_may_be_read_whole() -> None:
    """A server without ranges gives what is small; the bytes are handed to nobody."""
    built = wheel("small")
    with FileServer(built.data, "no ranges") as server:
        assert read(server, built.filename) == built.metadata


@pytest.mark.parametrize("quirk", ["no ranges", "never", "no content-range"])
def test_a_large_wheel_is_not_read_whole(quirk: str) -> None:
    """Without ranges, what is large is left alone."""
    built = wheel("big", files={"big/x.bin": NOISE})
    with FileServer(built.data, quirk) as server, pytest.raises(NoRanges):
        read(server, built.filename)


@pytest.mark.parametrize("quirk", ["gone", "lies", "first only", "another part"])
def test_servers_that_contradict_themselves_are_no_source(quirk: str) -> None:
    """A part that is not the one asked for is not taken for it."""
    built = wheel("big", files={"big/x.bin": NOISE}, headers=[f"Keywords: {os.urandom(40_000).hex()}"])
    with FileServer(built.data, quirk) as server, pytest.raises(SourceUnavailable):
        read(server, built.filename)


def test_a_wrong_size_on_the_page_is_found_out() -> None:
    """The server knows the length better than the index."""
    built = wheel("big", files={"big/x.bin": NOISE})
    with FileServer(built.data) as server:
        assert read(server, built.filename, size=len(built.data) + 50_000) == built.metadata
