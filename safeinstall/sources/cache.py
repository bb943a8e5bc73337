"""
Answers of advisory sources, kept between runs in SQLite.

It only ever saves time: whatever is wrong with the file (corrupt, half written, locked, of another schema, not
writable) reads as "nothing kept", and a row counts only if its checksum over key, time and content holds.
"""

import hashlib
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_SCHEMA = 1
_FILE = f"advisories-{_SCHEMA}.sqlite"
_LOCK_WAIT_SECONDS = 2.0
_KEYS_A_QUERY = 500
_LARGEST_ROW = 50_000_000
_PRUNED_AFTER = timedelta(days=30)
_CLOCK_SKEW = timedelta(minutes=5)
_CREATE = """
CREATE TABLE IF NOT EXISTS kept (
    space TEXT NOT NULL, key TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (space, key)
) WITHOUT ROWID
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """One answer as it was kept."""

    body: object
    """The JSON value."""
    at: datetime
    """When the source gave it (aware, UTC)."""

    def age(self, now: datetime) -> timedelta:
        """Return how old it is at *now*; an answer from the future is as old as can be."""
        age = now - self.at
        return timedelta.max if age < -_CLOCK_SKEW else max(age, timedelta(0))


class Cache:
    """Answers kept by space (`osv-query https://...`) and key (a purl, a record's id)."""

    def __init__(self, folder: Path) -> None:
        """Keep them in *folder*, which is made when something is first kept."""
        self._path = folder / _FILE
        self._off = False

    def get(self, space: str, keys: Sequence[str]) -> Mapping[str, Kept]:
        """Return what is kept for *keys*; what is not, or cannot be trusted, is left out."""
        if self._off or not self._path.exists():
            return {}
        return self._try(lambda base: dict(_read(base, space, keys)), {})

    def put(self, space: str, rows: Mapping[str, object], *, at: datetime) -> None:
        """Keep *rows* as answers given *at*, all or none of them."""
        if self._off or not rows:
            return
        stamp = at.timestamp()
        packed = []
        for key, value in rows.items():
            body = zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 1)
            packed.append((space, key, stamp, body, _digest(space, key, stamp, body)))

        def write(base: sqlite3.Connection) -> None:
            base.execute("BEGIN IMMEDIATE")
            base.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)", packed)
            base.execute("DELETE FROM kept WHERE at < ?", (stamp - _PRUNED_AFTER.total_seconds(),))
            base.execute("COMMIT")

        self._try(write, None)

    def tally(self, ident: str) -> tuple[int, datetime | None]:
        """Return how many answers of the source *ident* are kept, and when the newest of them was given."""
        if not self._path.exists():
            return 0, None
        query = "SELECT count(*), max(at) FROM kept WHERE space LIKE ? OR space LIKE ?"
        spaces = (f"{ident} %", f"{ident}-query %")
        nothing: tuple[object, object] = (0, None)
        number, stamp = self._try(lambda base: base.execute(query, spaces).fetchone(), nothing)
        try:
            when = None if stamp is None else datetime.fromtimestamp(float(str(stamp)), timezone.utc)
            return int(str(number)), when
        except (ValueError, OverflowError, OSError):
            return 0, None

    def _try(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        for attempt in ("as it is", "made anew"):
            try:
                with self._open() as base:
                    return work(base)
            except sqlite3.OperationalError:
                break  # locked, read-only, disk full, no such folder: nothing that a new file would mend
            except sqlite3.DatabaseError:
                if attempt == "made anew" or not self._remove():
                    break
            except OSError:
                break
        # One wait of two seconds is a price; one for each of a run's questions is not.
        self._off = True
        return otherwise

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(
            sqlite3.connect(self._path, timeout=_LOCK_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        ) as base:
            if not self._is_ours(base):
                raise sqlite3.OperationalError("written by another version")
            yield base

    def _is_ours(self, base: sqlite3.Connection) -> bool:
        version = int(base.execute("PRAGMA user_version").fetchone()[0])
        if version == 0:
            # Changing the journal needs the file for a moment alone; whoever loses the race works without.
            with suppress(sqlite3.OperationalError):
                base.execute("PRAGMA journal_mode = WAL")
            base.execute("BEGIN IMMEDIATE")
            base.execute(_CREATE)
            base.execute(f"PRAGMA user_version = {_SCHEMA:d}")
            base.execute("COMMIT")
            with suppress(OSError):
                self._path.chmod(0o600)
            version = _SCHEMA
        return version == _SCHEMA

    def _remove(self) -> bool:
        """Take a corrupt file away; the journals go first, so that no new file is ever read with an old journal."""
        try:
            # Several processes may notice at once: one takes it away, the others find a new file or none.
            spoiled = self._path.with_name(f"{_FILE}.spoiled-{os.getpid()}-{time.monotonic_ns()}")
            for suffix in ("-wal", "-shm", "-journal"):
                self._path.with_name(_FILE + suffix).unlink(missing_ok=True)
            self._path.rename(spoiled)
            spoiled.unlink(missing_ok=True)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


def _read(base: sqlite3.Connection, space: str, keys: Sequence[str]) -> Iterator[tuple[str, Kept]]:
    for start in range(0, len(keys), _KEYS_A_QUERY):
        some = keys[start : start + _KEYS_A_QUERY]
        marks = ",".join("?" * len(some))
        query = f"SELECT key, at, body, digest FROM kept WHERE space = ? AND key IN ({marks})"  # noqa: S608 - marks only
        for key, stamp, body, digest in base.execute(query, (space, *some)):
            kept = _unpacked(space, key, stamp, body, digest)
            if kept is not None:
                yield str(key), kept


def _unpacked(space: str, key: object, stamp: object, body: object, digest: object) -> Kept | None:
    if not (isinstance(key, str) and isinstance(stamp, float) and isinstance(body, bytes)):
        return None
    if digest != _digest(space, key, stamp, body):
        return None
    try:
        plain = zlib.decompressobj().decompress(body, _LARGEST_ROW)
        return Kept(body=json.loads(plain), at=datetime.fromtimestamp(stamp, timezone.utc))
    except (zlib.error, ValueError, OverflowError, OSError, RecursionError):
        return None


def _digest(space: str, key: str, stamp: float, body: bytes) -> bytes:
    head = json.dumps([space, key, stamp]).encode()
    return hashlib.blake2b(head + b"\0" + body, digest_size=16).digest()
