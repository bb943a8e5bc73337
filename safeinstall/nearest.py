"""Which other version of a flagged release to take: listed, old enough, and nothing is known against it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from packaging.requirements import InvalidRequirement, Requirement

from safeinstall.choices import Better, Choice
from safeinstall.cooldown import Cooldown
from safeinstall.errors import MalformedAnswer
from safeinstall.facts import Facts
from safeinstall.model import AdvisoryKind, Digest, EcosystemName, Plan, Purl, Release
from safeinstall.purl import make, parts
from safeinstall.versions import in_npm_range, major, oldest_first, order, prerelease

_MENDED = frozenset({AdvisoryKind.MALWARE, AdvisoryKind.PROTESTWARE, AdvisoryKind.VULNERABILITY})
_MOST_RELEASES = 20
_MOST_TRIED = 8
"""So many versions of one release the sources are asked about, the nearest ones."""
_NO_DIGESTS: tuple[Digest, ...] = ()


def nearest(
    facts: Facts,
    choices: Callable[[Release], Iterable[Choice]],
    ask: Callable[[Plan], Facts],
    cooldown: Cooldown,
) -> tuple[Better, ...]:
    """
    Return for flagged releases of the plan the nearest version that is good, where there is one.

    *choices* tells what the registry of a release lists, *ask* what the sources know. Only what every required source
    answered for, and nobody told anything against, is good.
    """
    tried: dict[Purl, list[Release]] = {}
    flagged = [one for one in facts.plan.releases if one.registry is not None and _is_flagged(one, facts)]
    for release in flagged[:_MOST_RELEASES]:
        tried[release.purl] = list(_candidates(release, choices(release), facts, cooldown))[:_MOST_TRIED]
    wanted = [other for some in tried.values() for other in some]
    if not wanted:
        return ()
    told = ask(Plan(ecosystem=facts.plan.ecosystem, releases=tuple(dict.fromkeys(wanted))))
    found = []
    for purl, others in tried.items():
        good = next((other for other in others if told.known.get(other.purl) == ()), None)
        if good is not None:
            found.append(Better(purl=purl, version=good.version, fits=_fits(purl, good.version, facts)))
    return tuple(found)


def _is_flagged(release: Release, facts: Facts) -> bool:
    told = [one for one in facts.told(release.purl) if one.kind in _MENDED]
    # A record on every version leaves none to look for.
    return bool(told) and not any(one.every_version for one in told)


def _candidates(release: Release, choices: Iterable[Choice], facts: Facts, cooldown: Cooldown) -> Iterable[Release]:
    """Yield the other versions of *release* that might be taken, the nearest first."""
    ecosystem, name, own = parts(release.purl)
    url = release.registry.url if release.registry is not None else None
    minimum = cooldown.minimum(ecosystem, name, url)
    usable = {
        one.version: one
        for one in choices
        if not one.withdrawn
        and one.version != release.version
        and (one.uploaded is None or facts.now - one.uploaded >= minimum)
        and (prerelease(ecosystem, release.version) or not prerelease(ecosystem, one.version))
    }
    malicious = any(one.kind is AdvisoryKind.MALWARE for one in facts.told(release.purl))
    ranked = _ranked(ecosystem, own or release.version, frozenset(usable), down_first=malicious)
    for version in sorted(ranked, key=lambda one: not _fits(release.purl, one, facts)):
        try:
            purl = make(ecosystem, name, version)
        except MalformedAnswer:
            continue
        uploaded = usable[version].uploaded
        artifact = replace(release.artifact, filename="", url="", digests=_NO_DIGESTS, size=None, uploaded=uploaded)
        yield replace(release, purl=purl, version=version, artifact=artifact, asked=None, kept=False, yanked=None)


def _ranked(ecosystem: EcosystemName, own: str, versions: frozenset[str], *, down_first: bool) -> Sequence[str]:
    """
    Return *versions* by how near they are to *own*: of its major line first, then the others.

    Within each, upward first, where a fault is mended; *down_first*: before malware came in, nobody had tampered.
    """
    at = order(ecosystem, own)
    if at is None:
        return ()
    ordered = [
        (one, place) for one in oldest_first(ecosystem, versions) if (place := order(ecosystem, one)) is not None
    ]
    above = [one for one, place in ordered if at < place]
    below = [one for one, place in reversed(ordered) if place < at]
    ways = (below, above) if down_first else (above, below)
    line = major(ecosystem, own)
    same = [one for way in ways for one in way if major(ecosystem, one) == line]
    return (*same, *(one for way in ways for one in way if major(ecosystem, one) != line))


def _fits(purl: Purl, version: str, facts: Facts) -> bool:
    """Whether all who require *purl* would take *version*; what cannot be told is no objection."""
    ecosystem, _, _ = parts(purl)
    return all(_allows(ecosystem, edge.requirement, version) for edge in facts.parents(purl))


def _allows(ecosystem: EcosystemName, requirement: str, version: str) -> bool:
    try:
        if ecosystem is EcosystemName.PYPI:
            return Requirement(requirement).specifier.contains(version, prereleases=True)
        wanted = requirement[1:].partition("@")[2] or requirement  # the first `@` may be that of a scope
        return in_npm_range(version, wanted)
    except (InvalidRequirement, MalformedAnswer):
        return True
