"""`safeinstall.sources.embedded`: the incidents that come with the package."""

import json
from datetime import timedelta
from importlib import resources

import pytest

from safeinstall.model import AdvisoryKind, Purl, Registry, Visibility
from safeinstall.sources.embedded import AS_OF, EmbeddedSource, embedded
from tests.fakes import NOW, PRIVATE, PUBLIC, release


def told(purl: str, registry: Registry | None = PUBLIC) -> list[AdvisoryKind]:
    """Return what the embedded records say about *purl*."""
    asked = release(purl, registry=registry)
    answer = EmbeddedSource().ask([asked], now=NOW, deadline=timedelta(seconds=5))
    return [one.kind for one in answer.advisories[asked.purl]]


def test_all_records_are_right() -> None:
    """Each is a record by the schema, ids are unique, and none is younger than the date we tell."""
    ids = [record.ident for record in embedded()]
    body = resources.files("safeinstall").joinpath("data").joinpath("embedded").joinpath("incidents.jsonl").read_text()
    published = [json.loads(line)["published"] for line in body.splitlines()]

    assert len(ids) >= 100
    assert len(set(ids)) == len(ids)
    assert max(published) <= AS_OF.isoformat()
    assert published == sorted(published)


MALWARE = [
    "pkg:npm/event-stream@3.3.6",
    "pkg:npm/flatmap-stream@0.1.1",
    "pkg:npm/crossenv@7.0.2",
    "pkg:npm/node-ipc@10.1.1",
    "pkg:npm/ua-parser-js@0.7.29",
    "pkg:npm/coa@2.0.4",
    "pkg:npm/rc@1.2.9",
    "pkg:npm/eslint-scope@3.7.2",
    "pkg:npm/getcookies@1.0.0",
    "pkg:npm/colors@1.4.44-liberty-2",
    "pkg:npm/chalk@5.6.1",
    "pkg:npm/debug@4.4.2",
    "pkg:npm/%40ctrl/tinycolor@4.1.1",
    "pkg:npm/nx@21.5.0",
    "pkg:npm/is@3.3.1",
    "pkg:npm/%40solana/web3.js@1.95.7",
    "pkg:npm/electron-native-notify@1.1.6",
    "pkg:npm/%40lottiefiles/lottie-player@2.0.6",
    "pkg:npm/%40ledgerhq/connect-kit@1.1.6",
    "pkg:npm/rand-user-agent@2.0.83",
    "pkg:npm/eslint-config-prettier@10.1.7",
    "pkg:pypi/ctx@0.2.2",
    "pkg:pypi/colourama@0.1.6",
    "pkg:pypi/jeIlyfish@0.7.1",
    "pkg:pypi/python3-dateutil@2.9.1",
    "pkg:pypi/torchtriton@3.0.0",
    "pkg:pypi/ssh-decorate@0.31",
    "pkg:pypi/urlib3@1.21.1",
    "pkg:pypi/ultralytics@8.3.42",
    "pkg:pypi/num2words@0.5.15",
    "pkg:pypi/acqusition@1",
    "pkg:pypi/setup_tools@3.0",
]

CLEAN = [
    "pkg:npm/event-stream@3.3.5",
    "pkg:npm/event-stream@4.0.0",
    "pkg:npm/cross-env@7.0.3",
    "pkg:npm/node-ipc@9.2.1",
    "pkg:npm/ua-parser-js@0.7.30",
    "pkg:npm/coa@2.0.2",
    "pkg:npm/rc@1.2.8",
    "pkg:npm/eslint-scope@3.7.3",
    "pkg:npm/colors@1.4.0",
    "pkg:npm/chalk@5.6.0",
    "pkg:npm/chalk@5.6.2",
    "pkg:npm/debug@4.4.1",
    "pkg:npm/debug@4.4.3",
    "pkg:npm/nx@21.4.1",
    "pkg:npm/is@3.3.2",
    "pkg:npm/%40solana/web3.js@1.95.8",
    "pkg:npm/jquery@3.7.1",
    "pkg:pypi/colorama@0.4.6",
    "pkg:pypi/jellyfish@1.0",
    "pkg:pypi/python-dateutil@2.9.0",
    "pkg:pypi/urllib3@2.2.0",
    "pkg:pypi/setuptools@75.0",
    "pkg:pypi/ultralytics@8.3.40",
    "pkg:pypi/ctx@0.1.1",
    "pkg:pypi/requests@2.32.0",
    "pkg:npm/faker@5.5.3",
]


@pytest.mark.parametrize("purl", MALWARE)
def test_a_well_known_incident_is_known(purl: str) -> None:
    """The versions that were malicious are told as malware."""
    assert told(purl) == [AdvisoryKind.MALWARE]


@pytest.mark.parametrize("purl", CLEAN)
def test_the_good_versions_and_the_imitated_packages_are_not_accused(purl: str) -> None:
    """What came before and after an incident, and what the squats imitated, is left in peace."""
    assert told(purl) == []


def test_protestware_is_no_malware() -> None:
    """A message on the desktop is told, but not as what steals."""
    assert told("pkg:npm/node-ipc@11.0.0") == [AdvisoryKind.PROTESTWARE]
    assert told("pkg:npm/peacenotwar@9.1.5") == [AdvisoryKind.PROTESTWARE]


def test_a_private_package_may_have_the_name_of_an_old_squat() -> None:
    """A whole name is accused on public registries only; exact versions everywhere, because mirrors are private too."""
    assert told("pkg:pypi/telnet@1.0", PRIVATE) == []
    assert told("pkg:pypi/telnet@1.0", None) == [AdvisoryKind.MALWARE]
    assert told("pkg:npm/chalk@5.6.1", PRIVATE) == [AdvisoryKind.MALWARE]
    assert told("pkg:npm/chalk@5.6.1", Registry(url="file:///x", visibility=Visibility.LOCAL)) == [AdvisoryKind.MALWARE]


def test_its_age_is_told() -> None:
    """Nobody may take embedded records for today's."""
    state = EmbeddedSource().ask([release("pkg:npm/a@1.0.0")], now=NOW, deadline=timedelta(seconds=5)).state

    assert state.as_of == AS_OF
    assert "embedded records" in state.detail


def test_no_registry_is_named() -> None:
    """The records tell facts in our own words."""
    for record in embedded():
        assert record.url is None
        assert Purl(record.ident).startswith("SAFEINSTALL-")
