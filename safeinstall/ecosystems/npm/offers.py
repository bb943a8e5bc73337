"""What the registry of each planned name lists, where there is something to compare."""

from collections.abc import Iterable, Mapping

from safeinstall.contracts import Conditions
from safeinstall.ecosystems.npm.registries import declared
from safeinstall.gateway.npm_packument import PageFacts
from safeinstall.model import ArtifactKind, EcosystemName, Offer, Purl, Release
from safeinstall.purl import project
from safeinstall.versions import oldest_first, order, uncounted

_NPM = EcosystemName.NPM


def offers(releases: Iterable[Release], pages: Mapping[Purl, PageFacts], conditions: Conditions) -> tuple[Offer, ...]:
    """Return the offers for *releases*; *pages* are what was read of the packuments, by purl without a version."""
    found = []
    for release in releases:
        page = pages.get(project(release.purl)) if _compares(release, conditions) else None
        if page is None or release.registry is None:
            continue
        own = order(_NPM, release.version)
        ranked = [one for one in oldest_first(_NPM, frozenset(page.versions)) if order(_NPM, one) is not None]
        lower = [one for one in ranked if own is not None and _before(one, release.version)]
        found.append(
            Offer(
                purl=project(release.purl),
                registry=release.registry,
                guessed=not declared(release.registry.url, conditions),
                highest=_last(ranked),
                below=_last(lower) or None,
                releases=page.releases,
                planned=True,
                claim=conditions.private.claim(_NPM, release.name),
            )
        )
    return tuple(found)


def _compares(release: Release, conditions: Conditions) -> bool:
    listed = release.artifact.kind is ArtifactKind.TARBALL and not release.kept
    return listed and (conditions.private.claim(_NPM, release.name) is not None or uncounted(release.version))


def _before(one: str, other: str) -> bool:
    left, right = order(_NPM, one), order(_NPM, other)
    return left is not None and right is not None and left < right


def _last(ranked: list[str]) -> str:
    """Return the last of *ranked* that is no prerelease; or, where all are, the last."""
    return next((one for one in reversed(ranked) if "-" not in one), ranked[-1] if ranked else "")
