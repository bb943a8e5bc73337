"""`safeinstall.sources.records`: the user's own records, from wherever they are kept."""

import gzip
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from safeinstall.contracts import Answer
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.sources import documents
from safeinstall.sources.records import RecordsSource
from tests.fakes import NOW, PRIVATE, FakeHttp, release

URL = "https://records.example/all"
EVIL = release("pkg:pypi/evil@1.0", registry=PRIVATE)
FINE = release("pkg:npm/fine@1.0.0", registry=None)


def record(ident: str = "CORP-1", name: str = "evil", **affected: object) -> dict[str, object]:
    """Return a record on every version of *name*."""
    return {
        "id": ident,
        "summary": "found by us",
        "affected": [{"package": {"ecosystem": "PyPI", "name": name}, **affected}],
    }


def lines(*records: Mapping[str, object]) -> bytes:
    """Return *records* as JSON lines, with the blank lines that editors leave."""
    return b"\n\n".join(json.dumps(one).encode() for one in records) + b"\n"


def zipped(**files: bytes) -> bytes:
    """Return a zip of *files*."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name.replace("__", "."), body)
    return buffer.getvalue()


def ask(location: str, http: FakeHttp | None = None) -> Answer:
    """Return what the records at *location* say."""
    source = RecordsSource(location, http or FakeHttp())
    return source.ask([EVIL, FINE], now=NOW, deadline=timedelta(seconds=20))


def assert_heard(answer: Answer, ident: str = "CORP-1") -> None:
    """Check that the bad release was told, and the other answered."""
    assert [one.ident for one in answer.advisories[EVIL.purl]] == [ident]
    assert answer.advisories[FINE.purl] == ()
    assert answer.silent == {}


ONE = json.dumps(record(), indent=1).encode()
FORMS = {
    "a.json": ONE,
    "bom.json": b"\xef\xbb\xbf" + ONE,
    "list.json": json.dumps([record("CORP-0", "other"), record()]).encode(),
    "a.jsonl": lines(record("CORP-0", "other"), record()),
    "lines.json": lines(record("CORP-0", "other"), record()),
    "a.jsonl.gz": gzip.compress(lines(record("CORP-0", "other"))) + gzip.compress(lines(record())),
    "a.json.gz": gzip.compress(ONE),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_file_in_every_form(name: str, tmp_path: Path) -> None:
    """One record, a list, lines, packed or not."""
    (tmp_path / name).write_bytes(FORMS[name])

    assert_heard(ask(str(tmp_path / name)))


@pytest.mark.parametrize(
    "body", [*FORMS.values(), zipped(a__json=ONE, notes__txt=b"x"), zipped(a__jsonl__gz=FORMS["a.jsonl.gz"])]
)
def test_a_url_in_every_form(body: bytes) -> None:
    """What a URL answers is told by its bytes, zip included."""
    assert_heard(ask(URL, FakeHttp(answers={URL: body})))


def test_a_folder_and_all_below_it(tmp_path: Path) -> None:
    """Every file with records counts, others are left alone; the age is that of the newest file."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a.json").write_bytes(ONE)
    (tmp_path / "b.jsonl").write_bytes(lines(record("CORP-2", "other")))
    (tmp_path / "README.md").write_text("not a record")

    answer = ask(str(tmp_path))

    assert_heard(answer)
    assert answer.state.detail == "2 records of your own"
    assert answer.state.as_of is not None


def test_records_are_read_once() -> None:
    """Questions just in time do not read them again."""
    http = FakeHttp(answers={URL: ONE})
    source = RecordsSource(URL, http)

    for _ in range(3):
        source.ask([EVIL], now=NOW, deadline=timedelta(seconds=5))

    assert len(http.asked) == 1


