"""While pip plans: metadata for everything, artifacts for nobody."""

import json
import random
from datetime import datetime, timezone
from pathlib import Path

import pytest

from safeinstall.gateway.pages import IndexFile
from safeinstall.gateway.server import Refusal
from safeinstall.model import BuildNeed
from safeinstall.runs import AccessKind
from tests.builders.built import Built, tarred, zipped
from tests.builders.sdists import sdist
from tests.builders.wheels import wheel
from tests.registries.pypi import PypiRegistry
from tests.registries.server import Reply
from tests.unit.gateway.gateways import JSON, NEWEST_PIP, OLD_PIP, ask, gateway, names, page, planned

ANY = {"accept": "*/*"}


def test_no_artifact_is_handed_out(pypi: PypiRegistry) -> None:
    """Planning fetches no wheel and no sdist: "nothing was downloaded" is enforced."""
    pypi.add(wheel("flask"), sdist("flask"))
    handler = gateway()
    page(handler, pypi, "flask")

    for filename in ("flask-1.0-py3-none-any.whl", "flask-1.0.tar.gz"):
        with pytest.raises(Refusal):
            ask(handler, pypi.file_url(filename), ANY)

    assert pypi.artifact_hits() == ()


@pytest.mark.parametrize(
    ("core", "hidden", "ranges"),
    [
        pytest.param(True, False, True, id="advertised"),
        pytest.param(False, False, True, id="by-ranges"),
        pytest.param(False, True, False, id="there-but-not-advertised"),
        pytest.param(False, False, False, id="a-small-wheel-read-whole"),
    ],
)
@pytest.mark.parametrize("json", [True, False])
def test_metadata_is_supplied_whatever_the_index_can(
    pypi: PypiRegistry, core: bool, hidden: bool, ranges: bool, json: bool
) -> None:
    """Every wheel on a page advertises metadata, and what is advertised can be had."""
    pypi.switches.core_metadata, pypi.switches.hidden_metadata, pypi.switches.ranges = core, hidden, ranges
    pypi.switches.json = json
    built = wheel("flask", requires=["werkzeug>=3"])
    pypi.add(built)
    handler = gateway()

    (file,) = page(handler, pypi, "flask")
    response, body = ask(handler, f"{file['url']}.metadata", ANY)

    assert file["core-metadata"] is True
    assert "dist-info-metadata" not in file
    assert response.kind is AccessKind.METADATA
    assert body == built.metadata == handler.metadata(pypi.file_url(built.filename))


@pytest.mark.parametrize("promised", [True, False])
def test_the_metadata_of_an_sdist_is_read_out_of_its_head(pypi: PypiRegistry, promised: bool) -> None:
    """An sdist plans by its PKG-INFO; nothing of it is built."""
    built = sdist("docopt", metadata_version="2.2", requires=["six"])
    pypi.add(built, core_metadata=promised)
    handler = gateway()

    planned(handler, pypi, built.filename)

    assert b"Requires-Dist: six" in (handler.metadata(pypi.file_url(built.filename)) or b"")
    assert handler.build_need(pypi.file_url(built.filename)) is BuildNeed.STATIC


def test_an_old_pip_is_given_html_that_says_the_same(pypi: PypiRegistry) -> None:
    """Pip before 22.2 reads HTML with the sha256 in the fragment, and is told the same of yanked files and Pythons."""
    built = wheel("flask", requires_python=">=3.8")
    pypi.add(built, yanked='broken "badly" <here>')

    response, body = ask(gateway(), f"{pypi.index_url}/flask/", OLD_PIP)
    text = body.decode()

    assert response.headers["Content-Type"].startswith("text/html")
    assert f'href="{pypi.file_url(built.filename)}#sha256={built.sha256}"' in text
    assert 'data-requires-python="&gt;=3.8"' in text
    assert 'data-yanked="broken &quot;badly&quot; &lt;here&gt;"' in text
    assert 'data-core-metadata="true"' in text
    assert "data-dist-info-metadata" not in text


