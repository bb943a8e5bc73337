"""Filling the index and keeping it current: whatever fails, what counts is an index that was finished."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from safeinstall.advisories.store import opened, pointer, standing, whole
from safeinstall.advisories.update import Export, Updated, update
from safeinstall.effects import RequestsHttp
from safeinstall.errors import MalformedAnswer, SafeinstallError, SourceUnavailable
from safeinstall.model import EcosystemName
from tests.fakes import NOW, Hearing
from tests.registries.osv import malware, vulnerability
from tests.registries.osv_export import ExportServer, zip_of
from tests.registries.server import Reply, refused_url

NPM, PYPI = EcosystemName.NPM, EcosystemName.PYPI


@pytest.fixture
def export() -> Iterator[ExportServer]:
    """Serve 30 records, one of them about `evil`."""
    with ExportServer() as server:
        server.add(malware("evil", ident="MAL-2026-1"), modified="2026-01-02T00:00:00Z")
        server.add(*(malware(f"bad-{number}", ident=f"MAL-2025-{number}") for number in range(29)))
        yield server


def refresh(server: ExportServer | str, folder: Path, *, after: int = 0, full: bool = False) -> Updated:
    """Update npm's index in *folder*, so many hours *after* the start of the tests."""
    url = server if isinstance(server, str) else server.url
    where = Export(http=RequestsHttp(), base_url=url, reporter=Hearing(), patience=timedelta(seconds=10))
    return update(where, folder, NPM, now=NOW + timedelta(hours=after), full=full)


def known(folder: Path) -> Mapping[str, list[str]]:
    """Return which ids the index tells of some names."""
    with opened(folder, NPM) as index:
        found = index.about(["evil", "later", "bad-1"])
    return {name: [one if isinstance(one, str) else one.ident for one in told] for name, told in found.items()}


def paths(server: ExportServer) -> list[str]:
    """Return what the server was asked for."""
    return [hit.path for hit in server.hits()]


def test_the_first_update_imports_everything(export: ExportServer, tmp_path: Path) -> None:
    """All records of the export are there, with dates and numbers that `status` can tell."""
    done = refresh(export, tmp_path)

    assert (done.whole, done.changes, done.standing.records, done.standing.packages) == (True, 30, 30, 30)
    assert done.standing.newest == "2026-01-02T00:00:00.000000Z"
    assert done.standing.checked == NOW
    assert known(tmp_path) == {"evil": ["MAL-2026-1"], "bad-1": ["MAL-2025-1"]}
    assert paths(export) == ["/npm/all.zip"]
    assert whole(tmp_path, done.standing)


def test_later_updates_fetch_only_what_changed(export: ExportServer, tmp_path: Path) -> None:
    """New, modified and withdrawn records take effect; nothing else is fetched, and the age starts anew."""
    refresh(export, tmp_path)
    export.forget()
    export.add(malware("later", ident="MAL-2026-2"), modified="2026-01-03T00:00:00Z")
    gone = {**malware("evil", ident="MAL-2026-1"), "withdrawn": "2026-01-03T00:00:00Z"}
    export.add(gone, modified="2026-01-03T00:00:01.5Z")
    done = refresh(export, tmp_path, after=5)

    assert (done.whole, done.changes, done.standing.records) == (False, 2, 31)
    assert known(tmp_path) == {"later": ["MAL-2026-2"], "bad-1": ["MAL-2025-1"]}
    assert sorted(paths(export)) == ["/npm/MAL-2026-1.json", "/npm/MAL-2026-2.json", "/npm/modified_id.csv"]
    assert done.standing.checked == NOW + timedelta(hours=5)
    assert done.standing.built == NOW


def test_an_update_without_news_is_one_request(export: ExportServer, tmp_path: Path) -> None:
    """Nothing has changed: the list says so, and the index is as fresh as the list."""
    refresh(export, tmp_path)
    export.forget()
    done = refresh(export, tmp_path, after=7)

    assert (done.changes, paths(export)) == (0, ["/npm/modified_id.csv"])
    assert standing(tmp_path, NPM) == done.standing
    assert done.standing.checked == NOW + timedelta(hours=7)


def test_the_same_record_is_replaced_again_and_again(export: ExportServer, tmp_path: Path) -> None:
    """What an older form of a record said is gone, however often it changes."""
    refresh(export, tmp_path)
    for day in range(1, 5):
        export.add(
            vulnerability("evil", versions=[f"{day}.0"], ecosystem="npm", ident="MAL-2026-1"),
            modified=f"2026-02-0{day}T00:00:00Z",
        )
        assert refresh(export, tmp_path, after=day).changes == 1

    with opened(tmp_path, NPM) as index:
        (record,) = index.about(["evil"])["evil"]
    assert not isinstance(record, str)
    assert record.affected[0].versions == ("4.0",)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Reply(status=500), id="500"),
        pytest.param(Reply(status=404), id="404"),
        pytest.param(Reply(body=b"<html>"), id="html"),
        pytest.param(Reply(body=b""), id="empty"),
        pytest.param(Reply(body=zip_of({})), id="no-records"),
        pytest.param(Reply(body=zip_of({"MAL-1": malware("only-one", ident="MAL-1")})), id="shrunk"),
        pytest.param(Reply(body=zip_of({"MAL-1": "{"})), id="half-a-record"),
        pytest.param(Reply(body=zip_of({"MAL-1": '{"id": "MAL-1"}'})), id="a-record-about-nothing"),
        pytest.param(Reply(body=b"x" * 1000, cut=500), id="cut"),
        pytest.param(Reply(reset=True), id="reset"),
    ],
)
def test_what_fails_leaves_the_old_index(fault: Reply, export: ExportServer, tmp_path: Path) -> None:
    """An export that is broken is an error; the old index counts on, with its old age, and nothing is left."""
    old = refresh(export, tmp_path).standing
    export.faults["/npm/all.zip"] = fault
    export.faults["/npm/modified_id.csv"] = Reply(body=b"nonsense\n")

    with pytest.raises(SafeinstallError):
        refresh(export, tmp_path, after=9)

    assert standing(tmp_path, NPM) == old
    assert known(tmp_path)["evil"] == ["MAL-2026-1"]
    assert {path.name for path in tmp_path.iterdir()} == {"npm.json", old.file, "update.lock"}


