"""The records that travel along the pipeline; they hold values and do nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum
from pathlib import Path
from typing import NewType

from safeinstall.cooldown import Cooling
from safeinstall.history import Domain, History
from safeinstall.scripts import Scripts

Purl = NewType("Purl", str)
"""A package URL in its one normalised spelling; made only in `purl.py`."""


class EcosystemName(str, Enum):
    """The ecosystems we judge, spelled as package URL types."""

    PYPI = "pypi"
    NPM = "npm"


class Severity(IntEnum):
    """How bad it is, were it true."""

    NOTE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Confidence(IntEnum):
    """How sure we are that it is true."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2


# --- what was asked -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Intent:
    """What one command line would install, before resolving."""

    ecosystem: EcosystemName
    tool: str
    """The name it was called by: `pip`, `pip3`, `npm`."""
    argv: tuple[str, ...]
    """The manager's own arguments, ours taken out; without the tool's name."""
    verb: str
    """The manager's own name for the command after aliases: `install`, `ci`, `update`."""
    installs: bool
    """False: the real tool is run at once, unjudged."""
    asked: tuple[str, ...] = ()
    """The requirements as they were typed, for messages; the planner reads the rest from *argv*."""
    cwd: Path


# --- what would be installed ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Digest:
    """One hash of one artifact."""

    algorithm: str
    """As hashlib spells it: `sha256`, `sha512`, `sha1`."""
    value: str
    """Lower-case hexadecimal."""


class ArtifactKind(str, Enum):
    """What sort of file, or source, a release would be installed from."""

    WHEEL = "wheel"
    SDIST = "sdist"
    TARBALL = "tarball"
    """An npm registry tarball."""
    URL = "url"
    """An archive at a URL that no registry vouches for."""
    VCS = "vcs"
    LOCAL_FILE = "local-file"
    """An archive on the user's disk, named on the command line or found through `--find-links`."""
    LOCAL_PROJECT = "local-project"
    """A directory of the user's: `.`, `-e ./lib`, `file:../x`, a workspace."""
    BUNDLED = "bundled"
    """It comes inside another release's tarball (`bundleDependencies`)."""


class BuildNeed(str, Enum):
    """Whether installing runs a build backend of the release, and whether its metadata can be trusted before."""

    NONE = "none"
    STATIC = "static"
    """Built from source; its dependencies are promised not to change (PEP 643)."""
    DYNAMIC = "dynamic"
    """Built from source; only running its code tells its true dependencies."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """One file (or source) of a release: the one that would be installed."""

    kind: ArtifactKind
    filename: str
    url: str
    """Where the manager itself would get it, without credentials; `file:` for what lies on disk."""
    digests: tuple[Digest, ...] = ()
    """Empty: nothing binds the bytes (VCS, local projects, registries without hashes)."""
    size: int | None = None
    """Bytes, where the registry tells."""
    uploaded: datetime | None = None
    """When the registry got it (aware, UTC), where it tells."""


class Visibility(str, Enum):
    """Who can publish to, and be asked about, a registry."""

    PUBLIC = "public"
    PRIVATE = "private"
    LOCAL = "local"
    """Files on this machine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """Where artifacts come from (pip: index)."""

    url: str
    """Without credentials."""
    visibility: Visibility
    guessed: bool = False
    """Nobody declared who can publish there; it was held for private so that no name of it is told to the public."""
    chosen: str | None = None
    """The file of the repository that chose it, where nothing of the user's own names it; None: the user did."""
    unproven: str | None = None
    """Why its answers may be somebody else's (plain http, certificates not checked); None: they are its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A name at a version, with the artifact that would be installed."""

    purl: Purl
    name: str
    """As the registry spells it."""
    version: str
    artifact: Artifact
    registry: Registry | None = None
    """None: no registry vouches for it (URL, VCS, local)."""
    asked: str | None = None
    """The user's own words when it was asked for by name: `flask>=3`, `-r dev.txt (line 3)`."""
    alias: str | None = None
    """npm: the name it is installed under, when that is another."""
    kept: bool = False
    """It is installed already and would stay."""
    build: BuildNeed = BuildNeed.NONE
    install_script: bool = False
    """npm: it has lifecycle scripts that run on install, as far as the registry tells."""
    yanked: str | None = None
    """The reason of a yanked (PEP 592) or deprecated release, empty when none was given; None: it is neither."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """Who required what."""

    parent: Purl | None
    """None: the user did."""
    child: Purl
    requirement: str
    """As the parent wrote it: `werkzeug>=3.0.0`, `^2.1.0`."""
    build: bool = False
    """It is needed to build *parent*, not to run it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """What a registry's page on one name tells, all versions taken together."""

    purl: Purl
    """Without a version."""
    first_uploaded: datetime | None = None
    """The oldest upload time on the page; None: the registry does not tell."""
    releases: int | None = None
    """How many versions it lists."""
    status: str | None = None
    """`archived`, `deprecated`, `quarantined` (PEP 792), `security-placeholder` (npm); None: none is told."""
    reason: str = ""
    """Why, in the registry's words."""
    unpublished: tuple[str, ...] = ()
    """npm: versions that were there once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """
    What one registry lists under the name of a planned release.

    A plan tells offers only where there is something to compare: several registries list the name, the user declared
    it private, or the version is one that nobody counts up to.
    """

    purl: Purl
    """Without a version."""
    registry: Registry
    guessed: bool = False
    """The registry's visibility is our guess: no setting declares it."""
    highest: str
    """The highest version that it lists."""
    below: str | None = None
    """The highest version that it lists below the planned one; None: there is none."""
    releases: int
    """How many versions it lists."""
    planned: bool
    """It lists the very file that is planned, by its hash."""
    shared: bool = False
    """It lists some file that the planned one's registry lists as well, by its hash."""
    claim: str | None = None
    """The setting that declares the name private: `private.names`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The source repositories that a release, or the newest one of a project, says it is made from."""

    purl: Purl
    """Without a version: of a popular project that a planned release may be posing as."""
    repositories: tuple[str, ...]
    """As `host/owner/name`, lower case."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The whole resolved set: every release that would be installed or kept, and why."""

    ecosystem: EcosystemName
    releases: tuple[Release, ...]
    edges: tuple[Edge, ...] = ()
    projects: tuple[Project, ...] = ()
    offers: tuple[Offer, ...] = ()
    claims: tuple[Claim, ...] = ()
    licences: Mapping[Purl, tuple[str, ...]] = field(default_factory=dict)
    """What releases say their licence is: one SPDX expression or one text, else classifiers; absent: not told."""
    histories: Mapping[Purl, History] = field(default_factory=dict)
    """What earlier releases of the planned ones were like, by the planned one's purl."""
    domains: Mapping[str, Domain] = field(default_factory=dict)
    """What was found out about mail domains of maintainers; one that is not here was not asked about."""
    demanded: Mapping[Purl, str] = field(default_factory=dict)
    """The repositories that settings demand of planned releases, as `host/owner/name`."""
    cooling: Cooling = field(default_factory=Cooling)
    """What the cooldown withheld, and what of the plan is too young."""
    scripts: Scripts = field(default_factory=Scripts)
    """Whose code may run while it is installed."""
    elsewhere: frozenset[Purl] = frozenset()  # For other systems: locked and judged, and not installed here.
    notes: tuple[str, ...] = ()
    """What the user should know of how it was resolved: metadata that was provisional, names of one registry."""


