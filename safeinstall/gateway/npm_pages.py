"""What is kept of packuments: as they came while planning, and what was read of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from safeinstall.gateway.npm_packument import PageFacts, VersionFacts
from safeinstall.history import History


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What the registry answered for one name while planning."""

    url: str
    """Of the packument, without credentials."""
    status: int
    body: bytes
    failure: str | None = None
    """Why there is no answer at all; the status is then 424."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What was read from a packument before it was dropped."""

    page: PageFacts
    versions: Mapping[str, VersionFacts]
    histories: Mapping[str, History] = field(default_factory=dict)
    """By planned version."""
