"""What the registry itself says of a release: yanked (PEP 592) or deprecated (npm)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from safeinstall.facts import Facts
from safeinstall.model import Confidence, EcosystemName, Finding, Release, Severity
from safeinstall.purl import parts
from safeinstall.text import printable


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryStatus:
    """See `Check`."""

    ident: ClassVar[str] = "registry-status"
    question: ClassVar[str] = "Does the registry itself advise against it?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        if release.yanked is None or release.kept:
            return
        ecosystem, _, _ = parts(release.purl)
        kind = "yanked" if ecosystem is EcosystemName.PYPI else "deprecated"
        name = printable(release.name)
        page = facts.project(release.purl)
        yield Finding(
            check=self.ident,
            purl=release.purl,
            kind=kind,
            severity=Severity.MEDIUM if kind == "yanked" else Severity.LOW,
            confidence=Confidence.HIGH,
            title=f"`{name}` {printable(release.version)} is {kind} by its registry",
            evidence=(
                f"reason given: {printable(release.yanked)}" if release.yanked.strip() else "no reason was given",
            ),
            hint=(
                f"choose another of the {page.releases} versions of `{name}`"
                if page is not None and page.releases is not None and page.releases > 1
                else f"look for what replaces `{name}`"
            ),
        )
