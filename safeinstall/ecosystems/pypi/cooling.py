"""What the cooldown made of a pip plan: what was withheld in favour of what, and what of it is too young."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from safeinstall import purl
from safeinstall.cooldown import Cooling, Withheld, Young
from safeinstall.ecosystems.pypi.compose import Part
from safeinstall.gateway.pages import IndexFile
from safeinstall.gateway.pypi import PypiGateway
from safeinstall.gateway.withholding import Withholding
from safeinstall.model import ArtifactKind, EcosystemName, Edge, Purl, Release
from safeinstall.text import printable

_PYPI = EcosystemName.PYPI
_MISSED = re.compile(r"No matching distribution found for ([A-Za-z0-9][A-Za-z0-9._-]*)")
_STEPS = 6
"""Names that are let go one by one; whoever needs more of them is served with nothing withheld."""


@dataclass(slots=True)
class StepsBack:
    """Lets go of what is withheld, as far as there is no plan without it: the verdict then speaks of it."""

    withholding: Withholding
    left: int = _STEPS

    def step(self, gateway: PypiGateway, output: str) -> bool:
        """Whether planning is worth another try after it failed with *output*."""
        names = gateway.cool.names()
        if not names or self.withholding.open:
            return False
        missed = {canonicalize_name(name) for name in _MISSED.findall(output)} & names
        self.left -= 1
        if self.left > 0 and [name for name in missed if self.withholding.let(name)]:
            return True
        self.withholding.open = True
        return True


def cooling(part: Part, gateway: PypiGateway, withholding: Withholding) -> Cooling:
    """Return what was withheld in favour of *part*, and what of *part* is too young."""
    edges: dict[Purl, list[Edge]] = {}
    for edge in part.edges:
        edges.setdefault(edge.child, []).append(edge)
    listed = [one for one in part.releases if one.artifact.kind in _LISTED and not one.kept]
    return Cooling(
        cooldown=withholding.cooldown,
        withheld=tuple(
            found for one in listed for found in _withheld(one, gateway, _requirements(edges.get(one.purl, ())))
        ),
        young=tuple(found for one in listed for found in _young(one, gateway, withholding, edges.get(one.purl, ()))),
        fixes=withholding.fixes,
    )


_LISTED = frozenset({ArtifactKind.WHEEL, ArtifactKind.SDIST, ArtifactKind.LOCAL_FILE})


def _withheld(release: Release, gateway: PypiGateway, wanted: Sequence[Requirement]) -> Iterator[Withheld]:
    name, chosen = canonicalize_name(release.name), _version(release.version)
    newest: dict[str, tuple[IndexFile, timedelta]] = {}
    for file, minimum in gateway.cool.left_out(name).values():
        version = _version(file.version)
        if version is None or chosen is None or not gateway.fits(file) or file.yanked is not None:
            continue
        late = version == chosen and gateway.prefers(file, release.artifact.filename)
        above = version > chosen and (chosen.is_prerelease or not version.is_prerelease)
        if (late or above) and all(_admits(one, version) for one in wanted):
            newest.setdefault(file.version, (file, minimum))
    for text, (file, minimum) in sorted(newest.items(), key=lambda pair: Version(pair[0]), reverse=True):
        assert file.uploaded is not None
        yield Withheld(
            purl=purl.make(_PYPI, name, text),
            uploaded=file.uploaded,
            minimum=minimum,
            chosen=release.version,
            filename=file.filename if _version(text) == chosen else None,
        )


def _young(release: Release, gateway: PypiGateway, withholding: Withholding, edges: Sequence[Edge]) -> Iterator[Young]:
    name, url = canonicalize_name(release.name), release.registry.url if release.registry is not None else ""
    if withholding.young(name, url, release.artifact.uploaded) is None:
        return
    files = gateway.files_of(name)
    moments = [one.uploaded for one in files if one.version == release.version and one.uploaded is not None]
    old = [one for one in files if withholding.young(name, one.page, one.uploaded) is None and one.yanked is None]
    versions = [one for file in old if gateway.fits(file) and (one := _version(file.version)) is not None]
    ranked = sorted(versions, key=lambda one: (not one.is_prerelease, one))
    why = ""
    if ranked and withholding.let_go(name):
        asked = ", ".join(dict.fromkeys(f"`{printable(edge.requirement)}`" for edge in edges)) or "what requires it"
        why = f"it could not be withheld: without it nothing fits {asked}"
    yield Young(purl=release.purl, older=str(ranked[-1]) if ranked else None, since=min(moments, default=None), why=why)


def _requirements(edges: Sequence[Edge]) -> list[Requirement]:
    found = []
    for edge in edges:
        try:
            found.append(Requirement(edge.requirement))
        except InvalidRequirement:
            continue
    return found


def _admits(requirement: Requirement, version: Version) -> bool:
    return requirement.url is None and requirement.specifier.contains(version, prereleases=True)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
