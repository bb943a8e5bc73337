"""
One marked block in a file of the user's: put in, replaced, and taken out again without a trace.

The first line of the block holds what taking it out needs to know (was there a file, did it end in a newline, which
folders were made), so that no record of ours can get lost or out of step with the file.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from safeinstall.errors import MalformedAnswer, Misconfigured
from safeinstall.fields import field, optional
from safeinstall.ways.files import make_parents, read, remove, write

BEGIN = b"# >>> safeinstall >>>"
END = b"# <<< safeinstall <<<"
_HINT = "take what is left of the block out by hand"


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """What a file was like before our block came into it."""

    existed: bool
    newline: bool
    """Whether it ended in a newline, or was empty."""
    folders: int = 0
    """How many folders above it were made for it."""
    shims: str = ""
    """The folder of shims that the block names; empty: it names none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where a block is in the bytes of a file."""

    start: int
    end: int
    before: Before


def held(path: Path) -> Before | None:
    """Return what the block in *path* remembers; None: there is no block, or no such file."""
    data = read(path)
    place = None if data is None else _find(data, path)
    return None if place is None else place.before


def put(path: Path, text: str, *, shims: Path | None = None) -> bool:
    """Put the block with *text* into *path*, in the place of an older one or at the end; returns whether it changed."""
    data = read(path)
    place = None if data is None else _find(data, path)
    told = "" if shims is None else str(shims)
    if data is not None and place is not None:
        old = place.before
        before = Before(existed=old.existed, newline=old.newline, folders=old.folders, shims=told)
        new = data[: place.start] + _rendered(text, before) + data[place.end :]
    else:
        body = data or b""
        newline = not body or body.endswith(b"\n")
        folders = make_parents(path)
        before = Before(existed=data is not None, newline=newline, folders=folders, shims=told)
        new = body + (b"" if newline else b"\n") + _rendered(text, before)
    if new == data:
        return False
    try:
        write(path, new)
    except OSError:
        if data is None:
            remove(path, folders=before.folders)
        raise
    return True


def take(path: Path) -> bool:
    """Take the block out of *path*, and the file and its folders too if they were made for it; returns whether."""
    data = read(path)
    place = None if data is None else _find(data, path)
    if data is None or place is None:
        return False
    head, tail = data[: place.start], data[place.end :]
    if not place.before.newline and not tail:
        head = head.removesuffix(b"\n")
    if place.before.existed or head or tail:
        write(path, head + tail)
    else:
        remove(path, folders=place.before.folders)
    return True


def _rendered(text: str, before: Before) -> bytes:
    told = {
        "existed": before.existed,
        "newline": before.newline,
        "folders": before.folders,
        **({"shims": before.shims} if before.shims else {}),
    }
    head = json.dumps(told, ensure_ascii=True).encode()
    return BEGIN + b" " + head + b"\n" + text.encode() + END + b"\n"


def _find(data: bytes, path: Path) -> _Place | None:
    start = 0 if data.startswith(BEGIN) else data.find(b"\n" + BEGIN) + 1
    if not data.startswith(BEGIN, start):
        return None
    stop = data.find(b"\n" + END, start)
    if stop < 0:
        raise Misconfigured(f"the block of safeinstall in {path} has no end", hint=_HINT)
    line = data.find(b"\n", stop + 1)
    end = len(data) if line < 0 else line + 1
    first = data[start + len(BEGIN) : data.find(b"\n", start)]
    try:
        told: object = json.loads(first)
        before = Before(
            existed=field(told, "existed", bool),
            newline=field(told, "newline", bool),
            folders=field(told, "folders", int),
            shims=optional(told, "shims", str) or "",
        )
    except (ValueError, MalformedAnswer) as error:
        raise Misconfigured(f"the first line of the block of safeinstall in {path} was changed", hint=_HINT) from error
    return _Place(start=start, end=end, before=before)
