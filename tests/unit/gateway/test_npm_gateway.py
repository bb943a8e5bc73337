"""The gateway's npm side, asked without npm, in front of a registry on loopback."""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path

import pytest

from safeinstall.errors import MalformedAnswer
from safeinstall.gateway.npm import NpmGateway, bare
from safeinstall.gateway.npm_cache import PackumentCache
from safeinstall.gateway.npm_packument import ABBREVIATED, digests
from safeinstall.gateway.npm_tarball import Planned
from safeinstall.gateway.server import Request, Response, Transport
from safeinstall.gateway.upstream import Upstream
from safeinstall.runs import AccessKind, Phase
from tests.builders.tarballs import tarball
from tests.registries.npm import NpmRegistry
from tests.registries.server import Hit, Reply, refused_url

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[NpmGateway]:
    """Return a gateway in its planning phase."""
    upstream = Upstream()
    made = NpmGateway(upstream, PackumentCache(tmp_path / "npm"), lambda: NOW)
    yield made
    made.close()
    upstream.close()


def request(url: str, kind: str = "packument", method: str = "GET", **headers: str) -> Request:
    """Return what npm would ask."""
    sent = {"pacote-req-type": kind, "accept": "application/json"} if kind else {}
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method=method, url=url, headers=sent | told, transport=Transport(proxy=""))


def body(response: Response) -> bytes:
    """Return the whole body."""
    return b"".join(response.body)


def document(response: Response) -> Mapping[str, object]:
    """Return the body as JSON."""
    found: Mapping[str, object] = json.loads(body(response))
    return found


def first_hit(npm: NpmRegistry) -> Hit:
    """Return the first request; the registry writes its log after it has answered."""
    end = time.monotonic() + 5
    while not npm.hits() and time.monotonic() < end:
        time.sleep(0.01)
    return npm.hits()[0]


def planned(npm: NpmRegistry, name: str) -> Planned:
    """Return the tarball of *name* 1.0.0 as a plan would hold it."""
    return Planned(
        url=npm.tarball_url(name, "1.0.0"), digests=digests(npm.integrity(name, "1.0.0")), name=f"{name}@1.0.0"
    )


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        ("tarball", "GET", "/top/-/top-1.0.0.tgz"),
        ("", "GET", "/top"),
        ("packument", "POST", "/top"),
        ("", "POST", "/-/npm/v1/security/advisories/bulk"),
        ("", "GET", "/-/ping"),
        ("", "PUT", "/top"),
    ],
)
def test_planning_sees_packuments_and_nothing_else(
    gateway: NpmGateway, npm: NpmRegistry, kind: str, method: str, path: str
) -> None:
    """Whatever else npm asks for is refused with a reason, and does not reach the registry."""
    npm.publish(tarball("top"))

    response = gateway.answer(request(npm.url + path, kind, method))

    assert response.status == 403
    assert "not fetched while planning" in str(document(response)["error"])
    assert npm.hits() == ()
    assert len(gateway.refusals()) == 1


def test_a_packument_is_fetched_once_in_full(gateway: NpmGateway, npm: NpmRegistry) -> None:
    """Both forms that npm asks for are made from the full one, which alone tells times."""
    npm.publish(tarball("top", scripts={"install": "x"}))
    full = gateway.answer(request(f"{npm.url}/top"))
    npm.forget()
    short = gateway.answer(request(f"{npm.url}/top", accept=f"{ABBREVIATED}; q=1.0, application/json; q=0.8, */*"))

    assert "time" in document(full)
    assert set(document(short)) == {"name", "dist-tags", "modified", "versions"}
    assert short.headers["content-type"] == ABBREVIATED
    assert {full.headers["cache-control"], short.headers["cache-control"]} == {"no-store"}
    assert full.kind is AccessKind.PAGE


