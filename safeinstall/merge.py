"""One advisory out of all that are about one thing."""

from collections.abc import Iterable

from safeinstall.model import Advisory, AdvisoryKind, EcosystemName
from safeinstall.versions import oldest_first

_KINDS = tuple(AdvisoryKind)
"""The worst first, as the model lists them."""


def merge(advisories: Iterable[Advisory], ecosystem: EcosystemName = EcosystemName.PYPI) -> tuple[Advisory, ...]:
    """
    Return *advisories* on one release with those joined that share an id or alias, also over a chain of others.

    The worst kind wins over the others, and the highest severity; sources are joined by comma. The order is
    the worst first, and does not depend on the order of *advisories*; *ecosystem* orders the fixed versions.
    """
    groups: list[tuple[set[str], list[Advisory]]] = []
    for advisory in sorted(set(advisories), key=_rank):
        ids = {advisory.ident, *advisory.aliases}
        members = [advisory]
        apart: list[tuple[set[str], list[Advisory]]] = []
        for names, others in groups:
            if names.isdisjoint(ids):
                apart.append((names, others))
            else:
                ids |= names
                members = [*others, *members]
        groups = [*apart, (ids, members)]
    return tuple(sorted((_joined(ids, members, ecosystem) for ids, members in groups), key=_rank))


def _joined(ids: set[str], members: list[Advisory], ecosystem: EcosystemName) -> Advisory:
    first = min(members, key=_rank)
    return Advisory(
        ident=first.ident,
        aliases=frozenset(ids - {first.ident}),
        kind=first.kind,
        severity=max(member.severity for member in members),
        summary=first.summary,
        fixed=oldest_first(ecosystem, frozenset(version for member in members for version in member.fixed)),
        affected=next((member.affected for member in sorted(members, key=_rank) if member.affected), ()),
        every_version=any(member.every_version for member in members),
        url=next((member.url for member in sorted(members, key=_rank) if member.url is not None), None),
        source=", ".join(sorted({name for member in members for name in member.source.split(", ")})),
        by_hash=any(member.by_hash for member in members),
    )


def _rank(advisory: Advisory) -> tuple[int, int, str, str, str]:
    return _KINDS.index(advisory.kind), -advisory.severity, advisory.ident, advisory.source, advisory.summary
