"""
The index files of one folder: found through a pointer, opened read-only, never changed once they are in use.

`npm.json` names the file that counts (`npm-1f2e3d4c.sqlite`) and says what it holds and how old it is. An update
builds another file beside it and then replaces the pointer, which is one rename: whoever reads has the old file or the
new one, whole. So readers need no lock, and a process that is killed leaves nothing but a file that nobody names.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

from safeinstall.advisories.packing import checksum, unpack
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.fields import field
from safeinstall.model import EcosystemName
from safeinstall.sources.osv_record import Record
from safeinstall.text import printable

K = TypeVar("K", str, bytes)

SCHEMA = 1
MEND = "run `safeinstall update --full`"

_KEYS_A_QUERY = 500
_TRIES = 5
_CLOCK_SKEW = timedelta(minutes=5)
_HASHED_AT_ONCE = 1 << 20
_MOMENT = "%Y-%m-%dT%H:%M:%S%z"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What the pointer of one ecosystem says about its index."""

    file: str
    size: int
    digest: str
    """BLAKE2b of the file."""
    records: int
    """Withdrawn ones included."""
    packages: int
    unreadable: int
    """Records that nobody could read: what they name is not judged."""
    newest: str
    """When the newest record was modified, in the spelling of `packing.moment`."""
    checked: datetime
    """Until when the index is known to hold everything: the last success of an update (aware, UTC)."""
    built: datetime
    """When it was last imported as a whole."""
    origin: str
    """Where it came from, without credentials."""

    def age(self, now: datetime) -> timedelta:
        """Return how old it is at *now*; an index from the future is as old as can be."""
        age = now - self.checked
        return timedelta.max if age < -_CLOCK_SKEW else max(age, timedelta(0))


class Index:
    """One index file, open for reading."""

    def __init__(self, base: sqlite3.Connection, ecosystem: EcosystemName, standing: Standing) -> None:
        """Read from *base*; see `opened`."""
        self._base = base
        self._ecosystem = ecosystem
        self.standing = standing

    def about(self, names: Sequence[str]) -> Mapping[str, Sequence[Record | str]]:
        """Return for each of *names* (in normal form) its records; a text is why one of them could not be read."""
        return self._find("package", "name", names)

    def with_digests(self, keys: Sequence[bytes]) -> Mapping[bytes, Sequence[Record | str]]:
        """Return for each of *keys* (see `packing.key_of`) the records that name the artifact."""
        return self._find("artifact", "digest", keys)

    def _find(self, table: str, column: str, keys: Sequence[K]) -> Mapping[K, Sequence[Record | str]]:
        found: dict[K, list[Record | str]] = {}
        try:
            for start in range(0, len(keys), _KEYS_A_QUERY):
                some = keys[start : start + _KEYS_A_QUERY]
                marks = ",".join("?" * len(some))
                query = (
                    f"SELECT t.{column}, r.body, r.sum FROM {table} t CROSS JOIN record r ON r.key = t.record"  # noqa: S608
                    f" WHERE t.{column} IN ({marks})"
                )
                for key, body, digest in self._base.execute(query, tuple(some)):
                    if digest != checksum(body):
                        raise MalformedAnswer(f"the index is damaged: {MEND}")
                    found.setdefault(key, []).append(unpack(body, self._ecosystem))
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise MalformedAnswer(f"the index is damaged: {MEND}") from error
        return found


def standing(folder: Path, ecosystem: EcosystemName) -> Standing | None:
    """Return what there is of *ecosystem* in *folder*; None: nothing. Raises `MalformedAnswer` for what is damaged."""
    try:
        text = pointer(folder, ecosystem).read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedAnswer(f"the index cannot be read: {MEND}") from error
    return read_standing(text, ecosystem)


def read_standing(text: str, ecosystem: EcosystemName) -> Standing:
    """Return what the pointer *text* says; raises `MalformedAnswer`."""
    try:
        held = json.loads(text)
        found = _read(held)
        right = (field(held, "schema", int), field(held, "ecosystem", str)) == (SCHEMA, ecosystem.value)
    except (ValueError, OverflowError, RecursionError) as error:
        raise MalformedAnswer(f"the index is damaged: {MEND}") from error
    except MalformedAnswer as error:
        raise MalformedAnswer(f"the index is damaged ({error.message}): {MEND}") from error
    if not right:
        raise MalformedAnswer(f"the index was made by another version: {MEND}")
    if Path(found.file).name != found.file or not found.file.startswith(f"{ecosystem.value}-"):
        raise MalformedAnswer(f"the index is damaged (`{printable(found.file, limit=40)}` is no name of ours): {MEND}")
    return found