def test_a_registry_that_does_not_abbreviate_is_not_made_to(gateway: NpmGateway, npm: NpmRegistry) -> None:
    """The manager writes into the lockfile what it was told; a bare npm would have been told everything."""
    npm.switches.abbreviated = False
    npm.publish(tarball("top"))

    response = gateway.answer(request(f"{npm.url}/top", accept=f"{ABBREVIATED}; q=1.0"))

    assert "time" in document(response)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_a_registrys_no_is_passed_on(gateway: NpmGateway, npm: NpmRegistry, status: int) -> None:
    """The manager knows best what to say about it, and it is a no while installing, too."""
    npm.fail("/top", status)

    while_planning = gateway.answer(request(f"{npm.url}/top"))
    gateway.freeze(())
    while_installing = gateway.answer(request(f"{npm.url}/top"))

    assert (while_planning.status, while_installing.status) == (status, status)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Reply(body=b"<html>login</html>"), id="html"),
        pytest.param(Reply(body=b'{"versions": {"1.0.0": {'), id="truncated-json"),
        pytest.param(Reply(body=b"[]"), id="other-json"),
        pytest.param(Reply(body=b""), id="empty"),
        pytest.param(Reply(body=b"{}" * 100, cut=3), id="broken-off"),
        pytest.param(Reply(reset=True), id="reset"),
    ],
)
def test_what_is_no_packument_fails_and_is_kept_nowhere(gateway: NpmGateway, npm: NpmRegistry, fault: Reply) -> None:
    """With a status that npm does not try again for a minute, and the reason."""
    npm.faults["/top"] = fault

    response = gateway.answer(request(f"{npm.url}/top"))

    assert response.status == 424
    assert "/top" in str(document(response)["error"])
    page = gateway.pages()[f"{npm.url}/top"]
    assert page.failure


def test_a_registry_that_is_not_there_fails_alike(gateway: NpmGateway) -> None:
    """The page tells why."""
    url = f"{refused_url()}/top"

    assert gateway.answer(request(url)).status == 424
    assert "could not be reached" in str(gateway.pages()[url].failure)


def test_facts_alone_come_without_a_body(gateway: NpmGateway, npm: NpmRegistry) -> None:
    """For a locked project npm needs no packument; judging does."""
    npm.publish(tarball("top"))

    response = gateway.answer(request(f"{npm.url}/top", x_safeinstall_facts="1"))

    assert (response.status, body(response)) == (204, b"")
    assert gateway.pages()[f"{npm.url}/top"].status == 200
    assert "x-safeinstall-facts" not in first_hit(npm).headers


def test_credentials_reach_the_registry_and_no_record(gateway: NpmGateway, npm: NpmRegistry) -> None:
    """Neither in a header nor in the URL."""
    npm.switches.token = "s3cr3t"
    npm.publish(tarball("top"))
    url = f"{npm.url}/top".replace("http://", "http://user:s3cr3t@")

    response = gateway.answer(request(url, authorization="Bearer s3cr3t"))

    assert response.status == 200
    assert "s3cr3t" not in repr(gateway.pages().keys())


def test_what_is_fetched_ahead_counts_only_when_asked_for(gateway: NpmGateway, npm: NpmRegistry) -> None:
    """A wrong guess is no part of anything."""
    npm.publish(tarball("top", dependencies={"low": "*"}), tarball("low"))
    gateway.answer(request(f"{npm.url}/top"))

    assert set(gateway.pages()) == {f"{npm.url}/top"}


def test_the_frozen_view_knows_the_plan_only(gateway: NpmGateway, npm: NpmRegistry) -> None:
    """Other versions and other names do not exist, and the registry is not asked again."""
    npm.publish(tarball("top"), tarball("top", "2.0.0"))
    gateway.answer(request(f"{npm.url}/top"))
    held = gateway.hold(f"{npm.url}/top", {"1.0.0"})
    gateway.freeze(())
    npm.forget()

    view = document(gateway.answer(request(f"{npm.url}/top")))
    other = gateway.answer(request(f"{npm.url}/other"))

    assert gateway.phase is Phase.INSTALL
    assert set(held.versions) == {"1.0.0"}
    assert set(view["versions"]) == {"1.0.0"}  # type: ignore[call-overload]
    assert other.status == 404
    assert npm.hits() == ()
    assert gateway.refusals() == (f"{npm.url}/other is not in the plan",)


def test_the_frozen_view_is_short_where_it_was(gateway: NpmGateway, npm: NpmRegistry) -> None:
    """Its resolver must see the same again."""
    npm.publish(tarball("top"))
    accept = f"{ABBREVIATED}; q=1.0"
    before = document(gateway.answer(request(f"{npm.url}/top", accept=accept)))
    gateway.hold(f"{npm.url}/top", {"1.0.0"})
    gateway.freeze(())

    assert document(gateway.answer(request(f"{npm.url}/top", accept=accept))) == before


