"""The real outside world: HTTP for advisory sources, processes, the clock."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO

import requests

from safeinstall import __version__
from safeinstall.contracts import Finished
from safeinstall.errors import MalformedAnswer, SourceUnavailable, ToolMissing
from safeinstall.text import printable, redacted

_CHUNK = 65_536
_CONNECT_SECONDS = 5.0
_NOT_FOUND_BY_SHELL = 127


def now() -> datetime:
    """Return the current moment (aware, UTC)."""
    return datetime.now(timezone.utc)


class RequestsHttp:
    """`Http` on one pooled requests session; every answer has a size limit and a deadline for the whole of it."""

    def __init__(self, *, headers: Mapping[str, str] | None = None) -> None:
        """Open a session that sends *headers* (tokens) besides our user agent."""
        self._session = requests.Session()
        self._session.max_redirects = 5
        self._session.headers.update({"User-Agent": f"safeinstall/{__version__}", **(headers or {})})

    def get_json(self, url: str, *, timeout: timedelta, max_bytes: int = 50_000_000) -> object:
        """See `Http.get_json`."""
        return _decoded(self._read("GET", url, None, timeout, max_bytes), url)

    def get_bytes(self, url: str, *, timeout: timedelta, max_bytes: int = 50_000_000) -> bytes:
        """See `Http.get_bytes`."""
        return self._read("GET", url, None, timeout, max_bytes)

    def post_json(self, url: str, body: object, *, timeout: timedelta, max_bytes: int = 50_000_000) -> object:
        """See `Http.post_json`."""
        return _decoded(self._read("POST", url, body, timeout, max_bytes), url)

    def _read(self, method: str, url: str, body: object, timeout: timedelta, max_bytes: int) -> bytes:
        # requests' own timeout is for each read: a server that drips would hold us for ever, so the whole is timed.
        seconds = max(timeout.total_seconds(), 0.001)
        end = time.monotonic() + seconds
        shown = redacted(url)
        try:
            with self._session.request(
                method, url, json=body, timeout=(min(_CONNECT_SECONDS, seconds), seconds), stream=True
            ) as response:
                if response.status_code != requests.codes.ok:
                    raise SourceUnavailable(f"{shown} answered {response.status_code}")
                taken = bytearray()
                for chunk in response.iter_content(_CHUNK):
                    taken += chunk
                    if len(taken) > max_bytes:
                        raise SourceUnavailable(f"{shown} answered more than {max_bytes:,} bytes")
                    if time.monotonic() > end:
                        raise SourceUnavailable(f"{shown} did not answer within {seconds:g} s")
                return bytes(taken)
        except requests.Timeout as error:
            raise SourceUnavailable(f"{shown} did not answer within {seconds:g} s") from error
        except requests.RequestException as error:
            raise SourceUnavailable(f"{shown} could not be reached ({type(error).__name__})") from error


def _decoded(body: bytes, url: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        message = f"{redacted(url)} did not answer with JSON ({printable(str(error), limit=80)})"
        raise MalformedAnswer(message) from error


class SubprocessRunner:
    """`Runner` on real processes."""

    def capture(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: timedelta | None = None
    ) -> Finished:
        """See `Runner.capture`."""
        seconds = timeout.total_seconds() if timeout is not None else None
        try:
            done = subprocess.run(  # noqa: S603 - absolute paths of the user's own tools, no shell
                list(argv),
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
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


def replace_process(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Become the real tool; returns (127) only when it cannot be started."""
    _flush(sys.stdout, sys.stderr)
    try:
        os.execve(argv[0], list(argv), dict(env))  # noqa: S606 - no shell: the user's own tool by absolute path
    except OSError:
        return _NOT_FOUND_BY_SHELL


def _flush(*streams: IO[str]) -> None:
    for stream in streams:
        stream.flush()