def _read(held: object) -> Standing:
    return Standing(
        file=field(held, "file", str),
        size=field(held, "size", int),
        digest=field(held, "digest", str),
        records=field(held, "records", int),
        packages=field(held, "packages", int),
        unreadable=field(held, "unreadable", int),
        newest=field(held, "newest", str),
        checked=datetime.strptime(field(held, "checked", str), _MOMENT).astimezone(timezone.utc),
        built=datetime.strptime(field(held, "built", str), _MOMENT).astimezone(timezone.utc),
        origin=field(held, "origin", str),
    )


def written(held: Standing, ecosystem: EcosystemName) -> str:
    """Return *held* as a pointer keeps it."""
    document = {
        "schema": SCHEMA,
        "ecosystem": ecosystem.value,
        "file": held.file,
        "size": held.size,
        "digest": held.digest,
        "records": held.records,
        "packages": held.packages,
        "unreadable": held.unreadable,
        "newest": held.newest,
        "checked": held.checked.strftime(_MOMENT),
        "built": held.built.strftime(_MOMENT),
        "origin": held.origin,
    }
    return json.dumps(document, indent=1) + "\n"


@contextmanager
def opened(folder: Path, ecosystem: EcosystemName) -> Iterator[Index]:
    """Open the index of *ecosystem*; raises `SourceUnavailable` if there is none, `MalformedAnswer` if it is bad."""
    base, held = _connected(folder, ecosystem)
    with closing(base):
        yield Index(base, ecosystem, held)


def pointer(folder: Path, ecosystem: EcosystemName) -> Path:
    """Return where the pointer of *ecosystem* lies."""
    return folder / f"{ecosystem.value}.json"


def put_pointer(folder: Path, ecosystem: EcosystemName, held: Standing) -> None:
    """Let *held* count from now on; the file that it names is complete and on the disk."""
    path = pointer(folder, ecosystem)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with beside.open("w", encoding="utf-8") as stream:
        stream.write(written(held, ecosystem))
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest_of(path: Path) -> str:
    """Return the BLAKE2b of the file at *path*."""
    state = hashlib.blake2b(digest_size=32)
    with path.open("rb") as stream:
        while chunk := stream.read(_HASHED_AT_ONCE):
            state.update(chunk)
    return state.hexdigest()


def whole(folder: Path, held: Standing) -> bool:
    """Return whether the file that *held* names is byte for byte the one that was built; it reads all of it."""
    with suppress(OSError):
        path = folder / held.file
        return path.stat().st_size == held.size and digest_of(path) == held.digest
    return False


def _connected(folder: Path, ecosystem: EcosystemName) -> tuple[sqlite3.Connection, Standing]:
    before: Standing | None = None
    for _ in range(_TRIES):
        held = standing(folder, ecosystem)
        if held is None:
            raise SourceUnavailable(f"there is no index of {ecosystem.value}: run `safeinstall update`")
        try:
            return _connect(folder / held.file, held), held
        except (OSError, sqlite3.Error) as error:
            # An update may have replaced the pointer, and taken the file away, since we read it.
            if held == before:
                reason = printable(str(error), limit=80)
                raise MalformedAnswer(f"the index is damaged ({reason}): {MEND}") from error
            before = held
    raise MalformedAnswer(f"the index changes faster than it can be opened: {MEND}")


def _connect(path: Path, held: Standing) -> sqlite3.Connection:
    if path.stat().st_size != held.size:
        raise OSError("it has another size than it was built with")
    # Immutable: no locks, no journal, nothing written beside it. It is true: files are replaced, never changed.
    base = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    try:
        if int(base.execute("PRAGMA user_version").fetchone()[0]) != SCHEMA:
            raise sqlite3.DatabaseError("of another version")
    except sqlite3.Error:
        base.close()
        raise
    return base
