"""Names one of whose words is a slip of a word that many popular names have; the name meant need not be popular."""

from collections.abc import Iterator

from safeinstall.names import forms
from safeinstall.names.index import Index

_SHORTEST = 7
"""Letters; in shorter words a swap makes another word too often (`simpel` is Dutch)."""
_LEAST = 10
"""How many popular names must have the word that was meant."""
_GLUED = 2
"""How many letters may stand before or behind that word (`bitcoind`)."""


def misspelt(index: Index, name: str) -> tuple[str, str] | None:
    """
    Return *name* with two letters of one word swapped back, and the common word that this gives; None: none does.

    The word as it stands must be no word of popular names, and must look less like one than what it becomes:
    `perfect` is no slip of `prefect`. Names in a scope are left out: what only its owner can publish imitates nobody.
    """
    if name.startswith("@"):
        return None
    for word in forms.words(name):
        if len(word) < _SHORTEST or index.count(word):
            continue
        for place, fixed in _swaps(word):
            common = _common(index, word, fixed)
            if common is not None and index.letter_bits(fixed) < index.letter_bits(word):
                return name.lower().replace(word, word[:place] + fixed[place:], 1), common
    return None


def _swaps(word: str) -> Iterator[tuple[int, str]]:
    for place in range(len(word) - 1):
        one, other = word[place], word[place + 1]
        if one != other:
            yield place, word[:place] + other + one + word[place + 2 :]


def _common(index: Index, word: str, fixed: str) -> str | None:
    """Return the common word that *fixed* is, or that stands in it and not in *word*."""
    if index.count(fixed) >= _LEAST:
        return fixed
    for size in range(1, _GLUED + 1):
        for part in (fixed[:-size], fixed[size:]):
            if len(part) >= _SHORTEST and part not in word and index.count(part) >= _LEAST:
                return part
    return None
