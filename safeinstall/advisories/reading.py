"""
Reads the records of an export into rows, on two processors where there are two.

Most of an import is parsing JSON and packing it, which one Python does on one processor. So a large export is read by
two processes that know nothing but the file, and the process that writes the index takes what they give in order.
"""

import json
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path

from safeinstall.advisories.archive import Archive, Member
from safeinstall.advisories.packing import Row, pack, unreadable
from safeinstall.errors import MalformedAnswer, SafeinstallError
from safeinstall.model import EcosystemName
from safeinstall.text import printable

_WORKERS = 2
"""More would take more memory than an import may, and the process that writes keeps no more than two busy."""
_AT_ONCE = 500
_AHEAD = 3 * _WORKERS
"""Batches that are read before somebody takes them."""
_WORTH_IT = 20_000
"""Records; fewer are read before two Pythons have started."""


def rows(path: Path, ecosystem: EcosystemName, *, workers: int | None = None) -> Iterator[Row]:
    """
    Yield a row for every record of the zip at *path*, in its order.

    Raises `MalformedAnswer` for what is no whole zip, or holds a record of which not even the names can be told.
    *workers*: how many processes read; by default as many as are worth it here.
    """
    with closing(Archive(path)) as archive:
        members = (one for one in archive.members() if one.name.endswith(".json"))
        first = list(islice(members, _WORTH_IT))
        asked = workers if workers is not None else _workers(len(first))
        batches = _batches(first, members)
        if asked > 1:
            pool = _pool(asked, path, ecosystem)
            if pool is not None:
                yield from _shared(pool, batches)
                return
        for batch in batches:
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


def _batches(first: Sequence[Member], others: Iterable[Member]) -> Iterator[list[Member]]:
    for stream in (iter(first), iter(others)):
        while batch := list(islice(stream, _AT_ONCE)):
            yield batch


def _read(archive: Archive, batch: Sequence[Member], ecosystem: EcosystemName) -> Iterator[Row]:
    for member in batch:
        try:
            document = json.loads(archive.content(member))
        except (ValueError, RecursionError) as error:
            raise MalformedAnswer(f"{printable(member.name, limit=80)} is no JSON") from error
        yield row(document, member.name, ecosystem)


def _pool(workers: int, path: Path, ecosystem: EcosystemName) -> ProcessPoolExecutor | None:
    """Return processes that read; None where the system has none to give (no shared memory, as in some sandboxes)."""
    # Not by fork: threads of ours run, and what they hold would be held for ever in the child.
    with suppress(OSError, ImportError, NotImplementedError):
        return ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(path, ecosystem)
        )
    return None


def _shared(pool: ProcessPoolExecutor, batches: Iterator[list[Member]]) -> Iterator[Row]:
    ahead: deque[Future[list[Row]]] = deque()
    try:
        for batch in batches:
            ahead.append(pool.submit(_work, batch))
            if len(ahead) >= _AHEAD:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    except BrokenProcessPool as error:
        raise SafeinstallError(
            "a process that read the export was ended from outside", hint="is there enough memory?"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_source: tuple[Archive, EcosystemName] | None = None
"""In a reading process: what it reads. A process is started for one file and ends with it."""


def _begin(path: Path, ecosystem: EcosystemName) -> None:
    global _source  # noqa: PLW0603 - an initializer of a process pool has no other way to hand anything on
    _source = (Archive(path), ecosystem)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End when the parent is killed: the pool's own pipes would keep its processes waiting for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _work(batch: Sequence[Member]) -> list[Row]:
    assert _source is not None
    archive, ecosystem = _source
    return list(_read(archive, batch, ecosystem))
