"""What releases say their licence is, from metadata alone; whoever says nothing is absent, never guessed."""

from collections.abc import Callable, Iterable, Mapping

from safeinstall.errors import MalformedAnswer
from safeinstall.gateway.metadata import parsed
from safeinstall.model import Purl, Release
from safeinstall.text import printable

_CLASSIFIER = "License :: "
_SHORT = 100
"""Characters: the field holds a name, or the whole text of a licence, which is no name."""


def licences(releases: Iterable[Release], metadata: Callable[[str], bytes | None]) -> Mapping[Purl, tuple[str, ...]]:
    """Return what the METADATA of *releases* says; *metadata* tells what was served for the URL of an artifact."""
    found = {}
    for release in releases:
        served = metadata(release.artifact.url) if release.registry is not None and not release.kept else None
        told = pypi_licences(served) if served is not None else ()
        if told:
            found[release.purl] = told
    return found


def pypi_licences(metadata: bytes) -> tuple[str, ...]:
    """Return the licence that METADATA or PKG-INFO names: its expression (PEP 639), else its field or classifiers."""
    try:
        raw = parsed(metadata)
    except MalformedAnswer:
        return ()
    for text in (raw.get("license_expression"), raw.get("license")):
        if text and text.strip() and "\n" not in text.strip() and len(text) <= _SHORT and text.strip() != "UNKNOWN":
            return (printable(text),)
    names = (one.rpartition(" :: ")[2] for one in raw.get("classifiers", ()) if one.startswith(_CLASSIFIER))
    return tuple(dict.fromkeys(printable(one) for one in names if one != "OSI Approved"))


def npm_licences(manifest: Mapping[str, object]) -> tuple[str, ...]:
    """Return what an npm *manifest* calls its licence: a text, or the older object or list of objects."""
    told = manifest.get("license") or manifest.get("licenses")
    given = told if isinstance(told, list) else [told]
    texts = (one.get("type") if isinstance(one, Mapping) else one for one in given)
    return tuple(dict.fromkeys(printable(one) for one in texts if isinstance(one, str) and one.strip()))
