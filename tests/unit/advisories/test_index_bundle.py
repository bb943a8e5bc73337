"""Bundles: what is loaded elsewhere is what was here, with its dates, or nothing at all."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from safeinstall.advisories import bundle
from safeinstall.advisories.store import opened, standing
from safeinstall.advisories.update import Export, update
from safeinstall.effects import RequestsHttp
from safeinstall.errors import MalformedAnswer, SafeinstallError, SourceUnavailable
from safeinstall.model import EcosystemName
from safeinstall.names.pack import pack
from tests.fakes import NOW, Hearing
from tests.registries.osv import malware
from tests.registries.osv_export import ExportServer

POPULAR = pack(EcosystemName.NPM, ["zebracorn"], NOW.date())


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with an index of both ecosystems, of `NOW`."""
    with ExportServer() as server:
        server.add(malware("evil"), malware("evil", ecosystem="pypi", ident="MAL-2026-2"))
        for ecosystem in EcosystemName:
            where = Export(http=RequestsHttp(), base_url=server.url, reporter=Hearing())
            update(where, tmp_path / "here", ecosystem, now=NOW)
        yield tmp_path / "here"


@pytest.fixture
def packed(here: Path, tmp_path: Path) -> Path:
    """Return a bundle of it, with popularity data."""
    names = tmp_path / "npm.names"
    names.write_bytes(POPULAR)
    bundle.write(here, tmp_path / "index.bundle", [names], now=NOW + timedelta(days=1))
    return tmp_path / "index.bundle"


def test_what_is_loaded_is_what_was_here(here: Path, packed: Path, tmp_path: Path) -> None:
    """Records, popularity data and dates arrive; a bundle makes nothing younger."""
    there = tmp_path / "there"
    loaded = bundle.load(packed, there)

    for ecosystem in EcosystemName:
        with opened(there, ecosystem) as index:
            assert list(index.about(["evil"])) == ["evil"]
            assert index.standing.checked == NOW
        assert loaded.standings[ecosystem].digest == standing_of(here, ecosystem)
    assert (there / "popular" / "npm.names").read_bytes() == POPULAR
    assert loaded.popular == ("npm.names",)


def standing_of(folder: Path, ecosystem: EcosystemName) -> str:
    """Return the digest of the index file that counts in *folder*."""
    held = standing(folder, ecosystem)
    assert held is not None
    return held.digest


def test_a_read_only_layer_can_be_read(packed: Path, tmp_path: Path) -> None:
    """In an image the folder belongs to root and cannot be written to: reading needs nothing but reading."""
    there = tmp_path / "there"
    bundle.load(packed, there)
    for path in there.iterdir():
        path.chmod(0o555 if path.is_dir() else 0o444)
    there.chmod(0o555)
    before = sorted(there.iterdir())
    try:
        with opened(there, EcosystemName.NPM) as index:
            assert index.about(["evil"])
        assert sorted(there.iterdir()) == before
    finally:
        there.chmod(0o755)


@pytest.mark.parametrize("cut", [0, 100, 5000, 0.3, 0.6])
def test_a_bundle_that_is_cut_is_refused(cut: float, packed: Path, tmp_path: Path) -> None:
    """Wherever it ends too early, nothing of it counts and nothing is left."""
    body = packed.read_bytes()
    packed.write_bytes(body[: int(len(body) * cut) if 0 < cut < 1 else int(cut)])

    with pytest.raises(SafeinstallError):
        bundle.load(packed, tmp_path / "there")

    for ecosystem in EcosystemName:
        assert standing(tmp_path / "there", ecosystem) is None
    assert not list((tmp_path / "there").glob("*.sqlite")) if (tmp_path / "there").exists() else True


@pytest.mark.parametrize("place", range(0, 60_000, 3_000))
def test_a_changed_byte_is_refused_or_harmless(place: int, here: Path, packed: Path, tmp_path: Path) -> None:
    """A byte that changed on the way is noticed, unless it lies in the padding between two files."""
    body = bytearray(packed.read_bytes())
    body[place % len(body)] ^= 0x55
    packed.write_bytes(bytes(body))

    try:
        loaded = bundle.load(packed, tmp_path / "there")
    except SafeinstallError:
        return
    for ecosystem in EcosystemName:
        assert loaded.standings[ecosystem].digest == standing_of(here, ecosystem)


def test_an_older_bundle_does_not_replace_a_newer_index(here: Path, packed: Path) -> None:
    """What is here and newer stays, unless the user insists."""
    held = standing(here, EcosystemName.NPM)
    assert held is not None
    with ExportServer() as server:
        server.add(malware("evil"))
        later = Export(http=RequestsHttp(), base_url=server.url, reporter=Hearing())
        update(later, here, EcosystemName.NPM, now=NOW + timedelta(days=2))

        with pytest.raises(SourceUnavailable, match="is newer"):
            bundle.load(packed, here)
        bundle.load(packed, here, older=True)

    now = standing(here, EcosystemName.NPM)
    assert now is not None
    assert now.checked == NOW


def test_a_damaged_index_is_not_bundled(here: Path, tmp_path: Path) -> None:
    """A bundle vouches for what is in it."""
    held = standing(here, EcosystemName.NPM)
    assert held is not None
    path = here / held.file
    path.write_bytes(path.read_bytes()[:-1] + b"?")

    with pytest.raises(MalformedAnswer):
        bundle.write(here, tmp_path / "x.bundle", [], now=NOW)
    assert not (tmp_path / "x.bundle").exists()


def test_there_is_nothing_to_bundle(tmp_path: Path) -> None:
    """Without an index there is no bundle, and the message says what to do first."""
    with pytest.raises(SourceUnavailable, match="no index"):
        bundle.write(tmp_path, tmp_path / "x.bundle", [], now=NOW)
