"""Words of a name that are slips of common words: what is one, and what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.model import EcosystemName
from safeinstall.names import forms
from safeinstall.names.misspelt import misspelt
from safeinstall.names.popular import popular
from safeinstall.names.score import Level, Way, judge

NPM = popular(EcosystemName.NPM)


@pytest.mark.parametrize(
    ("name", "meant", "word"),
    [
        pytest.param("acme-validtaor", "acme-validator", "validator", id="whole-word"),
        pytest.param("bitconid", "bitcoind", "bitcoin", id="glued-letter"),
        pytest.param("bconi", "bcoin", "coin", id="a-short-name-of-one-word"),
        pytest.param("garph", "graph", "graph", id="a-short-word"),
        pytest.param("Acme-Validtaor", "acme-validator", "validator", id="capitals"),
    ],
)
def test_a_swap_in_a_common_word_is_found(name: str, meant: str, word: str) -> None:
    """The name that was probably meant is told, whether or not anybody knows a package of that name."""
    assert misspelt(NPM, name) == (meant, word)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("acme-validator", id="no-slip"),
        pytest.param("acme-simpel", id="too-short-a-word"),
        pytest.param("acme-garph", id="a-short-word-beside-others"),
        pytest.param("flast", id="a-short-word-that-few-names-have"),
        pytest.param("acme-prefetch", id="looks-more-like-a-word-than-what-it-would-become"),
        pytest.param("acme-vvalidator", id="a-doubled-letter"),
        pytest.param("@acme/validtaor", id="a-scope-that-only-its-owner-publishes-in"),
    ],
)
def test_what_only_looks_like_it_is_not(name: str) -> None:
    """Words of their own, short words, doubled letters and scopes are left alone."""
    assert misspelt(NPM, name) is None


def test_it_is_strong_and_names_no_rank() -> None:
    """The target is made of popular words, and is not said to be popular."""
    found = judge(NPM, "acme-validtaor")

    assert found is not None
    assert (found.level, found.how, found.target, found.rank) == (Level.STRONG, Way.WORD, "acme-validator", None)


@given(st.text(max_size=60))
def test_what_is_meant_has_the_same_letters(name: str) -> None:
    """Whatever the name, only letters beside each other change places."""
    found = misspelt(NPM, name)

    if found is not None:
        assert sorted(found[0]) == sorted(name.lower())
        assert found[1] in forms.squashed(found[0])
