"""What stands on the way to a registry must not be able to answer in its place unnoticed."""

import io
from datetime import datetime, timezone
from pathlib import Path

import pytest
import requests

from safeinstall.errors import SourceUnavailable
from safeinstall.gateway.npm import NpmGateway
from safeinstall.gateway.npm_cache import PackumentCache
from safeinstall.gateway.proof import PLAIN, STRANGER, UNCHECKED, marked, origin, unproven
from safeinstall.gateway.server import Request, Transport
from safeinstall.gateway.upstream import Answer, Upstream
from safeinstall.model import Registry, Visibility
from tests.fakes import plan, release
from tests.registries.pypi import PypiRegistry
from tests.registries.server import Reply

NOW = datetime(2026, 11, 27, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("url", "verify", "why"),
    [
        ("https://packages.example/simple", True, None),
        ("https://packages.example/simple", "/etc/corp/ca.pem", None),
        ("https://packages.example/simple", False, UNCHECKED),
        ("http://packages.example/simple", True, PLAIN),
        ("http://packages.example/simple", False, PLAIN),
        ("http://10.0.0.7:8080/", True, PLAIN),
        ("http://localhost.evil.example/", True, PLAIN),
        ("http://127.0.0.1.evil.example/", True, PLAIN),
        ("http://127.0.0.1:8080/", True, None),
        ("https://127.0.0.2/", False, None),
        ("http://[::1]:8080/", True, None),
        ("http://localhost/", True, None),
        ("http://npm.localhost:4873/", True, None),
        ("file:///srv/simple", True, None),
    ],
)
def test_only_tls_or_this_machine_proves_a_registry(url: str, verify: bool | str, why: str | None) -> None:
    """Plain http and certificates that nobody checks prove nothing, but on loopback nobody stands between."""
    assert unproven(url, verify) == why


def test_a_bundle_that_a_repository_brings_proves_nothing() -> None:
    """Whoever wrote that file may hold the key of it."""
    theirs = Transport(verify="/ca.pem", stranger=True)

    assert theirs.doubt("https://packages.example/") == STRANGER
    assert theirs.doubt("https://127.0.0.1/") is None
    assert Transport(verify="/ca.pem").doubt("https://packages.example/") is None


@pytest.mark.parametrize("url", ["HTTP://Packages.Example", "http://user:pass@packages.example:80/a/b?c"])
def test_one_registry_is_one_origin(url: str) -> None:
    """Spellings of a URL do not lose the doubt about it."""
    assert origin(url) == "http://packages.example:80"


def test_only_the_doubted_registry_is_marked() -> None:
    """A proven registry of the same set keeps its word; a local source has none."""
    doubted = Registry(url="http://packages.example/simple", visibility=Visibility.PUBLIC)
    proven = Registry(url="https://packages.example/simple", visibility=Visibility.PUBLIC)
    whole = plan(
        release("pkg:pypi/a@1", registry=doubted),
        release("pkg:pypi/b@1", registry=proven),
        release("pkg:pypi/c@1", registry=None),
    )

    told = marked(whole, {"http://packages.example:80": PLAIN})

    assert [one.registry and one.registry.unproven for one in told.releases] == [PLAIN, None, None]
    assert marked(whole, {}) is whole


class Impostor(Upstream):
    """Answers every request, in the place of whoever was meant."""

    def __init__(self, body: bytes) -> None:
        """Say *body*, with an ETag that the true registry has as well."""
        super().__init__()
        self.body = body
        self.asked: list[str] = []

    def open(self, url: str, **more: object) -> Answer:
        """See `Upstream.open`."""
        headers = more["headers"]
        assert isinstance(headers, dict)
        self.asked.append(str(headers.get("if-none-match")))
        raw = requests.Response()
        raw.raw = io.BytesIO(self.body)
        return Answer(status=200, headers={"etag": '"1"', "cache-control": "max-age=300"}, url=url, raw=raw)


def test_what_an_impostor_said_is_not_kept_for_the_true_registry(tmp_path: Path) -> None:
    """A project that switches certificates off cannot write what other projects will read from our cache."""
    impostor = Impostor(b'{"name": "top", "versions": {}, "dist-tags": {}}')
    url = "https://packages.example/top"
    for verify in (False, True):
        gateway = NpmGateway(impostor, PackumentCache(tmp_path), lambda: NOW)
        gateway.answer(
            Request(method="GET", url=url, headers={"pacote-req-type": "packument"}, transport=Transport(verify=verify))
        )
        gateway.close()

    assert impostor.asked == ["None", "None"]


def test_a_redirect_that_loses_the_proof_is_an_outage(pypi: PypiRegistry) -> None:
    """A registry that is proven cannot hand the question on to one that is not."""
    pypi.faults["/simple/a/"] = Reply(status=302, headers={"Location": f"http://nobody.example/{'x' * 3}"})
    through = Transport(proxy=pypi.url)

    with pytest.raises(SourceUnavailable, match="proves nothing"):
        Upstream().open(f"{pypi.url}/simple/a/", headers={}, transport=through)
