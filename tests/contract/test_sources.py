"""Every advisory source against every way in which a service fails: silence and errors, but never "nothing known"."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from safeinstall import sources
from safeinstall.contracts import Answer, Source
from safeinstall.effects import RequestsHttp
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.model import Purl, Registry, Release, Visibility
from safeinstall.sources.cache import Cache
from safeinstall.sources.embedded import EmbeddedSource
from safeinstall.sources.index import IndexSource
from safeinstall.sources.osv import OsvSource
from safeinstall.sources.records import RecordsSource
from safeinstall.sources.registry import RegistrySource
from tests.fakes import NOW, release
from tests.registries.osv import Mode, OsvServer, malware
from tests.registries.server import Asked, Reply, refused_url

DEADLINE = timedelta(seconds=1)
SLACK = 1.5
"""Seconds that a loaded machine may need to notice that the time is over."""

BATCH_ONLY = {Mode.SHORT, Mode.TOKEN_ONLY}
"""Faults that only the batch of the API can have."""

VULNERABILITIES = [
    {"id": "PYSEC-2026-1", "aliases": ["MAL-2026-2"], "summary": "Malicious code in evil", "fixed_in": [], "link": None}
]


class Services(OsvServer):
    """An OSV API and a registry with project JSON in one; both break in the same way."""

    def answer(self, asked: Asked) -> Reply:
        """See `LoopbackHttp.answer`."""
        if not asked.path.startswith("/pypi/"):
            return super().answer(asked)
        listed = VULNERABILITIES if "/evil/" in asked.path else []
        body = json.dumps({"info": {}, "vulnerabilities": listed}).encode()
        return self._broken(Reply(headers={"Content-Type": "application/json"}, body=body), self.mode)


@pytest.fixture
def services() -> Iterator[Services]:
    """Serve two malicious packages."""
    with Services() as server:
        server.add(
            malware("evil", ecosystem="npm", ident="MAL-2026-1"), malware("evil", ecosystem="pypi", ident="MAL-2026-2")
        )
        yield server


def osv(url: str, folder: Path) -> Source:
    """Return the API's source."""
    return OsvSource(RequestsHttp(), url, Cache(folder))


def records(url: str, folder: Path) -> Source:
    """Return the source of records at a URL: the bulk export of PyPI."""
    del folder
    return RecordsSource(f"{url}/PyPI/all.zip", RequestsHttp())


def registry(url: str, folder: Path) -> Source:
    """Return the source that asks the registry."""
    del url
    return RegistrySource(RequestsHttp(), Cache(folder))


ONLINE = {"osv": osv, "records": records, "registry": registry}
EVIL = "pkg:pypi/evil@1.0"


def releases(url: str) -> list[Release]:
    """Return a malicious release and a harmless one, of a registry at *url*."""
    where = Registry(url=f"{url}/simple", visibility=Visibility.PUBLIC)
    return [release(EVIL, registry=where), release("pkg:pypi/fine@1.0", registry=where)]


def ask(source: Source, asked: list[Release]) -> tuple[Answer | None, float]:
    """Return the answer, None for none at all, and how many seconds it took."""
    start = time.monotonic()
    try:
        answer = source.ask(asked, now=NOW, deadline=DEADLINE)
    except (SourceUnavailable, MalformedAnswer):
        answer = None
    return answer, time.monotonic() - start


def told_clean(answer: Answer | None) -> list[Purl]:
    """Return the releases that the answer calls clean."""
    return [] if answer is None else [purl for purl, found in answer.advisories.items() if not found]