def test_pages_are_trimmed_to_what_fits_the_target(pypi: PypiRegistry) -> None:
    """Files of other platforms and Pythons are not listed, yet still known; cross-platform options switch that off."""
    pypi.add(
        wheel("numpy", "2.0", tag="cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"),
        wheel("numpy", "2.0", tag="cp311-cp311-win_amd64"),
        wheel("numpy", "3.0", requires_python=">=3.14"),
        sdist("numpy", "2.0"),
    )
    trimmed, whole = gateway(), gateway(trim=False)

    assert len(page(trimmed, pypi, "numpy")) == 2
    assert len(page(whole, pypi, "numpy")) == len(trimmed.files_of("NumPy")) == 4


def test_pages_are_never_cached_by_pip(pypi: PypiRegistry) -> None:
    """What we have written must not live on in pip's HTTP cache, nor may pip's cache answer in our place."""
    pypi.add(wheel("flask"))
    headers = {**NEWEST_PIP, "if-none-match": '"old"', "cache-control": "max-age=0"}

    response, _ = ask(gateway(), f"{pypi.index_url}/flask/", headers)

    assert response.headers["Cache-Control"] == "no-store"
    assert "if-none-match" not in pypi.hits()[0].headers


def test_credentials_are_the_business_of_pip(pypi: PypiRegistry) -> None:
    """A 401 reaches pip as it is, so that its netrc, keyring and prompt answer it; then its answer goes upstream."""
    pypi.with_credentials("me", "secret")
    pypi.add(wheel("flask"))
    handler = gateway()
    url = f"{pypi.index_url}/flask/"

    response, _ = ask(handler, url)
    assert (response.status, response.headers["Www-Authenticate"]) == (401, 'Basic realm="tests"')
    assert handler.failures()

    response, _ = ask(handler, url, {**NEWEST_PIP, "authorization": "Basic bWU6c2VjcmV0"})
    assert response.status == 200
    assert handler.failures() == ()


def test_a_missing_project_is_missing_and_no_failure(pypi: PypiRegistry) -> None:
    """404 is an answer: this index does not have the project."""
    handler = gateway()

    response, _ = ask(handler, f"{pypi.index_url}/nothing/")

    assert response.status == 404
    assert handler.failures() == ()


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(status=500), id="outage"),
        pytest.param(Reply(reset=True), id="reset"),
        pytest.param(Reply(body=b"{", headers={"Content-Type": JSON}), id="no-json"),
        pytest.param(
            Reply(body=b'{"files": [{"url": 3}]}', headers={"Content-Type": JSON}), id="a-file-no-one-can-read"
        ),
        pytest.param(Reply(body=b"{}", headers={"Content-Type": "text/plain"}), id="no-page"),
        pytest.param(Reply(body=b"<a", cut=1, headers={"Content-Type": "text/html"}), id="cut"),
    ],
)
def test_a_page_that_fails_is_remembered(pypi: PypiRegistry, reply: Reply) -> None:
    """Pip goes on without an index that fails; the plan that it then makes must not be taken for the whole one."""
    pypi.faults["/simple/flask/"] = reply
    handler = gateway()

    with pytest.raises(Refusal):
        ask(handler, f"{pypi.index_url}/flask/")

    assert len(handler.failures()) == 1


def test_metadata_that_is_not_what_the_index_promised_is_refused(pypi: PypiRegistry) -> None:
    """The hash of `core-metadata` is checked."""
    built = wheel("flask")
    pypi.add(built)
    handler = gateway()
    page(handler, pypi, "flask")
    pypi.faults[f"{pypi.file_path(built.filename)}.metadata"] = Reply(body=b"Name: flask\nVersion: 1.0\n\n")

    with pytest.raises(Refusal, match="not what its index says"):
        ask(handler, f"{pypi.file_url(built.filename)}.metadata", ANY)

    assert handler.metadata(pypi.file_url(built.filename)) is None


def test_metadata_that_was_promised_but_is_missing_is_found_elsewhere(pypi: PypiRegistry) -> None:
    """Some mirrors advertise `.metadata` and answer 404."""
    built = wheel("flask")
    pypi.add(built)
    pypi.promise_metadata(built.filename)
    handler = gateway()

    planned(handler, pypi, built.filename)

    assert handler.metadata(pypi.file_url(built.filename)) == built.metadata


