"""Stand-ins for everything outside, each on its seam of contracts.py, and short ways to make records."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import ClassVar

from safeinstall.choices import Choice
from safeinstall.contracts import Answer, Conditions, Finished, Vet, World
from safeinstall.errors import SourceUnavailable, ToolMissing
from safeinstall.model import (
    Advisory,
    AdvisoryKind,
    Artifact,
    ArtifactKind,
    Digest,
    EcosystemName,
    Edge,
    Intent,
    Plan,
    Purl,
    Registry,
    Release,
    Severity,
    SourceState,
    Visibility,
)
from safeinstall.purl import parse, parts
from safeinstall.runs import Access, Environment, EnvironmentKind, Installed

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
"""The moment at which every faked run takes place."""

PUBLIC = Registry(url="https://pypi.example/simple", visibility=Visibility.PUBLIC)
PRIVATE = Registry(url="https://packages.corp.example/simple", visibility=Visibility.PRIVATE)


VENV = Environment(
    kind=EnvironmentKind.PYTHON,
    path="/srv/venv",
    interpreter="/srv/venv/bin/python",
    folders=("/srv/venv/lib/python3.12/site-packages",),
)
"""Where every faked run installs to."""


def clock() -> datetime:
    """Return `NOW`, always."""
    return NOW


# --- the outside world ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class FakeHttp:
    """Answers by URL; a URL without an answer is a server that cannot be reached, an exception is raised."""

    answers: Mapping[str, object] = field(default_factory=dict)
    """URL -> a JSON value, bytes, an exception, or a function of the posted body that returns one of these."""
    asked: list[tuple[str, object]] = field(default_factory=list)
    """Every URL with what was posted to it (None: it was a GET)."""

    def get_json(self, url: str, *, timeout: timedelta, max_bytes: int = 50_000_000) -> object:
        """See `Http.get_json`."""
        return self._answer(url, None)

    def get_bytes(self, url: str, *, timeout: timedelta, max_bytes: int = 50_000_000) -> bytes:
        """See `Http.get_bytes`."""
        answer = self._answer(url, None)
        assert isinstance(answer, bytes), f"the test must give bytes for {url}"
        return answer

    def post_json(self, url: str, body: object, *, timeout: timedelta, max_bytes: int = 50_000_000) -> object:
        """See `Http.post_json`."""
        return self._answer(url, body)

    def _answer(self, url: str, body: object) -> object:
        self.asked.append((url, body))
        if url not in self.answers:
            raise SourceUnavailable(f"{url} could not be reached (fake)")
        answer = self.answers[url]
        if callable(answer):
            answer = answer(body)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass(slots=True)
class FakeRunner:
    """Answers by the words of a command line; what nobody answers for cannot be started."""

    answers: Mapping[str, Finished | Callable[[Sequence[str]], Finished]] = field(default_factory=dict)
    """Part of the command line (arguments joined by spaces) -> what it gives; the first that fits counts."""
    ran: list[tuple[tuple[str, ...], Path, Mapping[str, str]]] = field(default_factory=list)
    fed: list[str] = field(default_factory=list)
    """What each captured process was given on its stdin."""

    def capture(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: timedelta | None = None, fed: str = ""
    ) -> Finished:
        """See `Runner.capture`."""
        self.fed.append(fed)
        return self._answer(argv, cwd, env)

    def attached(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> int:
        """See `Runner.attached`."""
        return self._answer(argv, cwd, env).exit_code

    def _answer(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Finished:
        self.ran.append((tuple(argv), cwd, dict(env)))
        words = " ".join(argv)
        for part, answer in self.answers.items():
            if part in words:
                return answer if isinstance(answer, Finished) else answer(argv)
        raise ToolMissing(f"`{words}` could not be started (fake)")


@dataclass(slots=True)
class Hearing:
    """A `Reporter` that keeps what it heard."""

    heard: list[str] = field(default_factory=list)
    """The text of each step; an empty string for each `done`."""

    def step(self, text: str) -> None:
        """See `Reporter.step`."""
        self.heard.append(text)

    def done(self) -> None:
        """See `Reporter.done`."""
        self.heard.append("")


def world(
    folder: Path,
    *,
    runner: FakeRunner | None = None,
    env: Mapping[str, str] | None = None,
    reporter: Hearing | None = None,
    now: Callable[[], datetime] = clock,
) -> World:
    """Return a world without processes that lives in *folder*."""
    cache = folder / "cache"
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    return World(
        runner=runner if runner is not None else FakeRunner(),
        env=dict(env or {}),
        cwd=folder,
        cache=cache,
        now=now,
        reporter=reporter if reporter is not None else Hearing(),
    )


# --- records --------------------------------------------------------------------------------------------------------


def release(
    purl: str,
    *,
    kind: ArtifactKind | None = None,
    registry: Registry | None = PUBLIC,
    asked: str | None = None,
    uploaded: datetime | None = datetime(2020, 1, 1, tzinfo=timezone.utc),
    digests: tuple[Digest, ...] | None = None,
    url: str | None = None,
    **fields: object,
) -> Release:
    """Return the release that *purl* (`pkg:pypi/flask@3.0.0`) names; *fields* are further fields of it."""
    known = parse(purl)
    ecosystem, name, version = parts(known)
    sort = kind or (ArtifactKind.WHEEL if ecosystem is EcosystemName.PYPI else ArtifactKind.TARBALL)
    filename = _filename(ecosystem, sort, name, version or "")
    artifact = Artifact(
        kind=sort,
        filename=filename,
        url=url if url is not None else f"https://files.example/{filename}",
        digests=(Digest(algorithm="sha256", value="0" * 64),) if digests is None else digests,
        size=1000,
        uploaded=uploaded,
    )
    return Release(
        purl=known,
        name=name,
        version=version or "",
        artifact=artifact,
        registry=registry,
        asked=asked,
        **fields,  # type: ignore[arg-type]  # the caller names fields of Release
    )


def _filename(ecosystem: EcosystemName, kind: ArtifactKind, name: str, version: str) -> str:
    if ecosystem is EcosystemName.NPM:
        return f"{name.rpartition('/')[2]}-{version}.tgz"
    stem = f"{name.replace('-', '_')}-{version}"
    return f"{stem}-py3-none-any.whl" if kind is ArtifactKind.WHEEL else f"{stem}.tar.gz"


def plan(*releases: Release, edges: Sequence[tuple[str | None, str, str]] = (), **fields: object) -> Plan:
    """
    Return the plan of *releases*; *edges* are (parent, child, requirement), parent None for the user.

    Releases that no edge leads to were asked for by the user.
    """
    made = [
        Edge(parent=None if parent is None else parse(parent), child=parse(child), requirement=requirement)
        for parent, child, requirement in edges
    ]
    reached = {edge.child for edge in made}
    made += [Edge(parent=None, child=one.purl, requirement=one.name) for one in releases if one.purl not in reached]
    ecosystem = parts(releases[0].purl)[0] if releases else EcosystemName.PYPI
    return Plan(
        ecosystem=ecosystem,
        releases=releases,
        edges=tuple(made),
        **fields,  # type: ignore[arg-type]  # the caller names fields of Plan
    )


def intent(*asked: str, ecosystem: EcosystemName = EcosystemName.PYPI, cwd: Path = Path("/work")) -> Intent:
    """Return what `pip install ASKED` or `npm install ASKED` means."""
    tool = "pip" if ecosystem is EcosystemName.PYPI else "npm"
    return Intent(
        ecosystem=ecosystem, tool=tool, argv=("install", *asked), verb="install", installs=True, asked=asked, cwd=cwd
    )


def advisory(
    ident: str = "MAL-2026-1",
    *,
    kind: AdvisoryKind = AdvisoryKind.MALWARE,
    severity: Severity = Severity.CRITICAL,
    source: str = "fake",
    aliases: frozenset[str] = frozenset(),
    fixed: tuple[str, ...] = (),
    summary: str = "malicious code in a package",
) -> Advisory:
    """Return an advisory, malware unless told otherwise."""
    return Advisory(
        ident=ident, aliases=aliases, kind=kind, severity=severity, summary=summary, fixed=fixed, source=source
    )


# --- shelves --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class FakeSource:
    """A source that knows *known*; it answers for every release but those in *mute*, or fails as told."""

    ident: ClassVar[str] = "fake"
    supplement: ClassVar[bool] = False
    live: ClassVar[bool] = True
    public: ClassVar[bool] = True

    known: Mapping[Purl, tuple[Advisory, ...]] = field(default_factory=dict)
    mute: Mapping[Purl, str] = field(default_factory=dict)
    """Purl -> why it is silent about it."""
    failure: Exception | None = None
    as_of: datetime | None = NOW
    asked: list[Purl] = field(default_factory=list)

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """See `Source.ask`."""
        self.asked += [one.purl for one in releases]
        if self.failure is not None:
            raise self.failure
        answered = {one.purl: self.known.get(one.purl, ()) for one in releases if one.purl not in self.mute}
        silent = {one.purl: self.mute[one.purl] for one in releases if one.purl in self.mute}
        state = SourceState(source=self.ident, asked=len(releases), answered=len(answered), as_of=self.as_of)
        return Answer(advisories=answered, state=state, silent=silent)


class FakeSupplement(FakeSource):
    """A source whose silence proves nothing, and which needs no network."""

    ident: ClassVar[str] = "fake-supplement"
    supplement: ClassVar[bool] = True
    live: ClassVar[bool] = False
    public: ClassVar[bool] = False


@dataclass(slots=True)
class FakeSession:
    """A session that resolves to *planned*, or fails as told, and keeps what it was made to install."""

    planned: Plan
    then: Plan | None = None
    """What it resolves to from the second time on; None: the same again."""
    failure: Exception | None = None
    outcome: Installed = field(default_factory=lambda: Installed(exit_code=0))
    log: tuple[Access, ...] = ()
    listed: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    """By name: the versions that its registry lists."""
    vetted: Sequence[Release] = ()
    """What it asks the vet about while it resolves."""
    vet: Vet | None = None
    answers: list[bool] = field(default_factory=list)
    installed: list[Plan] = field(default_factory=list)

    def resolve(self) -> Plan:
        """See `Session.resolve`."""
        if self.vet is not None:
            self.answers += [self.vet(one) for one in self.vetted]
        if self.failure is not None:
            raise self.failure
        found = self.planned
        self.planned = self.then or found
        return found

    def install(self, plan: Plan) -> Installed:
        """See `Session.install`."""
        self.installed.append(plan)
        return self.outcome

    def choices(self, release: Release) -> tuple[Choice, ...]:
        """See `Session.choices`."""
        return self.listed.get(release.name, ())

    def accesses(self) -> tuple[Access, ...]:
        """See `Session.accesses`."""
        return self.log

    def environment(self) -> Environment | None:
        """See `Session.environment`."""
        return VENV


@dataclass(slots=True)
class FakeEcosystem:
    """An ecosystem whose every command is the one *session*."""

    name: ClassVar[EcosystemName] = EcosystemName.PYPI
    tools: ClassVar[tuple[str, ...]] = ("pip", "pip3")

    session: FakeSession
    opened: list[Conditions] = field(default_factory=list)
    closed: int = 0

    def parse(self, tool: str, argv: Sequence[str], world: World) -> Intent:
        """See `Ecosystem.parse`."""
        return Intent(
            ecosystem=self.name,
            tool=tool,
            argv=tuple(argv),
            verb=argv[0] if argv else "",
            installs=bool(argv) and argv[0] == "install",
            asked=tuple(argv[1:]),
            cwd=world.cwd,
        )

    @contextmanager
    def open(
        self, intent: Intent, real_tool: Path, world: World, conditions: Conditions, vet: Vet
    ) -> Iterator[FakeSession]:
        """See `Ecosystem.open`."""
        self.opened.append(conditions)
        self.session.vet = vet
        try:
            yield self.session
        finally:
            self.closed += 1
