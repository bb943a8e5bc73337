"""The table of known names: made, opened, asked, and refused when it is not whole."""

import gzip
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.model import EcosystemName
from safeinstall.names.index import NamesDamaged
from safeinstall.names.known import (
    FOLDER,
    MAGIC,
    WIDTH,
    Known,
    known,
    known_file,
    look_in,
    open_known,
    pack_known,
    packaged,
)
from tools.build_known import main

DAY = date(2026, 11, 1)
PYPI, NPM = EcosystemName.PYPI, EcosystemName.NPM
LARGEST = 6_000_000


def opened(folder: Path, names: list[str], ecosystem: EcosystemName = PYPI) -> Known:
    """Return the table of *names*, by way of a file."""
    path = folder / f"{ecosystem.value}.known"
    path.write_bytes(pack_known(ecosystem, names, DAY))
    table = open_known(path)
    table.verify()
    return table


def test_it_holds_what_was_put_in_and_nothing_else(tmp_path: Path) -> None:
    """A name is known in every spelling that its registry holds for the same."""
    table = opened(tmp_path, ["urequests", "trequests", "zope.interface"])

    assert all(table.holds(name) for name in ("urequests", "Trequests", "Zope_Interface"))
    assert not any(table.holds(name) for name in ("requests", "", "urequest"))
    assert (table.size, table.as_of) == (3, DAY)


def test_npm_knows_a_name_in_its_own_spelling_only(tmp_path: Path) -> None:
    """On npm another spelling is another package."""
    table = opened(tmp_path, ["JSONStream"], NPM)

    assert (table.holds("JSONStream"), table.holds("jsonstream")) == (True, False)


def test_a_name_of_one_registry_is_not_known_on_the_other(tmp_path: Path) -> None:
    """The same name on PyPI and on npm has two fingerprints."""
    table = opened(tmp_path, ["left-pad"], NPM)
    path = tmp_path / "renamed"
    path.write_bytes(pack_known(PYPI, ["left-pad"], DAY))

    assert bytes(table.prints) != bytes(open_known(path).prints)


def test_an_empty_table_knows_nothing(tmp_path: Path) -> None:
    """No name is known where no list was given."""
    assert not opened(tmp_path, []).holds("requests")


@given(st.lists(st.text(max_size=20), max_size=30), st.text(max_size=20))
def test_any_names_can_be_packed_and_asked_for(names: list[str], other: str) -> None:
    """Whatever the names, a table holds just these."""
    content = pack_known(NPM, names, DAY)
    prints = memoryview(content)[len(content) - len(set(names)) * WIDTH :]
    table = Known(ecosystem=NPM, as_of=DAY, size=len(set(names)), prints=prints, crc=0)

    assert all(table.holds(name) for name in names)
    assert table.holds(other) == (other in names)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: content[:-1], id="cut"),
        pytest.param(lambda content: content + b"x", id="longer"),
        pytest.param(lambda content: content.replace(MAGIC, b"SAFEINSTALL-KNOWN-2\n"), id="another-format"),
        pytest.param(lambda content: content.replace(b'"width": 10', b'"width": 08'), id="another-header"),
        pytest.param(lambda content: content[:-1] + bytes([content[-1] ^ 1]), id="a-changed-bit"),
    ],
)
def test_a_table_that_is_not_whole_is_refused(tmp_path: Path, spoil: object) -> None:
    """Half a table would call old names new, and a changed one new names old."""
    path = tmp_path / "pypi.known"
    path.write_bytes(spoil(pack_known(PYPI, ["urequests"], DAY)))  # type: ignore[operator]  # a function of bytes

    with pytest.raises(NamesDamaged, match=r"known names `pypi\.known`"):
        open_known(path).verify()


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    """Nothing is judged without it."""
    with pytest.raises(NamesDamaged):
        open_known(tmp_path / "pypi.known")


@pytest.mark.parametrize("ecosystem", EcosystemName)
def test_the_shipped_tables_are_whole(ecosystem: EcosystemName) -> None:
    """They come with tens of thousands of names, and with all other data of the package stay below 6 MB."""
    table = known(ecosystem)

    assert table.size > 30_000
    assert sum(path.stat().st_size for path in FOLDER.parent.rglob("*") if path.is_file()) < LARGEST


@pytest.fixture
def afterwards() -> Iterator[None]:
    """Let the shipped tables count again."""
    yield
    look_in(FOLDER / "nowhere")


@pytest.mark.usefixtures("afterwards")
def test_a_larger_table_of_a_later_day_counts(tmp_path: Path) -> None:
    """Whoever has a whole list brings it in a bundle."""
    (tmp_path / "pypi.known").write_bytes(pack_known(PYPI, ["qzxv-old-thing"], date(2030, 1, 1)))

    assert look_in(tmp_path) == ()
    assert (known(PYPI).holds("qzxv-old-thing"), known_file(PYPI)) == (True, tmp_path / "pypi.known")
    assert known_file(NPM) == packaged(NPM)


@pytest.mark.usefixtures("afterwards")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(pack_known(PYPI, ["x"], date(2001, 1, 1)), 0, id="older"),
        pytest.param(pack_known(PYPI, ["x"], date(2030, 1, 1))[:-1], 1, id="damaged"),
        pytest.param(pack_known(NPM, ["x"], date(2030, 1, 1)), 1, id="of-the-other-registry"),
    ],
)
def test_a_table_that_is_no_better_does_not_count(tmp_path: Path, content: bytes, said: int) -> None:
    """The one that came with safeinstall stays, and damage is told."""
    (tmp_path / "pypi.known").write_bytes(content)

    assert len(look_in(tmp_path)) == said
    assert known_file(PYPI) == packaged(PYPI)


def test_the_script_leaves_out_names_of_malware(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was malware under a name once is no reason to trust the name."""
    (tmp_path / "pypi.txt").write_text("# a list\nurequests\nReqeusts\n\n")
    (tmp_path / "npm.tsv").write_text("name\tdownloads\n@acme/x\t5\nname\t4\n")
    record = {"affected": [{"package": {"ecosystem": "PyPI", "name": "reqeusts"}}, {"package": {"ecosystem": "Go"}}]}
    (tmp_path / "bad.jsonl.gz").write_bytes(gzip.compress(json.dumps(record).encode()))

    main(
        [
            *("--as-of", "2026-11-01", "--into", str(tmp_path), "--malware", str(tmp_path / "bad.jsonl.gz")),
            *("--pypi", str(tmp_path / "pypi.txt"), "--npm", str(tmp_path / "npm.tsv")),
        ]
    )

    table = open_known(tmp_path / "pypi.known")
    assert (table.holds("urequests"), table.holds("reqeusts"), table.as_of) == (True, False, DAY)
    assert open_known(tmp_path / "npm.known").size == 2
    assert "1 names, 1 left out as names of malware" in capsys.readouterr().out