def test_planned_bytes_are_served(gateway: NpmGateway, npm: NpmRegistry) -> None:
    """Also when a lockfile names another host: npm maps it to the registry, and the hash binds."""
    npm.publish(tarball("top"))
    at_home = planned(npm, "top")
    elsewhere = Planned(url="https://old.example/top/-/top-1.0.0.tgz", digests=at_home.digests, name="top@1.0.0")
    gateway.freeze((elsewhere,))

    response = gateway.answer(request(at_home.url, "tarball"))

    assert response.status == 200
    assert body(response) == tarball("top").data
    assert response.kind is AccessKind.ARTIFACT
    assert gateway.refusals() == ()


@pytest.mark.parametrize("data", [b"", b"other bytes", tarball("top", files={"index.js": "evil"}).data])
def test_other_bytes_are_not_served(gateway: NpmGateway, npm: NpmRegistry, data: bytes) -> None:
    """Not one of them."""
    npm.publish(tarball("top"))
    gateway.freeze((planned(npm, "top"),))
    npm.swap("top", "1.0.0", data)

    response = gateway.answer(request(npm.tarball_url("top", "1.0.0"), "tarball"))

    assert response.status == 403
    assert "its hash differs" in str(document(response)["error"])
    assert gateway.refusals() != ()


def test_a_tarball_that_breaks_off_is_not_served(gateway: NpmGateway, npm: NpmRegistry) -> None:
    """The manager is told so at once."""
    npm.publish(tarball("top"))
    gateway.freeze((planned(npm, "top"),))
    npm.faults[npm.tarball_path("top", "1.0.0")] = Reply(body=tarball("top").data, cut=20)

    assert gateway.answer(request(npm.tarball_url("top", "1.0.0"), "tarball")).status == 424


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_tarball_that_the_registry_refuses_stays_refused(gateway: NpmGateway, npm: NpmRegistry, status: int) -> None:
    """The manager sees the registry's own status."""
    npm.publish(tarball("top"))
    gateway.freeze((planned(npm, "top"),))
    npm.fail(npm.tarball_path("top", "1.0.0"), status)

    response = gateway.answer(request(npm.tarball_url("top", "1.0.0"), "tarball"))

    assert (response.status, body(response)) == (status, b"no\n")


def test_an_unplanned_tarball_is_refused(gateway: NpmGateway, npm: NpmRegistry) -> None:
    """Even of a planned package, and the registry is not asked."""
    npm.publish(tarball("top"), tarball("top", "2.0.0"))
    gateway.freeze((planned(npm, "top"),))

    assert gateway.answer(request(npm.tarball_url("top", "2.0.0"), "tarball")).status == 403
    assert npm.hits() == ()


def test_a_file_without_a_hash_is_served_from_its_own_url_only(gateway: NpmGateway, npm: NpmRegistry) -> None:
    """Nothing else tells that it is the one that was planned."""
    npm.publish(tarball("top"))
    url = npm.tarball_url("top", "1.0.0")
    gateway.freeze((Planned(url=url, digests=(), name="top@1.0.0"),))

    assert body(gateway.answer(request(url, "tarball"))) == tarball("top").data
    assert gateway.answer(request(url.replace("127.0.0.1", "localhost"), "tarball")).status == 403


def test_an_audit_is_npms_own_business(gateway: NpmGateway, npm: NpmRegistry) -> None:
    """While installing it is passed on, as a bare npm would send it."""
    gateway.freeze(())
    url = f"{npm.url}/-/npm/v1/security/advisories/bulk"
    asked = Request(method="POST", url=url, headers={}, transport=Transport(proxy=""), body=b'{"top":["1.0.0"]}')

    assert gateway.answer(asked).status == 200
    assert first_hit(npm).body == b'{"top":["1.0.0"]}'


def test_an_audit_that_nobody_answers_fails_at_once(gateway: NpmGateway) -> None:
    """The manager then goes on without."""
    gateway.freeze(())

    assert gateway.answer(request(f"{refused_url()}/-/npm/v1/security/audits/quick", "", "POST")).status == 424


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://r.example/@s%2fx", "https://r.example/@s/x"),
        ("https://u:p@r.example/x#y", "https://r.example/x"),
        ("https://R.example:443/x", "https://r.example:443/x"),
    ],
)
def test_a_page_has_one_spelling(one: str, other: str) -> None:
    """The manager writes the slash of a scope in two ways."""
    assert bare(one) == bare(other)


def test_a_url_that_is_none_is_said_to_be_none() -> None:
    """Tarball URLs are strings of strangers."""
    with pytest.raises(MalformedAnswer):
        bare("https://[oops/x")
