"""npm's lifecycle scripts: code of a package that runs on this machine as soon as it is unpacked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from safeinstall.facts import Facts
from safeinstall.model import ArtifactKind, Confidence, EcosystemName, Finding, Release, Severity
from safeinstall.purl import parts
from safeinstall.scripts import ScriptMode
from safeinstall.text import printable

_COMMAND = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class InstallScript:
    """See `Check`; in the mode `allow`, which is the default, it has nothing to say."""

    ident: ClassVar[str] = "install-script"
    question: ClassVar[str] = "Does it want to run scripts of its own on install, and may it?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        ecosystem, _, _ = parts(release.purl)
        rules = facts.plan.scripts
        own = release.artifact.kind is ArtifactKind.LOCAL_PROJECT
        if ecosystem is not EcosystemName.NPM or release.kept or own or not release.install_script:
            return
        if rules.npm is ScriptMode.ALLOW or (rules.npm is ScriptMode.LISTED and release.purl in rules.listed):
            return
        name, version = printable(release.name), printable(release.version, limit=60)
        skipped = rules.npm is ScriptMode.BLOCK
        yield Finding(
            check=self.ident,
            purl=release.purl,
            kind="install-script-skipped" if skipped else "install-script",
            severity=Severity.NOTE if skipped else Severity.MEDIUM,
            confidence=Confidence.HIGH,
            title=f"`{name}` {version} wants to run scripts on install" + (": they do not run" if skipped else ""),
            evidence=tuple(_commands(release, facts)),
            hint='read them, then list the release in `scripts.allowed`; `scripts.npm = "block"` leaves out all',
        )


def _commands(release: Release, facts: Facts) -> Iterator[str]:
    past = facts.plan.histories.get(release.purl)
    told = past.planned.install_scripts if past is not None else None
    for script, command in told or ():
        yield f"{printable(script, limit=40)}: {printable(command, limit=_COMMAND)}"
    if not told:
        yield "its registry tells that it has some, and not what they do"
