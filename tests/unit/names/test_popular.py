"""Newer lists of popular names are used where they are whole, and said where they are not."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from safeinstall.advisories import bundle
from safeinstall.advisories.bundle import POPULAR
from safeinstall.advisories.popularity import fetch
from safeinstall.advisories.update import Export, update
from safeinstall.checks.typosquat import Typosquat
from safeinstall.effects import RequestsHttp
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.facts import Facts
from safeinstall.model import EcosystemName
from safeinstall.names import container, layout, popular
from safeinstall.names.pack import pack
from tests import fakes
from tests.fakes import NOW, Hearing
from tests.outsides import Machine
from tests.registries.osv import malware
from tests.registries.osv_export import ExportServer
from tests.registries.server import LoopbackHttp, Reply

NPM = EcosystemName.NPM
LATER = date(2099, 1, 1)
FRESH = pack(NPM, ["zebracorn", *(f"filler-{number}" for number in range(50))], LATER)


@pytest.fixture(autouse=True)
def _as_packaged(tmp_path: Path) -> Iterator[None]:
    """Leave the lists of the package to the next test."""
    yield
    popular.look_in(tmp_path / "nowhere")


@pytest.fixture
def server() -> Iterator[LoopbackHttp]:
    """Return a server that has nothing yet."""
    with LoopbackHttp() as running:
        yield running


def placed(folder: Path, content: bytes, ecosystem: EcosystemName = NPM) -> Path:
    """Put *content* where an update would."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{ecosystem.value}.names").write_bytes(content)
    return folder


def test_a_newer_list_is_what_names_are_compared_with(tmp_path: Path) -> None:
    """A look-alike of a name that became popular since is found, and the finding says of which day the list is."""
    near = fakes.release("pkg:npm/zebracron@1.0.0", asked="zebracron")
    facts = Facts(plan=fakes.plan(near), now=datetime(2099, 1, 2, tzinfo=timezone.utc))
    assert list(Typosquat().run(near, facts)) == []

    assert popular.look_in(placed(tmp_path, FRESH)) == ()

    (found,) = Typosquat().run(near, facts)
    assert "`zebracorn`" in found.title
    assert any("2099-01-01" in one for one in found.evidence)


@pytest.mark.parametrize(
    "content",
    [FRESH[:-1], FRESH[:-1] + b"x", b"", b"no list", FRESH[:200]],
    ids=["short", "changed", "empty", "other", "head"],
)
def test_a_damaged_list_is_said_and_not_used(tmp_path: Path, content: bytes) -> None:
    """The list that came with safeinstall counts on; nobody is told nothing."""
    (said,) = popular.look_in(placed(tmp_path, content))

    assert "is damaged and not used" in said
    assert popular.names_file(NPM) == popular.packaged(NPM)
    assert popular.popular(NPM).rank("react") is not None


def test_a_list_of_another_ecosystem_is_damaged(tmp_path: Path) -> None:
    """A file in the wrong place must not make popular names unknown."""
    assert popular.look_in(placed(tmp_path, FRESH, EcosystemName.PYPI)) != ()
    assert popular.popular(EcosystemName.PYPI).rank("requests") is not None


def test_an_older_list_changes_nothing(tmp_path: Path) -> None:
    """An update of safeinstall itself may bring a newer list than the last bundle did."""
    assert popular.look_in(placed(tmp_path, pack(NPM, ["zebracorn"], date(2001, 1, 1)))) == ()
    assert popular.names_file(NPM) == popular.packaged(NPM)


def test_a_bundle_carries_the_list_that_counts(tmp_path: Path) -> None:
    """What is loaded from a bundle elsewhere is read there."""
    with ExportServer() as exports:
        exports.add(malware("evil"))
        update(Export(http=RequestsHttp(), base_url=exports.url, reporter=Hearing()), tmp_path / "a", NPM, now=NOW)
    popular.look_in(placed(tmp_path / "a" / POPULAR, FRESH))
    bundle.write(tmp_path / "a", tmp_path / "b.tar", [popular.names_file(NPM)], now=NOW)
    bundle.load(tmp_path / "b.tar", tmp_path / "there")

    assert popular.look_in(tmp_path / "there" / POPULAR) == ()
    assert popular.popular(NPM).rank("zebracorn") == 1


def test_a_list_is_fetched_once_and_then_by_its_etag(server: LoopbackHttp, tmp_path: Path) -> None:
    """An unchanged list costs one small answer, a damaged one on the disk is fetched anew."""
    server.faults["/npm.names"] = Reply(body=FRESH, headers={"ETag": '"1"'})
    first = fetch(RequestsHttp(), server.url, tmp_path, NPM, today=LATER)
    server.faults["/npm.names"] = Reply(status=304)
    second = fetch(RequestsHttp(), server.url, tmp_path, NPM, today=LATER)
    (tmp_path / POPULAR / "npm.names").write_bytes(b"damaged")
    server.faults["/npm.names"] = Reply(body=FRESH, headers={"ETag": '"1"'})
    third = fetch(RequestsHttp(), server.url, tmp_path, NPM, today=LATER)

    assert [one.changed for one in (first, second, third)] == [True, False, True]
    assert [hit.headers.get("if-none-match") for hit in server.hits()] == [None, '"1"', None]
    assert first.names == 51


