"""Writes an index file beside the one that counts, in one transaction, and lets it count when it is whole."""

import fcntl
import hashlib
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from safeinstall.advisories.packing import Row, checksum
from safeinstall.advisories.store import SCHEMA, Standing, digest_of, put_pointer
from safeinstall.errors import MalformedAnswer, SafeinstallError, SourceUnavailable
from safeinstall.model import EcosystemName
from safeinstall.text import printable

_ROWS_AT_ONCE = 500
_CACHE_KIB = 48_000
_COPIED_AT_ONCE = 1 << 20
_LOCK = "update.lock"
_PATIENCE_SECONDS = 600
_TABLES = """
PRAGMA page_size = 4096;
PRAGMA user_version = 1;
CREATE TABLE record (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL, modified TEXT NOT NULL, sum BLOB NOT NULL, body TEXT NOT NULL,
    details BLOB NOT NULL
);
CREATE INDEX record_unreadable ON record (key) WHERE details = x'';
CREATE TABLE package (name TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (name, record)) WITHOUT ROWID;
CREATE TABLE used (last INTEGER NOT NULL);
CREATE TABLE artifact (digest BLOB NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (digest, record)) WITHOUT ROWID;
"""
_INDEX = "CREATE UNIQUE INDEX record_id ON record (id)"


class Builder:
    """An index file in the making; see `new` and `copy`."""

    def __init__(self, folder: Path, ecosystem: EcosystemName) -> None:
        """Start a file in *folder*, which the lock of `alone` must hold."""
        self._folder = folder
        self._ecosystem = ecosystem
        self._path = folder / f"{ecosystem.value}-{secrets.token_hex(6)}.sqlite"
        self._base: sqlite3.Connection | None = None
        self._key = 0
        self._newest = ""

    @property
    def base(self) -> sqlite3.Connection:
        """The open file."""
        assert self._base is not None
        return self._base

    def put(self, rows: Iterable[Row]) -> int:
        """Add *rows*, each in the place of the record of its id; returns how many."""
        number = 0
        stream = iter(rows)
        while some := list(islice(stream, _ROWS_AT_ONCE)):
            self.base.executemany("DELETE FROM record WHERE id = ?", ((row.ident,) for row in some))
            self._insert(some)
            number += len(some)
        return number

    def fill(self, rows: Iterable[Row]) -> int:
        """Add *rows* to a new file, faster than `put`; raises `MalformedAnswer` when two of them have one id."""
        number = 0
        stream = iter(rows)
        while some := list(islice(stream, _ROWS_AT_ONCE)):
            self._insert(some)
            number += len(some)
        try:
            self.base.execute(_INDEX)
        except sqlite3.IntegrityError as error:
            raise MalformedAnswer("the export holds two records of one id") from error
        return number

    def modified(self, idents: Iterable[str]) -> dict[str, str]:
        """Return of those of *idents* that are in it when they were modified."""
        found: dict[str, str] = {}
        for ident in idents:
            row = self.base.execute("SELECT modified FROM record WHERE id = ?", (ident,)).fetchone()
            if row is not None:
                found[ident] = str(row[0])
        return found

    def finish(self, *, checked: datetime, built: datetime, origin: str) -> Standing:
        """Write all of it to the disk and let it count; returns what counts now."""
        records = self._number("SELECT count(*) FROM record INDEXED BY record_id")
        # What `packing.unreadable` leaves empty; a partial index counts them without reading the whole file.
        unreadable = self._number("SELECT count(*) FROM record WHERE details = x''")
        packages = self._number("SELECT count(DISTINCT name) FROM package")
        self.base.execute("INSERT INTO used VALUES (?)", (self._key,))
        self.base.execute("COMMIT")
        self.base.close()
        self._base = None
        with self._path.open("rb") as stream:
            os.fsync(stream.fileno())
        held = Standing(
            file=self._path.name,
            size=self._path.stat().st_size,
            digest=digest_of(self._path),
            records=records,
            packages=packages,
            unreadable=unreadable,
            newest=self._newest,
            checked=checked,
            built=built,
            origin=origin,
        )
        put_pointer(self._folder, self._ecosystem, held)
        clean(self._folder, self._ecosystem, held.file)
        return held

    def _number(self, query: str) -> int:
        return int(self.base.execute(query).fetchone()[0])

    def _insert(self, rows: list[Row]) -> None:
        first = self._key + 1
        self._key += len(rows)
        self._newest = max(self._newest, *(row.modified for row in rows))
        keyed = list(enumerate(rows, first))
        self.base.executemany(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)",
            ((key, row.ident, row.modified, checksum(row.body), row.body, row.details) for key, row in keyed),
        )
        self.base.executemany(
            "INSERT INTO package VALUES (?, ?)", ((name, key) for key, row in keyed for name in row.names)
        )
        self.base.executemany(
            "INSERT INTO artifact VALUES (?, ?)", ((digest, key) for key, row in keyed for digest in row.digests)
        )

    def _open(self, tables: str) -> None:
        # Nobody else knows this file, and a broken one is thrown away: no journal, no waiting for the disk.
        self._base = sqlite3.connect(self._path, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}", "temp_store = FILE"):
            self._base.execute(f"PRAGMA {pragma}")
        self._base.executescript(tables)
        self._base.execute("BEGIN")
        # A key is never given twice: rows of `package` outlive the record that they were made for.
        largest = "SELECT max((SELECT coalesce(max(key), 0) FROM record), (SELECT coalesce(max(last), 0) FROM used))"
        self._key = self._number(largest)

    def _discard(self) -> None:
        if self._base is not None:
            self._base.close()
            self._path.unlink(missing_ok=True)


