"""Judging names against the shipped list: the cases of tests/data/typosquat, and what holds for every name."""

import json
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.model import EcosystemName
from safeinstall.names import phrases
from safeinstall.names.popular import popular
from safeinstall.names.score import Level, judge

FOLDER = Path(__file__).parents[2] / "data" / "typosquat"
LEVELS = {"strong": Level.STRONG, "note": Level.NOTE, "none": None}
NPM, PYPI = popular(EcosystemName.NPM), popular(EcosystemName.PYPI)


def cases() -> list[ParameterSet]:
    """Return every case of every file."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        for case in document["cases"]:
            values = (EcosystemName(document["ecosystem"]), case["name"], LEVELS[document["level"]], case["target"])
            found.append(pytest.param(*values, id=f"{path.stem}-{case['name']}"))
    return found


@pytest.mark.parametrize(("ecosystem", "name", "level", "target"), cases())
def test_a_name_is_judged_as_its_case_says(
    ecosystem: EcosystemName, name: str, level: Level | None, target: str | None
) -> None:
    """Level and target of each case are what the file says."""
    found = judge(popular(ecosystem), name)

    assert (found and found.level, found and found.target) == (level, target)


@given(st.integers(0, PYPI.size - 1))
def test_a_popular_name_on_pypi_never_fires(place: int) -> None:
    """Whatever a popular name resembles, it is the one that people mean."""
    assert judge(PYPI, PYPI.name(place)) is None


@given(st.integers(0, NPM.size - 1))
def test_a_popular_name_on_npm_never_fires(place: int) -> None:
    """Whatever a popular name resembles, it is the one that people mean."""
    assert judge(NPM, NPM.name(place)) is None


@given(st.integers(0, 2000), st.sampled_from("-_."), st.booleans())
def test_spelling_makes_no_other_name_on_pypi(place: int, separator: str, upper: bool) -> None:
    """Capitals and the kind of separator change nothing on PyPI, for popular names and for their squats."""
    for name in (PYPI.name(place), f"{PYPI.name(place)}s", PYPI.name(place)[1:]):
        other = name.replace("-", separator)
        assert judge(PYPI, name) == judge(PYPI, other.upper() if upper else other)


@given(st.text(max_size=60))
def test_any_text_can_be_judged(name: str) -> None:
    """No name makes the judge fail, and what it finds can be told."""
    for index in (NPM, PYPI):
        found = judge(index, name)
        if found is not None:
            assert found.target in phrases.claim(name, found)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=3).filter(lambda name: name != "-"))
def test_very_short_names_are_rarely_strong(name: str) -> None:
    """Among names of three letters everything is near everything: at most a top name's slip counts."""
    found = judge(PYPI, name)

    assert found is None or found.level is Level.NOTE or (found.rank or 1000) < 100


@given(st.integers(0, 3000), st.integers(1, 20))
def test_swapping_two_letters_of_a_popular_name_is_strong(place: int, at: int) -> None:
    """Every swap within a popular name of at least five letters is strong, unless it makes a popular name."""
    name = PYPI.name(place)
    at = at % max(len(name) - 1, 1)
    swapped = name[:at] + name[at : at + 2][::-1] + name[at + 2 :]
    letters = name.replace("-", "")
    if len(letters) >= 5 and "-" not in name[at : at + 2] and name[at] != name[at + 1] and PYPI.rank(swapped) is None:
        found = judge(PYPI, swapped)

        assert found is not None
        assert found.level is Level.STRONG


def test_a_scope_of_a_popular_owner_is_trusted() -> None:
    """Only its owner can publish in a scope: a new name in `@babel` is no squat, one in `@bable` is."""
    assert judge(NPM, "@babel/corre") is None
    found = judge(NPM, "@bable/core")

    assert found is not None
    assert (found.target, found.level) == ("@babel/core", Level.STRONG)
