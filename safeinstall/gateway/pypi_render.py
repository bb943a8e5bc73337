"""Index pages written for pip: JSON (PEP 691) for those that read it, HTML for pip before 22.2."""

import json
from collections.abc import Callable, Iterable, Mapping
from html import escape

from safeinstall.gateway.pages import Entry, IndexFile, Page
from safeinstall.model import Digest

JSON = "application/vnd.pypi.simple.v1+json"
"""What a client must accept to be given JSON."""

Advert = Callable[[IndexFile], "bool | str"]
"""Whether pip may ask for a file's metadata; a string is its sha256."""

# The old key crashes pip 22.3 to 23.1 when it is `true`; the others are ours to write.
_OURS = frozenset({"url", "hashes", "core-metadata", "dist-info-metadata", "data-dist-info-metadata", "yanked"})


def as_json(page: Page, entries: Iterable[Entry], advert: Advert) -> bytes:
    """Return the page with *entries* alone, in JSON."""
    files = [_json_entry(entry, advert(entry.file)) for entry in entries]
    document = {"meta": {"api-version": "1.0"}, "name": page.project, **page.top, "files": files}
    return json.dumps(document, separators=(",", ":")).encode()


def _json_entry(entry: Entry, advert: bool | str) -> Mapping[str, object]:
    file = entry.file
    raw = {name: value for name, value in entry.raw.items() if name not in _OURS}
    return {
        **raw,
        "filename": file.filename,
        "url": entry.href,
        "hashes": {digest.algorithm: digest.value for digest in file.digests},
        "yanked": file.yanked or (file.yanked is not None),
        "core-metadata": {"sha256": advert} if isinstance(advert, str) else advert,
    }


def as_html(page: Page, entries: Iterable[Entry], advert: Advert) -> bytes:
    """Return the page with *entries* alone, in HTML that pip 20.3 reads."""
    lines = [
        "<!DOCTYPE html>",
        '<html><head><meta charset="utf-8"><meta name="pypi:repository-version" content="1.0">',
        f"<title>Links for {escape(page.project)}</title></head><body>",
        *(_html_entry(entry, advert(entry.file)) for entry in entries),
        "</body></html>\n",
    ]
    return "\n".join(lines).encode("utf-8", "replace")


def _html_entry(entry: Entry, advert: bool | str) -> str:
    file = entry.file
    attributes = {"href": _with_hash(entry.href, file.digests)}
    if file.requires_python is not None:
        attributes["data-requires-python"] = file.requires_python
    if file.yanked is not None:
        attributes["data-yanked"] = file.yanked
    if advert:
        attributes["data-core-metadata"] = f"sha256={advert}" if isinstance(advert, str) else "true"
    written = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    return f"<a {written}>{escape(file.filename)}</a><br>"


def _with_hash(href: str, digests: tuple[Digest, ...]) -> str:
    if not digests:
        return href
    return f"{href}{'&' if '#' in href else '#'}{digests[0].algorithm}={digests[0].value}"
