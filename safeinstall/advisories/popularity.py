"""Fetches newer lists of popular names from a URL, each as one file that is checked before it counts."""

import os
import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from safeinstall.advisories.bundle import POPULAR
from safeinstall.contracts import Bulk
from safeinstall.errors import MalformedAnswer, SafeinstallError
from safeinstall.model import EcosystemName
from safeinstall.names.index import NamesDamaged
from safeinstall.names.popular import checked, name_of
from safeinstall.names.soundness import sound
from safeinstall.text import redacted

_LARGEST = 64_000_000
_PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What became of one list."""

    ecosystem: EcosystemName
    as_of: date
    """The day of the download statistics behind it."""
    names: int
    changed: bool
    """False: it is what was here already."""


def fetch(http: Bulk, base_url: str, folder: Path, ecosystem: EcosystemName, *, today: date) -> Fetched:
    """
    Put the list of *ecosystem* at *base_url* into the index *folder*, unless it is there already (by its ETag).

    Raises `SourceUnavailable`, `MalformedAnswer` for what is no whole list of a day until *today*, and
    `SafeinstallError` when the disk refuses it; the list that was there counts on.
    """
    url = f"{base_url}/{name_of(ecosystem)}"
    target = folder / POPULAR / name_of(ecosystem)
    tag = target.with_suffix(".etag")
    beside = target.with_name(f"{target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with http.stream(url, timeout=_PATIENCE, max_bytes=_LARGEST, etag=_etag(target, tag, ecosystem)) as body:
            if not body.changed:
                held = checked(target, ecosystem)
                return Fetched(ecosystem=ecosystem, as_of=held.as_of, names=held.size, changed=False)
            with beside.open("wb") as out:
                for chunk in body.chunks:
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
        fresh = _whole(beside, ecosystem, url, today)
        beside.replace(target)
        tag.write_text(body.etag, encoding="utf-8")
    except OSError as error:
        raise SafeinstallError(f"the list of popular names could not be written ({error.strerror})") from error
    finally:
        beside.unlink(missing_ok=True)
    return fresh


def _whole(path: Path, ecosystem: EcosystemName, url: str, today: date) -> Fetched:
    try:
        fresh = checked(path, ecosystem)
    except NamesDamaged as error:
        raise MalformedAnswer(f"{redacted(url)} is no whole list of popular names of {ecosystem.value}") from error
    if not sound(fresh):
        raise MalformedAnswer(f"{redacted(url)} is no list of popular names: its tables do not fit together")
    if fresh.as_of > today:
        raise MalformedAnswer(f"{redacted(url)} says that it is of {fresh.as_of}, a day that has not come yet")
    return Fetched(ecosystem=ecosystem, as_of=fresh.as_of, names=fresh.size, changed=True)


def _etag(target: Path, tag: Path, ecosystem: EcosystemName) -> str:
    """Return the ETag of the list at *target*; empty when that is not whole, so that it is fetched again."""
    try:
        checked(target, ecosystem)
        return tag.read_text(encoding="utf-8")
    except (NamesDamaged, OSError, ValueError):
        return ""
