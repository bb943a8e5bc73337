"""What the registry itself says of a release or its project: yanked, deprecated, quarantined, held, archived, gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from safeinstall.facts import Facts
from safeinstall.model import Confidence, EcosystemName, Finding, Project, Release, Severity
from safeinstall.placeholders import is_placeholder
from safeinstall.purl import parts
from safeinstall.text import printable


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryStatus:
    """See `Check`; what a registry does not tell is unknown, and no finding."""

    ident: ClassVar[str] = "registry-status"
    question: ClassVar[str] = "Does the registry itself advise against it?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        ecosystem, _, _ = parts(release.purl)
        page = facts.project(release.purl)
        status = page.status if page is not None else None
        if status == "security-placeholder" or is_placeholder(ecosystem, release.version):
            yield self._placeholder(release)
            return
        if page is not None and status == "quarantined":
            yield self._quarantined(release, page)
        if release.kept:
            return
        if page is not None and release.version in page.unpublished:
            yield self._unpublished(release, page)
        if page is not None and status in ("archived", "deprecated"):
            yield self._project(release, page, status)
        if release.yanked is not None:
            yield self._release(release, "yanked" if ecosystem is EcosystemName.PYPI else "deprecated", page)

    def _placeholder(self, release: Release) -> Finding:
        name = printable(release.name)
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind="security-placeholder",
            severity=Severity.CRITICAL,
            confidence=Confidence.HIGH,
            title=f"`{name}` is a name that the registry took away from malware: what it holds now is a placeholder",
            evidence=(
                f"{printable(release.version, limit=60)} is what the registry's own people published in its place"
                if is_placeholder(EcosystemName.NPM, release.version)
                else "its newest version is what the registry's own people published in its place",
            ),
            hint=f"do not install `{name}`: look at who asks for it, and whether you had it before",
        )

    def _quarantined(self, release: Release, page: Project) -> Finding:
        name = printable(release.name)
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind="quarantined",
            severity=Severity.CRITICAL,
            confidence=Confidence.HIGH,
            title=f"`{name}` is quarantined by its registry",
            evidence=(_reason(page.reason),),
            hint=(
                f"`{name}` is installed already: hold it for malware until its registry says otherwise"
                if release.kept
                else f"do without `{name}` until its registry lets it go; a quarantine is for suspected malware"
            ),
        )

    def _unpublished(self, release: Release, page: Project) -> Finding:
        name, version = printable(release.name), printable(release.version, limit=60)
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind="unpublished",
            severity=Severity.HIGH,
            confidence=Confidence.HIGH,
            title=f"`{name}` {version} was taken out of its registry, by its publisher or by the registry",
            evidence=("the registry tells when it was published, and does not list it any more",),
            hint=_another(name, page),
        )

    def _project(self, release: Release, page: Project, status: str) -> Finding:
        name = printable(release.name)
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind=status,
            severity=Severity.LOW,
            confidence=Confidence.HIGH,
            title=f"the project `{name}` is {status}: nobody promises to mend it",
            evidence=(_reason(page.reason),),
            hint=f"look for what replaces `{name}`",
        )

    def _release(self, release: Release, kind: str, page: Project | None) -> Finding:
        name = printable(release.name)
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind=kind,
            severity=Severity.MEDIUM if kind == "yanked" else Severity.LOW,
            confidence=Confidence.HIGH,
            title=f"`{name}` {printable(release.version)} is {kind} by its registry",
            evidence=(_reason(release.yanked or ""),),
            hint=_another(name, page),
        )


def _reason(text: str) -> str:
    return f"reason given: {printable(text)}" if text.strip() else "no reason was given"


def _another(name: str, page: Project | None) -> str:
    several = page is not None and page.releases is not None and page.releases > 1
    return (
        f"choose another of the {page.releases} versions of `{name}`"
        if page and several
        else f"look for what replaces `{name}`"
    )