# --- what is known --------------------------------------------------------------------------------------------------


class AdvisoryKind(str, Enum):
    """What an advisory says a release is."""

    MALWARE = "malware"
    PROTESTWARE = "protestware"
    """It does what its users did not ask for, for a cause of its author's."""
    VULNERABILITY = "vulnerability"
    COLLISION = "name-collides"
    """Malware of this name on a public registry; this artifact comes from somewhere else."""
    TELEMETRY = "telemetry"
    UNMAINTAINED = "unmaintained"


@dataclass(frozen=True, kw_only=True, slots=True)
class Advisory:
    """A published record that hits one release, as one source told it."""

    ident: str
    """Its id: `MAL-2025-1234`, `GHSA-...`, `PYSEC-...`."""
    aliases: frozenset[str] = frozenset()
    kind: AdvisoryKind
    severity: Severity
    summary: str
    """Foreign text: print it with `printable()` only."""
    fixed: tuple[str, ...] = ()
    """Versions that the record calls fixed, oldest first."""
    affected: tuple[str, ...] = ()
    """In words: `every version`, `from 2.0 before 2.4`."""
    every_version: bool = False  # No other version is left that could be good.
    url: str | None = None
    source: str
    """The ident of the source that told it."""
    by_hash: bool = False
    """The record names the hash of the artifact itself, whatever name it is under."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceState:
    """How far one advisory source can be trusted for this run."""

    source: str
    asked: int = 0  # How many releases it was asked about.
    answered: int = 0
    as_of: datetime | None = None
    """The oldest date of what it told (aware, UTC): now for a live answer, the record date for stored ones."""
    detail: str = ""
    """For the user: `from the cache`, `embedded records`."""


# --- what is claimed and decided ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One check's claim about one release."""

    check: str
    purl: Purl
    kind: str
    """The row of the policy table that decides it: `malware`, `vulnerability`, `typosquat-strong`, ..."""
    severity: Severity
    confidence: Confidence
    title: str
    """One sentence, lower case, names in backticks, no full stop; foreign text already passed `printable()`."""
    evidence: tuple[str, ...] = ()
    hint: str | None = None
    """The next step; never the override alone."""
    ids: tuple[str, ...] = ()
    """Advisory ids, all aliases; empty for other checks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A question that a check could not answer; it is never read as "clean"."""

    check: str
    purl: Purl
    reason: str
    """Why, in words for the user: "osv did not answer within 10 s"."""
    hint: str | None = None


class Decision(str, Enum):
    """What the policy made of one finding or gap."""

    BLOCK = "block"
    WARN = "warn"
    NOTE = "note"
    """Counted and kept in reports, not printed as a warning."""
    OVERRIDDEN = "overridden"


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """A person's decision, for one check and one release, with a reason and an end."""

    purl: Purl
    """With the exact version."""
    check: str
    reason: str
    until: datetime | None
    """The first moment at which it no longer counts (aware, UTC); None: for this run only."""
    by: str
    origin: str
    """Where it was written: a file's path, `command line`, `prompt`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """One finding or gap, with what the policy decided and by which setting or override."""

    result: Finding | Gap
    decision: Decision
    because: str
    """The policy row or the override that decided, in words."""
    override: Override | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the policy made of all findings and gaps of one run."""

    rulings: tuple[Ruling, ...]
    """Blocking ones first, then by severity."""
    unused: tuple[Override, ...] = ()
    """Overrides given for this command that hit nothing."""
    expired: tuple[Override, ...] = ()
    """Overrides that would have decided, had they not ended."""

    @property
    def allowed(self) -> bool:
        """Whether nothing blocks."""
        return not any(ruling.decision is Decision.BLOCK for ruling in self.rulings)
