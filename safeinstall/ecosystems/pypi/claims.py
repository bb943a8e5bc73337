"""Which source repositories releases, and the popular projects that they may be posing as, say they are made from."""

import re
from collections.abc import Iterable, Iterator

from packaging.utils import canonicalize_name

from safeinstall import purl
from safeinstall.gateway.pypi import PypiGateway
from safeinstall.model import Claim, EcosystemName, Release
from safeinstall.names import posing
from safeinstall.names.popular import popular
from safeinstall.repositories import repositories

_PYPI = EcosystemName.PYPI
_URLS = re.compile(rb"^(?:home-page|download-url|project-url):[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")


def claims(releases: Iterable[Release], gateway: PypiGateway) -> tuple[Claim, ...]:
    """
    Return what *releases* claim, and what the popular projects claim that some of them may be posing as.

    The latter are asked for only then, at the index that listed the release; one that does not answer is unknown.
    """
    found: dict[str, Claim] = {}
    for release in releases:
        served = gateway.metadata(release.artifact.url) if release.registry is not None and not release.kept else None
        named = of(served) if served is not None else ()
        if not named:
            continue
        found[release.purl] = Claim(purl=release.purl, repositories=named)
        index, name = popular(_PYPI), canonicalize_name(release.name)
        target = posing.target(index, name, named[0]) or posing.owner(index, name, named[0])
        if target is not None:
            known = gateway.newest_metadata(target, release.artifact.url)
            project = purl.make(_PYPI, target)
            if known is not None:
                found[project] = Claim(purl=project, repositories=of(known))
    return tuple(found.values())


def of(metadata: bytes) -> tuple[str, ...]:
    """Return the repositories that METADATA or PKG-INFO names."""
    return repositories(_urls(_HEAD_ENDS.split(metadata, maxsplit=1)[0]))


def _urls(head: bytes) -> Iterator[str]:
    for line in _URLS.findall(head):
        text = line.decode("utf-8", "replace")
        # `Project-URL: Source, https://...`
        yield text.rpartition(",")[2].strip()
