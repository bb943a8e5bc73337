"""
Reads the records of an export into rows, on two processors where there are two.

Most of an import is parsing JSON and packing it, which one Python does on one processor. So a large export is read by
two processes that know nothing but the file, and the process that writes the index takes what they give in order.
"""

import json
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, cycle, islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from queue import Queue

from safeinstall.advisories.archive import Archive, Member
from safeinstall.advisories.packing import Row, pack, unreadable
from safeinstall.errors import MalformedAnswer, SafeinstallError
from safeinstall.model import EcosystemName
from safeinstall.text import printable

_WORKERS = 2
"""More would take more memory than an import may, and the process that writes keeps no more than two busy."""
_AT_ONCE = 500
_AHEAD = 3
"""Batches that each process reads before somebody takes them."""
_WORTH_IT = 20_000
"""Records; fewer are read before two Pythons have started."""


def rows(path: Path, ecosystem: EcosystemName, *, workers: int | None = None) -> Iterator[Row]:
    """
    Yield a row for every record of the zip at *path*, in its order.

    Raises `MalformedAnswer` for what is no whole zip, or holds a record of which not even the names can be told.
    *workers*: how many processes read; by default as many as are worth it here.
    """
    with closing(Archive(path)) as archive:
        members = _records(archive)
        first = list(islice(members, _WORTH_IT))
        asked = workers if workers is not None else _workers(len(first))
        readers = _readers(asked, path, ecosystem) if asked > 1 else []
        if readers:
            yield from _taken(readers)
            return
        for batch in _batches(chain(first, members)):
            yield from _read(archive, batch, ecosystem)


def row(document: object, name: str, ecosystem: EcosystemName) -> Row:
    """Return the row of *document*; one that cannot be read makes silence about what it names, and stops nothing."""
    try:
        return pack(document, ecosystem)
    except MalformedAnswer as error:
        ident = Path(name).name.removesuffix(".json")
        try:
            return unreadable(document, ident, ecosystem, error.message)
        except MalformedAnswer as nameless:
            raise MalformedAnswer(f"{printable(name, limit=80)} cannot be read: {error.message}") from nameless


def _workers(records: int) -> int:
    if records < _WORTH_IT:
        return 1
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return min(_WORKERS, len(usable))


def _records(archive: Archive) -> Iterator[Member]:
    return (one for one in archive.members() if one.name.endswith(".json"))


def _batches(members: Iterable[Member]) -> Iterator[list[Member]]:
    stream = iter(members)
    while batch := list(islice(stream, _AT_ONCE)):
        yield batch


def _read(archive: Archive, batch: Sequence[Member], ecosystem: EcosystemName) -> Iterator[Row]:
    for member in batch:
        try:
            document = json.loads(archive.content(member))
        except (ValueError, RecursionError) as error:
            raise MalformedAnswer(f"{printable(member.name, limit=80)} is no JSON") from error
        yield row(document, member.name, ecosystem)


@dataclass(frozen=True, slots=True)
class _Reader:
    """A process that reads its share of the batches, and where its rows come out."""

    process: SpawnProcess
    rows: Connection


def _readers(number: int, path: Path, ecosystem: EcosystemName) -> list[_Reader]:
    """Start *number* processes that read; none where the system has none to give (as in some sandboxes)."""
    # Not by fork: threads of ours run, and what they hold would be held for ever in the child.
    context = get_context("spawn")
    readers: list[_Reader] = []
    try:
        for turn in range(number):
            ours, theirs = context.Pipe(duplex=False)
            # Each has a pipe of its own, whose other end is nobody else's: one that is killed in the middle of a batch
            # ends its pipe. In a queue that all of them share, half a batch would be waited for for ever.
            with closing(theirs):
                process = context.Process(target=_work, args=(path, ecosystem, turn, number, theirs), daemon=True)
                process.start()
            readers.append(_Reader(process, ours))
    except (OSError, ImportError, NotImplementedError):
        _end(readers)
        return []
    return readers


def _taken(readers: Sequence[_Reader]) -> Iterator[Row]:
    """Yield what *readers* read, each of them in its turn."""
    try:
        for reader in cycle(readers):
            try:
                said = reader.rows.recv()
            except (EOFError, OSError) as error:
                raise SafeinstallError(
                    "a process that read the export was ended from outside", hint="is there enough memory?"
                ) from error
            if said is None:
                return
            if isinstance(said, MalformedAnswer):
                raise said
            yield from said
    finally:
        _end(readers)


def _end(readers: Iterable[_Reader]) -> None:
    for reader in readers:
        reader.process.terminate()
        reader.rows.close()
        reader.process.join()


def _work(path: Path, ecosystem: EcosystemName, turn: int, number: int, to: Connection) -> None:
    """Send the rows of each batch whose turn it is, in a process of its own; then None, or what is wrong."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # A batch is more than a pipe holds: a thread waits until it is taken, and reading goes on.
    ahead: Queue[list[Row] | MalformedAnswer | None] = Queue(_AHEAD)
    sender = threading.Thread(target=_send, args=(ahead, to))
    sender.start()
    try:
        with closing(Archive(path)) as archive:
            for count, batch in enumerate(_batches(_records(archive))):
                if count % number == turn:
                    ahead.put(list(_read(archive, batch, ecosystem)))
        ahead.put(None)
    except MalformedAnswer as error:
        ahead.put(error)
    sender.join()


def _send(ahead: "Queue[list[Row] | MalformedAnswer | None]", to: Connection) -> None:
    while True:
        said = ahead.get()
        to.send(said)
        if not isinstance(said, list):
            return


def _end_with_parent() -> None:
    """End when the parent is killed, also while a batch is being read that nobody waits for any more."""
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
