"""Files fetched ahead reach pip as those do that are fetched when it asks; nobody is given what is not as planned."""

import http.client
import random
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from safeinstall.gateway.pages import Channel
from safeinstall.gateway.pypi import PypiGateway
from safeinstall.gateway.pypi_ahead import Ahead, Wanted
from safeinstall.gateway.server import LoopbackServer, Refusal, Request, Transport
from safeinstall.gateway.stream import Expected
from safeinstall.gateway.upstream import Upstream
from safeinstall.model import Digest
from tests.builders.built import Built
from tests.builders.wheels import wheel
from tests.registries.pypi import PypiRegistry
from tests.registries.server import Reply
from tests.unit.gateway.gateways import TRANSPORT, ask, gateway, planned

ANY = {"accept": "*/*"}
FLASK = "flask-1.0-py3-none-any.whl"
WAITS = 30.0
"""Seconds, unless the registry is stopped."""

NOISE = random.Random(1).randbytes(600_000)


@pytest.fixture
def opened() -> Iterator[Callable[[], PypiGateway]]:
    """Return what makes gateways that are closed at the end, and not before."""
    made: list[PypiGateway] = []

    def make() -> PypiGateway:
        made.append(gateway(closed=False))
        return made[-1]

    yield make
    for one in made:
        one.close()


def frozen(handler: PypiGateway, pypi: PypiRegistry, *filenames: str, swapped: Built | None = None) -> PypiGateway:
    """Return *handler* after planning and freezing *filenames*; it now fetches them, or what was *swapped* in."""
    files = planned(handler, pypi, *filenames)
    if swapped is not None:
        pypi.swap(filenames[0], swapped.data)
    pypi.forget()
    handler.freeze(files, advertise=lambda file: file.is_wheel, vet_unplanned=False, ahead=True)
    return handler


def settled(pypi: PypiRegistry, count: int) -> None:
    """Wait until *count* files were fetched."""
    end = time.monotonic() + 10
    while len(pypi.artifact_hits()) < count:
        assert time.monotonic() < end, pypi.hits()
        time.sleep(0.01)


def test_each_file_is_fetched_once_and_arrives_as_it_is(pypi: PypiRegistry, opened: Callable[[], PypiGateway]) -> None:
    """Fetching ahead costs no second request, and the bytes are the judged ones."""
    built = [wheel("flask", files={"flask/data.bin": NOISE}), wheel("werkzeug")]
    pypi.add(*built)
    handler = frozen(opened(), pypi, *(one.filename for one in built))
    settled(pypi, 2)

    answers = [ask(handler, pypi.file_url(one.filename), ANY) for one in built]

    assert [body for _, body in answers] == [one.data for one in built]
    assert [response.headers["Content-Length"] for response, _ in answers] == [str(len(one.data)) for one in built]
    assert [handler.computed(pypi.file_url(one.filename)) for one in built] == [one.sha256 for one in built]
    assert len(pypi.artifact_hits()) == 2


def test_what_nobody_asks_for_was_not_delivered(pypi: PypiRegistry, opened: Callable[[], PypiGateway]) -> None:
    """Only what pip was given has a hash, and stands in the access log."""
    pypi.add(wheel("flask"))
    handler = frozen(opened(), pypi, FLASK)

    with LoopbackServer(handler) as server:
        settled(pypi, 1)
        assert server.accesses() == ()

    assert handler.computed(pypi.file_url(FLASK)) is None


def test_a_second_request_is_fetched_anew(pypi: PypiRegistry, opened: Callable[[], PypiGateway]) -> None:
    """What lay here is gone once it was given."""
    built = wheel("flask")
    pypi.add(built)
    handler = frozen(opened(), pypi, FLASK)
    settled(pypi, 1)

    assert ask(handler, pypi.file_url(FLASK), ANY)[1] == built.data
    assert ask(handler, pypi.file_url(FLASK), ANY)[1] == built.data
    assert len(pypi.artifact_hits()) == 2


def test_other_bytes_are_refused_as_ever(pypi: PypiRegistry, opened: Callable[[], PypiGateway]) -> None:
    """Bytes of another hash never arrive, whoever fetched them, and the reason is told."""
    pypi.add(wheel("flask"))
    other = wheel("flask", files={"flask/evil.bin": NOISE})
    handler = frozen(opened(), pypi, FLASK, swapped=other)
    settled(pypi, 1)

    with pytest.raises(Refusal):
        ask(handler, pypi.file_url(FLASK), ANY)

    (reason,) = handler.refusals()
    assert other.sha256 in reason


def test_metadata_that_lied_is_caught_ahead_too(pypi: PypiRegistry, opened: Callable[[], PypiGateway]) -> None:
    """The METADATA inside is compared before a single byte is promised to be all."""
    lie = "Metadata-Version: 2.1\nName: flask\nVersion: 1.0\n\n"
    pypi.add(wheel("flask", requires=["werkzeug"]), lie=lie)
    handler = frozen(opened(), pypi, FLASK)
    settled(pypi, 1)

    with pytest.raises(Refusal):
        ask(handler, pypi.file_url(FLASK), ANY)

    assert "Requires-Dist" in handler.refusals()[0]


@pytest.mark.parametrize("status", [404, 500])
def test_a_failure_ahead_is_nobodys(pypi: PypiRegistry, opened: Callable[[], PypiGateway], status: int) -> None:
    """A server that failed for a moment fails nothing: the file is fetched when it is asked for."""
    built = wheel("flask")
    pypi.add(built)
    path = pypi.file_path(FLASK)
    pypi.fail(path, status)
    handler = frozen(opened(), pypi, FLASK)
    settled(pypi, 1)
    del pypi.faults[path]

    assert ask(handler, pypi.file_url(FLASK), ANY)[1] == built.data


