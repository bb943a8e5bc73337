"""Writing a file of popular names; the same names and date always give the same bytes."""

import json
import math
import sys
import zlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise

from safeinstall.model import EcosystemName
from safeinstall.names import container, forms, layout
from safeinstall.names.layout import Kind

_SMALL = 1 << 16


def pack(ecosystem: EcosystemName, names: Sequence[str], as_of: date) -> bytes:
    """
    Return the file for *names*, the most popular one first; a name that stands twice counts once.

    Names outside ASCII are left out: neither registry has any.
    """
    ranked = list(dict.fromkeys(forms.spelled(ecosystem, name) for name in names if name.isascii()))
    sections = {
        **_names(ranked),
        **_keys(ecosystem, ranked),
        **_vocabulary(ranked),
    }
    body, places = bytearray(), {}
    for title, content in sections.items():
        body += b"\0" * (-len(body) % layout.ALIGN)
        places[title] = [len(body), len(content)]
        body += content
    header = json.dumps(
        {
            "ecosystem": ecosystem.value,
            "as_of": as_of.isoformat(),
            "names": len(ranked),
            "item": _item(ranked),
            "sections": places,
            "size": len(body),
            "crc": zlib.crc32(body),
        },
        sort_keys=True,
    ).encode()
    header += b" " * (-(len(layout.MAGIC) + len(header)) % layout.ALIGN)
    return container.written(layout.MAGIC, header, bytes(body))


def keys(name: str, ecosystem: EcosystemName) -> Iterable[tuple[Kind, str]]:
    """Yield every key under which *name* is found."""
    squashed = forms.squashed(name)
    yield Kind.EXACT, name
    yield Kind.SQUASHED, squashed
    yield from ((Kind.HALF, key) for key in layout.half_keys(squashed))
    yield from ((Kind.THIRD, key) for key in layout.third_keys(squashed))
    yield Kind.SKELETON, forms.skeleton(squashed)
    yield Kind.CORE, forms.core(name)
    if ecosystem is EcosystemName.NPM and forms.bare(name):
        yield Kind.BARE, forms.bare(name)


def _item(ranked: Sequence[str]) -> str:
    return "H" if len(ranked) < _SMALL else "I"


def _names(ranked: Sequence[str]) -> dict[str, bytes]:
    offsets, blob = array("I", [0]), bytearray()
    for name in ranked:
        blob += name.encode()
        offsets.append(len(blob))
    return {"offsets": _little(offsets), "names": bytes(blob)}


def _keys(ecosystem: EcosystemName, ranked: Sequence[str]) -> dict[str, bytes]:
    pairs = [(kind, key, ident) for ident, name in enumerate(ranked) for kind, key in keys(name, ecosystem)]
    scopes: dict[str, int] = {}
    for ident, name in enumerate(ranked):
        scopes.setdefault(forms.scope(name)[0], ident)
    pairs += [(Kind.SCOPE, scope, ident) for scope, ident in scopes.items() if scope]
    mask = (1 << max(len(pairs).bit_length() - 1, 1)) - 1
    buckets: dict[int, list[int]] = defaultdict(list)
    for kind, key, ident in pairs:
        buckets[layout.bucket(kind, key, mask)].append(ident)
    starts, postings = array("I", [0]), array(_item(ranked))
    for number in range(mask + 1):
        postings.extend(sorted(set(buckets.get(number, ()))))
        starts.append(len(postings))
    return {"starts": _little(starts), "postings": _little(postings)}


def _vocabulary(ranked: Sequence[str]) -> dict[str, bytes]:
    counts = Counter(word for name in ranked for word in set(forms.words(name)))
    pairs = Counter(f"{one} {two}" for name in ranked for one, two in pairwise(forms.words(name)))
    table = {}
    for word, count in sorted([*counts.items(), *((pair, count) for pair, count in pairs.items() if count > 1)]):
        table[layout.fingerprint(word)] = min(count, _SMALL - 1)
    prints = sorted(table)
    return {
        "words": _little(array("I", prints)),
        "counts": _little(array("H", [table[mark] for mark in prints])),
        "letters": _letters(sorted(counts)),
    }


def _letters(vocabulary: Sequence[str]) -> bytes:
    """Return the cost of each letter after two others, smoothed by pairs and single letters."""
    width = layout.WIDTH
    three, two, one = Counter[int](), Counter[int](), Counter[int]()
    for word in vocabulary:
        codes = [0, 0, *(layout.CODES.get(char, 1) for char in word), 0]
        for first, second, third in zip(codes, codes[1:], codes[2:], strict=False):
            three[(first * width + second) * width + third] += 1
            two[second * width + third] += 1
            one[third] += 1
    before_three, before_two, total = Counter[int](), Counter[int](), sum(one.values()) or 1
    for key, count in three.items():
        before_three[key // width] += count
    for key, count in two.items():
        before_two[key // width] += count
    table = bytearray(width**3)
    for key in range(width**3):
        pair, third = divmod(key, width)
        single = (one[third] + 0.5) / (total + 0.5 * width)
        double = (two[key % (width * width)] + 4 * single) / (before_two[pair % width] + 4)
        chance = (three[key] + 4 * double) / (before_three[pair] + 4)
        table[key] = min(255, round(-math.log2(chance) * layout.BITS))
    return bytes(table)


def _little(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
