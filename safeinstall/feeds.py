"""What the settings say about the local index and about the sources that are off by default."""

from datetime import timedelta
from pathlib import Path
from typing import cast

from safeinstall.config import Settings

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


def index_folder(settings: Settings, cache: Path) -> Path:
    """Return where the local index lies; *cache* is our cache folder."""
    path = cast("str | None", settings.values["index.path"].value)
    return Path(path).expanduser() if path else cache / INDEX
