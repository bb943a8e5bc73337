"""`safeinstall.sources.registry`: what PyPI's project JSON tells, where there is one."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from safeinstall.contracts import Answer
from safeinstall.errors import NotThere
from safeinstall.model import AdvisoryKind, Registry, Release, Visibility
from safeinstall.sources.cache import Cache
from safeinstall.sources.registry import RegistrySource
from tests.fakes import NOW, PUBLIC, FakeHttp, release

ROOT = "https://pypi.example"
EVIL = release("pkg:pypi/Evil_Pkg@1.0", registry=PUBLIC)
PAGE = f"{ROOT}/pypi/evil-pkg/1.0/json"
FAULT = {
    "id": "PYSEC-2024-1",
    "aliases": ["CVE-2024-1"],
    "details": "A fault.",
    "fixed_in": ["1.10", "1.9"],
    "link": "https://osv.example/PYSEC-2024-1",
    "source": "osv",
    "summary": None,
    "withdrawn": None,
}


def ask(http: FakeHttp, folder: Path, *asked: Release, now: datetime = NOW, offline: bool = False) -> Answer:
    """Return what the registry says."""
    source = RegistrySource(http, Cache(folder), offline=offline)
    return source.ask(asked or [EVIL], now=now, deadline=timedelta(seconds=10))


def page(*vulnerabilities: object) -> dict[str, object]:
    """Return a project's JSON."""
    return {"info": {"name": "evil-pkg"}, "vulnerabilities": list(vulnerabilities)}


def test_a_vulnerability_is_told(tmp_path: Path) -> None:
    """Ids, words and fixed versions come over; what was withdrawn does not."""
    withdrawn = {**FAULT, "id": "PYSEC-2024-2", "withdrawn": "2024-01-01T00:00:00Z"}

    (told,) = ask(FakeHttp(answers={PAGE: page(FAULT, withdrawn)}), tmp_path).advisories[EVIL.purl]

    assert (told.ident, told.aliases, told.kind) == (
        "PYSEC-2024-1",
        frozenset({"CVE-2024-1"}),
        AdvisoryKind.VULNERABILITY,
    )
    assert (told.fixed, told.summary) == (("1.9", "1.10"), "A fault.")


def test_malware_is_told_as_malware(tmp_path: Path) -> None:
    """PYSEC records on planted code say so in words or by an alias."""
    bad = {**FAULT, "aliases": ["MAL-2024-1"]}

    (told,) = ask(FakeHttp(answers={PAGE: page(bad)}), tmp_path).advisories[EVIL.purl]

    assert told.kind is AdvisoryKind.MALWARE


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {"vulnerabilities": None},
        {"vulnerabilities": {}},
        page("PYSEC-1"),
        page({"aliases": []}),
        page({**FAULT, "fixed_in": "1"}),
        page({**FAULT, "withdrawn": 0}),
    ],
)
def test_a_page_of_another_shape_tells_nothing(answer: object, tmp_path: Path) -> None:
    """It is not read as "no vulnerabilities"."""
    told = ask(FakeHttp(answers={PAGE: answer}), tmp_path)

    assert told.advisories == {}
    assert told.silent[EVIL.purl]


@pytest.mark.parametrize(
    "asked",
    [
        release("pkg:npm/evil@1.0.0", registry=Registry(url="https://npm.example/", visibility=Visibility.PUBLIC)),
        release("pkg:pypi/evil@1.0", registry=None),
        release("pkg:pypi/evil@1.0", registry=Registry(url="file:///simple", visibility=Visibility.LOCAL)),
        release("pkg:pypi/evil@1.0", registry=Registry(url="https://wheels.example/all", visibility=Visibility.PUBLIC)),
    ],
)
def test_a_registry_of_another_kind_is_not_asked(asked: Release, tmp_path: Path) -> None:
    """Only an index whose address ends in `/simple` has the document beside it."""
    http = FakeHttp()

    assert ask(http, tmp_path, asked).advisories == {}
    assert http.asked == []


@pytest.mark.parametrize("url", [f"{ROOT}/simple", f"{ROOT}/simple/", f"{ROOT}/mirror/simple/"])
def test_the_document_stands_beside_the_index(url: str, tmp_path: Path) -> None:
    """`.../simple/` has its sibling `.../pypi/`, also below a path."""
    http = FakeHttp()

    ask(http, tmp_path, release("pkg:pypi/x@1", registry=Registry(url=url, visibility=Visibility.PUBLIC)))

    assert http.asked[0][0] == url.rstrip("/").removesuffix("/simple") + "/pypi/x/1/json"


def many(number: int) -> list[Release]:
    """Return so many releases of one registry."""
    return [release(f"pkg:pypi/name-{one}@1.0", registry=PUBLIC) for one in range(number)]


class Absent(dict[str, object]):
    """A mirror that has none of these documents."""

    def __contains__(self, key: object) -> bool:
        """Every URL is answered."""
        return True

    def __missing__(self, key: str) -> object:
        """Answer 404."""
        return NotThere(f"{key} answered 404")


def test_a_mirror_without_the_document_is_soon_left_alone(tmp_path: Path) -> None:
    """After the first few 404 nobody asks on, and for a day nobody asks at all."""
    http = FakeHttp(answers=Absent())
    first = ask(http, tmp_path, *many(500))
    asked = len(http.asked)
    second = ask(http, tmp_path, *many(500), now=NOW + timedelta(hours=23))
    again = len(http.asked)
    ask(http, tmp_path, *many(500), now=NOW + timedelta(hours=25))

    assert asked <= 3 + 8
    assert (first.advisories, second.advisories) == ({}, {})
    assert again == asked
    assert len(http.asked) > asked
    assert second.state.detail == "the registry does not tell"


def test_one_missing_page_does_not_silence_the_registry(tmp_path: Path) -> None:
    """Where some pages are there, all are asked for."""
    there = {f"{ROOT}/pypi/name-{one}/1.0/json": page() for one in range(50) if one % 5 != 4}

    answer = ask(FakeHttp(answers=there), tmp_path, *many(50))

    assert len(answer.advisories) == 40
    assert len(answer.silent) == 10


def test_an_answer_is_kept_for_an_hour(tmp_path: Path) -> None:
    """The next run takes it from the cache, offline of any age."""
    http = FakeHttp(answers={PAGE: page(FAULT)})
    ask(http, tmp_path)

    soon = ask(FakeHttp(), tmp_path, now=NOW + timedelta(minutes=50))
    late = ask(FakeHttp(), tmp_path, now=NOW + timedelta(minutes=70))
    offline = ask(FakeHttp(), tmp_path, now=NOW + timedelta(days=9), offline=True)

    assert (len(soon.advisories[EVIL.purl]), soon.state.as_of) == (1, NOW)
    assert late.advisories == {}
    assert (len(offline.advisories[EVIL.purl]), offline.state.as_of) == (1, NOW)
