"""Which source repositories releases, and the popular packages that they may be posing as, say they are made from."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from safeinstall.gateway.npm_packument import VersionFacts
from safeinstall.model import Claim, EcosystemName, Purl, Release
from safeinstall.names import posing
from safeinstall.names.popular import popular
from safeinstall.purl import make
from safeinstall.repositories import repositories

Newest: TypeAlias = Callable[[Release, str], tuple[str, ...] | None]
"""What the newest version of that name says of its repository, at the registry of the release; None: unknown."""

_NPM = EcosystemName.NPM


def claims(told: Mapping[Purl, VersionFacts], releases: Iterable[Release], newest: Newest) -> tuple[Claim, ...]:
    """
    Return what *releases* claim by what their packuments *told*, by purl; and what those claim whom they pose as.

    *newest* is asked for the latter only, and may not know.
    """
    found: dict[str, Claim] = {}
    for release in releases:
        facts = told.get(release.purl)
        named = repositories(facts.repositories) if facts is not None and not release.kept else ()
        if not named:
            continue
        found[release.purl] = Claim(purl=release.purl, repositories=named)
        index, name = popular(_NPM), release.name
        target = posing.target(index, name, named[0]) or posing.owner(index, name, named[0])
        theirs = newest(release, target) if target is not None else None
        if target is not None and theirs is not None:
            project = make(_NPM, target)
            found[project] = Claim(purl=project, repositories=repositories(theirs))
    return tuple(found.values())
