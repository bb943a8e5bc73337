"""Index pages are foreign: what they say is read exactly, or not at all."""

import json
from datetime import datetime, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from safeinstall.errors import MalformedAnswer
from safeinstall.gateway.pages import Channel, Page, filename_of, key, moment, name_and_version
from safeinstall.gateway.pypi_read import read_html, read_json
from safeinstall.gateway.pypi_render import as_html, as_json
from safeinstall.gateway.server import Transport

URL = "https://index.example/simple/flask/"
CHANNEL = Channel(headers={}, transport=Transport())
SHA256 = "ab" * 32

ENTRIES = st.dictionaries(
    st.sampled_from(
        ["url", "filename", "hashes", "yanked", "requires-python", "core-metadata", "size", "upload-time", "other"]
    ),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(),
        st.sampled_from(
            ["flask-1.0.tar.gz", "../flask-1.0-py3-none-any.whl#md5=x", "https://[::1", ">=3.8", "//h:x/a.zip"]
        ),
        st.dictionaries(
            st.sampled_from(["sha256", "md5", "blake2b_256"]), st.one_of(st.just(SHA256), st.text(), st.none())
        ),
    ),
)


def from_json(*files: object, **top: object) -> Page:
    """Return the page that lists *files*."""
    return read_json(json.dumps({"files": files, **top}).encode(), url=URL, base=URL, channel=CHANNEL)


def from_html(text: str) -> Page:
    """Return the page that *text* is."""
    return read_html(text.encode(), url=URL, base=URL, channel=CHANNEL)


@given(st.lists(ENTRIES, max_size=4))
def test_garbage_in_json_is_malformed_or_read(files: list[dict[str, object]]) -> None:
    """No entry crashes the reader, and whatever is read can be written for every pip and read again."""
    try:
        page = from_json(*files)
    except MalformedAnswer:
        return

    again = read_json(as_json(page, page.entries, lambda _: True), url=URL, base=URL, channel=CHANNEL)
    html = read_html(as_html(page, page.entries, lambda _: SHA256), url=URL, base=URL, channel=CHANNEL)

    assert [entry.file.url for entry in again.entries] == [entry.file.url for entry in page.entries]
    assert [entry.file.digests for entry in again.entries] == [entry.file.digests for entry in page.entries]
    assert [entry.file.yanked for entry in again.entries] == [entry.file.yanked for entry in page.entries]
    assert [entry.file.url for entry in html.entries] == [entry.file.url for entry in page.entries]


@given(st.one_of(st.binary(), st.text(alphabet="<>a href=\"'#&;/!-[]sha256.whl ").map(str.encode)))
@example(b"<![")
@example(b"<a href='http://[x/a.whl'>")
def test_garbage_in_html_is_malformed_or_read(body: bytes) -> None:
    """Tag soup is read as far as it goes; nothing crashes."""
    try:
        page = read_html(body, url=URL, base=URL, channel=CHANNEL)
    except MalformedAnswer:
        return

    assert all(entry.file.url.startswith("http") for entry in page.entries)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"files": {}}',
        b'{"files": [3]}',
        b'{"files": [], "meta": {"api-version": "2.0"}}',
        b"[" * 99999,
    ],
)
def test_what_is_no_page_is_malformed(body: bytes) -> None:
    """A page of another major version, or of another shape, is not read as an empty one."""
    with pytest.raises(MalformedAnswer):
        read_json(body, url=URL, base=URL, channel=CHANNEL)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hashes": {"sha256": "zz" * 32}},
        {"hashes": {"sha256": "ab"}},
        {"hashes": []},
        {"requires-python": 3},
        {"yanked": 1},
        {"size": "big"},
        {"url": "https://index.example:port/flask-1.0.zip"},
    ],
)
def test_one_malformed_file_spoils_the_page(wrong: dict[str, object]) -> None:
    """A file that vanished in silence could change what pip chooses."""
    good = {"url": "flask-1.0.tar.gz", "filename": "flask-1.0.tar.gz", "hashes": {"sha256": SHA256}}

    with pytest.raises(MalformedAnswer, match="file 1"):
        from_json(good, {**good, **wrong})


def test_html_and_json_say_the_same() -> None:
    """Both forms of a page become the same records."""
    (one,) = from_json(
        {
            "url": "../../f/flask-1.0-py3-none-any.whl",
            "filename": "flask-1.0-py3-none-any.whl",
            "hashes": {"sha256": SHA256},
            "requires-python": ">=3.8,<4",
            "yanked": "bad & ugly",
            "core-metadata": {"sha256": SHA256},
        }
    ).entries
    (other,) = from_html(
        '<html><head><base href="https://index.example/simple/flask/"></head>'
        f'<a href="../../f/flask-1.0-py3-none-any.whl#sha256={SHA256}" data-requires-python="&gt;=3.8,&lt;4" '
        f'data-yanked="bad &amp; ugly" data-core-metadata="sha256={SHA256}">flask</a>'
    ).entries

    assert one.file == other.file
    assert one.file.url == "https://index.example/f/flask-1.0-py3-none-any.whl"
    assert (one.file.project, one.file.version, one.file.yanked) == ("flask", "1.0", "bad & ugly")


