"""What sources share when they ask: one deadline for the whole, many questions at once, whom to ask about."""

import queue
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from safeinstall.errors import MalformedAnswer, NotThere, SourceUnavailable
from safeinstall.model import Purl, Release, Visibility
from safeinstall.text import redacted

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_RESERVE = timedelta(milliseconds=250)
"""Kept back from the deadline for evaluating what was answered."""

_TICK_SECONDS = 0.05
_PAUSE_SECONDS = 0.3
_WORTH_ANOTHER_TRY = timedelta(seconds=1)


class Deadline:
    """A moment after which nobody waits any longer."""

    def __init__(self, whole: timedelta) -> None:
        """Start the clock: *whole* from now."""
        self.whole = whole
        reserve = min(_RESERVE, whole / 10)
        self._end = time.monotonic() + (whole - reserve).total_seconds()

    def left(self) -> timedelta:
        """Return the time that is left, never less than nothing."""
        return timedelta(seconds=max(0.0, self._end - time.monotonic()))

    def late(self) -> str:
        """Return the words for a question that had no time left."""
        return f"did not answer within {self.whole.total_seconds():g} s"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Done(Generic[K, V]):
    """What became of one question; one of the three is set."""

    key: K
    value: tuple[V, ...] = ()
    failure: str | None = None
    crash: BaseException | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Got(Generic[K, V]):
    """What became of many questions; each key stands on one side."""

    answers: Mapping[K, V]
    failures: Mapping[K, str]


def ask_each(
    work: Callable[[K], V],
    keys: Sequence[K],
    *,
    threads: int,
    until: Deadline,
    enough: Callable[[], bool] = lambda: False,
) -> Got[K, V]:
    """
    Return what *work* answers for each of *keys*, asking *threads* of them at a time until the deadline.

    A key that raised `SourceUnavailable` or `MalformedAnswer`, or was not asked because there was no time left or
    *enough* was known, is a failure. Any other exception is a bug of ours and raised here.
    """
    todo = queue.SimpleQueue[K]()
    done = queue.SimpleQueue[_Done[K, V]]()
    stopped = threading.Event()
    for key in keys:
        todo.put(key)

    def run() -> None:
        while not stopped.is_set() and until.left() and not enough():
            try:
                done.put(_try(work, todo.get_nowait()))
            except queue.Empty:
                return

    # Daemon threads: a read that hangs must hold neither the verdict nor the end of the process.
    workers = [threading.Thread(target=run, daemon=True) for _ in range(min(threads, len(keys)))]
    for worker in workers:
        worker.start()
    answers: dict[K, V] = {}
    failures: dict[K, str] = {}
    try:
        for one in _until(done, len(keys), workers, until):
            if one.crash is not None:
                raise one.crash
            if one.failure is not None:
                failures[one.key] = one.failure if until.left() else until.late()
            else:
                answers[one.key] = one.value[0]
    finally:
        stopped.set()
    failures.update({key: until.late() for key in keys if key not in answers and key not in failures})
    return Got(answers=answers, failures=failures)


def _until(
    done: "queue.SimpleQueue[_Done[K, V]]", number: int, workers: Sequence[threading.Thread], until: Deadline
) -> "Iterator[_Done[K, V]]":
    """Yield what is done until all *number* are, nobody works any more, or there is no time left."""
    while number:
        try:
            one = done.get(timeout=_TICK_SECONDS if until.left() else 0.001)
        except queue.Empty:
            working = until.left() and any(worker.is_alive() for worker in workers)
            if not working and done.empty():
                return
            continue
        number -= 1
        yield one


def patiently(work: Callable[[], V], until: Deadline) -> V:
    """
    Return what *work* gives, at the second try if the first was in vain and there is time.

    Services drop kept connections and answer 502 now and then; a run that blocks on each of these would be left off.
    """
    try:
        return work()
    except NotThere:
        raise
    except SourceUnavailable:
        if until.left() < _WORTH_ANOTHER_TRY:
            raise
    time.sleep(_PAUSE_SECONDS)
    return work()


def _try(work: Callable[[K], V], key: K) -> "_Done[K, V]":
    try:
        return _Done(key=key, value=(work(key),))
    except (SourceUnavailable, MalformedAnswer) as error:
        return _Done(key=key, failure=error.message)
    except BaseException as error:  # noqa: BLE001 - carried over to the asking thread, which raises it there
        return _Done(key=key, crash=error)


@dataclass(frozen=True, kw_only=True, slots=True)
class Askable:
    """The releases of a plan, by what a public source may be asked about them."""

    public: tuple[Release, ...]
    """One for each purl: the registry they come from is public, and so is their name."""
    private: tuple[Purl, ...]
    """From a private or local registry only: public records do not speak of them, and their names stay here."""
    unvouched: Mapping[Purl, str]
    """From no registry, or from one that nobody declared: why they are not asked about by name."""


def askable(releases: Sequence[Release]) -> Askable:
    """Return *releases* sorted by what may be asked; one purl from several origins counts by the most public."""
    public: dict[Purl, Release] = {}
    private: set[Purl] = set()
    unvouched: dict[Purl, str] = {}
    for release in releases:
        if release.registry is None:
            unvouched[release.purl] = "no registry vouches for it, so its name says nothing about it"
        elif release.registry.visibility is Visibility.PUBLIC:
            public[release.purl] = release
        elif release.registry.guessed:
            # Its names may be somebody's own, or those of the whole world served by a stranger: neither asking nor
            # calling it clean unasked would be right.
            shown = redacted(release.registry.url)
            unvouched[release.purl] = (
                f"nobody was asked about what {shown} serves, because no setting says whether its names are private: "
                "declare it in `registries.private` or `registries.public`"
            )
        else:
            private.add(release.purl)
    return Askable(
        public=tuple(public.values()),
        private=tuple(sorted(private - public.keys() - unvouched.keys())),
        unvouched={purl: why for purl, why in unvouched.items() if purl not in public},
    )
