"""Packuments on disk, so that a second plan revalidates by ETag instead of fetching again."""

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, optional

LONGEST_FRESH = timedelta(minutes=5)
"""A registry's `max-age` is believed up to this; beyond it the registry is asked whether the packument changed."""

_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Packument:
    """One registry answer as it came: the full document, not read yet."""

    body: bytes
    etag: str | None = None
    fetched: datetime
    max_age: timedelta = timedelta(0)

    def fresh(self, now: datetime) -> bool:
        """Whether the registry itself would let it be used without asking."""
        age = now - self.fetched
        return timedelta(0) <= age < min(self.max_age, LONGEST_FRESH)


class PackumentCache:
    """
    Full packuments by URL and credentials, in files that only the user can read.

    What a private registry told one token is not shown to another. A file that is damaged, half written or of another
    version is as good as none; writing is atomic, so processes may share the folder.
    """

    def __init__(self, folder: Path) -> None:
        """Use *folder*, made when something is first kept."""
        self._folder = folder

    def get(self, url: str, authorization: str) -> Packument | None:
        """Return what was kept for *url* as seen with *authorization*."""
        try:
            head, _, body = self._path(url, authorization).read_bytes().partition(b"\n")
            document: object = json.loads(head)
            if field(document, "version", int) != _VERSION:
                return None
            if field(document, "sha256", str) != hashlib.sha256(body).hexdigest():
                return None
            return Packument(
                body=body,
                etag=optional(document, "etag", str),
                fetched=datetime.fromtimestamp(field(document, "fetched", int), timezone.utc),
                max_age=timedelta(seconds=field(document, "max_age", int)),
            )
        except (OSError, ValueError, OverflowError, MalformedAnswer):
            return None

    def put(self, url: str, authorization: str, packument: Packument) -> None:
        """Keep *packument*; a full disk or a read-only folder only costs speed."""
        head = {
            "version": _VERSION,
            "sha256": hashlib.sha256(packument.body).hexdigest(),
            "etag": packument.etag,
            "fetched": int(packument.fetched.timestamp()),
            "max_age": int(packument.max_age.total_seconds()),
        }
        path = self._path(url, authorization)
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(json.dumps(head).encode() + b"\n")
                    file.write(packument.body)
                Path(temporary).replace(path)
            except OSError:
                Path(temporary).unlink(missing_ok=True)

    def _path(self, url: str, authorization: str) -> Path:
        key = hashlib.sha256(f"{url}\n{authorization}".encode()).hexdigest()
        return self._folder / key[:2] / key
