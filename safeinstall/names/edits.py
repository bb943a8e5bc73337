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
    near: set[frozenset[str]] = set()
    for number, row in enumerate(_ROWS):
        for place, key in enumerate(row):
            beside = row[place + 1 : place + 2]
            below = _ROWS[number + 1][max(place - 1, 0) : place + 1] if number + 1 < len(_ROWS) else ""
            near.update(frozenset((key, other)) for other in beside + below)
    return frozenset(near)


_NEIGHBOURS = _keyboard()
# What one edit takes from the name and from its target; a swap is tried first, for it would pass as two changes.
_SWAP = (2, 2)
_STEPS = (_SWAP, (1, 1), (0, 1), (1, 0))


def edits(name: str, target: str, limit: int) -> tuple[Edit, ...] | None:
    """
    Return the edits that make *name* of *target*, at most *limit*; None when that is not enough.

    The edits are found from the left; a swap of two letters counts as one.
    """
    if abs(len(name) - len(target)) > limit:
        return None
    return _from(name, target, (0, 0), limit)


def _from(name: str, target: str, places: tuple[int, int], limit: int) -> tuple[Edit, ...] | None:
    here, there = places
    ours, theirs = len(name), len(target)
    while here < ours and there < theirs and name[here] == target[there]:
        here += 1
        there += 1
    if here == ours and there == theirs:
        return ()
    if limit == 0:
        return None
    for step in _STEPS:
        after, beyond = here + step[0], there + step[1]
        if after > ours or beyond > theirs or abs((ours - after) - (theirs - beyond)) >= limit:
            continue
        if step == _SWAP and (name[here] != target[there + 1] or name[here + 1] != target[there]):
            continue
        if limit == 1:
            later: tuple[Edit, ...] | None = () if name[after:] == target[beyond:] else None
        else:
            later = _from(name, target, (after, beyond), limit - 1)
        if later is not None:
            return (_edit(name, target, (here, there), step), *later)
    return None


def _edit(name: str, target: str, places: tuple[int, int], step: tuple[int, int]) -> Edit:
    here, there = places
    wrong, right = name[here : here + step[0]], target[there : there + step[1]]
    if step == _SWAP:
        slip = Slip.TRANSPOSED
    elif wrong and right:
        slip = _changed(wrong, right)
    elif right:
        slip = Slip.UNDOUBLED if right in (target[there - 1 : there], target[there + 1 : there + 2]) else Slip.OMITTED
    else:
        slip = Slip.REPEATED if wrong in (name[here - 1 : here], name[here + 1 : here + 2]) else Slip.INSERTED
    return Edit(slip=slip, place=there, wrong=wrong, right=right)


def _changed(wrong: str, right: str) -> Slip:
    pair = frozenset((wrong, right))
    if pair in _LOOKALIKES:
        return Slip.LOOKALIKE
    return Slip.NEIGHBOUR if pair in _NEIGHBOURS else Slip.SUBSTITUTED
