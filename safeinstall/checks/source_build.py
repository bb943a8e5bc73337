"""Building from source: a release's own code, and its build requirements, run while it is installed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.model import ArtifactKind, BuildNeed, Confidence, Finding, Release, Severity
from safeinstall.purl import parts
from safeinstall.scripts import ScriptMode
from safeinstall.text import printable


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceBuild:
    """See `Check`."""

    ident: ClassVar[str] = "source-build"
    question: ClassVar[str] = "Is it built from source, and are its dependencies known before that?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        if release.kept:
            return  # it was built when it was installed
        match release.build:
            case BuildNeed.NONE:
                return
            case BuildNeed.STATIC:
                yield self._built(release, facts)
            case BuildNeed.DYNAMIC:
                name = printable(release.name)
                raise FactMissing(
                    f"the true dependencies of `{name}` are told only by running its code",
                    hint=f"ask for a version of `{name}` that has a wheel; if it must be built, read it first",
                )

    def _built(self, release: Release, facts: Facts) -> Finding:
        rules = facts.plan.scripts
        own = release.artifact.kind is ArtifactKind.LOCAL_PROJECT
        free = own or rules.pypi is ScriptMode.ALLOW or rules.runs(release.purl, rules.pypi)
        needed = sorted(
            {parts(edge.child)[1] for edge in facts.plan.edges if edge.build and edge.parent == release.purl}
        )
        judged = (
            f"its build requirements {', '.join(f'`{printable(name)}`' for name in needed)} were judged too"
            if needed
            else "it names no build requirements"
        )
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind="source-build" if free else "source-build-unlisted",
            severity=Severity.NOTE if free else Severity.MEDIUM,
            confidence=Confidence.HIGH,
            title=f"`{printable(release.name)}` is built from source: its code runs while it is installed",
            evidence=(judged,)
            if free
            else (judged, f'`scripts.pypi` is "{rules.pypi.value}", and it is not let through'),
            hint=None if free else _hint(rules.pypi),
        )


def _hint(mode: ScriptMode) -> str:
    listed = "; or read it, and list it in `scripts.allowed`" if mode is ScriptMode.LISTED else ""
    return f"ask for a version that has a wheel{listed}"
