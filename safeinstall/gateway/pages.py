"""
Index pages (PEP 503, 592, 658, 691, 700, 714): what pip is told about a project, read into records.

Two things on a page are left out on purpose, because pip could not install them through us: links that are not
`http(s)`, and files that are no archives pip knows (`.egg`, `.exe`). Everything else that cannot be read makes the
whole page `MalformedAnswer`: a file that vanished in silence could change what pip chooses.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from html.parser import HTMLParser
from typing import TypeVar
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

MAX_FILES = 200_000
"""Files on one page; the fullest project's page lists a tenth of that."""

STRONG = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"})
"""Algorithms whose digests bind bytes; md5 and sha1 do not."""

T = TypeVar("T")

_SIZES = {name: hashlib.new(name).digest_size * 2 for name in (*STRONG, "md5", "sha1", "sha224", "sha3_224")}
_HASH_FRAGMENT = re.compile(r"(?:^|&)(sha512|sha384|sha256|sha224|sha1|md5)=([^&]*)")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-]\d\d:?\d\d))?")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~!+-]*")
# A page has thousands of files and nearly all of their URLs look like this: nothing in them needs normalising.
_PLAIN_URL = re.compile(r"https?://[a-z0-9.-]+/(?!.*/\.)[A-Za-z0-9/._~!+-]*")
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
    if _PLAIN_URL.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
        path = parts.path if _PLAIN_PATH.fullmatch(parts.path) else _requoted(parts.path)
    except ValueError as error:
        raise MalformedAnswer(f"`{redacted(url)}` is no URL") from error
    if ":" in host:
        host = f"[{host}]"
    scheme = parts.scheme.lower()
    if port is not None and port != _PORTS.get(scheme):
        host = f"{host}:{port}"
    return urlunsplit((scheme, host, path or "/", parts.query, ""))


def _requoted(path: str) -> str:
    # An escaped slash is not a slash; every other escape is.
    return "%2F".join(
        quote(unquote(part, errors="strict"), safe="/:@!$&'()*+,;=~") for part in re.split("%2[Ff]", path)
    )


def filename_of(url: str) -> str:
    """Return the file name that pip would read out of *url*."""
    if _PLAIN_URL.fullmatch(url):
        return url.rpartition("/")[2]
    return unquote(urlsplit(url).path.rpartition("/")[2])


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
        return _canonical(name), _version(rest.partition("-")[0])
    ending = next((ending for ending in ARCHIVES if filename.lower().endswith(ending)), "")
    stem = filename[: len(filename) - len(ending)]
    name, _, version = stem.rpartition("-")
    if _canonical(name) == project:
        return project, _version(version)
    for found in re.finditer("-", stem):
        if canonicalize_name(stem[: found.start()]) == project:
            return project, _version(stem[found.end() :])
    return canonicalize_name(name or stem), _version(version if name else "")


@lru_cache(maxsize=1024)
def _canonical(name: str) -> str:
    return canonicalize_name(name)


@lru_cache(maxsize=8192)
def _version(text: str) -> str:
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


