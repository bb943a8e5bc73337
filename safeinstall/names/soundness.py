"""
Whether a list of popular names that somebody sent can be relied upon.

The checksums inside a list tell damage and nothing else: one that was made to crash us has good
ones, too.
"""

from array import array
from collections.abc import Sequence
from itertools import pairwise

from safeinstall.names import layout
from safeinstall.names.index import Index


def sound(index: Index) -> bool:
    """Whether every number of *index* leads to where something is."""
    return (
        _rises(index.offsets, index.size + 1, len(index.names))
        and _rises(index.starts, index.mask + 2, len(index.postings))
        and index.mask & (index.mask + 1) == 0
        and (not len(index.postings) or max(index.postings) < index.size)
        and len(index.prints) == len(index.counts)
        and len(index.letters) == layout.WIDTH**3
        and bytes(index.names).isascii()
    )


def _rises(numbers: memoryview, count: int, end: int) -> bool:
    """Whether *numbers* are so many, never fall, and go from nothing to *end*."""
    found: Sequence[int] = array(numbers.format, numbers.tobytes())
    whole = len(found) == count and found[0] == 0 and found[-1] == end
    return whole and all(one <= two for one, two in pairwise(found))
