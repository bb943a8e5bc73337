"""Open lists, the code host's advisories, npm's audit, their tokens, and the weight of a source."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from safeinstall.contracts import Answer, Source
from safeinstall.effects import RequestsHttp
from safeinstall.errors import SafeinstallError
from safeinstall.gather import gather
from safeinstall.model import EcosystemName, Registry, Visibility
from safeinstall.sources.cache import Cache
from safeinstall.sources.lists import ListSource
from safeinstall.sources.records import RecordsSource
from safeinstall.versions import in_npm_range
from safeinstall.weighed import Weighed
from tests.fakes import NOW, FakeSource, plan, release
from tests.registries.server import Asked, LoopbackHttp, Reply, with_etag

NPM = EcosystemName.NPM


class ListServer(LoopbackHttp):
    """Serves one list, with an ETag."""

    entries: object = (
        {"package_name": "bad", "version": "*", "reason": "MALWARE"},
        {"package_name": "once", "version": "1.0.0", "reason": "MALWARE"},
        {"package_name": "chatty", "version": "*", "reason": "TELEMETRY"},
        {"package_name": "angry", "version": "2.0.0", "reason": "PROTESTWARE"},
        {"package_name": "odd", "version": "*", "reason": "SOMETHING NEW"},
    )

    def answer(self, asked: Asked) -> Reply:
        """See `LoopbackHttp.answer`."""
        return with_etag(asked, Reply(body=json.dumps(self.entries).encode()))


@pytest.fixture
def server() -> Iterator[ListServer]:
    """Serve the list."""
    with ListServer() as running:
        yield running


def ask(server: ListServer, folder: Path, *purls: str, hours: float = 0, registry: Registry | None = None) -> Answer:
    """Return what the list says some hours later."""
    source = ListSource(RequestsHttp(), f"{server.url}/list.json", NPM, Cache(folder))
    where = registry or Registry(url="https://registry.example", visibility=Visibility.PUBLIC)
    asked = [release(one, registry=where) for one in purls]
    return source.ask(asked, now=NOW + timedelta(hours=hours), deadline=timedelta(seconds=5))


@pytest.mark.parametrize(
    ("purl", "kinds"),
    [
        ("pkg:npm/bad@7.0.0", ["malware"]),
        ("pkg:npm/once@1.0.0", ["malware"]),
        ("pkg:npm/once@1.0.1", []),
        ("pkg:npm/chatty@1.0.0", ["telemetry"]),
        ("pkg:npm/angry@2.0.0", ["protestware"]),
        ("pkg:npm/odd@1.0.0", ["malware"]),
        ("pkg:pypi/bad@1.0", []),
    ],
)
def test_an_entry_says_which_version_and_why(server: ListServer, tmp_path: Path, purl: str, kinds: list[str]) -> None:
    """One version or all, of one ecosystem; a reason that we do not know is as bad as can be."""
    (found,) = ask(server, tmp_path, purl).advisories.values()

    assert [one.kind.value for one in found] == kinds


def test_a_list_is_fetched_only_when_it_changed(server: ListServer, tmp_path: Path) -> None:
    """Within the hour it is not asked for at all, and later only its ETag travels."""
    for hours in (0, 0.5, 2, 2.5):
        assert ask(server, tmp_path, "pkg:npm/bad@1.0.0", hours=hours).advisories
    assert [hit.status for hit in server.hits()] == [200, 304]

    server.entries = [{"name": "new", "version": "*", "reason": "MALWARE"}]
    (found,) = ask(server, tmp_path, "pkg:npm/new@1.0.0", hours=9).advisories.values()
    assert found


def test_an_outage_is_bridged_for_a_day(server: ListServer, tmp_path: Path) -> None:
    """What is kept stands in and tells its date; after a day there is no answer."""
    ask(server, tmp_path, "pkg:npm/bad@1.0.0")
    server.fail("/list.json")

    assert ask(server, tmp_path, "pkg:npm/bad@1.0.0", hours=20).state.as_of == NOW
    with pytest.raises(SafeinstallError):
        ask(server, tmp_path, "pkg:npm/bad@1.0.0", hours=30)


def test_a_list_learns_no_names_and_private_ones_only_collide(server: ListServer, tmp_path: Path) -> None:
    """It is fetched as a whole, and a private package is not accused of its name."""
    private = Registry(url="https://packages.corp.example", visibility=Visibility.PRIVATE)
    (found,) = ask(server, tmp_path, "pkg:npm/bad@1.0.0", registry=private).advisories.values()

    assert [one.kind.value for one in found] == ["name-collides"]
    assert [hit.path for hit in server.hits()] == ["/list.json"]


def test_records_of_the_users_own_are_found_by_hash_too(tmp_path: Path) -> None:
    """The artifact that a record names by its hash is told under every name."""
    specific = {"indicators": {"package_integrity": [f"sha256:{'0' * 64}"]}}
    affected = {"package": {"ecosystem": "npm", "name": "stolen"}, "versions": ["1"], "database_specific": specific}
    (tmp_path / "one.json").write_text(json.dumps({"id": "CORP-1", "affected": [affected]}))
    one = release("pkg:npm/harmless@1.0.0")
    answer = RecordsSource(str(tmp_path), RequestsHttp()).ask([one], now=NOW, deadline=timedelta(seconds=5))

    assert [(found.ident, found.by_hash) for found in answer.advisories[one.purl]] == [("CORP-1", True)]


@pytest.mark.parametrize("supplement", [True, False])
def test_the_user_decides_whose_silence_is_a_gap(supplement: bool) -> None:
    """A source that is required makes gaps, one that is best effort does not."""
    one = release("pkg:npm/a@1.0.0")
    sources: list[Source] = [FakeSource(), Weighed(source=FakeSource(mute={one.purl: "late"}), supplement=supplement)]
    facts = gather(plan(one), sources, now=NOW, deadline=timedelta(seconds=5))

    assert (one.purl in facts.known) is supplement


def test_a_token_goes_to_its_host_alone(server: ListServer, tmp_path: Path) -> None:
    """Whoever is not named gets none, and the keyring is not looked into for them."""
    asked: list[str] = []

    def tokens(host: str) -> str | None:
        asked.append(host)
        return "secret" if host == "127.0.0.1" else None

    RequestsHttp(tokens=tokens).get_json(f"{server.url}/list.json", timeout=timedelta(seconds=5))
    RequestsHttp().get_json(f"{server.url}/list.json", timeout=timedelta(seconds=5))

    assert [hit.headers.get("authorization") for hit in server.hits()] == ["Bearer secret", None]
    assert asked == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("version", "text", "inside"),
    [("1.2.3", "<2", True), ("2.0.0", "<2", False), ("1.0.0-beta.1", ">=0.0.0", True), ("1.5.0", "1.x || 3", True)],
)
def test_ranges_of_npm_hold_prereleases_too(version: str, text: str, inside: bool) -> None:
    """An advisory on all versions is about their prereleases, as npm's own audit has it."""
    assert in_npm_range(version, text) is inside
