"""
Judging one name: which popular name it resembles, how, and how much that weighs.

The score is a sum of few weights, fitted once on labelled squats and on little known legitimate names, then rounded:
the name's own rarity, the target's rank, and what kind of slip leads from one to the other. `docs/checks/typosquat.md`
explains it to users.
"""

import math
from dataclasses import dataclass
from enum import Enum, IntEnum

from safeinstall.model import EcosystemName
from safeinstall.names import forms
from safeinstall.names.edits import Edit, Slip, edits
from safeinstall.names.index import Index
from safeinstall.names.misspelt import misspelt


class Level(IntEnum):
    """How much a likeness weighs."""

    NOTE = 1
    STRONG = 2


class Way(str, Enum):
    """How a name resembles its target when no letter is changed."""

    SEPARATORS = "separators"
    SCOPE_SEPARATORS = "scope separators"
    LOOKS = "looks"
    WORD_ORDER = "word order"
    LANGUAGE_MOVED = "language moved"
    LANGUAGE = "language"
    VERSION = "version"
    SCOPE_DROPPED = "scope dropped"
    SCOPE_NEAR = "scope near"
    COMBINED = "combined"
    WORD = "word"
    """A word of it is misspelt; whether there is a package of the name that was meant is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Likeness:
    """One name's likeness to one popular name, or to one that is made of popular words."""

    target: str
    rank: int | None
    """The target's, from 1; None: it is not popular."""
    how: tuple[Edit, ...] | Way
    """Edits, at least one, or the way in which the names differ."""
    score: float
    parts: tuple[tuple[str, float], ...]
    """What the score is the sum of, each with its label."""
    rare: bool
    """Whether the words that differ stand in no popular name."""
    word: str = ""
    """The popular word that a word of the name is a slip of, where that is the likeness."""

    @property
    def level(self) -> Level:
        """Whether the score, or the slip alone, makes it strong."""
        return Level.STRONG if self.score >= STRONG else Level.NOTE


NOTE, STRONG = 2.0, 4.0
"""The scores from which on a likeness is told, and told as strong."""

# --- weights, in points -----------------------------------------------------------------------------------------------

_START = {EcosystemName.PYPI: 4.5, EcosystemName.NPM: 6.55}
_POINTS_A_BIT = 0.125
"""For each bit that the name's words are unlikely: near a long or strange name nobody gets by chance."""
_POINTS_A_DOUBLING = 0.5
"""Taken off each time the target's rank doubles: nobody imitates what nobody knows."""
_SLIPS = {
    Slip.TRANSPOSED: 1.8,
    Slip.REPEATED: 1.0,
    Slip.OMITTED: 0.5,
    Slip.UNDOUBLED: 0.3,
    Slip.NEIGHBOUR: 0.0,
    Slip.LOOKALIKE: 0.0,
    Slip.SUBSTITUTED: -1.0,
    Slip.INSERTED: -1.2,
}
_SURE_SLIPS = frozenset({Slip.TRANSPOSED, Slip.REPEATED})
"""A swap or a doubled letter is what hands do, not what authors choose: strong whatever else is said."""
_SECOND_EDIT = -2.8
_FIRST_LETTER = -1.3
_DIGIT = -1.8
_KNOWN_WORDS = -1.5
"""The words that differ stand in other popular names: `json-loader` is no slip of `jsonp-loader`."""
_SAME_WORD_COUNT = 1.4
_SCOPE_TOO = -1.0
"""One has a scope and the other has none: a second difference."""
_SHORT = -1.7
_SHORT_NAME = 5
_SHORTEST_SURE = 4
_LONGEST = 300
"""Longer than any popular name and one edit; npm takes 214 letters at most."""
_SHORTEST_TWICE_EDITED = 6
_WAYS = {
    Way.SEPARATORS: 3.2,
    Way.SCOPE_SEPARATORS: 2.2,
    Way.LOOKS: 3.0,
    Way.WORD_ORDER: 2.0,
    Way.LANGUAGE_MOVED: 4.5,
    Way.VERSION: 2.4,
    Way.SCOPE_DROPPED: 1.6,
    Way.SCOPE_NEAR: 3.5,
}
_ADDED = {EcosystemName.PYPI: 4.7, EcosystemName.NPM: 4.7}
"""Instead of the start and a way's points: a name with whole words more than its target."""
_ADDED_GENERIC = {EcosystemName.PYPI: 2.8, EcosystemName.NPM: 4.1}
_ADDED_GLUED = 1.4
_AT_MOST = STRONG - 0.1
"""For what honest authors do too (bindings, plugins, forks in scopes, names of three letters): noted, never strong."""
_NEVER_STRONG = frozenset({Way.LANGUAGE, Way.LANGUAGE_MOVED, Way.COMBINED, Way.SCOPE_NEAR, Way.SCOPE_DROPPED})
_LARGEST_FAMILY = 50
"""A word that stands in more popular names than this has a family: `django-utils` is one more of it."""
_FEW_OWNERS = 2
"""A bare name that stands in more scopes than this is nobody's."""
_SHORTEST_COMBINED = 4
_SHORTEST_GLUED_TO = 5
_MOST_WORDS = 8


