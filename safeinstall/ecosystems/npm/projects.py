"""What packuments tell of names, all versions taken together."""

from collections.abc import Mapping

from safeinstall.gateway.npm_packument import PageFacts
from safeinstall.model import Project, Purl


def projects(pages: Mapping[Purl, PageFacts]) -> tuple[Project, ...]:
    """Return one project for each of *pages*, which are keyed by purl without a version."""
    return tuple(
        Project(
            purl=purl,
            first_uploaded=page.first_uploaded,
            releases=page.releases,
            status="security-placeholder" if page.holder else None,
            unpublished=page.unpublished,
        )
        for purl, page in pages.items()
    )
