"""What a file or folder says is installed or locked, and who served it: the records of `safeinstall audit`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from safeinstall.model import EcosystemName, Edge, Gap, Project, Registry, Release, Visibility
from safeinstall.private import Private, below


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """One file or folder as its reader understood it."""

    kind: str
    """The ident of its reader: `package-lock.json`."""
    label: str
    """What messages call it: its path, relative to where the command was run."""
    releases: tuple[Release, ...]
    edges: tuple[Edge, ...] = ()
    projects: tuple[Project, ...] = ()
    gaps: tuple[Gap, ...] = ()
    """What it names and nobody can judge: requirements without an exact version, entries that contradict themselves."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Origins:
    """Who can publish where, for readers that meet URLs."""

    private_registries: tuple[str, ...] = ()
    public_registries: tuple[str, ...] = ()
    private: Private = field(default_factory=Private)
    defaults: Callable[[EcosystemName], tuple[str, ...]] = lambda _: ()
    """The URL prefixes of an ecosystem's own public registry, the one that stands for it first."""
    listed: Callable[[Path], Mapping[str, str]] = lambda _: {}
    """What pip itself lists in a folder of distributions: name -> version."""
    compared: bool = False
    """Whether pip is asked in any case, and what it lists is compared with the metadata."""

    def default(self, ecosystem: EcosystemName, name: str) -> Registry:
        """Return the registry of a release of which nothing tells where it came from."""
        known = self.defaults(ecosystem)
        # A name that the user calls private is nobody else's: it is told to no public service.
        sort = Visibility.PRIVATE if self.private.claim(ecosystem, name) is not None else Visibility.PUBLIC
        return Registry(url=known[0] if known else "", visibility=sort)

    def declared(self, url: str) -> bool:
        """Whether a setting says who can publish at *url*."""
        return below(url, (*self.private_registries, *self.public_registries))

    def registry(self, ecosystem: EcosystemName, name: str, url: str, by: str) -> Registry:
        """Return the registry at *url*, which the file *by* names: what nobody declared is a stranger's choice."""
        if below(url, self.private_registries):
            return Registry(url=url, visibility=Visibility.PRIVATE)
        if below(url, self.public_registries):
            return Registry(url=url, visibility=Visibility.PUBLIC)
        if self.is_default(ecosystem, url):
            return self.default(ecosystem, name)
        return Registry(url=url, visibility=Visibility.PRIVATE, guessed=True, chosen=by)

    def is_default(self, ecosystem: EcosystemName, url: str) -> bool:
        """Whether *url* lies at the ecosystem's own public registry."""
        return urlsplit(url).hostname in {urlsplit(one).hostname for one in self.defaults(ecosystem)}