def judge(index: Index, name: str) -> Likeness | None:
    """Return the strongest likeness of *name* to a popular name; None: it is popular itself, or like none."""
    spelled = forms.spelled(index.ecosystem, name)
    if len(spelled) > _LONGEST or index.rank(spelled) is not None:
        return None
    head, _ = forms.scope(spelled)
    if head and index.ecosystem is EcosystemName.NPM and index.owns(head):
        return None  # only the owner of a scope can publish there
    found = _Seeker(index, spelled).seek()
    best = max(found, key=lambda likeness: (likeness.score, -(likeness.rank or 0)), default=None)
    return best if best is not None and best.level is Level.STRONG else _misspelt(index, spelled) or best


def _misspelt(index: Index, name: str) -> Likeness | None:
    meant = misspelt(index, name)
    if meant is None:
        return None
    target, word = meant
    parts = (("sure slip", STRONG),)
    return Likeness(target=target, rank=None, how=Way.WORD, score=STRONG, parts=parts, rare=True, word=word)


class _Seeker:
    """Collects the likenesses of one name."""

    def __init__(self, index: Index, name: str) -> None:
        self.index = index
        self.name = name
        self.squashed = forms.squashed(name)
        self.letters = frozenset(self.squashed)
        self.words = forms.words(name)
        self.generic = _ADDED_GENERIC[index.ecosystem]
        self.bits = sum(_bits(index, word) for word in self.words)
        self.found: dict[int, Likeness] = {}

    def seek(self) -> list[Likeness]:
        self._edited()
        self._rearranged()
        self._scoped()
        self._combined()
        return [likeness for likeness in self.found.values() if likeness.score >= NOTE]

    def _edited(self) -> None:
        best = _START[self.index.ecosystem] + self.bits * _POINTS_A_BIT + _SAME_WORD_COUNT - NOTE
        once = _reach(best + max(_SLIPS.values()))
        for ident in self.index.one_edit(self.squashed):
            if ident < once or len(self.squashed) >= _SHORTEST_SURE:
                self._weigh_edits(ident, 1)
        if len(self.squashed) < _SHORTEST_TWICE_EDITED:
            return
        # Two swaps reach a little further down the ranks; looking there for them alone would double the cost.
        twice = _reach(best + _SLIPS[Slip.TRANSPOSED] + _SLIPS[Slip.OMITTED] + _SECOND_EDIT)
        for ident in self.index.two_edits(self.squashed):
            if ident < twice and ident not in self.found:
                self._weigh_edits(ident, 2)

    def _weigh_edits(self, ident: int, limit: int) -> None:
        theirs_squashed = self.index.squashed(ident)
        # Most candidates share a piece and nothing else; counting foreign letters tells them at a tenth of the cost.
        if len(self.letters.difference(theirs_squashed)) > limit or len(set(theirs_squashed) - self.letters) > limit:
            return
        how = edits(self.squashed, theirs_squashed, limit)
        if not how:
            return
        target = self.index.name(ident)
        theirs = forms.words(target)
        odd = [word for word in self.words if word not in theirs]
        known = bool(odd) and all(self.index.count(word) for word in odd)
        parts = {
            "base": _START[self.index.ecosystem],
            "rare name": self.bits * _POINTS_A_BIT,
            "rank": -_popularity(ident),
            "slip": sum(_SLIPS[edit.slip] for edit in how),
            "second edit": _SECOND_EDIT * (len(how) - 1),
            "first letter": _FIRST_LETTER * any(edit.place == 0 for edit in how),
            "digit": _DIGIT * sum((edit.wrong + edit.right).isdigit() for edit in how),
            "known words": _KNOWN_WORDS * known,
            "as many words": _SAME_WORD_COUNT * (len(theirs) == len(self.words)),
            "short": _SHORT * (len(self.squashed) <= _SHORT_NAME),
            "scope": _SCOPE_TOO * (not self._as_scoped(target)),
        }
        if self._sure(how, target):
            parts["sure slip"] = max(STRONG - sum(parts.values()), 0.0)
        self._add(ident, how, parts, rare=bool(odd) and not known)

    def _sure(self, how: tuple[Edit, ...], target: str) -> bool:
        long_enough = len(self.squashed) >= _SHORTEST_SURE
        return long_enough and len(how) == 1 and how[0].slip in _SURE_SLIPS and self._as_scoped(target)

    def _as_scoped(self, target: str) -> bool:
        return target.startswith("@") == self.name.startswith("@")

    def _rearranged(self) -> None:
        for ident in self.index.squashed_as(self.squashed):
            target = self.index.name(ident)
            scoped = forms.scope(self.name)[0] != forms.scope(target)[0]
            self._weigh_way(ident, Way.SCOPE_SEPARATORS if scoped else Way.SEPARATORS)
            slip = edits(self.name, target, 1)
            if slip and self._sure(slip, target):  # a letter swapped with a separator
                self._add(ident, slip, {"sure slip": STRONG}, rare=False)
        for ident in self.index.same_skeleton(self.squashed):
            if ident not in self.found:
                self._weigh_way(ident, Way.LOOKS)
        for ident in self.index.same_core(forms.core(self.name)):
            way = _rearrangement(self.words, forms.words(self.index.name(ident)))
            if way is not None:
                self._weigh_way(ident, way, self.generic * (way is Way.LANGUAGE))

    def _scoped(self) -> None:
        head, rest = forms.scope(self.name)
        if self.index.ecosystem is not EcosystemName.NPM:
            return
        found = self.index.same_bare(forms.squashed(rest))
        for ident in found:
            theirs, _ = forms.scope(self.index.name(ident))
            if head and theirs and _near_scopes(head, theirs):
                self._weigh_way(ident, Way.SCOPE_NEAR)
            elif not head and len(self.words) > 1 and len(found) <= _FEW_OWNERS:
                self._weigh_way(ident, Way.SCOPE_DROPPED)

    def _combined(self) -> None:
        if self.name.startswith("@"):
            return
        words = self.words[:_MOST_WORDS]
        for size in range(1, len(words)):
            for first in range(len(words) - size + 1):
                part = "".join(words[first : first + size])
                added = words[:first] + words[first + size :]
                if len(part) >= _SHORTEST_COMBINED:
                    self._weigh_added(part, self.generic * all(map(_generic, added)))
        if len(words) == 1:
            for size in range(_SHORTEST_GLUED_TO, len(self.squashed) - 1):
                for start, end in ((0, size), (len(self.squashed) - size, len(self.squashed))):
                    if self.squashed[:start] + self.squashed[end:] in forms.GENERIC_WORDS:
                        self._weigh_added(self.squashed[start:end], self.generic + _ADDED_GLUED)

    def _weigh_added(self, part: str, points: float) -> None:
        for ident in self.index.squashed_as(part):
            if not self.index.name(ident).startswith("@"):
                self._weigh_way(ident, Way.COMBINED, points)

    def _weigh_way(self, ident: int, way: Way, points: float = 0.0) -> None:
        if way in (Way.LANGUAGE, Way.COMBINED):
            if self.index.family(forms.words(self.index.name(ident))) > _LARGEST_FAMILY:
                return
            parts = {"added words": _ADDED[self.index.ecosystem], "general words": points}
        else:
            parts = {"base": _START[self.index.ecosystem], way.value: _WAYS[way]}
        self._add(ident, way, {**parts, "rank": -_popularity(ident)}, rare=False)

    def _add(self, ident: int, how: "tuple[Edit, ...] | Way", parts: dict[str, float], *, rare: bool) -> None:
        if how in _NEVER_STRONG or len(self.squashed) < _SHORTEST_SURE:
            parts["honest names"] = min(_AT_MOST - sum(parts.values()), 0.0)
        score = sum(parts.values())
        before = self.found.get(ident)
        if before is None or before.score < score:
            told = tuple((label, points) for label, points in parts.items() if points)
            self.found[ident] = Likeness(
                target=self.index.name(ident), rank=ident + 1, how=how, score=score, parts=told, rare=rare
            )


