"""What happened: what a manager asked the gateway for, what installing did, one run from start to end."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from safeinstall.model import Intent, Plan, SourceState, Verdict


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
