"""Every advisory source against every way in which a service fails: silence and errors, but never "nothing known"."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from safeinstall import purl as purls
from safeinstall import sources
from safeinstall.advisories.update import Export, update
from safeinstall.contracts import Answer, Source
from safeinstall.effects import RequestsHttp
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.model import AdvisoryKind, EcosystemName, Purl, Registry, Release, Visibility
from safeinstall.sources.cache import Cache
from safeinstall.sources.embedded import EmbeddedSource
from safeinstall.sources.github import GithubSource
from safeinstall.sources.index import IndexSource
from safeinstall.sources.lists import ListSource
from safeinstall.sources.npm_audit import NpmAuditSource
from safeinstall.sources.osv import OsvSource
from safeinstall.sources.records import RecordsSource
from safeinstall.sources.registry import RegistrySource
from tests.fakes import NOW, Hearing, release
from tests.registries.osv import Mode, OsvServer, malware
from tests.registries.osv_export import ExportServer
from tests.registries.server import Asked, Reply, refused_url

DEADLINE = timedelta(seconds=1)
AUDIT = "-/npm/v1/security/advisories/bulk"
PUBLIC = (OsvSource, GithubSource, NpmAuditSource)
PRIVATE = (IndexSource, RecordsSource, ListSource, RegistrySource, EmbeddedSource)
SLACK = 6.0
"""Seconds that a loaded machine may need to notice that the time is over."""

BATCH_ONLY = {Mode.SHORT, Mode.TOKEN_ONLY}
"""Faults that only the batch of the API can have."""

VULNERABILITIES = [
    {"id": "PYSEC-2026-1", "aliases": ["MAL-2026-2"], "summary": "Malicious code in evil", "fixed_in": [], "link": None}
]


LISTED = [{"package_name": "evil", "version": "*", "reason": "MALWARE"}]

GLOBAL = [
    {
        "ghsa_id": "GHSA-1111-2222-3333",
        "type": "malware",
        "summary": "Malware in evil",
        "severity": "critical",
        "vulnerabilities": [
            {"package": {"ecosystem": name, "name": "evil"}, "vulnerable_version_range": ">= 0"}
            for name in ("pip", "npm")
        ],
    }
]

AUDITED = {
    "evil": [
        {
            "id": 1,
            "url": "https://advisories.example/GHSA-1111-2222-3333",
            "title": "Malware in evil",
            "severity": "critical",
            "vulnerable_versions": ">=0.0.0",
            "cwe": ["CWE-506"],
        }
    ]
}


class Services(OsvServer):
    """An OSV API, a registry with project JSON, a list, a code host and an audit in one; all break in the same way."""

    def answer(self, asked: Asked) -> Reply:
        """See `LoopbackHttp.answer`."""
        answers: dict[str, object] = {"/list.json": LISTED, "/advisories": GLOBAL, f"/{AUDIT}": AUDITED}
        if asked.path.startswith("/pypi/"):
            listed = VULNERABILITIES if "/evil/" in asked.path else []
            answers[asked.path] = {"info": {}, "vulnerabilities": listed}
        if asked.path not in answers:
            return super().answer(asked)
        body = json.dumps(answers[asked.path]).encode()
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


def malware_list(url: str, folder: Path) -> Source:
    """Return the source of an open list."""
    return ListSource(RequestsHttp(), f"{url}/list.json", EcosystemName.PYPI, Cache(folder))


def github(url: str, folder: Path) -> Source:
    """Return the code host's source."""
    return GithubSource(RequestsHttp(), url, Cache(folder))


def audit(url: str, folder: Path) -> Source:
    """Return the source of npm's bulk endpoint, which speaks of npm."""
    return NpmAuditSource(RequestsHttp(), Cache(folder), url)


def old_index(url: str, folder: Path) -> Source:
    """Return an index that is too old, in front of the API."""
    with ExportServer() as server:
        server.add(malware("other", ecosystem="pypi"))
        export = Export(http=RequestsHttp(), base_url=server.url, reporter=Hearing())
        update(export, folder / "index", EcosystemName.PYPI, now=NOW - timedelta(days=9))
    return IndexSource(folder / "index", limit=timedelta(days=1), otherwise=osv(url, folder))


ONLINE = {
    "osv": osv,
    "records": records,
    "registry": registry,
    "lists": malware_list,
    "github": github,
    "npm_audit": audit,
    "index": old_index,
}
EVIL = "pkg:pypi/evil@1.0"
IDENTS = (["MAL-2026-2"], ["PYSEC-2026-1"], ["list:pypi/evil@*"], ["GHSA-1111-2222-3333"])
BATCHES = {"osv", "index"}
"""The sources that ask the batch of the API."""


def evil_of(make: object) -> Purl:
    """Return the malicious release that the source of *make* can speak of."""
    return Purl(EVIL.replace("pypi", "npm")) if make is audit else Purl(EVIL)


