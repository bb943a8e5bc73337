"""One OSV record as the index keeps it: what judging needs in a short JSON list, the rest compressed beside it."""

import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, items, mapping, optional
from safeinstall.model import AdvisoryKind, Digest, EcosystemName, Severity
from safeinstall.sources.osv_record import Affected, Bound, Event, Record, normal, parse
from safeinstall.text import printable

_LONGEST_DETAILS = 10_000
_LARGEST_DETAILS = 200_000
_KEY_BYTES = 20
_WINDOW = 12
"""Bits: records are small, and a larger window costs more to prepare than to use."""
_MOMENT = re.compile(r"([0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9])(?:\.([0-9]+))?(?:Z|\+00:00)")
_BOUNDS = {"i": Bound.INTRODUCED, "a": Bound.LAST_AFFECTED, "f": Bound.FIXED, "l": Bound.LIMIT}
_LETTERS = {bound: letter for letter, bound in _BOUNDS.items()}

# What nearly every record says: deflate finds it here instead of storing it in each of them.
_DICTIONARY = (
    b'"references":[{"type":"EVIDENCE","url":"https://"},{"type":"ARTICLE","url":"https://"},{"type":"REPORT","url":"https://"},{"type":"PACKAGE","url":"https://"},{"type":"FIX","url":"https://github.com/'
    b" "
    b'/commit/"},{"type":"WEB","url":"https://github.com/"},{"type":"ADVISORY","url":"https://github.com/advisories/GHSA-"}],"published":"2025-01-01T00:00:00Z","details":"'
    b" _-= Per source details. Do not edit below this line.=-_ ## Source: ghsa-malware (sha256) Any computer "
    b"that has this package installed or running should be considered fully compromised. All secrets and keys "
    b"stored on that computer should be rotated immediately from a different computer. The package should be "
    b"removed, but as full control of the computer may have been given to an outside entity, there is no "
    b"guarantee that removing the package will remove all malicious software resulting from installing it. ## "
    b"Source: reversing-labs () ## Source: google-open-source-security () ## Source: ossf-package-analysis () "
    b"The OpenSSF Package Analysis project identified '' @  (npm) as malicious. It is considered malicious "
    b"because: - The package communicates with a domain associated with malicious activity. - The package "
    b"executes one or more commands associated with malicious behavior."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One record on its way into the index."""

    ident: str
    modified: str
    """In the one spelling of `moment`."""
    names: tuple[str, ...]
    """The packages it is about, in their normal form; none when it is withdrawn."""
    digests: tuple[bytes, ...]
    body: str
    details: bytes


def pack(document: object, ecosystem: EcosystemName) -> Row:
    """Return the row of the OSV record *document*; raises `MalformedAnswer` where it is not what the schema says."""
    record = parse(document)
    whole = mapping(document, "")
    affected = [one for one in record.affected if one.ecosystem is ecosystem]
    body = [
        record.ident,
        sorted(record.aliases),
        record.kind.value,
        int(record.severity),
        record.summary,
        record.url,
        [
            [one.name, one.versions, [[[_LETTERS[event.bound], event.version] for event in r] for r in one.ranges]]
            for one in affected
        ],
    ]
    return Row(
        ident=record.ident,
        modified=moment(optional(document, "modified", str) or ""),
        names=tuple({one.name for one in affected}),
        digests=tuple({key_of(digest) for digest in record.digests}),
        body=_dumped(body),
        details=_packed(whole),
    )


def unreadable(document: object, ident: str, ecosystem: EcosystemName, why: str) -> Row:
    """
    Return the row of a record that `pack` cannot read: it is kept as a reason for silence about what it names.

    Raises `MalformedAnswer` when not even the names can be told.
    """
    packages = [optional(one, "package", dict) for one in items(document, "affected", dict)]
    names = {
        normal(ecosystem, field(package, "name", str))
        for package in packages
        if package is not None and str(package.get("ecosystem")).partition(":")[0].strip().lower() == ecosystem.value
    }
    if not names:
        raise MalformedAnswer(f"{printable(ident, limit=60)}: {why}")
    return Row(
        ident=ident,
        modified=moment(optional(document, "modified", str) or ""),
        names=tuple(names),
        digests=(),
        body=_dumped([ident, printable(why)]),
        details=b"",
    )


def unpack(body: str, ecosystem: EcosystemName) -> Record | str:
    """Return the record of a row's *body*, or why nobody could read it; raises `MalformedAnswer`."""
    try:
        held = json.loads(body)
        if len(held) == 2:  # noqa: PLR2004 - see `unreadable`
            return f"{held[0]}: {held[1]}"
        ident, aliases, kind, severity, summary, url, affected = held
        return Record(
            ident=ident,
            aliases=frozenset(aliases),
            kind=AdvisoryKind(kind),
            severity=Severity(severity),
            summary=summary,
            url=url,
            withdrawn=False,
            affected=tuple(
                Affected(
                    ecosystem=ecosystem,
                    name=name,
                    versions=tuple(versions),
                    ranges=tuple(
                        tuple(Event(bound=_BOUNDS[letter], version=version) for letter, version in events)
                        for events in ranges
                    ),
                )
                for name, versions, ranges in affected
            ),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedAnswer("a row of the index is damaged") from error


def details(packed: bytes) -> Mapping[str, object]:
    """Return what a row keeps besides judging: `details`, `references`, `published`."""
    try:
        plain = zlib.decompressobj(-_WINDOW, zdict=_DICTIONARY).decompress(packed, _LARGEST_DETAILS)
        return mapping(json.loads(plain), "")
    except (zlib.error, ValueError) as error:
        raise MalformedAnswer("a row of the index is damaged") from error


def key_of(digest: Digest) -> bytes:
    """Return what *digest* is found by: enough of it that no two artifacts ever share it."""
    size = len(digest.value) // 2
    return bytes([size]) + bytes.fromhex(digest.value)[:_KEY_BYTES]


def moment(text: str) -> str:
    """
    Return the RFC 3339 *text* in the one spelling that sorts by time; empty when it is no moment.

    The exports write nanoseconds, microseconds or none at all for one and the same moment.
    """
    found = _MOMENT.fullmatch(text.strip())
    return f"{found[1]}.{(found[2] or '')[:6]:0<6}Z" if found is not None else ""


def checksum(body: str) -> bytes:
    """Return what tells a row whose bytes have changed on the disk."""
    return hashlib.blake2b(body.encode(), digest_size=4).digest()


def _packed(document: Mapping[str, object]) -> bytes:
    text = str(document.get("details") or "")[:_LONGEST_DETAILS]
    kept = {"references": document.get("references"), "published": document.get("published"), "details": text}
    packer = zlib.compressobj(5, zlib.DEFLATED, -_WINDOW, 5, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    return packer.compress(_dumped(kept).encode()) + packer.flush()


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def _dumped(value: object) -> str:
    # A lone surrogate is legal in JSON and illegal in UTF-8, which is how SQLite keeps text.
    return _ENCODER.encode(value).encode("utf-8", "replace").decode()
