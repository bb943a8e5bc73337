"""Releases that are too young: most of what is malicious is found within days of its upload."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from safeinstall.ages import ago, span
from safeinstall.cooldown import Young
from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.model import ArtifactKind, Confidence, Finding, Release, Severity
from safeinstall.purl import parts
from safeinstall.text import printable

_LISTED = frozenset({ArtifactKind.WHEEL, ArtifactKind.SDIST, ArtifactKind.TARBALL})
_LATE = timedelta(days=1)
"""Files of one version come within minutes; one that comes a day later was added to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FreshRelease:
    """See `Check`; what is withheld while planning is in no plan, so this is about pins, lockfiles and `block`."""

    ident: ClassVar[str] = "fresh-release"
    question: ClassVar[str] = "Was it uploaded long enough ago for others to have looked at it?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        if release.kept or release.registry is None:
            return
        cooling = facts.plan.cooling
        ecosystem, _, _ = parts(release.purl)
        minimum = cooling.cooldown.minimum(ecosystem, release.name, release.registry.url)
        uploaded = release.artifact.uploaded
        if minimum <= timedelta(0) or any(fix.purl == release.purl for fix in cooling.fixes):
            return
        if uploaded is None:
            if release.artifact.kind in _LISTED:
                raise FactMissing(
                    "the registry does not tell when it was uploaded, so the cooldown could not be kept",
                    hint="a registry that tells upload times; `gaps.fresh-release` decides what is done without them",
                )
            return
        if facts.now - uploaded < minimum:
            told = next((one for one in cooling.young if one.purl == release.purl), Young(purl=release.purl))
            yield self._finding(release, uploaded, minimum, told, facts)

    def _finding(self, release: Release, uploaded: datetime, minimum: timedelta, told: Young, facts: Facts) -> Finding:
        name, version = printable(release.name), printable(release.version, limit=60)
        what = f"`{name}` {version} was uploaded {ago(facts.now - uploaded)}"
        late = told.since is not None and uploaded - told.since > _LATE
        evidence = [f"uploaded on {uploaded:%Y-%m-%d %H:%M} UTC; the cooldown is {span(minimum)}"]
        if late and told.since is not None:
            what = f"`{printable(release.artifact.filename)}` was added {ago(facts.now - uploaded)} to an old release"
            evidence.append(f"{version} has been there since {told.since:%Y-%m-%d}; this file is younger than it")
        page = facts.project(release.purl)
        if page is not None and page.first_uploaded is not None and page.first_uploaded >= uploaded:
            evidence.append(f"it is the first release of `{name}`")
        if told.why:
            evidence.append(printable(told.why))
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind="fresh-release",
            severity=Severity.MEDIUM if not late else Severity.HIGH,
            confidence=Confidence.HIGH,
            title=f"{what}, less than {span(minimum)}",
            evidence=tuple(evidence),
            hint=_hint(release, told, uploaded + minimum),
        )


def _hint(release: Release, told: Young, ready: datetime) -> str:
    when = f"wait until {ready:%Y-%m-%d %H:%M} UTC"
    if told.older is None:
        return f"{when}: no version of `{printable(release.name)}` is old enough yet"
    older = f"`{printable(release.name)}` {printable(told.older, limit=60)}"
    if told.why:
        return f"{when}, or loosen what asks for it: {older} is the newest that is old enough"
    return f"take {older}, the newest that is old enough, or {when}"
