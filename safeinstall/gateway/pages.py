"""Index pages (PEP 503, 592, 658, 691, 700, 714): what pip is told about a project, read and written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from safeinstall.gateway.server import Transport
from safeinstall.model import Digest


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """How a file is fetched: where from, and with whose headers."""

    url: str
    """With the credentials that the page wrote into it, if any: never print it."""
    headers: Mapping[str, str]
    transport: Transport


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexFile:
    """One file that a page of an index (or of `--find-links`) lists."""

    project: str
    """Canonical (PEP 503)."""
    version: str
    """PEP 440 spelling; as the file name spells it where that is no version."""
    filename: str
    url: str
    """Absolute, without credentials and fragment."""
    digests: tuple[Digest, ...] = ()
    """sha256 first; empty: the index gives none that we can compute."""
    size: int | None = None
    uploaded: datetime | None = None
    requires_python: str | None = None
    yanked: str | None = None
    """The reason, empty when none was given; None: it is not yanked."""
    page: str
    """The URL of the page, without credentials."""
    channel: Channel = field(repr=False, compare=False)