def releases(url: str, ecosystem: str = "pypi") -> list[Release]:
    """Return a malicious release and a harmless one, of a registry at *url*."""
    if ecosystem == "npm":
        where = Registry(url=url, visibility=Visibility.PUBLIC)
        return [release("pkg:npm/evil@1.0", registry=where), release("pkg:npm/fine@1.0", registry=where)]
    where = Registry(url=f"{url}/simple", visibility=Visibility.PUBLIC)
    return [release(EVIL, registry=where), release("pkg:pypi/fine@1.0", registry=where)]


def ask(source: Source, asked: list[Release], deadline: timedelta = DEADLINE) -> tuple[Answer | None, float]:
    """Return the answer, None for none at all, and how many seconds it took."""
    start = time.monotonic()
    try:
        answer = source.ask(asked, now=NOW, deadline=deadline)
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
        evil = evil_of(make)
        kind = purls.parts(evil)[0].value
        answer, _ = ask(make(services.url, tmp_path), releases(services.url, kind))

        assert answer is not None
        assert [one.ident for one in answer.advisories[evil]] in IDENTS
        assert {one.kind for one in answer.advisories[evil]} == {AdvisoryKind.MALWARE}
        assert told_clean(answer) == [f"pkg:{kind}/fine@1.0"]
        assert (answer.state.answered, answer.silent) == (2, {})

    @pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.OK], ids=lambda mode: mode.value)
    def test_calls_nothing_clean_when_the_service_fails(
        self, make: Callable[[str, Path], Source], mode: Mode, services: Services, tmp_path: Path
    ) -> None:
        """Whatever the service answers, in the given time, nothing is read as clean, and every silence has a reason."""
        source = make(services.url, tmp_path)
        if mode in BATCH_ONLY and source.ident not in BATCHES:
            pytest.skip("only the batch of the API can fail like this")
        if mode is Mode.NO_RESULTS and source.ident == "npm_audit":
            pytest.skip("an empty object is how this endpoint says that it knows of nothing")
        services.mode = mode
        asked = releases(services.url, purls.parts(evil_of(make))[0].value)

        answer, took = ask(source, asked)

        assert told_clean(answer) == []
        assert took < DEADLINE.total_seconds() + SLACK
        if answer is not None:
            assert {one.purl for one in asked} <= {*answer.advisories, *answer.silent}
            assert all(answer.silent.values())

    def test_calls_nothing_clean_when_nobody_listens(self, make: Callable[[str, Path], Source], tmp_path: Path) -> None:
        """A refused connection is no answer."""
        url = refused_url()

        answer, took = ask(make(url, tmp_path), releases(url, purls.parts(evil_of(make))[0].value))

        assert told_clean(answer) == []
        assert took < DEADLINE.total_seconds() + SLACK


@pytest.mark.parametrize(
    "mode", [mode for mode in Mode if mode is not Mode.OK and mode not in BATCH_ONLY], ids=lambda mode: mode.value
)
def test_a_record_that_cannot_be_read_is_no_miss(mode: Mode, services: Services, tmp_path: Path) -> None:
    """When the API names a record and then cannot show it, the release is not answered; the others are."""
    services.details = mode
    # Two questions, one after the other: on a loaded machine the first alone may take the usual deadline.
    deadline = 3 * DEADLINE

    answer, took = ask(osv(services.url, tmp_path), releases(services.url), deadline)

    assert answer is not None
    assert EVIL not in answer.advisories
    assert "MAL-2026-2" in answer.silent[Purl(EVIL)]
    assert took < deadline.total_seconds() + SLACK


@pytest.mark.parametrize("ident", [*ONLINE, "embedded"])
def test_ten_thousand_releases_are_answered(ident: str, services: Services, tmp_path: Path) -> None:
    """The size of a plan is no way around a source: the one bad release among 10,000 is found."""
    if ident in ("registry", "github", "npm_audit"):
        pytest.skip("more requests than the deadline allows, which the next test shows, or npm only")
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
        "remembered",
        "shelf",
    }

    def test_every_source_file_is_registered(self) -> None:
        """A file in sources/ which nobody registered would be a source that is never asked."""
        files = {path.stem for path in Path(sources.__file__).parent.glob("*.py")} - self.HELPERS

        assert files == set(sources.IDENTS)
        assert {source.ident for source in (*PUBLIC, *PRIVATE)} == files

    def test_only_sources_that_nobody_overhears_may_be_told_private_names(self) -> None:
        """The sources whose questions leave the network say so."""
        assert all(source.public for source in PUBLIC)
        assert not any(source.public for source in PRIVATE)

    def test_what_proves_nothing_is_a_supplement(self) -> None:
        """Embedded records and the registry's own hints never make a release known."""
        assert EmbeddedSource.supplement
        assert RegistrySource.supplement
        assert not OsvSource.supplement
        assert not RecordsSource.supplement
