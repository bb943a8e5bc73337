"""A world for whole commands: `main(argv)` with fakes on every seam, and what it wrote and ran."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from safeinstall.cli import main
from safeinstall.contracts import Check, Runner, Source
from safeinstall.errors import FactMissing, SourceUnavailable
from safeinstall.facts import Facts
from safeinstall.ledger import read
from safeinstall.model import Confidence, Finding, Release, Severity
from safeinstall.outside import Outside
from tests.fakes import FakeEcosystem, FakeHttp, FakeRunner, FakeSession, FakeSource, clock, plan
from tests.inventories import OWN


class Tty(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Whether it is one."""
        return True


@dataclass(slots=True)
class FakeCheck:
    """The check `advisory` in small: an advisory is a finding; no answer is a gap."""

    ident: ClassVar[str] = "advisory"
    question: ClassVar[str] = "is anything known against this release?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        for advisory in facts.told(release.purl):
            yield Finding(
                check=self.ident,
                purl=release.purl,
                kind=advisory.kind.value,
                severity=advisory.severity,
                confidence=Confidence.HIGH,
                title=f"`{release.name}` {release.version}: {advisory.summary}",
                evidence=(f"{advisory.ident}, told by {advisory.source}",),
                hint="leave it out, and ask the project that requires it",
                ids=(advisory.ident,),
            )
        facts.advisories(release.purl)


@dataclass(slots=True)
class NameCheck:
    """A check that dislikes names."""

    ident: ClassVar[str] = "typosquat"
    question: ClassVar[str] = "does its name look like a popular one?"

    disliked: Mapping[str, str] = field(default_factory=dict)
    """Name -> the popular name that it looks like."""

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        if self.disliked.get(release.name) == "?":
            raise FactMissing("the popular names are of an unknown age")
        if release.name in self.disliked:
            popular = self.disliked[release.name]
            yield Finding(
                check=self.ident,
                purl=release.purl,
                kind="typosquat-strong",
                severity=Severity.HIGH,
                confidence=Confidence.MEDIUM,
                title=f"`{release.name}` is one swap away from `{popular}`",
                evidence=("first uploaded 2 days ago",),
                hint=f"did you mean `{popular}`?",
            )


@dataclass(slots=True)
class Machine:
    """A machine on which commands are run."""

    folder: Path
    session: FakeSession = field(default_factory=lambda: FakeSession(planned=plan()))
    sources: Sequence[Source] = field(default_factory=lambda: (FakeSource(),))
    checks: Sequence[Check] = field(default_factory=lambda: (FakeCheck(), NameCheck()))
    runner: Runner = field(default_factory=FakeRunner)
    env: dict[str, str] = field(default_factory=dict)
    typed: str | None = None
    """What a person types at the terminal; None: there is none."""
    asked: str = "app"
    flags: tuple[str, ...] = ()
    """For tests that run one command on many machines."""
    answers: Mapping[str, object] | None = None
    """What is answered over HTTP, see `FakeHttp`; None: HTTP is real, for tests with servers of their own."""
    pages: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    """What registries answer to the doctor, by URL: content type and body; what is not here does not answer."""
    listed: Mapping[str, str] = field(default_factory=dict)
    """What pip lists in every environment: name -> version."""
    became: list[tuple[str, ...]] = field(default_factory=list)
    compared: list[Path] = field(default_factory=list)
    """The folders that pip was asked about."""
    ecosystem: FakeEcosystem = field(init=False)
    stdout: io.StringIO = field(init=False)
    stderr: io.StringIO = field(init=False)

    def __post_init__(self) -> None:
        """Put the tools in place."""
        for name in ("pip", "pip3", "npm"):
            tool = self.folder / "bin" / name
            tool.parent.mkdir(exist_ok=True)
            tool.write_text("#!/bin/sh\n")
            tool.chmod(0o755)
        (self.folder / "project").mkdir()
        self.ecosystem = FakeEcosystem(session=self.session)

    @property
    def project(self) -> Path:
        """The folder in which commands are run."""
        return self.folder / "project"

    @property
    def home(self) -> Path:
        """Where all our own files lie."""
        return self.folder / "home"

    def main(self, *argv: str, now: datetime | None = None) -> int:
        """Run a command of ours and return its exit code."""
        self.stdout = io.StringIO()
        self.stderr = io.StringIO() if self.typed is None else Tty()
        return main(argv, self.outside(now))

    def outside(self, now: datetime | None = None) -> Outside:
        """Return the world of the next command."""
        made = Outside(
            env={"PATH": str(self.folder / "bin"), "SAFEINSTALL_HOME": str(self.home), "NO_COLOR": "1", **self.env},
            cwd=self.project,
            stdin=io.StringIO() if self.typed is None else Tty(self.typed),
            stdout=self.stdout,
            stderr=self.stderr,
            now=clock if now is None else lambda: now,
            runner=lambda: self.runner,
            become=self._become,
            ecosystem=lambda tool: {"pip": self.ecosystem, "pip3": self.ecosystem}[tool],
            checks=lambda: self.checks,
            sources=lambda settings, cache: self.sources,
            own_registries=lambda ecosystem: OWN[ecosystem],
            listed=self._listed,
            registry=self._registry,
            system_file=self.folder / "etc/safeinstall.toml",
        )
        answers = self.answers
        if answers is None:
            return made
        return replace(made, bulk=lambda: FakeHttp(answers))  # type: ignore[arg-type, return-value]  # nobody streams

    def settings(self, text: str, *, project: bool = False) -> Path:
        """Write the user's settings, or the project's."""
        path = self.project / "safeinstall.toml" if project else self.home / "config/safeinstall.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    @property
    def ledger(self) -> list[dict[str, object]]:
        """Every line of the ledger."""
        path = self.home / "data/ledger.jsonl"
        return list(read(path)) if path.exists() else []

    @property
    def screen(self) -> str:
        """All that a person saw, without what differs from machine to machine."""
        return self.stderr.getvalue().replace(str(self.folder), "FOLDER")

    def _listed(self, place: Path) -> Mapping[str, str]:
        self.compared.append(place)
        return self.listed

    def _registry(self, url: str, accept: str) -> tuple[str, bytes]:
        if url not in self.pages:
            raise SourceUnavailable(f"{url} could not be reached (fake)")
        return self.pages[url]

    def _become(self, argv: Sequence[str], env: Mapping[str, str]) -> int:
        self.became.append(tuple(argv))
        return 7