@pytest.mark.parametrize("data", [b"", b"no zip", zipped({"flask/__init__.py": b""})])
def test_a_wheel_without_metadata_says_so(pypi: PypiRegistry, data: bytes) -> None:
    """What cannot be supplied is a clear no, naming the file."""
    built = wheel("flask")
    pypi.switches.core_metadata = False
    pypi.add(built)
    pypi.swap(built.filename, data)
    handler = gateway()
    page(handler, pypi, "flask")

    with pytest.raises(Refusal, match=r"flask-1\.0-py3-none-any\.whl") as refused:
        ask(handler, f"{pypi.file_url(built.filename)}.metadata", ANY)

    assert 400 <= refused.value.status < 500 or refused.value.status == 504
    assert handler.failures()


def test_a_warm_cache_asks_for_no_metadata(pypi: PypiRegistry, tmp_path: Path) -> None:
    """Metadata of a file with a known sha256 is read once, for all runs; a spoilt cache is read anew."""
    pypi.switches.core_metadata = False
    built = wheel("flask")
    pypi.add(built)
    planned(gateway(cache=tmp_path), pypi, built.filename)
    pypi.forget()

    planned(gateway(cache=tmp_path), pypi, built.filename)
    assert [hit.path for hit in pypi.hits()] == ["/simple/flask/"]

    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        path.write_bytes(path.read_bytes()[:-1])
    handler = gateway(cache=tmp_path)
    planned(handler, pypi, built.filename)
    assert handler.metadata(pypi.file_url(built.filename)) == built.metadata


def test_what_is_vetted_just_in_time_is_served(pypi: PypiRegistry) -> None:
    """A build requirement that an artifact is needed of is judged there and then, by name, version and hash."""
    built = wheel("flit-core", "3.9")
    pypi.add(built)
    asked = []

    def vet(file: IndexFile) -> bool:
        asked.append(file)
        return True

    handler = gateway(vet_file=vet)
    page(handler, pypi, "flit-core")
    _, body = ask(handler, pypi.file_url(built.filename), ANY)

    assert body == built.data
    assert handler.computed(pypi.file_url(built.filename)) == built.sha256
    (file,) = asked
    assert (file.project, file.version, file.sha256) == ("flit-core", "3.9", built.sha256)


@pytest.mark.parametrize("allowed", [True, False])
def test_an_archive_that_no_index_lists_is_vetted_by_its_url(pypi: PypiRegistry, allowed: bool) -> None:
    """`name @ https://.../x.whl` is for the judge of URLs."""
    pypi.faults["/elsewhere/x-1.0-py3-none-any.whl"] = Reply(body=b"bytes")
    url = f"{pypi.url}/elsewhere/x-1.0-py3-none-any.whl"
    asked = []

    def vet(one: str) -> bool:
        asked.append(one)
        return allowed

    handler = gateway(vet_url=vet)
    if allowed:
        assert ask(handler, f"{url}#egg=x", ANY)[1] == b"bytes"
    else:
        with pytest.raises(Refusal):
            ask(handler, url, ANY)

    assert asked == [url]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(zipped({"x-1.0/setup.py": b""}), id="zip"),
        pytest.param(b"flask\n" + zipped({"x-1.0/setup.py": b""}), id="zip-behind-text"),
        pytest.param(tarred({"x-1.0/setup.py": b""}), id="tar.gz"),
        pytest.param(b"x" * 5_000_001, id="large"),
    ],
)
def test_an_archive_in_disguise_is_vetted_too(pypi: PypiRegistry, body: bytes) -> None:
    """Pip unpacks what looks like an archive, whatever its URL ends in."""
    pypi.faults["/download"] = Reply(body=body, headers={"Content-Type": "text/plain"})

    with pytest.raises(Refusal):
        ask(gateway(), f"{pypi.url}/download", ANY)


def test_remote_requirement_files_pass_and_stay_the_same(pypi: PypiRegistry) -> None:
    """`-r https://...` is read once: installing is given the text that was planned with."""
    pypi.faults["/requirements.txt"] = Reply(body=b"flask\n", headers={"Content-Type": "text/plain"})
    handler = gateway()
    url = f"{pypi.url}/requirements.txt"

    assert ask(handler, url, ANY)[1] == b"flask\n"
    pypi.faults["/requirements.txt"] = Reply(body=b"evil\n", headers={"Content-Type": "text/plain"})
    handler.freeze((), advertise=lambda _: True, vet_unplanned=False)

    assert ask(handler, url, ANY)[1] == b"flask\n"