@pytest.mark.parametrize(
    ("name", "body", "place"),
    [
        ("a.jsonl", lines(record(), {"id": "CORP-2"}), r"a\.jsonl, line 3: CORP-2: missing `affected`"),
        ("a.jsonl", ONE[:-3], r"a\.jsonl, line 1"),
        ("a.jsonl", lines(record()).strip() * 2, r"a\.jsonl, line 1 holds more than one"),
        ("a.json", ONE[:-3], r"a\.json: "),
        ("a.json", json.dumps([record(), {}]).encode(), r"a\.json, record 2: missing `id`"),
        ("a.json", b"7", r"a\.json: expected dict"),
        ("a.json", b"", r"a\.json: "),
        ("a.json", b"[" * 200_000, r"a\.json"),
        ("a.json", b"\xff\xfe", r"a\.json is not UTF-8"),
        ("a.json.gz", gzip.compress(ONE)[:-12], r"a\.json\.gz is cut short"),
        ("a.json.gz", b"\x1f\x8bnonsense", r"a\.json\.gz is no gzip"),
        ("a.json", zipped(x__json=ONE)[:-30], r"a\.json is no zip"),
        ("a.json", zipped(x__json=b"{}"), r"a\.json!x\.json: missing `id`"),
    ],
)
def test_one_bad_record_stops_the_source_and_is_named(name: str, body: bytes, place: str, tmp_path: Path) -> None:
    """Nothing is skipped silently: the message names file and line, and nothing of the source is believed."""
    (tmp_path / "good.json").write_bytes(ONE)
    (tmp_path / name).write_bytes(body)

    with pytest.raises(MalformedAnswer, match=place):
        ask(str(tmp_path))


@pytest.mark.parametrize("content", [{}, {"notes.txt": b"x"}, {"empty.json": b"[]"}, {"empty.jsonl": b"\n\n"}])
def test_no_records_is_no_answer(content: Mapping[str, bytes], tmp_path: Path) -> None:
    """An empty folder has forgotten its records rather than found nothing."""
    for name, body in content.items():
        (tmp_path / name).write_bytes(body)

    with pytest.raises(SourceUnavailable, match="no records in"):
        ask(str(tmp_path))


def test_a_folder_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    """A mistyped path does not read as clean."""
    with pytest.raises(SourceUnavailable, match="does not exist"):
        ask(str(tmp_path / "typo"))


def test_a_url_that_fails_is_no_answer_and_shows_no_token() -> None:
    """The message names the URL without what it may carry."""
    with pytest.raises(SourceUnavailable):
        ask(URL)
    with pytest.raises(SourceUnavailable) as failed:
        ask(URL + "?token=s3cret", FakeHttp(answers={URL + "?token=s3cret": b"[]"}))
    assert "s3cret" not in failed.value.message


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(gzip.compress(b" " * 1_000_001), id="gzip"),
        pytest.param(gzip.compress(b" " * 600_000) * 2, id="members"),
        pytest.param(zipped(a__json=b" " * 1_000_001), id="zip"),
        pytest.param(zipped(a__json__gz=gzip.compress(b" " * 1_000_001)), id="gzip-in-zip"),
    ],
)
def test_a_bomb_is_no_answer(bomb: bytes) -> None:
    """What unpacks without end is given up at the limit."""
    with pytest.raises(SourceUnavailable, match="unpacks to more than"):
        list(documents.records("a.json", bomb, largest=1_000_000))


def test_a_reading_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    """The deadline holds for files too."""
    (tmp_path / "a.jsonl").write_bytes(lines(*[record(f"CORP-{number}") for number in range(20_000)]))

    with pytest.raises(SourceUnavailable, match="could not be read within"):
        RecordsSource(str(tmp_path), FakeHttp()).ask([EVIL], now=NOW, deadline=timedelta(milliseconds=20))


def test_a_version_that_cannot_be_compared_is_silence_for_its_release(tmp_path: Path) -> None:
    """One record that cannot be evaluated makes a gap of its release, unless another says malware."""
    unclear = record(ranges=[{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "when ready"}]}])
    (tmp_path / "a.json").write_text(json.dumps(unclear))
    (tmp_path / "b.json").write_text(json.dumps(record("CORP-2", versions=["1.0"])))

    answer = ask(str(tmp_path))
    (tmp_path / "c.json").write_text(json.dumps(record("MAL-1")))
    louder = ask(str(tmp_path))

    assert EVIL.purl not in answer.advisories
    assert "CORP-1" in answer.silent[EVIL.purl]
    assert [one.ident for one in louder.advisories[EVIL.purl]] == ["CORP-2", "MAL-1"]
