"""What a registry lists of one name besides the planned version, and which of it to take instead."""

from dataclasses import dataclass
from datetime import datetime

from safeinstall.model import Purl


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One version that a registry lists of a name."""

    version: str
    uploaded: datetime | None = None
    """When its first file was there (aware, UTC), where the registry tells."""
    withdrawn: bool = False
    """Yanked or deprecated: nobody should be sent there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Better:
    """Another version of a flagged release that the registry lists and nobody knows anything against."""

    purl: Purl
    """The flagged release."""
    version: str
    fits: bool
    """All who require the name would take it."""
