"""Whether the ledger is what was written: every line follows the one before, and the head stands at the end."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field as told
from safeinstall.journal import BEGINNING, FORMAT, Head, following, parsed, parts, read_head, shared
from safeinstall.text import printable


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What reading the whole ledger showed."""

    lines: int = 0
    """That are chained."""
    older: int = 0
    """Of the format without a chain; the chain of what followed covers them."""
    torn: int = 0
    """Half written by writers that were killed, or no lines of ours; never read as runs."""
    begins: int = 1
    """The number of the first line: more than 1 when older files were removed."""
    behind: int = 0
    """Lines behind the head: their writer was stopped before it could move the head, or somebody added them."""
    end: Head = field(default_factory=Head)
    faults: tuple[str, ...] = ()
    """What was changed, cut or added, in words; empty when everything holds."""


@dataclass(slots=True)
class _Walk:
    """The state of one reading."""

    head: Head | None
    anchor: tuple[int, str] | None
    now: Head = field(default_factory=Head)
    checked: Checked = field(default_factory=Checked)
    faults: list[str] = field(default_factory=list)
    passed: bool = False
    """The place that the head names was reached."""
    anchored: bool = False
    lines_at_head: int = 0


def verify(path: Path, anchor: tuple[int, str] | None = None) -> Checked:
    """
    Return what is wrong with the ledger at *path*; raises `OSError`.

    *anchor* is the number of a line and the hash up to it, as an earlier verification told them and somebody kept them
    elsewhere: then also a chain that was written anew as a whole is found.
    """
    with shared(path):
        known, head = parts(path), read_head(path)
        if not known and head is None:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        walk = _Walk(head=head, anchor=anchor)
        for number, file in known.items():
            walk.now = replace(walk.now, part=number, size=0)
            _see_head(walk)
            with file.open("rb") as stream:
                for raw in stream:
                    _step(walk, raw, file.name)
    walk.faults += _at_the_end(walk)
    behind = walk.now.lines - walk.lines_at_head if walk.passed else 0
    return replace(walk.checked, behind=behind, end=walk.now, faults=tuple(walk.faults))


def _step(walk: _Walk, raw: bytes, name: str) -> None:
    checked, number = walk.checked, walk.now.lines + 1
    if not raw.endswith(b"\n"):
        walk.checked = replace(checked, torn=checked.torn + 1)
        return
    line = parsed(raw)
    if line is None:
        walk.checked = replace(checked, torn=checked.torn + 1)
    elif line.get("ledger") != FORMAT:
        walk.checked = replace(checked, older=checked.older + 1)
    else:
        walk.checked = replace(checked, lines=checked.lines + 1)
        try:
            mine, previous = told(line, "number", int), told(line, "previous", str)
        except MalformedAnswer:
            walk.faults.append(f"line {number} ({name}) does not say what it follows")
            mine, previous = number, walk.now.chain
        if walk.now.lines == 0 and walk.now.chain == BEGINNING and mine > 1:
            # Older files were removed, by whoever keeps the disk tidy: the chain is held from here on.
            walk.checked = replace(walk.checked, begins=mine)
        elif (mine, previous) != (number, walk.now.chain):
            walk.faults.append(f"what stands before line {mine} ({name}) was changed, cut or added to")
        walk.now = replace(walk.now, lines=mine - 1, chain=previous)
        if "doubt" in line:
            walk.faults.append(f"when line {mine} ({name}) was written, {printable(str(line['doubt']))}")
    chain = following(walk.now.chain, raw)
    walk.now = replace(walk.now, size=walk.now.size + len(raw), lines=walk.now.lines + 1, chain=chain)
    _see_head(walk)
    if walk.anchor is not None and walk.now.lines == walk.anchor[0]:
        walk.anchored = True
        if walk.now.chain != walk.anchor[1]:
            walk.faults.append(f"line {walk.anchor[0]} or one before it is not what the anchor knew")


def _see_head(walk: _Walk) -> None:
    head = walk.head
    if head is None or walk.passed or (walk.now.part, walk.now.size) != (head.part, head.size):
        return
    walk.passed, walk.lines_at_head = True, walk.now.lines
    if (walk.now.lines, walk.now.chain) != (head.lines, head.chain):
        walk.faults.append(f"the last lines, up to line {head.lines}, are not those that the head knows")


def _at_the_end(walk: _Walk) -> Iterator[str]:
    head = walk.head
    if head is None:
        if walk.checked.lines:
            yield "the head is missing: a cut at the end could not be seen"
    elif not walk.passed:
        there = "as many" if walk.now.lines == head.lines else str(walk.now.lines)
        yield f"the head knows {head.lines} lines, {there} are there: the end was cut or changed"
    if walk.anchor is not None and not walk.anchored:
        yield f"there is no line {walk.anchor[0]}, which the anchor knew"
