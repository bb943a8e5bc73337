"""The local index as a source: what it tells, when it is silent, and who is asked instead."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from safeinstall.advisories.frozen import Frozen
from safeinstall.advisories.store import standing
from safeinstall.advisories.update import Export, update
from safeinstall.contracts import Answer
from safeinstall.effects import RequestsHttp
from safeinstall.errors import SourceUnavailable
from safeinstall.model import Advisory, AdvisoryKind, Digest, EcosystemName, Purl, Registry, Release, Visibility
from safeinstall.sources.index import IndexSource
from safeinstall.sources.osv import OsvSource
from tests.fakes import NOW, FakeSource, Hearing, advisory, release
from tests.registries.osv import Record, malware, vulnerability
from tests.registries.osv_export import ExportServer

HOURS = timedelta(hours=1)
PRIVATE = Registry(url="https://packages.corp.example/simple", visibility=Visibility.PRIVATE)
LOCAL = Registry(url="file:///srv/wheels", visibility=Visibility.LOCAL)
SHA256, SHA512 = "ab" * 32, "cd" * 64


@pytest.fixture(scope="module")
def export() -> Iterator[ExportServer]:
    """Serve records in the shapes of the real ones."""
    with ExportServer() as server:
        server.add(*RECORDS)
        yield server


@pytest.fixture(scope="module")
def folder(export: ExportServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an index that was updated at `NOW`."""
    path = tmp_path_factory.mktemp("index")
    where = Export(http=RequestsHttp(), base_url=export.url, reporter=Hearing())
    for ecosystem in EcosystemName:
        update(where, path, ecosystem, now=NOW)
    return path


def hashed(record: Record, integrity: object) -> Record:
    """Return *record* naming the hashes of its artifacts as the malicious packages database does."""
    listed = record["affected"]
    assert isinstance(listed, list)
    affected: Mapping[str, object] = listed[0]
    specific = {"cwes": [{"cweId": "CWE-506"}], "indicators": {"package_integrity": integrity}}
    return {**record, "affected": [{**affected, "database_specific": specific}]}


RECORDS: Sequence[Record] = (
    malware("evil-pkg", ecosystem="pypi", ident="MAL-1"),
    malware("six", ecosystem="pypi", versions=["6.6.6"], ident="MAL-2"),
    malware("bad", ident="MAL-3"),
    malware("pattern.json", ident="MAL-4"),
    malware("JSONStream2", ident="MAL-5"),
    malware("@scope/x.y_z~1", ident="MAL-6"),
    malware("node-ipc", versions=["9.1.6", "9.2.3", "12.0.1"], ident="MAL-7"),
    vulnerability("node-ipc", ecosystem="npm", versions=["10.1.1"], fixed="9.0.0", ident="GHSA-1", aliases=["CVE-1"]),
    {**malware("taken-back", ident="MAL-8"), "withdrawn": "2026-01-01T00:00:00Z"},
    vulnerability("django-like", versions=["1.0"], fixed="1.1", ident="PYSEC-1"),
    {**vulnerability("ctx-like", versions=["0.2"], ident="PYSEC-2"), "database_specific": {"cwe_ids": ["CWE-506"]}},
    hashed(malware("stolen", ecosystem="pypi", versions=["1.0"], ident="MAL-9"), [{"hashes": {"sha256": SHA256}}]),
    hashed(malware("stolen", versions=["1.0"], ident="MAL-10"), ["sha512-" + "zc3N" * 21 + "zQ=="]),
    {"id": "ODD-1", "affected": [{"package": {"ecosystem": "npm", "name": "odd"}, "ranges": [{"type": "SEMVER"}]}]},
    {**malware("note-home", ident="T-1"), "database_specific": {"type": "telemetry"}, "summary": "sends usage data"},
    {
        "id": "U-1",
        "summary": "unmaintained",
        "affected": [
            {
                "package": {"ecosystem": "npm", "name": "old-one"},
                "versions": ["1.0.0"],
                "database_specific": {"informational": "unmaintained"},
            }
        ],
    },
)


def ask(folder: Path, *releases: Release, after: timedelta = HOURS, **options: object) -> Answer:
    """Return what the index tells some time after its update."""
    source = IndexSource(folder, limit=24 * HOURS, **options)  # type: ignore[arg-type]  # keywords of IndexSource
    return source.ask(releases, now=NOW + after, deadline=timedelta(seconds=5))


def kinds(found: Sequence[Advisory]) -> set[str]:
    """Return of what kinds *found* is."""
    return {one.kind.value for one in found}


