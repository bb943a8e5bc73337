"""A likeness in words for people."""

import unicodedata

from safeinstall.names.edits import Edit, Slip
from safeinstall.names.score import STRONG, Likeness, Way
from safeinstall.text import printable

_ONE = {
    Slip.TRANSPOSED: "is one swap away from {target}",
    Slip.REPEATED: "is {target} with a letter doubled",
    Slip.OMITTED: "is {target} with a letter missing",
    Slip.UNDOUBLED: "is {target} with a doubled letter written once",
    Slip.INSERTED: "is {target} with a letter too many",
    Slip.NEIGHBOUR: "is one key beside {target}",
    Slip.LOOKALIKE: "looks like {target}",
    Slip.SUBSTITUTED: "is one letter away from {target}",
}
_WAYS = {
    Way.SEPARATORS: "is {target} with other separators",
    Way.SCOPE_SEPARATORS: "is {target} with its scope written differently",
    Way.LOOKS: "looks like {target}",
    Way.WORD_ORDER: "has the words of {target} in another order",
    Way.LANGUAGE_MOVED: "has the words of {target} in another order",
    Way.LANGUAGE: "differs from {target} only in the name of a language",
    Way.VERSION: "differs from {target} only in a number",
    Way.SCOPE_DROPPED: "is {target} without what stands before it",
    Way.SCOPE_NEAR: "is {target} in a scope of a similar name",
    Way.COMBINED: "is {target} with words added",
    Way.WORD: "is one swap away from {target}",
}


def claim(name: str, likeness: Likeness) -> str:
    """Return the likeness of *name* as one sentence without a full stop."""
    target = f"`{likeness.target}`"
    if isinstance(likeness.how, Way):
        return f"{quoted(name)} {_WAYS[likeness.how].format(target=target)}"
    if len(likeness.how) == 1:
        return f"{quoted(name)} {_ONE[likeness.how[0].slip].format(target=target)}"
    return f"{quoted(name)} is {len(likeness.how)} letters away from {target}"


def detail(likeness: Likeness) -> str | None:
    """Return which letters differ; None when no letter does."""
    if isinstance(likeness.how, Way):
        return None
    return ", ".join(map(_change, likeness.how))


def sum_of(likeness: Likeness) -> str:
    """Return how the score came about."""
    parts = ", ".join(f"{label} {points:+.1f}" for label, points in likeness.parts)
    return f"score {likeness.score:.1f}, strong from {STRONG:.0f}: {parts}"


def quoted(name: str) -> str:
    """Return foreign *name* for a message."""
    return f"`{printable(name)}`"


def foreign_letters(name: str) -> str:
    """Return the letters of *name* that are outside ASCII, by their Unicode names."""
    letters = dict.fromkeys(char for char in name if not char.isascii())
    return ", ".join(unicodedata.name(char, f"U+{ord(char):04X}") for char in letters)


def thousands(count: int) -> str:
    """Return *count* roughly: `15k`, `51k`, `12`."""
    return f"{round(count / 1000)}k" if count >= _ROUNDED_FROM else str(count)


_ROUNDED_FROM = 1000


def _change(edit: Edit) -> str:
    if edit.wrong and edit.right:
        return f"`{edit.wrong}` for `{edit.right}`"
    return f"`{edit.wrong}` too many" if edit.wrong else f"`{edit.right}` missing"