def test_nothing_is_written_to_an_index(pypi: PypiRegistry) -> None:
    """Only GET and HEAD go through."""
    with pytest.raises(Refusal):
        ask(gateway(), f"{pypi.index_url}/flask/", method="POST")


def test_a_project_is_as_old_as_its_oldest_file(pypi: PypiRegistry) -> None:
    """Age and number of releases come from the whole page, not from what fits the target."""
    first = datetime(2011, 5, 1, tzinfo=timezone.utc)
    pypi.add(wheel("flask", "0.1", tag="py2-none-any"), upload_time=first)
    pypi.add(wheel("flask", "3.0"))
    handler = gateway()
    page(handler, pypi, "flask")

    project = handler.project("Flask")

    assert project is not None
    assert (project.purl, project.first_uploaded, project.releases) == ("pkg:pypi/flask", first, 2)
    assert handler.project("other") is None


def test_redirected_pages_keep_their_links_whole(pypi: PypiRegistry) -> None:
    """A page that was found elsewhere has its relative links resolved from there; credentials stay on their host."""
    body = b'{"files": [{"url": "a-1.0.tar.gz", "filename": "a-1.0.tar.gz", "hashes": {}}]}'
    pypi.faults["/simple/a/"] = Reply(status=302, headers={"Location": "/moved/a/"})
    pypi.faults["/moved/a/"] = Reply(body=body, headers={"Content-Type": JSON})

    (file,) = page(gateway(), pypi, "a")

    assert file["url"] == f"{pypi.url}/moved/a/a-1.0.tar.gz"


@pytest.mark.parametrize(
    ("pyproject", "expected"),
    [
        (None, ("setuptools>=40.8.0",)),
        ("[tool.black]\n", ("setuptools>=40.8.0",)),
        ('[build-system]\nrequires = ["hatchling", "hatch-vcs"]\n', ("hatchling", "hatch-vcs")),
        ('[build-system]\nrequires = []\nbackend-path = ["."]\nbuild-backend = "own"\n', ()),
        ("[build-system]\nrequires = 3\n", None),
        ("[build-system", None),
    ],
)
def test_build_requirements_are_read_and_not_run(
    pypi: PypiRegistry, pyproject: str | None, expected: tuple[str, ...] | None
) -> None:
    """What the build of an sdist starts with stands in its pyproject.toml; what cannot be told is not nothing."""
    built = sdist("docopt", pyproject=pyproject)
    pypi.add(built)
    handler = gateway()
    (file,) = planned(handler, pypi, built.filename)

    assert handler.build_requires(file) == expected


def test_a_page_of_find_links_is_no_project(pypi: PypiRegistry) -> None:
    """Files on a page of links belong to the projects that their names say."""
    html = (
        b'<a href="a-1.0-py3-none-any.whl">a</a><a href="b-2.0.tar.gz#sha256='
        + b"0" * 64
        + b'">b</a><a href="../">up</a>'
    )
    pypi.faults["/wheels/"] = Reply(body=html, headers={"Content-Type": "text/html"})
    handler = gateway()

    ask(handler, f"{pypi.url}/wheels/")

    assert names([{"filename": file.filename} for file in handler.files_of("b")]) == ["b-2.0.tar.gz"]
    assert handler.file(f"{pypi.url}/wheels/a-1.0-py3-none-any.whl") is not None


def test_an_sdist_in_a_zip_is_read_in_parts(pypi: PypiRegistry) -> None:
    """Old sdists are zips."""
    text = b"Metadata-Version: 2.1\nName: old\nVersion: 1.0\n\n"
    built = Built(
        name="old",
        version="1.0",
        filename="old-1.0.zip",
        data=zipped({"old-1.0/PKG-INFO": text, "old-1.0/setup.py": b""}),
        metadata=text,
    )
    pypi.add(built, core_metadata=False)
    handler = gateway()
    (file,) = planned(handler, pypi, built.filename)

    assert handler.metadata(file.url) == text
    assert handler.build_requires(file) == ("setuptools>=40.8.0",)
    assert handler.build_need(file.url) is BuildNeed.DYNAMIC


