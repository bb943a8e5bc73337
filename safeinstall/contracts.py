"""
The seams, on one page: what an ecosystem, a source, a check, a format and the outside world promise.

An implementation does not repeat these docstrings. A fake for tests stands on the same seam (`tests/fakes.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Protocol

from safeinstall.choices import Choice
from safeinstall.cooldown import Cooldown, Fix
from safeinstall.facts import Facts
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import Advisory, EcosystemName, Finding, Intent, Plan, Purl, Release, SourceState
from safeinstall.private import Private
from safeinstall.runs import Access, Environment, Installed, Run
from safeinstall.scripts import Scripts

Vet = Callable[[Release], bool]
"""
Judge one release just in time: True when it may be fetched now.

The gateway asks it for what no plan can hold beforehand: build requirements that a backend names only when it runs.
What was found enters the run's verdict, whatever the answer.
"""


class Reporter(Protocol):
    """Hears what is going on; every method may do nothing."""

    def step(self, text: str) -> None:
        """Say that *text* (`resolving`, `judging 97 releases`) has begun; foreign text in it is harmless already."""
        ...

    def done(self) -> None:
        """Say that the last step is over: take its line away."""
        ...


class Http(Protocol):
    """The outside world over HTTP, for advisory sources; registries are asked through the gateway."""

    def get_json(self, url: str, *, timeout: timedelta, max_bytes: int = 50_000_000) -> object:
        """Return the JSON at *url*; raises `SourceUnavailable` or `MalformedAnswer`, also for an empty body."""
        ...

    def get_bytes(self, url: str, *, timeout: timedelta, max_bytes: int = 50_000_000) -> bytes:
        """Return the body at *url*; raises `SourceUnavailable`."""
        ...

    def post_json(self, url: str, body: object, *, timeout: timedelta, max_bytes: int = 50_000_000) -> object:
        """Return the JSON answer to *body*; raises `SourceUnavailable` or `MalformedAnswer`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """An answer that is read piece by piece."""

    chunks: Iterator[bytes]
    """Reading raises `SourceUnavailable` when it breaks off, is too late or too large."""
    etag: str = ""
    changed: bool = True
    """False: it is what the asker's ETag names already, and there are no chunks."""


class Bulk(Http, Protocol):
    """Services whose documents are too large to be held, or are asked for only when they changed."""

    def stream(self, url: str, *, timeout: timedelta, max_bytes: int, etag: str = "") -> AbstractContextManager[Stream]:
        """Open the body at *url*; raises `SourceUnavailable`. *timeout* is for the whole, and each piece has less."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A process that has ended."""

    exit_code: int
    stdout: str = ""
    stderr: str = ""


