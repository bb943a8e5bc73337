"""What leads from one name to another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.names.edits import Slip, edits

LETTERS = st.text(alphabet="abcdef0", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("name", "slip"),
    [
        ("reqeusts", Slip.TRANSPOSED),
        ("requestss", Slip.REPEATED),
        ("rrequests", Slip.REPEATED),
        ("requets", Slip.OMITTED),
        ("equests", Slip.OMITTED),
        ("requiests", Slip.INSERTED),
        ("rewuests", Slip.NEIGHBOUR),
        ("reque5ts", Slip.LOOKALIKE),
        ("requemts", Slip.SUBSTITUTED),
    ],
)
def test_each_slip_has_its_name(name: str, slip: Slip) -> None:
    """What a user reads of a typo is what happened to the word."""
    found = edits(name, "requests", 1)

    assert found is not None
    assert [edit.slip for edit in found] == [slip]


def test_a_doubled_letter_written_once_is_told() -> None:
    """`cherio` lacks one of the two `e` of `cheerio`."""
    found = edits("cherio", "cheerio", 1)

    assert found is not None
    assert found[0].slip is Slip.UNDOUBLED


def test_two_edits_are_two() -> None:
    """A word with two mistakes is not one with one, and tells where each is."""
    assert edits("rqusts", "requests", 1) is None
    found = edits("rqusts", "requests", 2)

    assert found is not None
    assert [(edit.slip, edit.place, edit.right) for edit in found] == [(Slip.OMITTED, 1, "e"), (Slip.OMITTED, 4, "e")]


@given(LETTERS)
def test_a_name_needs_no_edit_to_be_itself(name: str) -> None:
    """Equal names are no typos of each other."""
    assert edits(name, name, 2) == ()


@given(LETTERS, st.integers(0, 11), st.sampled_from("abcxyz"))
def test_one_letter_changed_is_at_most_one_edit(name: str, place: int, letter: str) -> None:
    """Any single replaced, added or dropped letter is found as at most one edit."""
    place = min(place, len(name) - 1)

    for other in (
        name[:place] + letter + name[place + 1 :],
        name[:place] + letter + name[place:],
        name[:place] + name[place + 1 :],
    ):
        found = edits(other, name, 1)
        assert found is not None
        assert len(found) <= 1


@given(LETTERS, LETTERS)
def test_no_more_edits_than_allowed_come_back(one: str, other: str) -> None:
    """The limit holds, and a longer way than that is no way."""
    for limit in (0, 1, 2):
        found = edits(one, other, limit)
        assert found is None or len(found) <= limit
