"""Index pages as records, and the names, versions, moments and hashes that URLs and pages spell in many ways."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from safeinstall import fields
from safeinstall.errors import MalformedAnswer
from safeinstall.gateway.server import Transport
from safeinstall.model import Digest
from safeinstall.text import printable, redacted

ARCHIVES = (
    ".whl",
    ".tar.gz",
    ".zip",
    ".tgz",
    ".tar.bz2",
    ".tbz",
    ".tar",
    ".tar.xz",
    ".txz",
    ".tar.lz",
    ".tlz",
    ".tar.lzma",
)
"""What pip installs from, by the end of the file name."""

STRONG = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"})
"""Algorithms whose digests bind bytes; md5 and sha1 do not."""

_SIZES = {name: hashlib.new(name).digest_size * 2 for name in (*STRONG, "md5", "sha1", "sha224", "sha3_224")}
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-]\d\d:?\d\d))?")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~!+-]*")

# A page has thousands of files and nearly all of their URLs look like this: nothing in them needs normalising.
PLAIN_URL = re.compile(r"https?://[a-z0-9.-]+/(?!.*/\.)[A-Za-z0-9/._~!+-]*")
"""An absolute URL in the spelling of `key`."""

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_QUERY = "!#$%&'()*+,/:;=?@[]~"
_HEXADECIMAL = re.compile(r"[0-9a-f]*")
_PORTS = {"http": 80, "https": 443}
_MICROSECONDS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """How the client itself reached something: its headers and its transport."""

    headers: Mapping[str, str]
    transport: Transport


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexFile:
    """One file that a page of an index (or of `--find-links`) lists."""

    project: str
    """Canonical (PEP 503)."""
    version: str
    """PEP 440 spelling; as the file name spells it where that is no version."""
    filename: str
    url: str
    """Absolute, without credentials and fragment."""
    digests: tuple[Digest, ...] = ()
    """sha256 first; empty: the index gives none that we can compute."""
    size: int | None = None
    uploaded: datetime | None = None
    requires_python: str | None = None
    yanked: str | None = None
    """The reason, empty when none was given; None: it is not yanked."""
    page: str
    """The URL of the page, without credentials."""
    promised: tuple[Digest, ...] | None = None
    """What the index says of the file's `.metadata` (PEP 658): its hashes, empty for "it is there"; None: nothing."""
    provenance: str | None = None
    """Where its attestations are (PEP 740); empty: the index says that it has none; None: the index does not tell."""
    channel: Channel = field(repr=False, compare=False)

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel, not a source distribution."""
        return self.filename.endswith(".whl")

    @property
    def sha256(self) -> str | None:
        """The file's sha256 as the index gives it."""
        return next((digest.value for digest in self.digests if digest.algorithm == "sha256"), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One file with all that its page says of it, ready to be written again."""

    file: IndexFile
    href: str = field(repr=False)
    """Absolute, with what credentials and fragment (no hash) the page wrote into it: never print it."""
    raw: Mapping[str, object] = field(repr=False)
    """The entry in its JSON form (PEP 691)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page as it was read."""

    url: str
    """The URL that was asked for, without credentials."""
    project: str
    """The last part of the URL, canonical: the project, if this is a project's page."""
    top: Mapping[str, object]
    """The JSON form without its files: `meta`, `name`, `versions`, `project-status`, ..."""
    entries: tuple[Entry, ...]
    versions: tuple[str, ...]
    """The versions that the page names apart from its files (PEP 700)."""
    first_uploaded: datetime | None
    """The oldest upload time of any file on the page."""


def key(url: str) -> str:
    """
    Return *url* in the one spelling under which files and pages are remembered; raises `MalformedAnswer`.

    pip quotes URLs anew, adds or takes away credentials and never sends fragments: none of that makes another file.
    """
    if PLAIN_URL.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
        path = parts.path if _PLAIN_PATH.fullmatch(parts.path) else _requoted(parts.path)
        if "/." in path:
            path = urljoin("//host", path).removeprefix("//host")
    except ValueError as error:
        raise MalformedAnswer(f"`{redacted(url)}` is no URL") from error
    if ":" in host:
        host = f"[{host}]"
    scheme = parts.scheme.lower()
    if port is not None and port != _PORTS.get(scheme):
        host = f"{host}:{port}"
    return urlunsplit((scheme, host, path or "/", _ESCAPE.sub(_escape, quote(parts.query, safe=_QUERY)), ""))


def _escape(found: re.Match[str]) -> str:
    # As requests does it: what needs no escape has none, what has one has capitals.
    char = chr(int(found[1], 16))
    return char if char.isascii() and (char.isalnum() or char in "-._~") else found[0].upper()


def _requoted(path: str) -> str:
    # An escaped slash is not a slash; every other escape is.
    return "%2F".join(
        quote(unquote(part, errors="strict"), safe="/:@!$&'()*+,;=~") for part in re.split("%2[Ff]", path)
    )


def filename_of(url: str) -> str:
    """Return the file name that pip would read out of *url*."""
    if PLAIN_URL.fullmatch(url):
        return url.rpartition("/")[2]
    return unquote(urlsplit(url).path.rpartition("/")[2])


def newest(page: Page) -> IndexFile | None:
    """Return a file of the newest version on *page*, wheels before the rest and prereleases last; None: it has none."""
    ranked: list[tuple[bool, Version, bool, int]] = []
    for place, entry in enumerate(page.entries):
        try:
            version = Version(entry.file.version)
        except InvalidVersion:
            continue
        ranked.append((not version.is_prerelease, version, entry.file.is_wheel, -place))
    return page.entries[-max(ranked)[3]].file if ranked else None


def is_archive(filename: str) -> bool:
    """Whether pip would take a file of this name for something to install."""
    return filename.lower().endswith(ARCHIVES)


def project_of_page(url: str) -> str:
    """Return the canonical form of the last part of the path of *url*."""
    return canonicalize_name(filename_of(url.rstrip("/")))


def name_and_version(filename: str, project: str) -> tuple[str, str]:
    """
    Return canonical project and version of an archive, by its name alone.

    `a-b-1.tar.gz` may be `a` at `b-1` or `a-b` at `1`: it is *project* when that fits, as it is for pip.
    """
    if filename.endswith(".whl"):
        name, _, rest = filename.removesuffix(".whl").partition("-")
        return _canonical(name), normal_version(rest.partition("-")[0])
    ending = next((ending for ending in ARCHIVES if filename.lower().endswith(ending)), "")
    stem = filename[: len(filename) - len(ending)]
    name, _, version = stem.rpartition("-")
    if _canonical(name) == project:
        return project, normal_version(version)
    for found in re.finditer("-", stem):
        if canonicalize_name(stem[: found.start()]) == project:
            return project, normal_version(stem[found.end() :])
    return canonicalize_name(name or stem), normal_version(version if name else "")


@lru_cache(maxsize=1024)
def _canonical(name: str) -> str:
    return canonicalize_name(name)


@lru_cache(maxsize=8192)
def normal_version(text: str) -> str:
    """Return *text* as PEP 440 spells it; as it stands when it is no version."""
    try:
        return str(Version(text))
    except InvalidVersion:
        return text


def moment(text: str) -> datetime | None:
    """Return an upload time (PEP 700: ISO 8601, UTC) as an aware datetime; None for what is none."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    day, clock, fraction, offset = found.groups()
    zone = (offset or "+00:00").replace(":", "")
    try:
        # Python 3.10 reads neither `Z` nor fractions of any other length than 3 and 6.
        digits = (fraction or "0")[:_MICROSECONDS].ljust(_MICROSECONDS, "0")
        at = datetime.fromisoformat(f"{day}T{clock}.{digits}{zone[:3]}:{zone[3:]}")
        return at.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def digests_of(hashes: Mapping[str, object]) -> tuple[Digest, ...]:
    """Return what hashlib can check of *hashes*, sha256 first; raises `MalformedAnswer` for what is no hash."""
    found = []
    for algorithm in hashes:
        size = _SIZES.get(algorithm)
        if size is None:
            continue
        value = fields.field(hashes, algorithm, str).lower()
        if len(value) != size or not _HEXADECIMAL.fullmatch(value):
            raise MalformedAnswer(f"`{printable(value)}` is no {algorithm}")
        found.append(Digest(algorithm=algorithm, value=value))
    if len(found) > 1:
        found.sort(key=lambda digest: (digest.algorithm != "sha256", digest.algorithm))
    return tuple(found)
