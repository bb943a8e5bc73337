"""The file of popular names: made, opened, asked, and refused when it is not whole."""

import zlib
from datetime import date
from pathlib import Path

import pytest

from safeinstall.model import EcosystemName
from safeinstall.names.index import Index, NamesDamaged, open_index
from safeinstall.names.pack import pack
from safeinstall.names.popular import names_file, popular

NAMES = ["requests", "cross-env", "python-nmap", "beautifulsoup4", "ruamel.yaml"]
NPM_NAMES = ["@types/node", "cross-env", "JSONStream", "@babel/core", "eslint-plugin-lit-a11y"]
DAY = date(2026, 11, 1)


def opened(folder: Path, names: list[str], ecosystem: EcosystemName = EcosystemName.PYPI) -> Index:
    """Return the index of *names*, by way of a file."""
    path = folder / f"{ecosystem.value}.names"
    path.write_bytes(pack(ecosystem, names, DAY))
    index = open_index(path)
    index.verify()
    return index


def test_names_keep_their_rank(tmp_path: Path) -> None:
    """The order of the names given is their rank, from 1."""
    index = opened(tmp_path, NAMES)

    assert [index.rank(name) for name in NAMES] == [1, 2, 3, 4, 5]
    assert index.rank("reqeusts") is None
    assert (index.size, index.as_of, index.ecosystem) == (5, DAY, EcosystemName.PYPI)


def test_a_name_on_pypi_is_known_in_every_spelling(tmp_path: Path) -> None:
    """PyPI holds `Ruamel_Yaml` for `ruamel.yaml` (PEP 503), so it has its rank."""
    assert opened(tmp_path, NAMES).rank("Ruamel_Yaml") == 5


def test_a_name_on_npm_is_known_in_its_own_spelling_only(tmp_path: Path) -> None:
    """On npm `cross_env` and `jsonstream` are other packages than `cross-env` and `JSONStream`."""
    index = opened(tmp_path, NPM_NAMES, EcosystemName.NPM)

    assert index.rank("JSONStream") == 3
    assert (index.rank("jsonstream"), index.rank("cross_env")) == (None, None)


def test_forms_of_a_name_find_it(tmp_path: Path) -> None:
    """A name is found without separators, by its looks, by its meaning and without its scope."""
    index = opened(tmp_path, NPM_NAMES, EcosystemName.NPM)

    assert [index.name(ident) for ident in index.squashed_as("typesnode")] == ["@types/node"]
    assert [index.name(ident) for ident in index.same_skeleton("cr0ssenv")] == ["cross-env"]
    assert [index.name(ident) for ident in index.same_core("crossenv")] == ["cross-env"]
    assert [index.name(ident) for ident in index.same_bare("lita11y")] == ["eslint-plugin-lit-a11y"]
    assert (index.owns("babel"), index.owns("bable")) == (True, False)


@pytest.mark.parametrize("wrong", ["reqests", "reqquests", "reqeusts", "rwquests", "requestss", "equests"])
def test_one_edit_finds_the_name(tmp_path: Path, wrong: str) -> None:
    """Wherever the one edit is, a half of the name is whole, or the swap across the middle is undone."""
    assert 0 in opened(tmp_path, NAMES).one_edit(wrong)


@pytest.mark.parametrize("wrong", ["rqests", "requset", "xbeautifulsup4", "crozzenv"])
def test_two_edits_find_the_name(tmp_path: Path, wrong: str) -> None:
    """Wherever two edits are, a third of the name is whole."""
    index = opened(tmp_path, NAMES)

    assert {index.name(ident) for ident in index.two_edits(wrong)} & set(NAMES)


def test_the_same_names_give_the_same_bytes() -> None:
    """Whoever builds the list from the same table gets the file that is in the repository."""
    assert pack(EcosystemName.PYPI, NAMES, DAY) == pack(EcosystemName.PYPI, [*NAMES, "Requests"], DAY)


def test_words_are_counted(tmp_path: Path) -> None:
    """How often a word stands in popular names tells a common word from a rare one, and a family from a single name."""
    index = opened(tmp_path, ["django", "django-utils", "django-rest", "x-django-rest"])

    assert (index.count("django"), index.count("reqeusts")) == (4, 0)
    assert (index.family(["django"]), index.family(["django", "rest"]), index.family(["django", "new"])) == (4, 2, 1)


def test_letters_that_never_follow_each_other_cost_more(tmp_path: Path) -> None:
    """A word made like the words of popular names is cheaper than one of no known letters' order."""
    index = opened(tmp_path, NAMES)

    assert index.letter_bits("request") < index.letter_bits("tseuqer") < index.letter_bits("zzvvjjj")


@pytest.mark.parametrize("ecosystem", list(EcosystemName))
def test_the_shipped_list_is_whole(ecosystem: EcosystemName) -> None:
    """The list that comes with safeinstall opens, is of its ecosystem, is dated, is large and is small on disk."""
    index = popular(ecosystem)

    assert index.ecosystem is ecosystem
    assert index.size > {EcosystemName.PYPI: 14_000, EcosystemName.NPM: 50_000}[ecosystem]
    assert index.as_of >= date(2026, 1, 1)
    assert sum(names_file(each).stat().st_size for each in EcosystemName) <= 6_000_000


@pytest.mark.parametrize("cut", [0, 10, 40, 500, -1], ids=str)
def test_a_list_cut_short_is_refused(tmp_path: Path, cut: int) -> None:
    """A half-written list stops the run: fewer popular names would find fewer squats."""
    path = tmp_path / "pypi.names"
    path.write_bytes(pack(EcosystemName.PYPI, NAMES, DAY)[:cut])

    with pytest.raises(NamesDamaged, match=r"pypi\.names"):
        open_index(path)


@pytest.mark.parametrize("place", [3, 22, 60, 200, -1], ids=str)
def test_a_changed_list_is_refused(tmp_path: Path, place: int) -> None:
    """One changed byte anywhere stops the run."""
    content = bytearray(pack(EcosystemName.PYPI, NAMES, DAY))
    content[place] ^= 1
    path = tmp_path / "pypi.names"
    path.write_bytes(content)

    with pytest.raises(NamesDamaged):
        open_index(path).verify()


def test_a_missing_list_is_refused(tmp_path: Path) -> None:
    """Without a list no name can be judged, and that is said; it is never "nothing found"."""
    with pytest.raises(NamesDamaged) as refused:
        open_index(tmp_path / "npm.names")

    assert refused.value.hint == "install safeinstall again"
    assert refused.value.exit_code == 43


def test_a_list_of_another_make_is_refused(tmp_path: Path) -> None:
    """A header that is whole but names numbers we do not know is not guessed at."""
    content = pack(EcosystemName.PYPI, NAMES, DAY)
    start = content.index(b"{")
    size = int.from_bytes(content[start - 8 : start - 4], "little")
    header = content[start : start + size].replace(b'"item": "H"', b'"item": "d"')
    path = tmp_path / "pypi.names"
    path.write_bytes(content[: start - 4] + zlib.crc32(header).to_bytes(4, "little") + header + content[start + size :])

    with pytest.raises(NamesDamaged):
        open_index(path)
