"""Likenesses in words for people."""

import pytest

from safeinstall.model import EcosystemName
from safeinstall.names import phrases
from safeinstall.names.popular import popular
from safeinstall.names.score import judge

NPM, PYPI = EcosystemName.NPM, EcosystemName.PYPI


@pytest.mark.parametrize(
    ("ecosystem", "name", "claim"),
    [
        (NPM, "jqeury", "`jqeury` is one swap away from `jquery`"),
        (PYPI, "requestss", "`requestss` is `requests` with a letter doubled"),
        (PYPI, "requets", "`requets` is `requests` with a letter missing"),
        (NPM, "cherio", "`cherio` is `cheerio` with a doubled letter written once"),
        (PYPI, "requests2", "`requests2` is `requests` with a letter too many"),
        (PYPI, "rewuests", "`rewuests` is one key beside `requests`"),
        (PYPI, "reque5ts", "`reque5ts` looks like `requests`"),
        (PYPI, "raquests", "`raquests` is one letter away from `requests`"),
        (PYPI, "rquets", "`rquets` is 2 letters away from `requests`"),
        (NPM, "crossenv", "`crossenv` is `cross-env` with other separators"),
        (NPM, "types-node", "`types-node` is `@types/node` with its scope written differently"),
        (PYPI, "nmap-python", "`nmap-python` has the words of `python-nmap` in another order"),
        (PYPI, "python-click", "`python-click` differs from `click` only in the name of a language"),
        (NPM, "plugin-commonjs", "`plugin-commonjs` is `@rollup/plugin-commonjs` without what stands before it"),
        (NPM, "@jest-runner/core", "`@jest-runner/core` is `@jest/core` in a scope of a similar name"),
        (PYPI, "pampyio", "`pampyio` is `pampy` with words added"),
    ],
)
def test_each_likeness_is_told_in_its_own_words(ecosystem: EcosystemName, name: str, claim: str) -> None:
    """The first line says what is odd about the name, so that one look is enough."""
    found = judge(popular(ecosystem), name)

    assert found is not None
    assert phrases.claim(name, found) == claim


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("reqeusts", "`eu` for `ue`"),
        ("requets", "`s` missing"),
        ("rrequests", "`r` too many"),
        ("rquets", "`e` missing, `s` missing"),
        ("nmap-python", None),
    ],
)
def test_the_letters_that_differ_are_shown(name: str, letters: str | None) -> None:
    """A reader sees which letters to look at; where none differs there are none."""
    found = judge(popular(PYPI), name)

    assert found is not None
    assert phrases.detail(found) == letters


@pytest.mark.parametrize("name", ["reqeusts", "requests2", "pampyio", "nmap-python", "021-mcp"])
def test_the_parts_of_a_score_are_its_sum(name: str) -> None:
    """Nothing weighs that is not told."""
    found = judge(popular(PYPI), name)

    assert found is not None
    assert sum(points for _, points in found.parts) == pytest.approx(found.score)
    assert f"score {found.score:.1f}" in phrases.sum_of(found)


def test_large_counts_are_told_roughly() -> None:
    """Nobody needs to know that the list has 14,985 names."""
    assert [phrases.thousands(count) for count in (12, 999, 14_985, 51_154)] == ["12", "999", "15k", "51k"]


def test_a_name_cannot_break_the_line() -> None:
    """What a registry calls a package reaches the terminal without control characters."""
    assert phrases.quoted("x\x1b[31m\ny") == "`x[31m y`"
    assert phrases.foreign_letters("a\u0430\u0430\u200b") == "CYRILLIC SMALL LETTER A, ZERO WIDTH SPACE"
