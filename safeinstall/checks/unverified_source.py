"""Sources that no registry vouches for: URLs, version control, the user's own files, artifacts without hashes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from packageurl import PackageURL

from safeinstall.facts import Facts
from safeinstall.model import ArtifactKind, Confidence, Finding, Release, Severity
from safeinstall.text import printable, redacted

_COMMIT = re.compile(r"[@#]([0-9a-f]{40}|[0-9a-f]{64})(?![0-9a-f])")
_NAMES = {ArtifactKind.URL: "a URL", ArtifactKind.VCS: "version control"}


@dataclass(frozen=True, kw_only=True, slots=True)
class UnverifiedSource:
    """See `Check`."""

    ident: ClassVar[str] = "unverified-source"
    question: ClassVar[str] = "Does a registry vouch for the bytes that would be installed?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        del facts
        match release.artifact.kind:
            case ArtifactKind.URL | ArtifactKind.VCS:
                yield self._kept(release) if release.kept else self._unverified(release)
            case ArtifactKind.LOCAL_FILE | ArtifactKind.LOCAL_PROJECT:
                yield self._local(release)
            case ArtifactKind.WHEEL | ArtifactKind.SDIST | ArtifactKind.TARBALL:
                if not release.artifact.digests and not release.kept:
                    yield self._unpinned(release)
            case ArtifactKind.BUNDLED:
                # Its bytes are part of the parent's, which has a hash of its own and was judged.
                return

    def _unverified(self, release: Release) -> Finding:
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind="unverified-source",
            severity=Severity.HIGH,
            confidence=Confidence.HIGH,
            title=f"`{printable(release.name)}` comes from {_NAMES[release.artifact.kind]}: no registry vouches for it",
            evidence=tuple(_origin(release)),
            hint=f"ask for a release of `{printable(release.name)}` from a registry; "
            "if it must be this source, read it and override exactly this one",
        )

    def _kept(self, release: Release) -> Finding:
        # Nothing is fetched from there now; a project with one such dependency must still take others.
        return self._own(release, f"is installed already, from {_NAMES[release.artifact.kind]}")

    def _local(self, release: Release) -> Finding:
        what = "a directory" if release.artifact.kind is ArtifactKind.LOCAL_PROJECT else "an archive"
        return self._own(release, f"comes from {what} on this machine")

    def _own(self, release: Release, claim: str) -> Finding:
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind="local-source",
            severity=Severity.NOTE,
            confidence=Confidence.HIGH,
            title=f"`{printable(release.name)}` {claim}",
            evidence=tuple(_origin(release)),
        )

    def _unpinned(self, release: Release) -> Finding:
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind="unpinned",
            severity=Severity.HIGH,
            confidence=Confidence.HIGH,
            title=f"the registry tells no hash of `{printable(release.artifact.filename)}`: nothing binds its bytes",
            evidence=tuple(_origin(release)),
            hint="use a registry that tells hashes, or install with pip's `--require-hashes`",
        )


def _origin(release: Release) -> Iterator[str]:
    """Yield where *release* comes from: its URL, its commit where it has one, its hash."""
    artifact = release.artifact
    yield redacted(artifact.url)
    if artifact.kind is ArtifactKind.VCS:
        commit = _commit(release)
        yield f"commit {commit}" if commit is not None else "no commit is named: what stands there can change"
    for digest in artifact.digests[:1]:
        yield f"{digest.algorithm} {digest.value}"


def _commit(release: Release) -> str | None:
    """Return the commit that the purl or the URL names: `...repo.git@COMMIT` (pip) or `...repo.git#COMMIT` (npm)."""
    for text in (PackageURL.from_string(release.purl).qualifiers.get("vcs_url", ""), release.artifact.url):
        found = _COMMIT.search(text)
        if found is not None:
            return found[1]
    return None
