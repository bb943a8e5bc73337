"""The past of releases on a Python index: what pages tell for nothing, and what two looks into wheels add."""

from datetime import datetime, timedelta, timezone

from safeinstall.contracts import Conditions
from safeinstall.ecosystems.pypi import releases
from safeinstall.ecosystems.pypi.history import histories
from safeinstall.ecosystems.pypi.registries import registries
from safeinstall.gateway.pages import Channel, normal_version
from safeinstall.gateway.pypi_read import read_html
from safeinstall.history import History, Maintainer, Provenance
from safeinstall.model import BuildNeed
from tests.builders.built import Built
from tests.builders.sdists import sdist
from tests.builders.wheels import wheel
from tests.registries.pypi import PypiRegistry
from tests.registries.server import Reply
from tests.unit.gateway.gateways import TRANSPORT, gateway, planned

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
OLD, NEW = NOW - timedelta(days=400), NOW - timedelta(days=1)


def told(pypi: PypiRegistry, built: Built, *, asked: str | None = "flask", present: str | None = None) -> History:
    """Return the past of *built*, which *pypi* lists, as a plan has it."""
    handler = gateway()
    (file,) = planned(handler, pypi, built.filename)
    known = registries((pypi.index_url,), Conditions())
    release = releases.listed(file, known, build=BuildNeed.NONE, asked=asked)
    here = {"flask": normal_version(present)} if present else {}
    return histories([release], handler, here, NOW)[release.purl]


def test_what_pages_and_metadata_tell(pypi: PypiRegistry) -> None:
    """Times, sizes, kinds and attestations cost nothing; the planned metadata was read anyway."""
    pypi.add(wheel("flask", "1.0"), sdist("flask", "1.0"), upload_time=OLD, attested=True)
    new = wheel(
        "flask", "1.1", requires=["Werk_zeug>=3", 'x; extra == "dev"'], headers=["Author-email: Amy <a@b.example>"]
    )
    pypi.add(new, upload_time=NEW)

    found = told(pypi, new, asked=None)

    assert found.previous is not None
    assert found.settled == found.previous
    assert (found.previous.version, found.previous.kinds) == ("1.0", ("sdist", "wheel"))
    assert found.previous.provenance is not None
    assert found.previous.provenance.present
    assert found.planned.provenance == Provenance(present=False)
    assert (found.planned.dependencies, found.planned.kinds) == (("werk-zeug",), ("wheel",))
    assert found.planned.maintainers == (Maintainer(name="Amy", mail="a@b.example"),)
    assert (found.versions, found.dated) == (1, True)


def test_young_and_named_releases_are_looked_into(pypi: PypiRegistry) -> None:
    """Startup files and commands are told of the planned wheel and of the one that it is compared with."""
    pypi.add(wheel("flask", "1.0", requires=["old"]), upload_time=OLD)
    new = wheel("flask", "1.1", files={"flask.py": "", "flask-1.1-nspkg.pth": ""})
    pypi.add(new, upload_time=NEW)

    found = told(pypi, new, asked=None)

    assert found.planned.startup == ("flask-*-nspkg.pth",)
    assert found.settled is not None
    assert (found.settled.startup, found.settled.dependencies) == ((), ("old",))
    assert pypi.artifact_hits() == ()


def test_a_server_that_lets_nobody_look(pypi: PypiRegistry) -> None:
    """The plan goes on without; it is said that nobody looked, and nothing is made of it."""
    old = wheel("flask", "1.0")
    pypi.add(old, upload_time=OLD)
    pypi.faults[pypi.file_path(old.filename)] = Reply(status=503)
    new = wheel("flask", "1.1", files={"flask.py": "", "evil.pth": ""})
    pypi.add(new, upload_time=NEW)

    found = told(pypi, new, asked=None)

    assert (found.unread, found.planned.startup) == (True, None)


def test_a_first_wheel_has_nothing_to_be_compared_with(pypi: PypiRegistry) -> None:
    """Where there was an sdist alone, nothing could be told by looking, so nothing is left unread."""
    pypi.add(sdist("flask", "1.0"), upload_time=OLD)
    new = wheel("flask", "1.1")
    pypi.add(new, upload_time=NEW)

    assert not told(pypi, new).unread


def test_an_old_release_that_nobody_named_costs_nothing(pypi: PypiRegistry) -> None:
    """The world had its time to look at it."""
    pypi.add(wheel("flask", "1.0"), upload_time=OLD - timedelta(days=400))
    new = wheel("flask", "1.1")
    pypi.add(new, upload_time=OLD)

    found = told(pypi, new, asked=None)

    assert found.planned.startup is None
    assert [hit.path for hit in pypi.hits() if hit.status == 206] == []


def test_what_is_installed_is_what_it_is_compared_with(pypi: PypiRegistry) -> None:
    """The user's own version comes first, in whatever spelling."""
    pypi.add(wheel("flask", "1.0"), wheel("flask", "1.1"), upload_time=OLD)
    new = wheel("flask", "1.2")
    pypi.add(new, upload_time=NEW)

    found = told(pypi, new, present="1.0")

    assert found.base() == found.present
    assert found.present is not None
    assert (found.present.version, found.present.startup) == ("1.0", ())


def test_one_file_without_attestations_counts_for_its_release(pypi: PypiRegistry) -> None:
    """Whoever adds a file to a release cannot hide behind the attestations of the others."""
    new = wheel("flask", "1.1")
    pypi.add(new, upload_time=NEW, attested=True)
    assert told(pypi, new).planned.provenance == Provenance(
        present=True, url=f"{pypi.url}/integrity/{new.filename}/provenance"
    )
    pypi.add(sdist("flask", "1.1"), upload_time=NEW)

    found = told(pypi, new).planned.provenance

    assert found is not None
    assert not found.present


def test_a_plain_mirror(pypi: PypiRegistry) -> None:
    """No times, no attestations: nothing is known of them, and the versions still have their order."""
    pypi.switches.upload_times = pypi.switches.provenance = False
    new = wheel("flask", "1.1")
    pypi.add(wheel("flask", "1.0"), new)

    found = told(pypi, new)

    assert (found.planned.uploaded, found.planned.provenance, found.dated) == (None, None, False)
    assert found.previous is not None
    assert (found.previous.version, found.settled) == ("1.0", None)


def test_html_pages_tell_of_attestations_too() -> None:
    """PEP 740 has an attribute for them."""
    body = b'<a href="a-1.tar.gz" data-provenance="https://i.example/p">a</a><a href="a-2.tar.gz">b</a>'
    url = "https://i.example/simple/a/"
    page = read_html(body, url=url, base=url, channel=Channel(headers={}, transport=TRANSPORT))

    assert [entry.file.provenance for entry in page.entries] == ["https://i.example/p", None]
