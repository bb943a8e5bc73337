"""Names one of whose words is a slip of a word that many popular names have; the name meant need not be popular."""

from collections.abc import Iterator
from dataclasses import dataclass

from safeinstall.names import forms
from safeinstall.names.index import Index


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rule:
    """When a word of so many letters is a slip."""

    shortest: int
    """Letters of the word as it stands."""
    least: int
    """How many popular names must have the word that was meant."""
    shortest_common: int
    """Letters of that word."""
    glued: int
    """How many letters may stand before or behind it (`bitcoind`)."""


_LONG = _Rule(shortest=7, least=10, shortest_common=7, glued=2)
_SHORT = _Rule(shortest=5, least=50, shortest_common=4, glued=1)
"""For names of one word: beside others, a swap of few letters makes another word too often (`simpel` is Dutch)."""


def misspelt(index: Index, name: str) -> tuple[str, str] | None:
    """
    Return *name* with two letters of one word swapped back, and the common word that this gives; None: none does.

    The word as it stands must be no word of popular names, and must look less like one than what it becomes:
    `perfect` is no slip of `prefect`. Names in a scope are left out: what only its owner can publish imitates nobody.
    """
    if name.startswith("@"):
        return None
    words = forms.words(name)
    for word in words:
        rule = _LONG if len(word) >= _LONG.shortest else _SHORT
        if len(word) < rule.shortest or index.count(word) or (rule is _SHORT and len(words) > 1):
            continue
        for place, fixed in _swaps(word):
            common = _common(index, word, fixed, rule)
            if common is not None and index.letter_bits(fixed) < index.letter_bits(word):
                return name.lower().replace(word, word[:place] + fixed[place:], 1), common
    return None


def _swaps(word: str) -> Iterator[tuple[int, str]]:
    for place in range(len(word) - 1):
        one, other = word[place], word[place + 1]
        if one != other:
            yield place, word[:place] + other + one + word[place + 2 :]


def _common(index: Index, word: str, fixed: str, rule: _Rule) -> str | None:
    """Return the common word that *fixed* is, or that stands in it and not in *word*."""
    if index.count(fixed) >= rule.least:
        return fixed
    for size in range(1, rule.glued + 1):
        for part in (fixed[:-size], fixed[size:]):
            if len(part) >= rule.shortest_common and part not in word and index.count(part) >= rule.least:
                return part
    return None
