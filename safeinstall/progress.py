"""What is going on, on one line of a terminal that vanishes again."""

import threading
from typing import TextIO

_CLEAR = "\r\x1b[2K"


class Quiet:
    """A `Reporter` for whoever is no terminal: it says nothing."""

    def step(self, text: str) -> None:
        """See `Reporter.step`."""

    def done(self) -> None:
        """See `Reporter.done`."""


class Terminal:
    """A `Reporter` on a terminal."""

    def __init__(self, stream: TextIO) -> None:
        """Write to *stream*, which must be a terminal."""
        self._stream = stream
        self._lock = threading.Lock()
        self._shown = False

    def step(self, text: str) -> None:
        """See `Reporter.step`."""
        with self._lock:
            self._write(f"{_CLEAR}safeinstall: {text} ...")
            self._shown = True

    def done(self) -> None:
        """See `Reporter.done`."""
        with self._lock:
            if self._shown:
                self._write(_CLEAR)
            self._shown = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
