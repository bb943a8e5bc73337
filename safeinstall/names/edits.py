"""What one or two edits turn a name into another, and which slip of hand or eye each edit is."""

from dataclasses import dataclass
from enum import Enum


class Slip(str, Enum):
    """A way of writing a name wrongly."""

    TRANSPOSED = "transposed"
    REPEATED = "repeated"
    OMITTED = "omitted"
    """The name lacks a letter of its target."""
    UNDOUBLED = "undoubled"
    """It lacks one of two equal letters."""
    INSERTED = "inserted"
    NEIGHBOUR = "neighbour"
    """Another letter, next to the right one on a keyboard."""
    LOOKALIKE = "lookalike"
    SUBSTITUTED = "substituted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """One edit at one place of the target."""

    slip: Slip
    place: int
    """How many letters of the target stand before it."""
    wrong: str
    """What the name has there; empty when a letter is missing."""
    right: str
    """What the target has there; empty when a letter is too many."""


_ROWS = ("1234567890-", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_LOOKALIKES = frozenset(
    frozenset(pair) for pair in ("0o", "1l", "1i", "il", "5s", "3e", "8b", "2z", "vu", "nm", "vw", "gq", "9g", "4a")
)


def _keyboard() -> frozenset[frozenset[str]]:
    near = set()
    for number, row in enumerate(_ROWS):
        for place, key in enumerate(row):
            beside = row[place + 1 : place + 2]
            below = _ROWS[number + 1][max(place - 1, 0) : place + 1] if number + 1 < len(_ROWS) else ""
            near.update(frozenset((key, other)) for other in beside + below)
    return frozenset(near)


_NEIGHBOURS = _keyboard()
_LONGEST_PAIR = 2


def edits(name: str, target: str, limit: int) -> tuple[Edit, ...] | None:
    """
    Return the edits that make *name* of *target*, at most *limit*; None when that is not enough.

    The edits are found from the left; a swap of two letters counts as one.
    """
    if abs(len(name) - len(target)) > limit:
        return None
    return _from(name, target, 0, limit)


def _from(name: str, target: str, place: int, limit: int) -> tuple[Edit, ...] | None:
    size = min(len(name), len(target))
    while place < size and name[place] == target[place]:
        place += 1
    wrong, right = name[place:], target[place:]
    if not wrong and not right:
        return ()
    if limit == 0:
        return None
    for edit, rest, other in _steps(name, target, place):
        if limit == 1:
            if rest == other:
                return (edit,)
            continue
        later = _from(rest, other, 0, limit - 1)
        if later is not None:
            return (edit, *later)
    return None


def _steps(name: str, target: str, place: int) -> list[tuple[Edit, str, str]]:
    """Return the edits possible at the first difference, each with what is left of both names after it."""
    wrong, right = name[place:], target[place:]
    found = []
    if len(wrong) >= _LONGEST_PAIR and wrong[:2] == right[1::-1]:
        edit = Edit(slip=Slip.TRANSPOSED, place=place, wrong=wrong[:2], right=right[:2])
        found.append((edit, wrong[2:], right[2:]))
    if wrong and right:
        edit = Edit(slip=_changed(wrong[0], right[0]), place=place, wrong=wrong[0], right=right[0])
        found.append((edit, wrong[1:], right[1:]))
    if right:
        twice = place > 0 and target[place - 1] == right[0]
        slip = Slip.UNDOUBLED if twice else Slip.OMITTED
        found.append((Edit(slip=slip, place=place, wrong="", right=right[0]), wrong, right[1:]))
    if wrong:
        twice = (place > 0 and name[place - 1] == wrong[0]) or right[:1] == wrong[0]
        slip = Slip.REPEATED if twice else Slip.INSERTED
        found.append((Edit(slip=slip, place=place, wrong=wrong[0], right=""), wrong[1:], right))
    return found


def _changed(wrong: str, right: str) -> Slip:
    pair = frozenset((wrong, right))
    if pair in _LOOKALIKES:
        return Slip.LOOKALIKE
    return Slip.NEIGHBOUR if pair in _NEIGHBOURS else Slip.SUBSTITUTED
