"""Which registry npm asks for a name, who can publish there, and what several of them would mean for a private name."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from safeinstall.contracts import Conditions
from safeinstall.gateway.npm import bare
from safeinstall.model import EcosystemName, Registry, Release, Visibility
from safeinstall.private import below
from safeinstall.text import printable, redacted

HINT = (
    "give npm the registry that owns it (in .npmrc `@SCOPE:registry=URL`, or `registry=URL` for names without a scope) "
    "and declare that registry: `[registries] private = [URL]`"
)


def registry(url: str, default: str | None, conditions: Conditions) -> Registry:
    """Return the registry at *url* where *default* is the one that npm asks for names of no scope; None: unknown."""
    parts = urlsplit(url)
    shown = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=parts.fragment))
    if below(shown, conditions.private_registries):
        visibility = Visibility.PRIVATE
    elif below(shown, conditions.public_registries):
        visibility = Visibility.PUBLIC
    else:
        # The default and its own host are public, whatever a scope was given is somebody's own.
        same = default is None or _host(shown) == _host(default)
        visibility = Visibility.PUBLIC if same else Visibility.PRIVATE
    guessed = visibility is Visibility.PRIVATE and not declared(url, conditions)
    return Registry(url=shown, visibility=visibility, guessed=guessed)


def declared(url: str, conditions: Conditions) -> bool:
    """Whether a setting says who can publish at *url*."""
    return below(url, (*conditions.private_registries, *conditions.public_registries))


@dataclass(slots=True)
class Keeper:
    """Decides which registry is not asked for a name, and keeps what was not asked."""

    conditions: Conditions
    default: Callable[[], str | None]
    """The registry for names of no scope, as npm has it after reading all its configuration."""
    withheld: dict[str, str] = field(default_factory=dict)
    """By name: the registry that was not asked."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keeps(self, page: str) -> bool:
        """Whether the registry of the packument *page* must not be asked for it."""
        base, name = _parts(page)
        if self.claim(name) is None or self._may_ask(base):
            return False
        with self._lock:
            self.withheld[name] = redacted(base)
        return True

    def claim(self, name: str) -> str | None:
        """Return the setting that declares *name* private."""
        return self.conditions.private.claim(EcosystemName.NPM, name)

    def missing(self) -> str | None:
        """Return in words which private name no registry may be asked for; None: there is no such name."""
        for name, at in self.withheld.items():
            shown = printable(name)
            why = "its scope has no registry of its own" if name.startswith("@") else "it has no scope"
            return f"`{shown}` is private ({self.claim(name)}), but {why}: npm would ask {at}, which was not asked"
        return None

    def notes(self) -> tuple[str, ...]:
        """Return what the user should know of names that npm goes on without."""
        return tuple(
            f"`{printable(name)}` is private ({self.claim(name)}): {at} was not asked for it"
            for name, at in self.withheld.items()
        )

    def unspoken(self, releases: Collection[Release], default: str) -> frozenset[str]:
        """Return the names of *releases* that npm's own audit must not tell the registry *default*."""
        if self._may_ask(default):
            return frozenset()
        audited = registry(default, default, self.conditions)
        if audited.visibility is Visibility.PRIVATE:
            return frozenset(one.name for one in releases if self.claim(one.name) is not None)
        return frozenset(one.name for one in releases if self.claim(one.name) is not None or _elsewhere(one))

    def _may_ask(self, base: str) -> bool:
        asked = registry(base, self.default(), self.conditions)
        return self.conditions.private.may_ask(asked, self.conditions.private_registries)


def _elsewhere(release: Release) -> bool:
    return release.registry is not None and release.registry.visibility is not Visibility.PUBLIC


def _parts(page: str) -> tuple[str, str]:
    """Return registry and name of the packument at *page*."""
    base, _, name = bare(page).partition("?")[0].rstrip("/").rpartition("/")
    above, _, scope = base.rpartition("/")
    return (above, f"{scope}/{name}") if scope.startswith("@") else (base, name)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