def read_json(body: bytes, *, url: str, base: str, channel: Channel) -> Page:
    """
    Return the PEP 691 page *body*, asked for at *url* and found at *base* (where redirects led).

    Raises `MalformedAnswer` when it, or any file entry on it that pip would read, is not what the format promises.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer(f"the page {redacted(url)} is no JSON") from error
    _check_major(fields.optional(document, "meta.api-version", str) or "1.0", url)
    files = fields.field(document, "files", list)
    top = {name: value for name, value in fields.mapping(document, "").items() if name != "files"}
    return _page(url, base, channel, top, [_json_raw(item, index) for index, item in enumerate(files)])


def _json_raw(item: object, index: int) -> Mapping[str, object]:
    # A wrong type says at which file it was found.
    try:
        return fields.mapping(item, "")
    except MalformedAnswer as error:
        raise MalformedAnswer(f"{error.message} (files[{index}])") from error


def read_html(body: bytes, *, url: str, base: str, channel: Channel, encoding: str = "utf-8") -> Page:
    """Return the PEP 503 (or `--find-links`) page *body*; otherwise as `read_json`."""
    reader = _HtmlPage()
    try:
        reader.feed(body.decode(encoding))
        reader.close()
        base = urljoin(base, reader.base) if reader.base is not None else base
    except (ValueError, LookupError, AssertionError) as error:  # AssertionError: html.parser on broken declarations
        raise MalformedAnswer(f"the page {redacted(url)} is no HTML in {printable(encoding)}") from error
    _check_major(reader.version, url)
    top: dict[str, object] = {"meta": {"api-version": "1.0"}, "name": project_of_page(url)}
    if reader.status is not None:
        top["project-status"] = reader.status
    return _page(url, base, channel, top, [_html_raw(anchor) for anchor in reader.anchors])


def _html_raw(anchor: Mapping[str, str | None]) -> Mapping[str, object]:
    raw: dict[str, object] = {"url": anchor["href"], "hashes": {}}
    if anchor.get("data-requires-python"):
        raw["requires-python"] = anchor["data-requires-python"]
    if "data-yanked" in anchor:
        raw["yanked"] = anchor["data-yanked"] or True
    for name in ("data-core-metadata", "data-dist-info-metadata"):
        if name in anchor:
            algorithm, _, value = (anchor[name] or "").partition("=")
            raw["core-metadata"] = {algorithm: value} if value else algorithm != "false"
            break
    return raw


class _HtmlPage(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.base: str | None = None
        self.version = "1.0"
        self.status: dict[str, object] | None = None
        self.anchors: list[Mapping[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(reversed(attrs))  # of an attribute given twice, the first counts (HTML standard)
        if tag == "a" and found.get("href"):
            self.anchors.append(found)
        elif tag == "base" and self.base is None and found.get("href"):
            self.base = found["href"]
        elif tag == "meta":
            self._meta(found.get("name") or "", found.get("content") or "")

    def _meta(self, name: str, content: str) -> None:
        if name == "pypi:repository-version":
            self.version = content or "1.0"
        elif name in {"pypi:project-status", "pypi:project-status-reason"}:  # PEP 792
            self.status = {**(self.status or {}), "reason" if name.endswith("reason") else "status": content}


def _check_major(version: str, url: str) -> None:
    if version.partition(".")[0] != "1":
        raise MalformedAnswer(f"the page {redacted(url)} is of API version {printable(version, limit=20)}, not 1")


def _page(
    url: str, base: str, channel: Channel, top: Mapping[str, object], raws: Sequence[Mapping[str, object]]
) -> Page:
    project, shown = project_of_page(url), redacted(url)
    if len(raws) > MAX_FILES:
        raise MalformedAnswer(f"the page {redacted(url)} lists {len(raws):,} files")
    entries: list[Entry] = []
    first: datetime | None = None
    for index, raw in enumerate(raws):
        try:
            entry = _entry(raw, base, project, shown, channel)
        except (MalformedAnswer, ValueError) as error:
            detail = error.message if isinstance(error, MalformedAnswer) else printable(str(error), limit=80)
            raise MalformedAnswer(f"file {index} of the page {shown}: {detail}") from error
        if entry is None:
            continue
        at = entry.file.uploaded
        if at is not None and (first is None or at < first):
            first = at
        if is_archive(entry.file.filename):
            entries.append(entry)
    versions = tuple(_version(text) for text in fields.items(top, "versions", str))
    return Page(url=shown, project=project, top=top, entries=tuple(entries), versions=versions, first_uploaded=first)


def _entry(raw: Mapping[str, object], base: str, project: str, page: str, channel: Channel) -> Entry | None:
    target = _given(raw, "url", str)
    if target is None:  # pip leaves it out as well
        return None
    if not _PLAIN_URL.fullmatch(target):
        target = urljoin(base, target.strip())
    href, _, fragment = target.partition("#")
    if not href.lower().startswith(("http://", "https://")):
        return None
    hashes = _given(raw, "hashes", dict) or {}
    rest = ""
    if fragment:
        rest = "&".join(part for part in fragment.split("&") if part and not _HASH_FRAGMENT.match(part))
        hashes = {**dict(_HASH_FRAGMENT.findall(fragment)), **hashes}
    filename = filename_of(href)
    name, version = name_and_version(filename, project)
    uploaded = _given(raw, "upload-time", str)
    return Entry(
        file=IndexFile(
            project=name,
            version=version,
            filename=filename,
            url=key(href),
            digests=digests_of(hashes),
            size=_given(raw, "size", int),
            uploaded=moment(uploaded) if uploaded else None,
            requires_python=_given(raw, "requires-python", str) or None,
            yanked=_yanked(raw),
            page=page,
            promised=_promised(raw),
            channel=channel,
        ),
        href=f"{href}#{rest}" if rest else href,
        raw=raw,
    )


def _given(raw: Mapping[str, object], name: str, kind: type[T]) -> T | None:
    # Most keys of a page's thousands of entries are missing or right: only what is wrong takes the long way.
    value = raw.get(name)
    return value if value is None or type(value) is kind else fields.optional(raw, name, kind)


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


def _yanked(raw: Mapping[str, object]) -> str | None:
    value = _given(raw, "yanked", object)
    if isinstance(value, bool):
        return "" if value else None
    if value is None or isinstance(value, str):
        return value or None
    raise MalformedAnswer(f"expected bool or str, got {type(value).__name__} at `yanked`")


def _promised(raw: Mapping[str, object]) -> tuple[Digest, ...] | None:
    for name in ("core-metadata", "dist-info-metadata", "data-dist-info-metadata"):
        value = _given(raw, name, object)
        if isinstance(value, dict):
            return digests_of(value)
        if value is not None:
            return () if value else None
    return None