@pytest.mark.parametrize("cut", [10, 200, 1000, -1, -10, -30, -200])
def test_a_zip_that_is_cut_is_no_export(cut: int, export: ExportServer, tmp_path: Path) -> None:
    """Wherever a zip ends too early, it is refused as a whole."""
    body = zip_of({f"MAL-{n}": malware(f"bad-{n}", ident=f"MAL-{n}") for n in range(20)})
    export.faults["/npm/all.zip"] = Reply(body=body[:cut])

    with pytest.raises(MalformedAnswer):
        refresh(export, tmp_path)

    assert standing(tmp_path, NPM) is None


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>\n", id="html"),
        pytest.param(b"2026-01-01T00:00:00Z,MAL-2025-1\n2026-01-02T00:00:00Z,MAL-2026-1\n", id="oldest-first"),
        pytest.param(b"2020-01-01T00:00:00Z,MAL-2025-1\n", id="older-than-the-index"),
        pytest.param(b"2026-03-01T00:00:00Z,MAL-2026-404\n2026-01-02T00:00:00Z,MAL-2026-1\n", id="lists-what-is-gone"),
        pytest.param(b"\xff\xfe\n", id="not-utf-8"),
        pytest.param(b"x" * 5000, id="one-long-line"),
    ],
)
def test_a_list_that_cannot_be_believed_leads_to_the_whole_export(
    listed: bytes, export: ExportServer, tmp_path: Path
) -> None:
    """Changes that cannot be followed are not guessed: everything is imported anew."""
    refresh(export, tmp_path)
    export.faults["/npm/modified_id.csv"] = Reply(body=listed)
    done = refresh(export, tmp_path, after=3)

    assert done.whole
    assert known(tmp_path)["evil"] == ["MAL-2026-1"]


def test_a_change_that_cannot_be_fetched_fails_the_update(export: ExportServer, tmp_path: Path) -> None:
    """One of the changed records answers 500: the index does not claim to be newer than it is."""
    old = refresh(export, tmp_path).standing
    news = (malware("later", ident="MAL-2026-2"), malware("more", ident="MAL-2026-3"))
    export.add(*news, modified="2026-02-01T00:00:00Z")
    export.fail("/npm/MAL-2026-2.json")

    with pytest.raises(SourceUnavailable, match="1 of 2 changed records"):
        refresh(export, tmp_path, after=3)

    assert standing(tmp_path, NPM) == old


def test_a_record_that_nobody_can_read_makes_silence(export: ExportServer, tmp_path: Path) -> None:
    """A strange record does not stop the import of all others, and what it names is not called clean."""
    export.add({"id": "ODD-1", "affected": [{"package": {"ecosystem": "npm", "name": "later"}, "ranges": [{}]}]})
    done = refresh(export, tmp_path)

    assert done.standing.unreadable == 1
    assert known(tmp_path)["later"][0].startswith("ODD-1: ")


@pytest.mark.parametrize("harm", ["cut", "garbage", "gone", "pointer", "newer"])
def test_a_damaged_index_is_refused_and_mended(harm: str, export: ExportServer, tmp_path: Path) -> None:
    """An index that is cut, scribbled over, gone or of another version tells nothing; the next update mends it."""
    held = refresh(export, tmp_path).standing
    path = tmp_path / held.file
    body = path.read_bytes()
    place = pointer(tmp_path, NPM)
    match harm:
        case "cut":
            path.write_bytes(body[: len(body) // 2])
        case "garbage":
            path.write_bytes(b"x" * len(body))
        case "gone":
            path.unlink()
        case "pointer":
            place.write_text("{}")
        case _:
            place.write_text(place.read_text().replace('"schema": 1', '"schema": 2'))

    with pytest.raises(MalformedAnswer, match="safeinstall update"):
        known(tmp_path)
    assert refresh(export, tmp_path).whole
    assert known(tmp_path)["evil"] == ["MAL-2026-1"]


def test_a_changed_byte_is_found_before_changes_are_laid_over_it(export: ExportServer, tmp_path: Path) -> None:
    """What an update starts from is compared with what was built, byte for byte."""
    held = refresh(export, tmp_path).standing
    path = tmp_path / held.file
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(bytes(body))
    export.add(malware("later", ident="MAL-2026-2"), modified="2026-02-01T00:00:00Z")

    assert refresh(export, tmp_path, after=1).whole


def test_nobody_listens(tmp_path: Path) -> None:
    """Without a network there is an error, and no index appears."""
    with pytest.raises(SourceUnavailable):
        refresh(refused_url(), tmp_path)
    assert standing(tmp_path, NPM) is None


def test_an_old_import_is_done_anew(export: ExportServer, tmp_path: Path) -> None:
    """Records that the export dropped silently do not stay for ever."""
    refresh(export, tmp_path)

    assert not refresh(export, tmp_path, after=24 * 29).whole
    assert refresh(export, tmp_path, after=24 * 31).whole
    assert refresh(export, tmp_path, full=True).whole
