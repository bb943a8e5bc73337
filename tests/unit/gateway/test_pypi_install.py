"""While pip installs: the judged files, their judged bytes, and nothing else."""

import http.client
from urllib.parse import urlsplit

import pytest

from safeinstall.gateway.pypi import PypiGateway
from safeinstall.gateway.server import LoopbackServer, Refusal
from safeinstall.runs import Phase
from tests.builders.sdists import sdist
from tests.builders.wheels import wheel
from tests.registries.pypi import PypiRegistry
from tests.unit.gateway.gateways import OLD_PIP, ask, gateway, names, page, planned

ANY = {"accept": "*/*"}
FLASK = "flask-1.0-py3-none-any.whl"


def frozen(pypi: PypiRegistry, *filenames: str, vet_unplanned: bool = False, allowed: bool = False) -> PypiGateway:
    """Return a gateway that has planned and frozen *filenames*."""
    handler = gateway(vet_file=lambda _: allowed)
    files = planned(handler, pypi, *filenames)
    handler.freeze(files, advertise=lambda file: file.is_wheel, vet_unplanned=vet_unplanned)
    return handler


def test_pages_list_planned_files_alone(pypi: PypiRegistry) -> None:
    """What was uploaded or chosen by nobody does not exist while installing."""
    pypi.add(wheel("flask", "0.9"), wheel("flask"), sdist("flask"))
    handler = frozen(pypi, FLASK)
    pypi.add(wheel("flask", "2.0"))

    (file,) = page(handler, pypi, "flask")

    assert handler.phase is Phase.INSTALL
    assert file["filename"] == FLASK
    assert isinstance(file["core-metadata"], dict)


def test_metadata_is_offered_only_where_it_may_resolve(pypi: PypiRegistry) -> None:
    """A dynamic sdist is not advertised: pip asks the build, and the frozen view bounds what it can find."""
    pypi.add(sdist("docopt"))
    handler = frozen(pypi, "docopt-1.0.tar.gz")

    (file,) = page(handler, pypi, "docopt")

    assert file["core-metadata"] is False
    with pytest.raises(Refusal) as refused:
        ask(handler, f"{pypi.file_url('docopt-1.0.tar.gz')}.metadata", ANY)
    assert refused.value.status == 404


def test_planned_bytes_arrive_whole(pypi: PypiRegistry) -> None:
    """What is as planned is not changed, and its hash is known afterwards."""
    built = wheel("flask", files={"flask/data.bin": bytes(range(256)) * 4000})
    pypi.add(built)
    handler = frozen(pypi, FLASK)

    response, body = ask(handler, pypi.file_url(FLASK), {**ANY, "range": "bytes=0-10", "if-none-match": '"x"'})

    assert body == built.data
    assert response.headers["Content-Length"] == str(len(built.data))
    assert handler.computed(pypi.file_url(FLASK)) == built.sha256
    assert handler.refusals() == ()


def cut(handler: PypiGateway, url: str) -> bytes:
    """Return what a client is left with whose download is cut."""
    with LoopbackServer(handler) as server:
        base = urlsplit(server.base)
        connection = http.client.HTTPConnection(base.hostname or "", base.port, timeout=10)
        connection.request("GET", f"{base.path}/-/{url}")
        try:
            with (
                connection.getresponse() as response,
                pytest.raises((http.client.IncompleteRead, ConnectionError)) as left,
            ):
                response.read()
        finally:
            connection.close()
        assert server.crashes() == ()
    return left.value.partial if isinstance(left.value, http.client.IncompleteRead) else b""


def test_other_bytes_are_cut_and_named(pypi: PypiRegistry) -> None:
    """Bytes of another hash never arrive whole, and a second try is refused at once."""
    built, other = wheel("flask"), wheel("flask", files={"flask/evil.py": "evil"})
    pypi.add(built)
    handler = frozen(pypi, FLASK)
    pypi.swap(FLASK, other.data)

    assert len(cut(handler, pypi.file_url(FLASK))) < len(other.data)

    (reason,) = handler.refusals()
    assert other.sha256 in reason
    assert built.sha256 in reason
    assert handler.computed(pypi.file_url(FLASK)) is None
    with pytest.raises(Refusal):
        ask(handler, pypi.file_url(FLASK), ANY)


