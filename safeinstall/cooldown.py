"""
The cooldown: how old a release must be before it is taken, and what a plan tells of it.

Most malicious releases are found within days. Whoever waits for three of them meets few, and loses little: the resolver
takes the newest release that is old enough.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from safeinstall.model import EcosystemName, Purl

DEFAULT = timedelta(hours=72)
"""How old a release must be where nobody says otherwise."""


class Mode(str, Enum):
    """What is done with what is too young."""

    WITHHOLD = "withhold"
    """It is not listed while planning; what was asked for exactly is a finding."""
    BLOCK = "block"
    """The plan is as without us; what is too young in it is a finding."""
    OFF = "off"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One exception: the age that names of one pattern need."""

    pattern: str
    """`flask`, `npm:esbuild`, `@acme`, `acme-*`, `npm:*`, or the beginning of a registry's URL."""
    age: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Cooldown:
    """The table `[cooldown]` of the settings."""

    mode: Mode = Mode.WITHHOLD
    age: timedelta = DEFAULT
    rules: tuple[Rule, ...] = ()
    """The most special one that fits a name replaces *age*."""
    longer: tuple[Rule, ...] = ()
    """Each that fits a name counts where it asks for more."""

    def minimum(self, ecosystem: "EcosystemName", name: str, url: str | None) -> timedelta:
        """Return how old a file of *name* must be, which the registry at *url* lists (its own URL or a page's)."""
        if self.mode is Mode.OFF:
            return timedelta(0)
        ranked = [
            (place, number) for number, rule in enumerate(self.rules) if (place := _fit(rule, ecosystem, name, url))
        ]
        age = self.rules[max(ranked)[1]].age if ranked else self.age
        return max([age, *(rule.age for rule in self.longer if _fit(rule, ecosystem, name, url))])


OFF = Cooldown(mode=Mode.OFF)


@dataclass(frozen=True, kw_only=True, slots=True)
class Withheld:
    """One version that was not listed while planning, in favour of an older one."""

    purl: "Purl"
    """With the version that was withheld."""
    uploaded: datetime
    minimum: timedelta
    """How old it would have to be."""
    chosen: str
    """The version that was taken instead; the same one where only a file that was added late was withheld."""
    filename: str | None = None
    """The file that was added late to a version of which others are old enough."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Young:
    """What is known of a planned release that is too young."""

    purl: "Purl"
    older: str | None = None
    """The newest version that is old enough; None: there is none."""
    since: datetime | None = None
    """When the first file of this version was uploaded; later files were added to it."""
    why: str = ""
    """Why it was not withheld, in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fix:
    """A version that may be taken although it is too young: the first one that mends what an advisory tells."""

    purl: "Purl"
    ids: tuple[str, ...]
    """Of the advisory."""
    instead: str
    """The version that the advisory hits, and that would have been taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cooling:
    """What the cooldown made of one plan."""

    cooldown: Cooldown = field(default_factory=Cooldown)
    withheld: tuple[Withheld, ...] = ()
    young: tuple[Young, ...] = ()
    fixes: tuple[Fix, ...] = ()
    """Those that were let through, whether they were chosen or not."""


def _fit(rule: Rule, ecosystem: "EcosystemName", name: str, url: str | None) -> tuple[int, int] | None:
    """Return how special *rule* is for *name*, higher is more; None: it does not fit."""
    pattern = rule.pattern
    if "://" in pattern:
        return (2, len(pattern)) if url is not None and _below(url, pattern) else None
    kind, colon, rest = pattern.partition(":")
    if colon:
        if kind != ecosystem.value:
            return None
        pattern = rest
    if pattern == "*":
        return (1, 0)
    if pattern.startswith("@") and "/" not in pattern:
        pattern += "/*"
    if pattern.endswith("*"):
        return (3, len(pattern)) if _spelled(ecosystem, name).startswith(pattern[:-1].lower()) else None
    return (4, 0) if _spelled(ecosystem, name) == _spelled(ecosystem, pattern) else None


def _spelled(ecosystem: "EcosystemName", name: str) -> str:
    return str(canonicalize_name(name)) if ecosystem.value == "pypi" else name.lower()


def _below(url: str, prefix: str) -> bool:
    """Whether *url* lies at or below *prefix*: `https://a.example` does not cover `https://a.example.net`."""
    return f"{_bare(url)}/".startswith(f"{_bare(prefix)}/")


def _bare(url: str) -> str:
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme.lower()}://{(parts.hostname or '').lower()}{port}{parts.path}".rstrip("/")
