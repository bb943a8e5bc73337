"""Which names the user declared private, and which registries may be asked for them."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from safeinstall.model import EcosystemName, Registry, Visibility


@dataclass(frozen=True, kw_only=True, slots=True)
class Private:
    """The table `[private]` of the settings."""

    names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    """npm scopes, with or without their `@`."""
    registries: tuple[str, ...] = ()
    """URL prefixes of the registries that own them; empty: those that are declared private."""

    def claim(self, ecosystem: EcosystemName, name: str) -> str | None:
        """Return the setting that declares *name* private, with what it says; None when none does."""
        wanted = _spelled(ecosystem, name)
        scope, slash, _ = name.partition("/")
        if any(_spelled(ecosystem, one) == wanted for one in self.names):
            return "private.names"
        if slash and any(scope.lstrip("@") == one.lstrip("@") for one in self.scopes):
            return f"private.scopes ({scope})"
        for prefix in self.prefixes:
            if wanted.startswith(_spelled(ecosystem, prefix)):
                return f"private.prefixes ({prefix})"
        return None

    def may_ask(self, registry: Registry, declared: Collection[str]) -> bool:
        """
        Whether *registry* may be told a private name; *declared* are the registries that the user declared private.

        Where nobody declared any, an index beside the primary one counts as the owner. Once somebody did, only theirs:
        whoever wrote a requirements file must not learn private names by adding an index to it.
        """
        owners = self.registries or declared
        if registry.visibility is Visibility.LOCAL:
            return True
        return below(registry.url, owners) if owners else registry.visibility is Visibility.PRIVATE


def below(url: str, prefixes: Collection[str]) -> bool:
    """Whether *url* lies at or below one of *prefixes*: `https://a.example` does not cover `https://a.example.net`."""
    return any(f"{_bare(url)}/".startswith(f"{_bare(prefix)}/") for prefix in prefixes)


def _spelled(ecosystem: EcosystemName, name: str) -> str:
    return str(canonicalize_name(name)) if ecosystem is EcosystemName.PYPI else name.lower()


def _bare(url: str) -> str:
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme.lower()}://{(parts.hostname or '').lower()}{port}{parts.path}".rstrip("/")