def _bits(index: Index, word: str) -> float:
    """Return how unlikely *word* is in a name: by its letters or, where less, by its count in popular names."""
    count = index.count(word)
    letters = index.letter_bits(word)
    return min(letters, math.log2(2 * index.size / count)) if count else letters


def _popularity(ident: int) -> float:
    return _POINTS_A_DOUBLING * math.log2(ident + 2)


def _generic(word: str) -> bool:
    return word in forms.GENERIC_WORDS or word.isdigit()


def _reach(points: float) -> int:
    """Return the rank beyond which a target takes more than *points* off."""
    return int(2 ** min(points / _POINTS_A_DOUBLING, 32)) if points > 0 else 0


def _rearrangement(ours: list[str], theirs: list[str]) -> Way | None:
    """Return what makes different names of the same core; None when it is a number that both have."""
    if sorted(ours) == sorted(theirs):
        return Way.WORD_ORDER if forms.LANGUAGE_WORDS.isdisjoint(ours) else Way.LANGUAGE_MOVED
    mine, other = forms.digits("".join(ours)), forms.digits("".join(theirs))
    if mine and other and mine != other:
        return None
    same = sorted(map(_lettered, ours)) == sorted(map(_lettered, theirs))
    if mine != other and (same or _lettered("".join(ours)) == _lettered("".join(theirs))):
        return Way.VERSION
    return Way.LANGUAGE


def _lettered(word: str) -> str:
    return "".join(char for char in word if not char.isdigit())


def _near_scopes(one: str, other: str) -> bool:
    if edits(one, other, 1):
        return True
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= _SHORTEST_SURE and shorter in forms.words(longer)