@pytest.mark.parametrize(
    ("reply", "today"),
    [
        (Reply(body=FRESH[:-1]), LATER),
        (Reply(body=b"<html>"), LATER),
        (Reply(body=pack(EcosystemName.PYPI, ["a"], LATER)), LATER),
        (Reply(body=FRESH), LATER - timedelta(days=1)),
        (Reply(status=500), LATER),
        (Reply(status=404), LATER),
    ],
    ids=["short", "html", "other-ecosystem", "from-the-future", "500", "404"],
)
def test_what_is_no_list_does_not_replace_one(server: LoopbackHttp, tmp_path: Path, reply: Reply, today: date) -> None:
    """Whatever the server says, the list that was there counts on."""
    placed(tmp_path / POPULAR, FRESH)
    server.faults["/npm.names"] = reply

    with pytest.raises((MalformedAnswer, SourceUnavailable)):
        fetch(RequestsHttp(), server.url, tmp_path, NPM, today=today)
    assert (tmp_path / POPULAR / "npm.names").read_bytes() == FRESH
    assert [path.name for path in (tmp_path / POPULAR).iterdir()] == ["npm.names"]


def test_update_brings_lists_and_status_tells_of_them(server: LoopbackHttp, tmp_path: Path) -> None:
    """A list that cannot be fetched is said with what is used instead, and ends in 43; one that can is used at once."""
    with ExportServer() as exports:
        exports.add(malware("evil"), malware("evil", ecosystem="pypi", ident="MAL-2026-2"))
        here = Machine(tmp_path)
        here.env |= {"SAFEINSTALL_INDEX_URL": exports.url, "SAFEINSTALL_POPULAR_URL": server.url}
        server.faults["/npm.names"] = Reply(body=pack(NPM, ["zebracorn"], NOW.date()))
        code = here.main("update")

    assert code == 43
    assert f"safeinstall: popular names of npm: 1 of them, as of {NOW.date()}\n" in here.screen
    assert "error: the popular names of pypi could not be updated: " in here.screen
    assert "; those of 2026-11-01 are used\n" in here.screen

    placed(tmp_path / "home" / "cache" / "index" / POPULAR, b"damaged", EcosystemName.PYPI)
    here.main("status")

    assert "pypi.names is damaged and not used: names are compared with the list of 2026-11-01" in here.screen


def test_a_list_whose_tables_do_not_fit_together_is_not_taken(server: LoopbackHttp, tmp_path: Path) -> None:
    """Its checksums are right and its numbers lead nowhere: it would crash every run that looks a name up."""
    server.faults["/npm.names"] = Reply(body=crafted(FRESH, names=40))
    with pytest.raises(MalformedAnswer, match="do not fit together"):
        fetch(RequestsHttp(), server.url, tmp_path, NPM, today=LATER)

    assert not list(tmp_path.rglob("*.names*"))


def test_a_bundle_brings_no_list_that_would_not_be_taken_from_a_url(server: LoopbackHttp, tmp_path: Path) -> None:
    """Nothing of the bundle is loaded then; and with a good one goes the tag of the list that it replaces."""
    index = tmp_path / "index"
    with ExportServer() as exports:
        exports.add(malware("evil"))
        update(Export(http=RequestsHttp(), base_url=exports.url, reporter=Hearing()), index, NPM, now=NOW)
    bad, good = tmp_path / "bad", tmp_path / "good"
    for target, content in ((bad, crafted(FRESH, names=40)), (good, FRESH)):
        listed = placed(tmp_path / f"{target.name}-list", content) / "npm.names"
        bundle.write(index, target, [listed], now=NOW)
    there = tmp_path / "there"
    server.faults["/npm.names"] = Reply(headers={"ETag": '"old"'}, body=pack(NPM, ["zebracorn"], NOW.date()))
    fetch(RequestsHttp(), server.url, there, NPM, today=LATER)
    before = (there / POPULAR / "npm.names").read_bytes()

    with pytest.raises(MalformedAnswer, match=r"`popular/npm\.names` is no whole list"):
        bundle.load(bad, there)
    kept = (there / POPULAR / "npm.names").read_bytes()
    bundle.load(good, there)

    assert kept == before
    assert not list(there.glob("*.part"))
    assert sorted(path.name for path in (there / POPULAR).iterdir()) == ["npm.names"]
    assert (there / POPULAR / "npm.names").read_bytes() == FRESH


def crafted(content: bytes, **header: object) -> bytes:
    """Return the list *content* with fields of its *header* changed, and with checksums that fit."""
    start = len(layout.MAGIC)
    begin = start + 2 * container.NUMBER
    size = int.from_bytes(content[start : start + container.NUMBER], "little")
    raw = json.dumps({**json.loads(content[begin : begin + size]), **header}).encode()
    raw += b" " * (-(begin + len(raw)) % layout.ALIGN)
    return container.written(layout.MAGIC, raw, content[begin + size :])
