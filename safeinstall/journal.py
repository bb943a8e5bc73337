"""
The file below the ledger: lines that are only appended, chained by hash, rotated, safe against kill and full disks.

Each line names `previous`: a hash over every byte that stood before it, half written lines and older formats included.
A head file beside the ledger names the end, so that a cut there shows too. None of this is a signature: whoever may
write the folder can write a new chain. What it shows is damage, careless edits, and, against a head that was kept
elsewhere, everything (docs/ledger.md).
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field

FORMAT = 2
LIMIT = 16_000_000
"""Bytes after which a file is put aside and a new one begun."""
BEGINNING = "0" * 64
"""The hash of nothing: what the first line of all follows."""
_READ = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Where the ledger ended when it was last written."""

    part: int = 1
    """The number of the file, from 1; those before it were put aside."""
    size: int = 0
    """Bytes of that file."""
    lines: int = 0
    """Of all files."""
    chain: str = BEGINNING
    """The hash over all of it."""

    def after(self, raw: bytes) -> "Head":
        """Return the head when the whole line *raw* follows."""
        return replace(self, size=self.size + len(raw), lines=self.lines + 1, chain=following(self.chain, raw))


def following(chain: str, raw: bytes) -> str:
    """Return the hash over everything before, *chain*, and the line *raw* with its end."""
    return hashlib.sha256(chain.encode() + b"\n" + raw).hexdigest()


def append(path: Path, line: Mapping[str, object], *, limit: int = LIMIT) -> None:
    """
    Append *line* to the ledger at *path* and wait until the disk has it; raises `OSError`, and then nothing was added.

    (0) One writer at a time. A half written line of a writer that was killed is ended first, and never trusted.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(path, fcntl.LOCK_EX):
        # (1) Where the ledger ends, and whether that is where its head says.
        known, told = _known(path), read_head(path)
        head, torn, doubt = _end(known, told)
        # (2) A file that has become too long is put aside; one with a half written end waits until that is ended.
        if head.size >= limit and path in known.values() and not torn:
            path.rename(_aside(path, head.part))
            head = replace(head, part=head.part + 1, size=0)
        elif path not in known.values():
            head = replace(head, part=max(known, default=0) + 1, size=0)
        # (3) The line, with what it follows, in one write.
        ended = head.after(torn + b"\n") if torn else head
        entry = {**line, "number": ended.lines + 1, "previous": ended.chain, **doubt}
        data = json.dumps(entry, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        _written(path, b"\n" + data if torn else data)
        # (4) The new end. Without it the line is there all the same: the next writer finds it.
        _keep(path, ended.after(data))


def lines(path: Path) -> Iterator[Mapping[str, object]]:
    """Yield the lines of the ledger at *path*, oldest first; what is no whole line is left out; raises `OSError`."""
    for file in _opened(path):
        with file:
            for raw in file:
                line = parsed(raw)
                if line is not None:
                    yield line


def parsed(raw: bytes) -> Mapping[str, object] | None:
    """Return the line *raw*; None when it is no whole line of a format that is known."""
    try:
        line = json.loads(raw) if raw.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and line.get("ledger") in (1, FORMAT) else None


def read_head(path: Path) -> Head | None:
    """Return the head of the ledger at *path*; None: there is none that can be read."""
    try:
        document: object = json.loads(_head(path).read_text(encoding="ascii"))
        return Head(
            part=field(document, "part", int),
            size=field(document, "size", int),
            lines=field(document, "lines", int),
            chain=field(document, "chain", str),
        )
    except (OSError, ValueError, RecursionError, MalformedAnswer):
        return None


def parts(path: Path) -> Mapping[int, Path]:
    """Return the files of the ledger at *path* by their numbers, oldest first, the one that is written to last."""
    return _known(path)


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Keep writers waiting; where nobody has written yet, or may, there is nobody to wait."""
    try:
        handle = os.open(_lock(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def _end(known: Mapping[int, Path], told: Head | None) -> tuple[Head, bytes, dict[str, object]]:
    """Return where the ledger ends, what is half written there, and what is wrong with it, to be kept in the chain."""
    last = max(known, default=1)
    if told is None:
        head, torn = _caught_up(known, Head(part=min(known, default=1)))
        chained = any(line.get("ledger") == FORMAT for path in known.values() for line in _whole(path))
        return replace(head, part=last), torn, {"doubt": "there was no head"} if chained else {}
    size = known[told.part].stat().st_size if told.part in known else 0
    if size < told.size:
        # The chain goes on from what was promised: what is missing is missed for ever, whoever writes next.
        here = known[last].stat().st_size if last in known else 0
        return replace(told, part=last, size=here), b"", {"doubt": "the end was cut"}
    head, torn = _caught_up(known, told)
    return head, torn, {}


def _caught_up(known: Mapping[int, Path], head: Head) -> tuple[Head, bytes]:
    """Return *head* after the lines that follow it, and what is half written behind them."""
    torn = b""
    for number in sorted(one for one in known if one >= head.part):
        if number > head.part:
            head = replace(head, part=number, size=0)
        with known[number].open("rb") as file:
            file.seek(head.size)
            for raw in file:
                if raw.endswith(b"\n"):
                    head = head.after(raw)
                else:
                    torn = raw
    return head, torn


def _whole(path: Path) -> Iterator[Mapping[str, object]]:
    with path.open("rb") as file:
        yield from (line for raw in file if (line := parsed(raw)) is not None)


def _written(path: Path, data: bytes) -> None:
    # O_NOFOLLOW: a link in the ledger's place would let somebody else choose what we append to.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        size = os.fstat(handle).st_size
        try:
            rest = data
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError:
            # A full disk: half a line is taken back rather than left.
            os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)
    if size == 0:
        _synced(path.parent)


def _keep(path: Path, head: Head) -> None:
    fresh = path.with_name(f"{path.name}.head.new")
    document = {"ledger": FORMAT, "part": head.part, "size": head.size, "lines": head.lines, "chain": head.chain}
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(json.dumps(document) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(_head(path))
        _synced(path.parent)
    except OSError:
        # The line is on the disk, and an older head only means that the next reader has more to read.
        return


def _synced(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    # A file of its own: the ledger itself may be put aside while others wait for it.
    handle = os.open(_lock(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def _opened(path: Path) -> list[BinaryIO]:
    """Return all files of the ledger, opened at one moment."""
    with ExitStack() as undo, shared(path):
        found: list[BinaryIO] = [undo.enter_context(one.open("rb")) for one in _known(path).values()]
        if not found:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        undo.pop_all()
    return found


def _known(path: Path) -> dict[int, Path]:
    found = {}
    for one in path.parent.glob(f"{path.stem}.*{path.suffix}"):
        number = one.name[len(path.stem) + 1 : -len(path.suffix)] if path.suffix else ""
        if number.isascii() and number.isdecimal():
            found[int(number)] = one
    if os.path.lexists(path):
        found[max(found, default=0) + 1] = path
    return dict(sorted(found.items()))


def _aside(path: Path, part: int) -> Path:
    return path.with_name(f"{path.stem}.{part:04d}{path.suffix}")


def _head(path: Path) -> Path:
    return path.with_name(f"{path.name}.head")


def _lock(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")