@pytest.mark.parametrize(
    ("purl", "name", "kind"),
    [
        ("pkg:pypi/Evil_Pkg@1.0", "Evil_Pkg", "malware"),
        ("pkg:pypi/evil.pkg@2.0", "evil.pkg", "malware"),
        ("pkg:pypi/six@6.6.6", "six", "malware"),
        ("pkg:pypi/six@6.6.6.0", "six", "malware"),
        ("pkg:pypi/six@v6.6.6", "six", "malware"),
        ("pkg:npm/bad@1", "bad", "malware"),
        ("pkg:npm/pattern.json@0.0.1", "pattern.json", "malware"),
        ("pkg:npm/JSONStream2@1.0.0", "JSONStream2", "malware"),
        ("pkg:npm/%40scope/x.y_z~1@1.0.0", "@scope/x.y_z~1", "malware"),
        ("pkg:npm/node-ipc@9.1.6", "node-ipc", "malware"),
        ("pkg:npm/node-ipc@9.2.3", "node-ipc", "malware"),
        ("pkg:npm/node-ipc@12.0.1", "node-ipc", "malware"),
        ("pkg:pypi/django-like@1.0", "django-like", "vulnerability"),
        ("pkg:pypi/ctx-like@0.2", "ctx-like", "malware"),
        ("pkg:npm/note-home@1.0.0", "note-home", "telemetry"),
        ("pkg:npm/old-one@1.0.0", "old-one", "unmaintained"),
    ],
)
def test_what_is_recorded_is_told(folder: Path, purl: str, name: str, kind: str) -> None:
    """However name and version are spelled, and under whatever id, the record is found and has its kind."""
    one = release(purl)

    assert kind in kinds(ask(folder, one).advisories[one.purl])


@pytest.mark.parametrize(
    "purl",
    [
        "pkg:pypi/six@6.6.7",
        "pkg:npm/jsonstream2@1.0.0",
        "pkg:npm/node-ipc@9.2.1",
        "pkg:npm/taken-back@1.0.0",
        "pkg:pypi/django-like@1.1",
        "pkg:npm/evil-pkg@1.0.0",
        "pkg:npm/stolen@2.0.0",
        "pkg:pypi/harmless@1.0",
    ],
)
def test_what_is_not_recorded_is_clean(folder: Path, purl: str) -> None:
    """Other versions, other ecosystems, names of another case and withdrawn records accuse nobody."""
    one = release(purl)
    answer = ask(folder, one)

    assert answer.advisories == {one.purl: ()}
    assert answer.silent == {}


@pytest.mark.parametrize("registry", [None, PRIVATE, LOCAL], ids=["none", "private", "local"])
@pytest.mark.parametrize(
    ("purl", "digest", "ident"),
    [
        ("pkg:pypi/harmless@3.1", Digest(algorithm="sha256", value=SHA256), "MAL-9"),
        ("pkg:npm/harmless@3.1.0", Digest(algorithm="sha512", value=SHA512), "MAL-10"),
    ],
)
def test_the_same_bytes_are_found_under_every_name(
    folder: Path, purl: str, digest: Digest, ident: str, registry: Registry | None
) -> None:
    """An artifact whose hash a record names is malware, whatever it is called and wherever it comes from."""
    one = release(purl, digests=(digest,), registry=registry)
    (found,) = ask(folder, one).advisories[one.purl]

    assert (found.ident, found.kind, found.by_hash) == (ident, AdvisoryKind.MALWARE, True)


@pytest.mark.parametrize("registry", [PRIVATE, LOCAL], ids=["private", "local"])
def test_a_private_package_with_the_name_of_malware_collides(folder: Path, registry: Registry) -> None:
    """The record speaks of the public registry: the name is told, the package is not accused."""
    evil = release("pkg:pypi/evil-pkg@1.0", registry=registry)
    faulty = release("pkg:pypi/django-like@1.0", registry=registry)
    answer = ask(folder, evil, faulty)

    assert kinds(answer.advisories[evil.purl]) == {"name-collides"}
    assert answer.advisories[faulty.purl] == ()


def test_a_record_that_nobody_can_read_is_a_gap(folder: Path) -> None:
    """A record names it and cannot be understood: that is not clean."""
    one = release("pkg:npm/odd@1.0.0")
    answer = ask(folder, one)

    assert one.purl not in answer.advisories
    assert "ODD-1" in answer.silent[one.purl]


def test_what_no_registry_vouches_for_is_not_clean_by_its_name(folder: Path) -> None:
    """A URL may call itself what it wants."""
    one = release("pkg:pypi/anything@1.0", registry=None)

    assert one.purl in ask(folder, one).silent


def test_a_fresh_index_answers_alone(folder: Path) -> None:
    """Nothing is asked of anybody while the index is within its limit."""
    api = FakeSource()
    answer = ask(folder, release("pkg:pypi/evil-pkg@1.0"), release("pkg:npm/a@1.0.0"), otherwise=api)

    assert api.asked == []
    assert answer.state.source == "index"
    assert answer.state.as_of == NOW
    assert (answer.state.asked, answer.state.answered) == (2, 2)


def test_an_old_index_leaves_it_to_the_api(folder: Path) -> None:
    """What the API says counts then, and its state says why it was asked."""
    bad = release("pkg:npm/a@1.0.0")
    api = FakeSource(known={bad.purl: (advisory(),)})
    answer = ask(folder, bad, after=25 * HOURS, otherwise=api)

    assert [one.ident for one in answer.advisories[bad.purl]] == ["MAL-2026-1"]
    assert (answer.state.source, answer.state.answered) == ("fake", 1)
    assert answer.state.detail == "the index of npm is 25 h old, and may be 24 h: run `safeinstall update`"