@contextmanager
def new(folder: Path, ecosystem: EcosystemName) -> Iterator[Builder]:
    """Build an index from nothing; what is not finished is thrown away."""
    builder = Builder(folder, ecosystem)
    with _disposing(builder):
        builder._open(_TABLES)  # noqa: SLF001 - the one way in
        yield builder


@contextmanager
def copy(folder: Path, ecosystem: EcosystemName, held: Standing) -> Iterator[Builder]:
    """Build an index from the one that counts; raises `MalformedAnswer` when that is not as it was built."""
    builder = Builder(folder, ecosystem)
    with _disposing(builder):
        _copied(folder / held.file, builder._path, held)  # noqa: SLF001 - the one way in
        builder._open("")  # noqa: SLF001
        builder._newest = held.newest  # noqa: SLF001
        yield builder


@contextmanager
def _disposing(builder: Builder) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SafeinstallError(f"the index could not be written ({printable(str(error), limit=80)})") from error
    except OSError as error:
        raise SafeinstallError(f"the index could not be written ({error.strerror})") from error
    finally:
        builder._discard()  # noqa: SLF001


def _copied(source: Path, target: Path, held: Standing) -> None:
    state = hashlib.blake2b(digest_size=32)
    try:
        with source.open("rb") as old, target.open("xb") as stream:
            while chunk := old.read(_COPIED_AT_ONCE):
                state.update(chunk)
                stream.write(chunk)
    except FileNotFoundError as error:
        raise MalformedAnswer("the index is damaged: its file is gone") from error
    if state.hexdigest() != held.digest:
        target.unlink(missing_ok=True)
        raise MalformedAnswer("the index is damaged: it is not what was built")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of *folder*, which is made; an update that runs already is waited for."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise SafeinstallError(f"the folder {folder} cannot be written to ({error.strerror})") from error
    try:
        ends = time.monotonic() + _PATIENCE_SECONDS
        # The kernel lets go of it when the process ends, however it ends.
        while not _locked(handle):
            if time.monotonic() > ends:
                raise SourceUnavailable(f"another update has run for {_PATIENCE_SECONDS} s")
            time.sleep(0.1)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def clean(folder: Path, ecosystem: EcosystemName, keep: str | None) -> None:
    """Take away the files that no pointer names; whoever has one open goes on reading it."""
    _remove(folder, (f"{ecosystem.value}-*",), keep)


def sweep(folder: Path, ecosystem: EcosystemName, keep: str | None) -> None:
    """Take away what killed updates left; call it before anything is begun."""
    _remove(folder, (f"{ecosystem.value}-*", f"{ecosystem.value}.json.*.part", "download-*.part"), keep)


def _remove(folder: Path, patterns: Sequence[str], keep: str | None) -> None:
    for path in (path for pattern in patterns for path in folder.glob(pattern)):
        if path.name != keep:
            with suppress(OSError):
                path.unlink()


def touched(folder: Path, ecosystem: EcosystemName, held: Standing, checked: datetime) -> Standing:
    """Let the index count as checked at *checked*, as nothing has changed since."""
    now = replace(held, checked=checked)
    put_pointer(folder, ecosystem, now)
    return now


assert f"user_version = {SCHEMA}" in _TABLES