@pytest.mark.parametrize(
    ("lie", "field"),
    [
        ("Metadata-Version: 2.1\nName: flask\nVersion: 1.0\n\n", "Requires-Dist"),
        (
            "Metadata-Version: 2.1\nName: flask\nVersion: 1.0\nRequires-Dist: werkzeug\nProvides-Extra: x\n\n",
            "Provides-Extra",
        ),
    ],
)
def test_metadata_that_lied_is_caught(pypi: PypiRegistry, lie: str, field: str) -> None:
    """A wheel whose METADATA is not what the plan was made with is not installed, whatever its hash says."""
    pypi.add(wheel("flask", requires=["werkzeug"]), lie=lie)
    handler = frozen(pypi, FLASK)

    cut(handler, pypi.file_url(FLASK))

    (reason,) = handler.refusals()
    assert field in reason


def test_files_without_a_hash_have_no_length(pypi: PypiRegistry) -> None:
    """A pip before 23 takes a short file for a whole one when it was told the length and has no hash to compare."""
    pypi.add(wheel("flask"), hashes=False)
    handler = frozen(pypi, FLASK)

    response, _ = ask(handler, pypi.file_url(FLASK), ANY)

    assert "Content-Length" not in response.headers


def test_bytes_without_a_hash_stay_what_they_were(pypi: PypiRegistry) -> None:
    """Where nothing binds the bytes, the first ones do."""
    pypi.add(wheel("flask"), hashes=False)
    handler = frozen(pypi, FLASK)
    ask(handler, pypi.file_url(FLASK), ANY)
    pypi.swap(FLASK, wheel("flask", files={"flask/evil.py": ""}).data)

    with pytest.raises(Refusal):
        ask(handler, pypi.file_url(FLASK), ANY)


@pytest.mark.parametrize("vet_unplanned", [True, False])
def test_unplanned_files_are_refused(pypi: PypiRegistry, vet_unplanned: bool) -> None:
    """A file that is listed but not planned is not served."""
    pypi.add(wheel("flask"), wheel("flask", "2.0"))
    handler = frozen(pypi, FLASK, vet_unplanned=vet_unplanned)

    with pytest.raises(Refusal):
        ask(handler, pypi.file_url("flask-2.0-py3-none-any.whl"), ANY)
    with pytest.raises(Refusal):
        ask(handler, f"{pypi.url}/files/x/evil-1.0.tar.gz", ANY)

    assert "not in the plan" in handler.refusals()[0]
    assert pypi.artifact_hits() == ()


def test_unplanned_projects_do_not_exist(pypi: PypiRegistry) -> None:
    """A dependency that only the build revealed is not found, and the user is told its name."""
    pypi.add(wheel("flask"), wheel("surprise"))
    handler = frozen(pypi, FLASK)

    with pytest.raises(Refusal) as refused:
        page(handler, pypi, "surprise")

    assert refused.value.status == 404
    assert "`surprise`" in handler.refusals()[0]


def test_unplanned_build_requirements_are_vetted(pypi: PypiRegistry) -> None:
    """What a backend asks for when it runs has its page, and each file of it is judged."""
    pypi.add(wheel("flask"), wheel("wheel", "0.40"))
    handler = frozen(pypi, FLASK, vet_unplanned=True, allowed=True)

    files = page(handler, pypi, "wheel")
    _, body = ask(handler, pypi.file_url("wheel-0.40-py3-none-any.whl"), ANY)

    assert names(files) == ["wheel-0.40-py3-none-any.whl"]
    assert body == wheel("wheel", "0.40").data


def test_old_pips_install_from_html(pypi: PypiRegistry) -> None:
    """The frozen view speaks HTML as well, with the planned hash."""
    built = wheel("flask")
    pypi.add(built)
    handler = frozen(pypi, FLASK)

    _, body = ask(handler, f"{pypi.index_url}/flask/", OLD_PIP)

    assert f"#sha256={built.sha256}".encode() in body


def test_a_head_request_has_no_body(pypi: PypiRegistry) -> None:
    """Pip asks HEAD before it takes an archive-like URL for a page."""
    built = wheel("flask")
    pypi.add(built)
    handler = frozen(pypi, FLASK)

    response, body = ask(handler, pypi.file_url(FLASK), ANY, method="HEAD")

    assert (response.status, body) == (200, b"")
    assert response.headers["Content-Length"] == str(len(built.data))


def test_a_url_that_was_vetted_while_planning_gives_the_same_bytes(pypi: PypiRegistry) -> None:
    """A direct URL is bound to the bytes that were judged."""
    built = wheel("direct")
    pypi.add(built)
    handler = gateway(vet_url=lambda _: True)
    url = pypi.file_url(built.filename)
    ask(handler, url, ANY)
    handler.freeze((), advertise=lambda _: True, vet_unplanned=False)

    assert ask(handler, url, ANY)[1] == built.data
    pypi.swap(built.filename, wheel("direct", files={"direct/evil.py": ""}).data)
    with pytest.raises(Refusal):
        ask(handler, url, ANY)