@pytest.mark.parametrize(
    "api",
    [None, FakeSource(failure=SourceUnavailable("refused")), FakeSource(mute={Purl("pkg:npm/a@1.0.0"): "late"})],
    ids=["none", "down", "late"],
)
def test_an_old_index_without_an_api_is_silent(folder: Path, api: FakeSource | None) -> None:
    """Each silence says how old the index is, what to run, and what the API said."""
    answer = ask(folder, release("pkg:npm/a@1.0.0"), after=24 * 5 * HOURS, otherwise=api)
    (why,) = answer.silent.values()

    assert answer.advisories == {}
    assert why.startswith("the index of npm is 5 days old, and may be 24 h: run `safeinstall update`")
    assert api is None or why.rpartition("; ")[2] in ("fake: refused", "fake: late")


def test_an_index_from_the_future_is_not_believed(folder: Path) -> None:
    """A clock that was set back must not make an index young for years."""
    answer = ask(folder, release("pkg:npm/a@1.0.0"), after=-24 * HOURS)

    assert answer.advisories == {}


def test_offline_an_old_index_counts_and_tells_its_age(folder: Path) -> None:
    """The user chose what lies on the machine."""
    api = FakeSource()
    one = release("pkg:pypi/evil-pkg@1.0")
    answer = ask(folder, one, after=24 * 300 * HOURS, offline=True, otherwise=api)

    assert kinds(answer.advisories[one.purl]) == {"malware"}
    assert answer.state.as_of == NOW
    assert api.asked == []


def test_an_ecosystem_without_an_index_is_asked_of_the_api(export: ExportServer, tmp_path: Path) -> None:
    """An index of npm says nothing about PyPI."""
    update(Export(http=RequestsHttp(), base_url=export.url, reporter=Hearing()), tmp_path, EcosystemName.NPM, now=NOW)
    api = FakeSource()
    mine, other = release("pkg:npm/bad@1.0.0"), release("pkg:pypi/fine@1.0")
    answer = ask(tmp_path, mine, other, otherwise=api)

    assert api.asked == [other.purl]
    assert answer.advisories[mine.purl]
    assert answer.advisories[other.purl] == ()
    assert answer.state.answered == 2
    assert standing(tmp_path, EcosystemName.PYPI) is None


def test_private_names_stay_here_when_the_index_is_old(folder: Path, tmp_path: Path) -> None:
    """The API is asked instead of an old index, and never about what comes from private registries."""
    asked: list[object] = []

    class Overheard:
        """An `Http` that keeps what it is told."""

        def post_json(self, url: str, body: Mapping[str, Sequence[object]], **_: object) -> object:
            asked.extend(body["queries"])
            return {"results": [{} for _ in body["queries"]]}

    from safeinstall.sources.cache import Cache  # noqa: PLC0415

    api = OsvSource(Overheard(), "https://osv.example", Cache(tmp_path))  # type: ignore[arg-type]
    secret = release("pkg:npm/%40corp/secret@1.0.0", registry=PRIVATE)
    ask(folder, secret, release("pkg:npm/public@1.0.0"), after=30 * HOURS, otherwise=api)

    assert "public" in str(asked)
    assert "secret" not in str(asked)


def test_an_export_that_froze_is_silent(folder: Path) -> None:
    """Checked a minute ago says nothing when nothing new has come into the export for months."""
    source = IndexSource(folder, limit=24 * HOURS, frozen=Frozen(after=timedelta(days=7), silent=True))

    answer = source.ask([release("pkg:npm/fine@1.0.0")], now=NOW, deadline=HOURS)

    assert not answer.advisories
    assert all("its newest record is of 2026-01-01" in why for why in answer.silent.values())
    assert answer.silent


def test_an_export_that_froze_is_as_old_as_its_newest_record(folder: Path) -> None:
    """Where it may answer it does not look fresh: its age is that of what it tells."""
    source = IndexSource(folder, limit=24 * HOURS, frozen=Frozen(after=timedelta(days=7), silent=False))

    answer = source.ask([release("pkg:npm/fine@1.0.0")], now=NOW, deadline=HOURS)

    assert answer.advisories
    assert f"{answer.state.as_of:%Y-%m-%d}" == "2026-01-01"
    assert answer.state.detail.endswith(", frozen")


def test_an_export_that_is_filled_is_not_frozen(folder: Path) -> None:
    """The newest record counts, against the time of the last check."""
    source = IndexSource(folder, limit=24 * HOURS, frozen=Frozen(after=timedelta(days=365), silent=True))

    assert source.ask([release("pkg:npm/fine@1.0.0")], now=NOW, deadline=HOURS).state.as_of == NOW


@pytest.mark.parametrize("newest", ["", "yesterday"])
def test_an_index_without_dates_is_not_called_frozen(newest: str) -> None:
    """Records of one's own export may have no dates at all."""
    assert Frozen(after=HOURS, silent=True).at(newest, NOW) is None