def test_an_sdist_without_pkg_info_says_so(pypi: PypiRegistry) -> None:
    """What tells nothing of itself cannot be planned with."""
    built = sdist("bare")
    pypi.add(built, core_metadata=False)
    pypi.swap(built.filename, tarred({"bare-1.0/setup.py": b""}))
    handler = gateway()

    with pytest.raises(Refusal, match="no PKG-INFO"):
        planned(handler, pypi, built.filename)
    assert handler.build_need(pypi.file_url(built.filename)) is BuildNeed.DYNAMIC


def test_a_file_store_that_asks_for_credentials_is_answered_by_pip(pypi: PypiRegistry) -> None:
    """A 401 to metadata goes to pip as a 401, and build requirements stay unknown."""
    built = sdist("docopt")
    pypi.add(built)
    handler = gateway()
    page(handler, pypi, "docopt")
    pypi.with_credentials("me", "secret")

    response, _ = ask(handler, f"{pypi.file_url(built.filename)}.metadata", ANY)
    file = handler.file(pypi.file_url(built.filename))

    assert response.status == 401
    assert file is not None
    assert handler.build_requires(file) is None


def test_a_server_that_refuses_credentials_has_failed(pypi: PypiRegistry) -> None:
    """A 403 to somebody who showed a password is no "not found": pip must not look elsewhere for a private name."""
    pypi.fail("/simple/ours/", 403)
    handler = gateway()

    ask(handler, f"{pypi.index_url}/ours/", {**NEWEST_PIP, "authorization": "Basic eDp5"})
    assert handler.failures()

    ask(handler, f"{pypi.index_url}/ours/")
    assert handler.failures() == ()


def test_two_pages_that_contradict_each_other_let_nothing_through(pypi: PypiRegistry) -> None:
    """One URL with two hashes is a lie of one page: no bytes satisfy both."""
    built = wheel("flask")
    pypi.add(built)
    entry = {"url": pypi.file_url(built.filename), "hashes": {"sha256": "0" * 64}}
    pypi.faults["/links/"] = Reply(body=json.dumps({"files": [entry]}).encode(), headers={"Content-Type": JSON})
    handler = gateway(vet_file=lambda _: True)
    page(handler, pypi, "flask")
    ask(handler, f"{pypi.url}/links/")

    with pytest.raises(Refusal, match="sha256 is"):
        ask(handler, pypi.file_url(built.filename), ANY)


def test_what_another_index_says_of_a_file_is_not_believed_later(pypi: PypiRegistry, tmp_path: Path) -> None:
    """An index that lists the hash of another's file cannot leave its own metadata in the cache for it."""
    built = wheel("flask", requires=["werkzeug"])
    with PypiRegistry() as liar:
        liar.add(built, lie="Metadata-Version: 2.1\nName: flask\nVersion: 1.0\n\n")
        planned(gateway(cache=tmp_path), liar, built.filename)
    pypi.add(built)
    handler = gateway(cache=tmp_path)
    planned(handler, pypi, built.filename)

    assert handler.metadata(pypi.file_url(built.filename)) == built.metadata


def test_a_cache_that_cannot_be_written_costs_time_alone(pypi: PypiRegistry, tmp_path: Path) -> None:
    """A full or read-only disk is no reason to fail."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    pypi.add(wheel("flask"))

    assert planned(gateway(cache=blocked), pypi, "flask-1.0-py3-none-any.whl")


def test_what_is_missing_beside_the_index_is_missing(pypi: PypiRegistry) -> None:
    """A constraint file that is not there is told so."""
    response, _ = ask(gateway(), f"{pypi.url}/constraints.txt", ANY)

    assert response.status == 404


def test_an_sdist_is_read_up_to_a_limit(pypi: PypiRegistry) -> None:
    """Metadata behind many megabytes is not looked for; what cannot be told is said."""
    built = sdist("big")
    pypi.add(built, core_metadata=False)
    noise = random.Random(1).randbytes(33_000_000)
    pypi.swap(built.filename, tarred({"big-1.0/data": noise, "big-1.0/PKG-INFO": built.metadata}))
    handler = gateway()

    with pytest.raises(Refusal, match="first 32 MB"):
        planned(handler, pypi, built.filename)
