"""What the settings say about the local index and about the sources that are off by default."""

from datetime import timedelta
from pathlib import Path
from typing import cast

from safeinstall.advisories.frozen import Frozen
from safeinstall.config import Settings
from safeinstall.model import EcosystemName

INDEX = "index"
"""The folder of the local index in our cache folder."""


def index_url(settings: Settings) -> str:
    """Return where the bulk exports of OSV are."""
    return cast("str", settings.values["index.url"].value)


def index_age(settings: Settings) -> timedelta | None:
    """Return how old the local index may be; None: it is switched off."""
    if not settings.values["index.enabled"].value:
        return None
    return timedelta(hours=cast("float", settings.values["index.hours"].value))


def index_frozen(settings: Settings) -> Frozen:
    """Return what becomes of an index into which nothing new comes any more."""
    days = cast("float", settings.values["index.frozen-days"].value)
    return Frozen(after=timedelta(days=days), silent=settings.values["index.frozen"].value == "silent")


def index_folder(settings: Settings, cache: Path) -> Path:
    """Return where the local index lies; *cache* is our cache folder."""
    path = cast("str | None", settings.values["index.path"].value)
    return Path(path).expanduser() if path else cache / INDEX


def popular_url(settings: Settings) -> str | None:
    """Return where newer lists of popular names are; None: nowhere."""
    return cast("str | None", settings.values["popular.url"].value)


def required(settings: Settings) -> frozenset[str]:
    """Return the idents of the sources whose silence is a gap."""
    return frozenset(cast("tuple[str, ...]", settings.values["required"].value))


def lists(settings: Settings) -> tuple[tuple[EcosystemName, str], ...]:
    """Return the open lists that are to be asked, each with its ecosystem."""
    return tuple(
        (ecosystem, url)
        for ecosystem in EcosystemName
        for url in cast("tuple[str, ...]", settings.values[f"lists.{ecosystem.value}"].value)
    )


def github_url(settings: Settings) -> str | None:
    """Return where GitHub's advisories are asked; None: it is switched off."""
    on = settings.values["github.enabled"].value
    return cast("str", settings.values["github.url"].value) if on else None


def npm_audit(settings: Settings) -> bool:
    """Return whether npm's bulk endpoint is asked."""
    return cast("bool", settings.values["npm-audit.enabled"].value)


def npm_audit_url(settings: Settings) -> str | None:
    """Return whose bulk endpoint is asked; None: that of each registry."""
    return cast("str | None", settings.values["npm-audit.url"].value)


def repositories_url(settings: Settings) -> str | None:
    """Return where repositories are looked up that releases claim; None: nowhere."""
    on = settings.values["repositories.look"].value
    return cast("str", settings.values["repositories.url"].value) if on else None


def token_hosts(settings: Settings) -> tuple[str, ...]:
    """Return the hosts whose tokens are looked up in the keyring."""
    return cast("tuple[str, ...]", settings.values["tokens.hosts"].value)
