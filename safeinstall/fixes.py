"""Which versions may be taken although they are too young: patience must not keep anybody at a known fault."""

from safeinstall.cooldown import Fix, Withheld
from safeinstall.facts import Facts
from safeinstall.merge import merge
from safeinstall.model import AdvisoryKind, Plan, Purl, Release
from safeinstall.placeholders import is_placeholder
from safeinstall.purl import parts, project
from safeinstall.versions import equal, newer

_MENDED = frozenset({AdvisoryKind.MALWARE, AdvisoryKind.PROTESTWARE, AdvisoryKind.VULNERABILITY})


def first_fixes(plan: Plan, facts: Facts) -> tuple[Fix, ...]:
    """
    Return the withheld versions of *plan* that an advisory calls the first fixed one of what was taken instead.

    Only that very version: a later one may hold what the cooldown is for.
    """
    found: dict[Purl, Fix] = {}
    for release in plan.releases:
        withheld = _in_favour_of(release, plan.cooling.withheld)
        if not withheld or release.kept:
            continue
        ecosystem, _, _ = parts(release.purl)
        for advisory in merge(facts.told(release.purl), ecosystem):
            fixed = newer(ecosystem, advisory.fixed, release.version) if advisory.kind in _MENDED else ()
            for one in withheld:
                version = parts(one.purl)[2] or ""
                if fixed and equal(ecosystem, version, fixed[0]) and not is_placeholder(ecosystem, version):
                    ids = (*(found[one.purl].ids if one.purl in found else ()), advisory.ident)
                    found[one.purl] = Fix(purl=one.purl, ids=tuple(dict.fromkeys(ids)), instead=release.version)
    return tuple(found.values())


def _in_favour_of(release: Release, withheld: tuple[Withheld, ...]) -> list[Withheld]:
    mine = project(release.purl) if withheld else release.purl
    return [
        one for one in withheld if one.filename is None and one.chosen == release.version and project(one.purl) == mine
    ]
