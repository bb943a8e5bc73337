"""Published advisories: malware and vulnerabilities that somebody has reported for exactly this release."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from safeinstall import model
from safeinstall.facts import Facts
from safeinstall.merge import merge
from safeinstall.model import AdvisoryKind, ArtifactKind, Confidence, Finding, Release, SourceState
from safeinstall.purl import parts
from safeinstall.text import printable, redacted
from safeinstall.versions import newer

_OWN_CHECK = frozenset({ArtifactKind.URL, ArtifactKind.VCS, ArtifactKind.LOCAL_FILE, ArtifactKind.LOCAL_PROJECT})
_SUMMARY = 140
_IDS_SHOWN = 8
_FIXED_SHOWN = 5
_AFFECTED_SHOWN = 6
_FRESH = timedelta(minutes=10)
_CLAIMS = {
    AdvisoryKind.MALWARE: "is reported as malware",
    AdvisoryKind.PROTESTWARE: "is reported as protestware",
    AdvisoryKind.VULNERABILITY: "has a known vulnerability",
    AdvisoryKind.COLLISION: "has the name of malware on a public registry",
    AdvisoryKind.TELEMETRY: "is reported to send data home",
    AdvisoryKind.UNMAINTAINED: "is not maintained any more",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Advisory:
    """See `Check`."""

    ident: ClassVar[str] = "advisory"
    question: ClassVar[str] = "Has somebody published that this release is malware or has a vulnerability?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        ecosystem, _, _ = parts(release.purl)
        # What anybody told comes first: a silent source must not hide a loud one.
        for advisory in merge(facts.told(release.purl), ecosystem):
            yield self._finding(release, advisory, facts)
        # Advisories speak of names on registries. What no registry vouches for is `unverified-source`'s to judge, and
        # what is installed from such a place already would stay as it is.
        if release.registry is None and (release.kept or release.artifact.kind in _OWN_CHECK):
            return
        facts.advisories(release.purl)

    def _finding(self, release: Release, advisory: model.Advisory, facts: Facts) -> Finding:
        claim = _CLAIMS[advisory.kind]
        name, version = printable(release.name), printable(release.version, limit=60)
        summary = printable(advisory.summary, limit=_SUMMARY).rstrip(".")
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind=advisory.kind.value,
            severity=advisory.severity,
            confidence=Confidence.HIGH,
            title=f"`{name}` {version} {claim}: {summary}",
            evidence=tuple(_evidence(release, advisory, facts)),
            hint=_hint(release, advisory, facts),
            ids=tuple(printable(ident, limit=80) for ident in (advisory.ident, *sorted(advisory.aliases))),
        )


def _evidence(release: Release, advisory: model.Advisory, facts: Facts) -> Iterator[str]:
    ids = [printable(ident, limit=80) for ident in (advisory.ident, *sorted(advisory.aliases))]
    more = f" and {len(ids) - _IDS_SHOWN} more" if len(ids) > _IDS_SHOWN else ""
    yield ", ".join(ids[:_IDS_SHOWN]) + more
    states = {state.source: state for state in facts.sources}
    told = (_aged(source, states.get(source), facts) for source in advisory.source.split(", "))
    yield f"told by {', '.join(told)}"
    if advisory.by_hash:
        yield "the hash of the artifact is the one that the record names, whatever it is called here"
    if advisory.affected:
        words = [printable(one, limit=80) for one in advisory.affected[:_AFFECTED_SHOWN]]
        rest = len(advisory.affected) - len(words)
        yield f"affected: {', '.join(words)}" + (f" and {rest} more" if rest else "")
    if advisory.fixed:
        ecosystem, _, version = parts(release.purl)
        shown = newer(ecosystem, advisory.fixed, version or release.version) or advisory.fixed
        yield f"fixed in {', '.join(printable(one, limit=40) for one in shown[:_FIXED_SHOWN])}"
    better = facts.better(release.purl)
    if better is not None and advisory.kind is not AdvisoryKind.COLLISION:
        beyond = "" if better.fits else "; not among what is asked for"
        version = printable(better.version, limit=60)
        yield f"nearest good version: {version} (listed by the registry, nothing is known against it{beyond})"
    if advisory.url is not None:
        yield redacted(advisory.url)


def _aged(source: str, state: SourceState | None, facts: Facts) -> str:
    if state is None or state.as_of is None:
        return source
    age = facts.now - state.as_of
    if age < _FRESH:
        return f"{source} (asked now)"
    if age < timedelta(days=2):
        hours, minutes = divmod(int(age.total_seconds()) // 60, 60)
        return f"{source} ({hours} h {minutes:02d} min old)" if hours else f"{source} ({minutes} min old)"
    return f"{source} (as of {state.as_of:%Y-%m-%d}, {age.days} days old)"


def _hint(release: Release, advisory: model.Advisory, facts: Facts) -> str:
    match advisory.kind:
        case AdvisoryKind.MALWARE:
            return _malware_hint(release, facts)
        case AdvisoryKind.COLLISION:
            name = printable(release.name)
            return f"this `{name}` comes from elsewhere: see to it that no install takes the public one of that name"
        case AdvisoryKind.PROTESTWARE | AdvisoryKind.VULNERABILITY | AdvisoryKind.TELEMETRY:
            return _upgrade_hint(release, advisory, facts)
        case AdvisoryKind.UNMAINTAINED:
            return f"nobody mends `{printable(release.name)}` any more: look for another package"


def _malware_hint(release: Release, facts: Facts) -> str:
    name = printable(release.name)
    if release.kept:
        return f"`{name}` is installed already: remove it, and renew every secret that this machine could read"
    good = facts.better(release.purl)
    if release.asked is not None and good is not None:
        version = printable(good.version, limit=60)
        return f"do not install it; `{name}` {version} is the nearest version against which nothing is known"
    if release.asked is not None:
        return f"do not install it; take `{name}` out of what you asked for"
    parents = sorted(
        f"`{printable(name)}` {printable(version or '', limit=60)}"
        for edge in facts.parents(release.purl)
        if edge.parent is not None
        for _, name, version in [parts(edge.parent)]
    )
    if not parents:
        return "do not install it"
    return f"do not install it; it comes in through {' and '.join(parents[:2])}: use another version of that"


def _upgrade_hint(release: Release, advisory: model.Advisory, facts: Facts) -> str:
    ecosystem, _, version = parts(release.purl)
    name = printable(release.name)
    good = facts.better(release.purl)
    if good is not None:
        return f"take `{name}` {printable(good.version, limit=60)}: nothing is known against it"
    better = newer(ecosystem, advisory.fixed, version or release.version)
    if better:
        return f"upgrade to `{name}` {printable(better[0], limit=60)} or later"
    return f"no fixed version of `{name}` is known: read the advisory, or look for another package"
