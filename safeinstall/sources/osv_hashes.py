"""
The artifact hashes that an OSV record names (`database_specific.indicators.package_integrity`).

These fields have no schema: publishers write single texts, lists, or objects with the name of the algorithm as a key or
beside the value. So whatever can only be the hash of an artifact is taken, and what cannot is left alone.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from safeinstall.model import Digest

_ALGORITHMS = {40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
"""By the number of hexadecimal digits. MD5 is left out: it cannot tell two artifacts apart."""

_HEX = re.compile(r"(?:(sha1|sha256|sha384|sha512)[:=])?([0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})")
_SRI = re.compile(r"(sha1|sha256|sha384|sha512)-([A-Za-z0-9+/]+={0,2})")
_DEEPEST = 8
_NO_HASH = re.compile(r"commit|revision|version|url|path|name|domain|email", re.IGNORECASE)
"""Keys under which something of the same form stands that is no artifact's hash: a commit has 40 digits, too."""


def digests(document: Mapping[str, object]) -> frozenset[Digest]:
    """Return the hashes of artifacts that the record *document* names, of whatever ecosystem."""
    parts: list[object] = [document]
    affected = document.get("affected")
    parts += affected if isinstance(affected, list) else []
    found: set[Digest] = set()
    for part in parts:
        specific = part.get("database_specific") if isinstance(part, Mapping) else None
        indicators = specific.get("indicators") if isinstance(specific, Mapping) else None
        if isinstance(indicators, Mapping):
            found.update(_within(indicators.get("package_integrity"), _DEEPEST))
    return frozenset(found)


def _within(value: object, left: int) -> Iterator[Digest]:
    if not left:
        return
    if isinstance(value, str):
        yield from _read(value)
    elif isinstance(value, list):
        for one in value:
            yield from _within(one, left - 1)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            if not (isinstance(one, str) and _NO_HASH.search(str(key))):
                yield from _within(one, left - 1)


def _read(text: str) -> Iterator[Digest]:
    # Subresource integrity may hold several hashes, with spaces between them.
    for word in text.split():
        plain = _HEX.fullmatch(word.lower())
        if plain is not None:
            algorithm = _ALGORITHMS[len(plain[2])]
            if plain[1] in (None, algorithm):
                yield Digest(algorithm=algorithm, value=plain[2])
            continue
        packed = _SRI.fullmatch(word.partition("?")[0])
        if packed is not None:
            try:
                value = base64.b64decode(packed[2], validate=True).hex()
            except binascii.Error:
                continue
            if _ALGORITHMS.get(len(value)) == packed[1]:
                yield Digest(algorithm=packed[1], value=value)