@pytest.mark.parametrize("make", ONLINE.values(), ids=ONLINE.keys())
class TestEveryOnlineSource:
    """What holds for a source that asks a service."""

    def test_hears_a_service_that_works(
        self, make: Callable[[str, Path], Source], services: Services, tmp_path: Path
    ) -> None:
        """The malicious release is told, the harmless one is answered as harmless."""
        answer, _ = ask(make(services.url, tmp_path), releases(services.url))

        assert answer is not None
        assert [one.ident for one in answer.advisories[Purl(EVIL)]] in (["MAL-2026-2"], ["PYSEC-2026-1"])
        assert told_clean(answer) == ["pkg:pypi/fine@1.0"]
        assert (answer.state.answered, answer.silent) == (2, {})

    @pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.OK], ids=lambda mode: mode.value)
    def test_calls_nothing_clean_when_the_service_fails(
        self, make: Callable[[str, Path], Source], mode: Mode, services: Services, tmp_path: Path
    ) -> None:
        """Whatever the service answers, in the given time, nothing is read as clean, and every silence has a reason."""
        source = make(services.url, tmp_path)
        if mode in BATCH_ONLY and source.ident != "osv":
            pytest.skip("only the batch of the API can fail like this")
        services.mode = mode
        asked = releases(services.url)

        answer, took = ask(source, asked)

        assert told_clean(answer) == []
        assert took < DEADLINE.total_seconds() + SLACK
        if answer is not None:
            assert {one.purl for one in asked} <= {*answer.advisories, *answer.silent}
            assert all(answer.silent.values())

    def test_calls_nothing_clean_when_nobody_listens(self, make: Callable[[str, Path], Source], tmp_path: Path) -> None:
        """A refused connection is no answer."""
        url = refused_url()

        answer, took = ask(make(url, tmp_path), releases(url))

        assert told_clean(answer) == []
        assert took < DEADLINE.total_seconds() + SLACK


@pytest.mark.parametrize(
    "mode", [mode for mode in Mode if mode is not Mode.OK and mode not in BATCH_ONLY], ids=lambda mode: mode.value
)
def test_a_record_that_cannot_be_read_is_no_miss(mode: Mode, services: Services, tmp_path: Path) -> None:
    """When the API names a record and then cannot show it, the release is not answered; the others are."""
    services.details = mode

    answer, took = ask(osv(services.url, tmp_path), releases(services.url))

    assert answer is not None
    assert EVIL not in answer.advisories
    assert "MAL-2026-2" in answer.silent[Purl(EVIL)]
    assert took < DEADLINE.total_seconds() + SLACK


@pytest.mark.parametrize("ident", [*ONLINE, "embedded"])
def test_ten_thousand_releases_are_answered(ident: str, services: Services, tmp_path: Path) -> None:
    """The size of a plan is no way around a source: the one bad release among 10,000 is found."""
    if ident == "registry":
        pytest.skip("one request for each release: the deadline ends it, which the next test shows")
    source = EmbeddedSource() if ident == "embedded" else ONLINE[ident](services.url, tmp_path)
    where = Registry(url=f"{services.url}/simple", visibility=Visibility.PUBLIC)
    many = [release(f"pkg:pypi/name-{number}@1.0", registry=where) for number in range(10_000)]
    bad = release("pkg:pypi/ctx@0.2.2" if ident == "embedded" else EVIL, registry=where)

    answer = source.ask([*many, bad], now=NOW, deadline=timedelta(seconds=60))

    assert answer.advisories[bad.purl]
    assert len(told_clean(answer)) == 10_000


def test_a_registry_is_not_asked_for_longer_than_the_deadline(services: Services, tmp_path: Path) -> None:
    """Ten thousand pages cannot be had in a second: what was not asked is silent."""
    services.latency = 0.05
    where = Registry(url=f"{services.url}/simple", visibility=Visibility.PUBLIC)
    many = [release(f"pkg:pypi/name-{number}@1.0", registry=where) for number in range(10_000)]

    answer, took = ask(registry(services.url, tmp_path), many)

    assert answer is not None
    assert len(answer.advisories) + len(answer.silent) == 10_000
    assert answer.silent
    assert took < DEADLINE.total_seconds() + SLACK + 1


class TestTheShelf:
    """What holds for the list of sources."""

    HELPERS: ClassVar[set[str]] = {
        "__init__",
        "asking",
        "cache",
        "documents",
        "osv_hashes",
        "osv_meaning",
        "osv_record",
        "shelf",
    }

    def test_every_source_file_is_registered(self) -> None:
        """A file in sources/ which nobody registered would be a source that is never asked."""
        files = {path.stem for path in Path(sources.__file__).parent.glob("*.py")} - self.HELPERS

        assert files == set(sources.IDENTS)
        assert {
            source.ident for source in (IndexSource, OsvSource, RecordsSource, RegistrySource, EmbeddedSource)
        } == files

    def test_only_sources_that_nobody_overhears_may_be_told_private_names(self) -> None:
        """The one source whose questions leave the network says so."""
        assert OsvSource.public
        assert not any(source.public for source in (RecordsSource, RegistrySource, EmbeddedSource))

    def test_what_proves_nothing_is_a_supplement(self) -> None:
        """Embedded records and the registry's own hints never make a release known."""
        assert EmbeddedSource.supplement
        assert RegistrySource.supplement
        assert not OsvSource.supplement
        assert not RecordsSource.supplement