class Runner(Protocol):
    """The outside world of processes."""

    def capture(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: timedelta | None = None, fed: str = ""
    ) -> Finished:
        """Run *argv* to its end with *fed* on its stdin and return its output; raises `ToolMissing` if it cannot."""
        ...

    def attached(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> int:
        """Run *argv* on the user's own stdin, stdout and stderr and return its exit code (128 + n for signal n)."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Everything outside this process that an ecosystem touches, passed in and never imported."""

    runner: Runner
    env: Mapping[str, str]
    """The user's environment, before anything of ours is added."""
    cwd: Path
    cache: Path
    """Our own cache folder; it exists and is private to the user."""
    now: Callable[[], datetime]
    reporter: Reporter


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """What policy and overrides say about *how* to resolve; judging comes later."""

    source_builds: frozenset[Purl] = frozenset()
    """Releases with dynamic metadata that an override lets build: their provisional metadata may plan."""
    unverified: frozenset[Purl] = frozenset()
    """URL and VCS sources that an override lets through."""
    private_registries: tuple[str, ...] = ()
    """URL prefixes of registries that the user declared private."""
    public_registries: tuple[str, ...] = ()
    """URL prefixes of registries that the user declared public."""
    private: Private = field(default_factory=Private)
    """The names that the user declared private."""
    pin: bool = False
    """Whether a name that a declared private registry lists is taken from there alone, whoever else lists it."""
    offline: bool = False
    cooldown: Cooldown = field(default_factory=Cooldown)
    """How old what is taken must be."""
    fresh: frozenset[Purl] = frozenset()
    """Releases that an override lets be too young."""
    against: Mapping[str, str] = field(default_factory=dict)
    """The version of a name that its planned one is compared with, whatever is installed."""
    fixes: tuple[Fix, ...] = ()
    """Versions that are not withheld although they are too young."""
    scripts: Scripts = field(default_factory=Scripts)
    """Whose code may run while it is installed."""


class Session(Protocol):
    """One guarded command while its gateway is up: plan, then install from the frozen view of that plan."""

    def resolve(self) -> Plan:
        """
        Return the whole set, from metadata alone: no artifact is handed to a manager, no foreign code runs.

        Raises `CannotResolve` with the manager's own words, and `NotUnderstood` for what cannot be judged yet.
        """
        ...

    def install(self, plan: Plan) -> Installed:
        """Run the user's own manager with its original arguments against the frozen view of *plan*, then verify."""
        ...

    def choices(self, release: Release) -> tuple[Choice, ...]:
        """Return the versions that the registry of *release*, which was planned, lists of its name; asks nobody."""
        ...

    def accesses(self) -> tuple[Access, ...]:
        """Return what the manager asked the gateway for so far, in order."""
        ...

    def environment(self) -> Environment | None:
        """Return where the command installs to; None: it never got so far that anybody could tell."""
        ...


class Ecosystem(Protocol):
    """A package manager and its registry."""

    name: ClassVar[EcosystemName]
    tools: ClassVar[tuple[str, ...]]
    """The names it is called by, which the shims cover."""

    def parse(self, tool: str, argv: Sequence[str], world: World) -> Intent:
        """Return what *argv* would install; raises `NotUnderstood` rather than guess."""
        ...

    def open(
        self, intent: Intent, real_tool: Path, world: World, conditions: Conditions, vet: Vet
    ) -> AbstractContextManager[Session]:
        """Start the gateway for *intent*; leaving the context stops it and removes what was temporary."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one source told about the releases it was asked about."""

    advisories: Mapping[Purl, tuple[Advisory, ...]]
    """A purl that is a key was answered (an empty tuple: nothing is known against it); one that is not, was not."""
    state: SourceState
    silent: Mapping[Purl, str]
    """
    Why the others were not answered, in words for the user.

    A release may stand on both sides: what is told of it counts, and more may be known by now.
    """


class Source(Protocol):
    """Somebody who publishes advisories."""

    @property
    def ident(self) -> str:
        """`osv`, `records`, `registry`, `embedded`: its name in settings, messages and the ledger."""
        ...

    @property
    def supplement(self) -> bool:
        """True: its findings count, its silence proves nothing (embedded records, a registry's own hints)."""
        ...

    @property
    def live(self) -> bool:
        """True: it needs the network; left out when offline unless its cache answers."""
        ...

    @property
    def public(self) -> bool:
        """True: what it is asked leaves the user's network, so private names are never sent."""
        ...

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """
        Return what is known about *releases*, within *deadline*; order does not matter, withdrawn records are dropped.

        Raises `SourceUnavailable` or `MalformedAnswer` when there is no answer at all; the caller makes gaps of it.
        """
        ...


class Check(Protocol):
    """One question about one release; it reads facts and touches nothing outside."""

    ident: ClassVar[str]
    """`typosquat`: also its page in docs/checks and its name in an override."""
    question: ClassVar[str]

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """Yield what is wrong; a fact that nobody could tell raises `FactMissing`, which becomes a gap."""
        ...


class Format(Protocol):
    """A way to write a run down."""

    ident: ClassVar[str]
    """Its name after `--format`."""

    def render(self, run: Run) -> str:
        """Return the whole document or screen, ending in a newline."""
        ...


class InventoryReader(Protocol):
    """A sort of file or folder that says what is installed or locked; it is read, and nothing in it is run."""

    ident: ClassVar[str]
    """`package-lock.json`, `environment`: what messages call it."""
    names: ClassVar[tuple[str, ...]]
    """What it is called in a project's folder, as glob patterns."""

    def fits(self, path: Path) -> bool:
        """Whether *path* is one of these."""
        ...

    def read(self, path: Path, label: str, origins: Origins) -> Inventory:
        """Return what *path*, which messages call *label*, holds; raises `MalformedAnswer` for what is none."""
        ...
