"""Lockfiles that the real tools wrote give the releases that the tools themselves list (tools/real_lockfiles.py)."""

import re
from pathlib import Path

import pytest

from safeinstall.contracts import InventoryReader
from safeinstall.inventories import INVENTORIES
from tests.inventories import origins
from tools.lockfiles.comparing import difference, read
from tools.real_lockfiles import KEPT, KINDS

LISTED = sorted(KEPT.glob("*/*/listed.txt"))
UNVOUCHED = {
    "git": frozenset({"fromgit"}),
    "file": frozenset({"local-file"}),
    "folders": frozenset({"member", "other"}),
    "files": frozenset({"packed", "folder"}),
    "url": frozenset({"direct"}),
}
"""By project, what no registry vouches for."""
_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/\s\"'@]*@)?([^/\s\"':)>,]*)")
_STANDARDS = {"cyclonedx.org", "json.schemastore.org"}


def lockfile(listed: Path) -> Path:
    """Return the lockfile that *listed* tells of."""
    (path,) = (one for one in listed.parent.iterdir() if one != listed)
    return path


@pytest.mark.parametrize("listed", LISTED, ids=lambda path: f"{path.parents[1].name}-{path.parent.name}")
def test_a_lockfile_gives_what_its_tool_lists(listed: Path) -> None:
    """By package URL, with nothing missing, nothing more, and nothing that could not be judged."""
    expected = listed.read_text().split()

    found = difference(read(lockfile(listed), origins()), expected)

    assert found.releases > 0
    assert not found, found


@pytest.mark.parametrize("listed", LISTED, ids=lambda path: f"{path.parents[1].name}-{path.parent.name}")
def test_what_comes_from_no_registry_is_told_apart(listed: Path) -> None:
    """Repositories, archives and folders have names that no public registry may be asked about."""
    found = read(lockfile(listed), origins()).releases
    expected = UNVOUCHED.get(listed.parent.name.removeprefix("uv-"), frozenset())

    assert {one.name for one in found if one.registry is None} == expected & {one.name for one in found}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_ten(kind: str) -> None:
    """Extras, markers, groups, aliases, peers, workspaces, repositories, files, URLs, platforms, overrides."""
    assert len([one for one in LISTED if one.parents[1].name == kind]) >= 10


def test_every_reader_of_files_is_held_to_real_ones() -> None:
    """A reader that is added later has to bring its own; what is installed is held to by other tests."""

    def reader(listed: Path) -> InventoryReader:
        return next(one for one in INVENTORIES if one.fits(lockfile(listed)))

    idents = {reader(listed).ident for listed in LISTED}

    assert idents == {one.ident for one in INVENTORIES} - {"environment", "node_modules"}


def test_no_machine_is_named_in_them() -> None:
    """They are small, and hold neither a registry's nor this machine's names."""
    texts = {path: path.read_text() for path in KEPT.rglob("*") if path.is_file()}
    hosts = {host for text in texts.values() for host in _URL.findall(text) if host} - _STANDARDS

    assert {host for host in hosts if not host.endswith(".example")} == set()
    assert sum(len(text) for text in texts.values()) < 600_000
