"""
Index pages read: PEP 691 (JSON) and PEP 503 (HTML), with what PEP 592, 658, 700, 714 and 792 add.

Two things on a page are left out on purpose, because pip could not install them through us: links that are not
`http(s)`, and files that are no archives pip knows (`.egg`, `.exe`). Everything else that cannot be read makes the
whole page `MalformedAnswer`: a file that vanished in silence could change what pip chooses.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from html.parser import HTMLParser
from typing import TypeVar
from urllib.parse import urljoin

from safeinstall import fields
from safeinstall.errors import MalformedAnswer
from safeinstall.gateway.pages import (
    PLAIN_URL,
    Channel,
    Entry,
    IndexFile,
    Page,
    digests_of,
    filename_of,
    is_archive,
    key,
    moment,
    name_and_version,
    normal_version,
    project_of_page,
)
from safeinstall.model import Digest
from safeinstall.text import printable, redacted

MAX_FILES = 200_000
"""Files on one page; the fullest project's page lists a tenth of that."""

T = TypeVar("T")

_HASH_FRAGMENT = re.compile(r"(?:^|&)(sha512|sha384|sha256|sha224|sha1|md5)=([^&]*)")


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
    if "data-provenance" in anchor:
        raw["provenance"] = anchor["data-provenance"]
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
    versions = tuple(normal_version(text) for text in fields.items(top, "versions", str))
    return Page(url=shown, project=project, top=top, entries=tuple(entries), versions=versions, first_uploaded=first)


def _entry(raw: Mapping[str, object], base: str, project: str, page: str, channel: Channel) -> Entry | None:
    target = _given(raw, "url", str)
    if target is None:  # pip leaves it out as well
        return None
    if not PLAIN_URL.fullmatch(target):
        target = urljoin(base, target.strip())
    href, _, fragment = target.partition("#")
    if not href.lower().startswith(("http://", "https://")):
        return None
    hashes = _given(raw, "hashes", dict) or {}
    rest = ""
    if fragment:
        # Hashes are told apart from it, and for pip `egg=NAME-VERSION` would count more than the file's own name.
        parts = [part for part in fragment.split("&") if part and not _HASH_FRAGMENT.match(part)]
        rest = "&".join(part for part in parts if not part.startswith("egg="))
        hashes = {**dict(_HASH_FRAGMENT.findall(fragment)), **hashes}
    if "&egg=" in href:  # pip would find it in a query as well
        raise MalformedAnswer("its address calls it something else than its name")
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
            provenance=_provenance(raw),
            channel=channel,
        ),
        href=f"{href}#{rest}" if rest else href,
        raw=raw,
    )


def _given(raw: Mapping[str, object], name: str, kind: type[T]) -> T | None:
    # Most keys of a page's thousands of entries are missing or right: only what is wrong takes the long way.
    value = raw.get(name)
    return value if value is None or type(value) is kind else fields.optional(raw, name, kind)


def _yanked(raw: Mapping[str, object]) -> str | None:
    value = _given(raw, "yanked", object)
    if isinstance(value, bool):
        return "" if value else None
    if value is None or isinstance(value, str):
        return value or None
    raise MalformedAnswer(f"expected bool or str, got {type(value).__name__} at `yanked`")


def _provenance(raw: Mapping[str, object]) -> str | None:
    if "provenance" not in raw:
        return None
    value = _given(raw, "provenance", object)
    # What is no URL attests nothing.
    return value if isinstance(value, str) else ""


def _promised(raw: Mapping[str, object]) -> tuple[Digest, ...] | None:
    for name in ("core-metadata", "dist-info-metadata", "data-dist-info-metadata"):
        value = _given(raw, name, object)
        if isinstance(value, dict):
            return digests_of(value)
        if value is not None:
            return () if value else None
    return None
