"""The pip inside of one interpreter, for `python -m pip` and its like, which name no tool on PATH."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from safeinstall.errors import Misconfigured
from safeinstall.text import printable

_FLAGS = frozenset("IEsP")


@dataclass(frozen=True, kw_only=True, slots=True)
class Inside:
    """Where that pip runs."""

    python: Path
    flags: str
    """Those of Python that decide what pip sees: `-I`, `-E`, `-s`, `-P`, as letters."""

    def command(self) -> tuple[str, ...]:
        """Return what runs that pip, for its own words to follow."""
        return (str(self.python), *([f"-{self.flags}"] if self.flags else []), "-m", "pip")

    @contextmanager
    def as_file(self) -> Iterator[Path]:
        """
        Lend a `pip` whose first lines name this interpreter, as the one in an environment's `bin` does.

        Whoever wants to know which Python a pip runs in reads these lines; the file is never run.
        """
        with tempfile.TemporaryDirectory(prefix="safeinstall-pip-") as folder:
            path = Path(folder) / "pip"
            flags = f"-{self.flags} " if self.flags else ""
            path.write_text(f"#!/bin/sh\n'''exec' \"{self.python}\" {flags}\"$0\" \"$@\"\n' '''\n", encoding="utf-8")
            path.chmod(0o700)
            yield path


def read(text: str) -> Inside:
    """Return what `--safeinstall-python FLAGS:PATH` says; raises `Misconfigured`."""
    flags, colon, path = text.partition(":")
    if not colon or not Path(path).is_absolute() or not _FLAGS.issuperset(flags):
        raise Misconfigured(f"`--safeinstall-python` is `FLAGS:/path/to/python`, not `{printable(text)}`")
    return Inside(python=Path(path), flags=flags)
