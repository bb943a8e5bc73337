"""Which registry a file came from, and who can publish there."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from safeinstall.contracts import Conditions
from safeinstall.model import Registry, Visibility
from safeinstall.text import redacted


@dataclass(frozen=True, kw_only=True, slots=True)
class Registries:
    """The indexes of one command, the primary one first, as pip has them after reading all its configuration."""

    indexes: tuple[str, ...]
    conditions: Conditions

    def of_page(self, page: str) -> Registry:
        """Return the registry that the page at *page* belongs to; one that is no index's stands for itself."""
        index = max((one for one in self.indexes if _within(page, one)), key=len, default=None)
        url = index if index is not None else page.rsplit("/", 1)[0] or page
        visibility = self._visibility(url)
        guessed = visibility is Visibility.PRIVATE and not self.declared(url)
        return Registry(url=_shown(url), visibility=visibility, guessed=guessed)

    def primary(self) -> Registry | None:
        """Return the first index; None for `--no-index`."""
        return self.of_page(self.indexes[0]) if self.indexes else None

    def declared(self, url: str) -> bool:
        """Whether a setting says who can publish at *url*."""
        told = self.conditions
        return any(_within(url, one) for one in (*told.private_registries, *told.public_registries))

    def _visibility(self, url: str) -> Visibility:
        # (1) What lies on this machine. (2) What the user said. (3) The primary index and its own host are public,
        # whatever was added to it is somebody's own: a private name must never be told to a public service.
        if urlsplit(url).scheme == "file":
            return Visibility.LOCAL
        if any(_within(url, prefix) for prefix in self.conditions.private_registries):
            return Visibility.PRIVATE
        if any(_within(url, prefix) for prefix in self.conditions.public_registries):
            return Visibility.PUBLIC
        primary = self.indexes[0] if self.indexes else None
        return Visibility.PUBLIC if primary is not None and _host(url) == _host(primary) else Visibility.PRIVATE


def registries(index_urls: Sequence[str], conditions: Conditions) -> Registries:
    """Return the registries of a command whose pip uses *index_urls*."""
    return Registries(indexes=tuple(index_urls), conditions=conditions)


def _within(url: str, prefix: str) -> bool:
    whole, start = _bare(url), _bare(prefix).rstrip("/")
    return whole == start or whole.startswith(start + "/")


def _bare(url: str) -> str:
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme.lower()}://{(parts.hostname or '').lower()}{port}{parts.path}"


def _host(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port


def _shown(url: str) -> str:
    return redacted(url).rstrip("/") if urlsplit(url).scheme != "file" else url.rstrip("/")