def test_a_file_on_its_way_is_handed_on_as_it_comes(pypi: PypiRegistry, opened: Callable[[], PypiGateway]) -> None:
    """Pip gives up after 15 s without a byte: a large file must flow before all of it is here."""
    built = wheel("flask", files={"flask/data.bin": NOISE})
    pypi.add(built)
    pypi.faults[pypi.file_path(FLASK)] = Reply(body=built.data, pause_at=len(built.data) // 2, delay=WAITS)
    handler = frozen(opened(), pypi, FLASK)

    response = handler.answer(Request(method="GET", url=pypi.file_url(FLASK), headers=ANY, transport=TRANSPORT))
    body = iter(response.body)
    first = next(body)

    assert built.data.startswith(first)
    assert pypi.artifact_hits() == ()
    pypi.stop()
    assert first + b"".join(body) == built.data


def test_a_client_that_hangs_up_leaves_nothing_behind(pypi: PypiRegistry, opened: Callable[[], PypiGateway]) -> None:
    """A cut connection ends the reading, and the gateway does not crash."""
    pypi.add(wheel("flask", files={"flask/data.bin": NOISE * 20}))
    handler = frozen(opened(), pypi, FLASK)
    settled(pypi, 1)

    with LoopbackServer(handler) as server:
        base = urlsplit(server.base)
        # The transport `-` is not the one of planning: this is fetched anew, and then dropped half way.
        connection = http.client.HTTPConnection(base.hostname or "", base.port, timeout=10)
        connection.request("GET", f"{base.path}/-/{pypi.file_url(FLASK)}")
        connection.getresponse().read(10)
        connection.close()
        server.accesses()
        assert server.crashes() == ()


def test_credentials_are_those_of_the_request(pypi: PypiRegistry, opened: Callable[[], PypiGateway]) -> None:
    """What was fetched with other credentials, or with none, answers nobody else's request."""
    built = wheel("flask")
    pypi.add(built)
    handler = frozen(opened(), pypi, FLASK)
    settled(pypi, 1)

    _, body = ask(handler, pypi.file_url(FLASK), {**ANY, "authorization": "Basic eDp5"})

    assert body == built.data
    assert [hit.headers.get("authorization") for hit in pypi.artifact_hits()] == [None, "Basic eDp5"]


def wanted(pypi: PypiRegistry, built: Built, *, size: int | None = None) -> Wanted:
    """Return *built* as something to fetch ahead, over a plain channel."""
    expected = Expected(filename=built.filename, digests=(Digest(algorithm="sha256", value=built.sha256),))
    channel = Channel(headers={}, transport=TRANSPORT)
    return Wanted(url=pypi.file_url(built.filename), channel=channel, expected=expected, size=size)


@pytest.mark.parametrize("told", [True, False])
def test_the_disk_holds_no_more_than_its_share(pypi: PypiRegistry, told: bool) -> None:
    """What does not fit is not fetched ahead; where the index told the size, not even asked for."""
    built = [wheel("small"), wheel("large", files={"large/data.bin": NOISE})]
    pypi.add(*built)
    ahead = Ahead(Upstream(), room=100_000)
    found = [wanted(pypi, one, size=len(one.data) if told else None) for one in built]

    ahead.start(found)
    settled(pypi, 1 if told else 2)
    requests = [Request(method="GET", url=one.url, headers=ANY, transport=TRANSPORT) for one in found]
    small, large = (ahead.take(request, one.url, one.expected) for request, one in zip(requests, found, strict=True))

    assert small is not None
    assert b"".join(small.chunks(lambda _: None)) == built[0].data
    assert large is None
    ahead.close()


def test_room_that_is_freed_is_used_again(pypi: PypiRegistry) -> None:
    """What waits for room is fetched when pip has taken what came before."""
    built = [wheel("one", files={"one/data.bin": NOISE}), wheel("two", files={"two/data.bin": NOISE})]
    pypi.add(*built)
    ahead = Ahead(Upstream(), room=1_000_000)
    found = [wanted(pypi, one, size=len(one.data)) for one in built]
    ahead.start(found)
    settled(pypi, 1)
    time.sleep(0.1)
    assert len(pypi.artifact_hits()) == 1

    fetch = ahead.take(
        Request(method="GET", url=found[0].url, headers=ANY, transport=TRANSPORT), found[0].url, found[0].expected
    )
    assert fetch is not None
    assert b"".join(fetch.chunks(lambda _: None)) == built[0].data

    settled(pypi, 2)
    ahead.close()


@pytest.mark.parametrize(
    "other",
    [Transport(verify=False, proxy=""), Transport(proxy="http://proxy.example:1")],
)
def test_another_way_there_is_another_answer(pypi: PypiRegistry, other: Transport) -> None:
    """What came without checking certificates, or through another proxy, is not what this request would get."""
    built = wheel("flask")
    pypi.add(built)
    ahead = Ahead(Upstream())
    one = wanted(pypi, built)
    ahead.start([one])

    assert ahead.take(Request(method="GET", url=one.url, headers=ANY, transport=other), one.url, one.expected) is None
    ahead.close()


def test_nothing_is_fetched_after_the_end(pypi: PypiRegistry) -> None:
    """A run that is over asks nobody."""
    built = wheel("flask")
    pypi.add(built)
    ahead = Ahead(Upstream())
    ahead.close()

    ahead.start([wanted(pypi, built)])

    assert pypi.hits() == ()