@pytest.mark.parametrize("attribute", ["data-yanked", 'data-yanked=""'])
def test_a_yanked_file_without_a_reason_is_yanked(attribute: str) -> None:
    """The attribute alone counts (PEP 592)."""
    (entry,) = from_html(f'<a href="flask-1.0.zip" {attribute}>x</a>').entries

    assert entry.file.yanked == ""


def test_no_link_calls_its_file_something_else() -> None:
    """For pip `egg=NAME-VERSION` counts more than a file's name, in the fragment and in the query."""
    page = from_html(f'<a href="/x/a-1.tar.gz#egg=b-2&amp;sha256={SHA256}&amp;subdirectory=s">a</a>')

    assert page.entries[0].href.endswith("a-1.tar.gz#subdirectory=s")
    assert page.entries[0].file.sha256 == SHA256
    with pytest.raises(MalformedAnswer, match="something else"):
        from_html('<a href="/x/a-1.tar.gz?x=1&amp;egg=b-2">a</a>')


def test_the_strongest_digest_comes_first() -> None:
    """Old pips are told one hash only: it must be one that binds."""
    (entry,) = from_json(
        {"url": "flask-1.0.zip", "hashes": {"md5": "ab" * 16, "sha512": "ab" * 64, "sha256": SHA256}}
    ).entries

    assert [digest.algorithm for digest in entry.file.digests] == ["sha256", "md5", "sha512"]


def test_links_past_the_gateway_are_not_listed() -> None:
    """A page on the web does not name files of this machine, nor repositories."""
    page = from_html('<a href="file:///tmp/flask-1.0.zip">a</a><a href="git+https://h.example/flask.zip">b</a><a>c</a>')

    assert page.entries == ()


def test_eggs_count_for_age_alone() -> None:
    """Pip installs no `.egg`, but its upload shows how old a project is."""
    page = from_json(
        {"url": "flask-0.1-py2.4.egg", "filename": "flask-0.1-py2.4.egg", "upload-time": "2010-01-01T00:00:00Z"}
    )

    assert page.entries == ()
    assert page.first_uploaded == datetime(2010, 1, 1, tzinfo=timezone.utc)


def test_the_state_of_a_project_is_handed_on() -> None:
    """Status, versions and meta are pip's to see."""
    page = from_json(meta={"api-version": "1.4"}, versions=["1.0", "2.0"], **{"project-status": {"status": "archived"}})

    document = json.loads(as_json(page, (), lambda _: False))

    assert document["project-status"] == {"status": "archived"}
    assert document["meta"] == {"api-version": "1.4"}
    assert document["versions"] == ["1.0", "2.0"] == list(page.versions)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://user:pass@Index.example:443/a%2Bb-1.0.zip#sha256=1", "https://index.example/a+b-1.0.zip"),
        ("http://[::1]:80/a%7Eb.zip", "http://[::1]/a~b.zip"),
        ("https://h.example/a/../b/./c.zip", "https://h.example/b/c.zip"),
        ("https://h.example/a.zip?s=%7e%2f|x", "https://h.example/a.zip?s=~%2F%7Cx"),
    ],
)
def test_one_file_has_one_key(one: str, other: str) -> None:
    """Pip quotes URLs in its own way, and hides credentials: it is the same file."""
    assert key(one) == key(other)


def test_an_escaped_slash_is_another_file() -> None:
    """What a server tells apart is not one."""
    assert key("https://h.example/a%2fb.zip") != key("https://h.example/a/b.zip")
    assert key("https://h.example/a?x=1") != key("https://h.example/a?x=2")


@given(st.text(alphabet="htps:/.?#[]@%2Ff+~ aé\x00"))
def test_a_key_is_its_own_key(url: str) -> None:
    """Normalising twice changes nothing."""
    try:
        once = key(url)
    except MalformedAnswer:
        return

    assert key(once) == once


@pytest.mark.parametrize(
    ("filename", "project", "expected"),
    [
        ("Flask_Thing-1.0-py3-none-any.whl", "x", ("flask-thing", "1.0")),
        ("a-b-1.0.tar.gz", "a-b", ("a-b", "1.0")),
        ("a-b-1.tar.gz", "a", ("a", "b-1")),
        ("a-1.0-1.tar.gz", "a", ("a", "1.0.post1")),
        ("flask-v1.0.zip", "flask", ("flask", "1.0")),
        ("master.zip", "flask", ("master", "")),
    ],
)
def test_names_are_read_as_pip_reads_them(filename: str, project: str, expected: tuple[str, str]) -> None:
    """Where a name is ambiguous, the page that lists it decides."""
    assert name_and_version(filename, project) == expected


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2024-02-03T04:05:06.123456Z", 2024),
        ("2024-02-03T04:05:06Z", 2024),
        ("2024-02-03T04:05:06.1+00:00", 2024),
        ("2024-12-31T23:30:00-0100", 2025),
        ("2024-02-31T00:00:00Z", None),
        ("yesterday", None),
    ],
)
def test_upload_times_are_moments(text: str, year: int | None) -> None:
    """Every way to write UTC is understood on every Python; what is no moment is not known."""
    found = moment(text)

    assert (found.year if found is not None else None) == year


def test_file_names_are_decoded() -> None:
    """`%2B` is a plus in a local version."""
    assert filename_of("https://h.example/torch-2.0%2Bcpu-py3-none-any.whl?x#y") == "torch-2.0+cpu-py3-none-any.whl"
