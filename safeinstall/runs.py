"""What happened: what a manager asked the gateway for, what installing did and where, one run from start to end."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from safeinstall.model import Decision, Finding, Intent, Plan, Purl, SourceState, Verdict

BLOCKED_BY_FINDING = 40
BLOCKED_BY_GAP = 41


AUDIT = "audit"
"""The verb of a run that judged what is there, and could install nothing."""


class Phase(str, Enum):
    """What the gateway is doing for the package manager."""

    PLAN = "plan"
    INSTALL = "install"


class AccessKind(str, Enum):
    """What a client of the gateway asked for."""

    PAGE = "page"
    """A project page, a packument, a find-links page."""
    METADATA = "metadata"
    ARTIFACT = "artifact"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """One request that a package manager made to the gateway."""

    phase: Phase
    kind: AccessKind
    url: str
    """The original URL, without credentials."""
    status: int
    sent: int
    """Bytes of body that the client was given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """What installing did."""

    exit_code: int
    """The package manager's own."""
    differences: tuple[str, ...] = ()
    """Where what is installed is not what was planned, in words; empty when verified."""
    blocked: tuple[str, ...] = ()
    """What the frozen view refused and why: bytes of another hash, metadata that lied, files outside the plan."""


class EnvironmentKind(str, Enum):
    """What sort of place releases are installed into."""

    PYTHON = "python"
    """A virtual environment or an interpreter's own site-packages."""
    FOLDER = "folder"
    """A folder that pip was told to fill: `--target`, `--prefix`, `--root`."""
    NODE = "node"
    """A project with a node_modules, or npm's global folder, which has one too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """Where a command installs to: what has to be looked at when a release turns out to be bad later."""

    kind: EnvironmentKind
    path: str
    """The prefix of the Python, the folder that pip fills, or the folder that holds node_modules; absolute."""
    interpreter: str | None = None
    """The Python, for pip."""
    folders: tuple[str, ...] = ()
    """Where the releases themselves lie: site-packages, node_modules."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """Where a file of the user's names what brought a release in."""

    purl: Purl
    path: str
    """Relative to the working folder where it is below it, else absolute."""
    line: int
    """From 1."""
    text: str = ""
    """The line, for messages; foreign."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One guarded command from start to end; what formats print and the ledger keeps."""

    intent: Intent
    plan: Plan
    verdict: Verdict
    sources: tuple[SourceState, ...]
    started: datetime
    took: timedelta
    accesses: tuple[Access, ...] = ()
    installed: Installed | None = None
    """None: nothing was installed (blocked, or only planned)."""
    offline: bool = False
    settings: tuple[tuple[str, str], ...] = field(default=())
    """Settings that differ from the default, each with its origin."""
    environment: Environment | None = None
    """Where it installs to; None: nobody could tell."""
    locations: tuple[Location, ...] = ()
    """The lines of manifests and lockfiles that brought releases in, where a command has looked for them."""


def exit_code(run: Run) -> int:
    """Return the exit code of *run* by the contract: 40, 41, or the package manager's own."""
    if not run.verdict.allowed:
        blocking = [ruling.result for ruling in run.verdict.rulings if ruling.decision is Decision.BLOCK]
        return BLOCKED_BY_FINDING if any(isinstance(one, Finding) for one in blocking) else BLOCKED_BY_GAP
    if run.installed is None:
        return 0
    if run.installed.blocked or run.installed.differences:
        return BLOCKED_BY_FINDING
    return run.installed.exit_code
