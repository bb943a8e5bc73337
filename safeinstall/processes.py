"""The real processes: the user's own tools, by absolute path and without a shell."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO

from safeinstall.contracts import Finished
from safeinstall.errors import ToolMissing
from safeinstall.text import printable

_NOT_FOUND_BY_SHELL = 127


class SubprocessRunner:
    """`Runner` on real processes."""

    def capture(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: timedelta | None = None, fed: str = ""
    ) -> Finished:
        """See `Runner.capture`."""
        seconds = timeout.total_seconds() if timeout is not None else None
        try:
            done = subprocess.run(  # noqa: S603 - absolute paths of the user's own tools, no shell
                list(argv),
                cwd=cwd,
                env=dict(env),
                input=fed.encode(),
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except OSError as error:
            raise ToolMissing(f"`{printable(argv[0])}` could not be started ({error.strerror})") from error
        except subprocess.TimeoutExpired as error:
            raise ToolMissing(f"`{printable(argv[0])}` did not end within {seconds:g} s") from error
        return Finished(
            exit_code=done.returncode,
            stdout=done.stdout.decode("utf-8", "replace"),
            stderr=done.stderr.decode("utf-8", "replace"),
        )

    def attached(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> int:
        """See `Runner.attached`."""
        _flush(sys.stdout, sys.stderr)
        try:
            process = subprocess.Popen(list(argv), cwd=cwd, env=dict(env))  # noqa: S603 - see capture
        except OSError as error:
            raise ToolMissing(f"`{printable(argv[0])}` could not be started ({error.strerror})") from error
        # Ctrl-C reaches the whole foreground group: the manager cleans up after itself, and we wait for it.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            code = process.wait()
        finally:
            signal.signal(signal.SIGINT, before)
        return code if code >= 0 else 128 - code


def become(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Become the real tool; returns (127) only when it cannot be started."""
    _flush(sys.stdout, sys.stderr)
    try:
        os.execve(argv[0], list(argv), dict(env))  # noqa: S606 - no shell: the user's own tool by absolute path
    except OSError:
        return _NOT_FOUND_BY_SHELL


def _flush(*streams: IO[str]) -> None:
    for stream in streams:
        stream.flush()
