"""What earlier releases of a project were like: the facts that a new one is compared with; absent is not empty."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Method(str, Enum):
    """How a release got to its registry."""

    TRUSTED = "trusted publisher"
    """A build service proved by OIDC who it is; no long-lived token could be stolen."""
    ACCOUNT = "account"
    """Somebody's login or token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """What a registry says of the attestations of one release (PEP 740, npm provenance)."""

    present: bool
    """False: it tells of attestations, and this release has none."""
    url: str | None = None
    """Where the attestations themselves can be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Maintainer:
    """One person who may publish, as the registry or the release itself names them."""

    name: str
    mail: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Domain:
    """What is known of one mail domain."""

    resolves: bool | None = None
    """Whether the DNS knows it; None: nobody could tell."""
    registered: datetime | None = None
    """When it was registered, the last time (aware, UTC); None: nobody could tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """One release of a project's past, or the planned one; a field that is None is not known."""

    version: str
    uploaded: datetime | None = None
    """When its first file was there (aware, UTC)."""
    publisher: str | None = None
    """The account that published it (npm: `_npmUser`)."""
    maintainers: tuple[Maintainer, ...] | None = None
    """Who could publish when it came (npm), or whom its metadata names (PyPI: author and maintainer)."""
    method: Method | None = None
    provenance: Provenance | None = None
    install_scripts: tuple[tuple[str, str], ...] | None = None
    """npm: the lifecycle scripts that run on install, each with its command; of `binding.gyp` with npm's own."""
    dependencies: tuple[str, ...] | None = None
    """The names that installing it may bring along (no extras, no development), normalised, sorted."""
    commands: tuple[str, ...] | None = None
    """What it puts onto PATH (npm: `bin`; PyPI: console and GUI scripts), sorted."""
    startup: tuple[str, ...] | None = None
    """PyPI: the files that Python runs when it starts (`.pth`, `sitecustomize.py`), sorted."""
    size: int | None = None
    """Bytes: npm of what is unpacked, PyPI of the largest file of the planned one's kind."""
    files: int | None = None
    """How many files are in it."""
    kinds: tuple[str, ...] | None = None
    """`wheel`, `sdist`, `tarball`: what there is of it, sorted."""
    builder: str | None = None
    """PyPI: the build backend that made its wheel."""
    repositories: tuple[str, ...] | None = None
    """The repositories that it claims, as `host/owner/name`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """The past of one planned release; what the registry does not tell is None or empty."""

    name: str
    """As in the release's purl."""
    planned: Publication
    previous: Publication | None = None
    """The highest version below the planned one that was there before it; prereleases count for prereleases only."""
    settled: Publication | None = None
    """As *previous*, but so much older than the planned one that the world had time to look at it."""
    present: Publication | None = None
    """What is installed, or else locked, now, when it is another version."""
    earlier: tuple[Publication, ...] = ()
    """The last releases before the planned one, newest first: a few, of any line, without prereleases."""
    publishers: tuple[tuple[str, datetime], ...] | None = None
    """Everyone who published an earlier version, with the time of the first one; None: the registry does not tell."""
    versions: int | None = None
    """How many versions were there before the planned one."""
    owners: tuple[str, ...] | None = None
    """Who may publish today by the registry's word, sorted; None: it does not tell."""
    seen: tuple[tuple[str, datetime], ...] = ()
    """The owners that this machine saw in earlier runs, each with the first time."""
    dated: bool = False
    """Whether the registry tells when releases came."""
    unread: bool = False
    """PyPI: its wheel was to be compared with the earlier one, and one of them could not be looked into."""

    def publications(self) -> Iterator[Publication]:
        """Yield each of the past publications once."""
        seen: set[str] = set()
        for one in (self.present, self.settled, self.previous, *self.earlier):
            if one is not None and one.version not in seen:
                seen.add(one.version)
                yield one

    def base(self) -> Publication | None:
        """Return what the planned release is compared with: what is here now, else what was there before it."""
        return self.present or self.settled or self.previous
