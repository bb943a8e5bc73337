"""Work that several threads want is done once."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class SingleFlight(Generic[V]):
    """Results by key: the first who asks makes it, the others wait for it; a failure is not remembered."""

    def __init__(self) -> None:
        """Begin empty."""
        self._done: dict[str, V] = {}
        self._running: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], V]) -> V:
        """
        Return the result for *key*, made by *make* if nobody has.

        When another's *make* raised, ours is called: it may have other credentials, and it is our error to report.
        """
        mine = threading.Event()
        while True:
            with self._lock:
                if key in self._done:
                    return self._done[key]
                running = self._running.setdefault(key, mine)
            if running is mine:
                break
            running.wait()
        try:
            value = make()
            with self._lock:
                self._done[key] = value
            return value
        finally:
            with self._lock:
                del self._running[key]
            mine.set()

    def peek(self, key: str) -> V | None:
        """Return the result for *key* if there is one already."""
        with self._lock:
            return self._done.get(key)
