"""Finding the interpreter behind a pip."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from safeinstall.contracts import Runner
from safeinstall.errors import MalformedAnswer, NotUnderstood
from safeinstall.fields import field
from safeinstall.text import printable

_HEAD = 2048
_PROBE_TIMEOUT = timedelta(seconds=60)
_PROBE = """\
import json, os, sys
words = getattr(sys, "orig_argv", None)
if words is None or any("pip" in os.path.basename(word) for word in words[1:]):
    told = {"safeinstall": True, "executable": sys.executable}
    os.write(1, ("\\n" + json.dumps(told) + "\\n").encode("utf-8"))
    os._exit(0)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """The Python that a pip runs in."""

    command: tuple[str, ...]
    """Its absolute path, then the flags of the shebang (`-I`, `-sP`)."""

    @property
    def path(self) -> Path:
        """The executable."""
        return Path(self.command[0])


def interpreter_of(pip: Path, runner: Runner, env: Mapping[str, str], cwd: Path, probe: Path) -> Interpreter:
    """
    Return the interpreter that runs *pip* when called in *cwd*; *probe* is an empty folder of ours.

    A Python script tells it in its first line. A wrapper (pyenv, asdf, a shell script, a binary) is run once with a
    `sitecustomize` that tells which Python it starts and ends it before pip does anything. It is run where the user is,
    because version managers choose by a file in the working folder. Raises `NotUnderstood` when it does not tell.
    """
    named = _named(_head(pip), env)
    if named is not None:
        return named
    (probe / "sitecustomize.py").write_text(_PROBE, encoding="utf-8")
    path = os.pathsep.join([str(probe), *filter(None, [env.get("PYTHONPATH")])])
    done = runner.capture([str(pip), "--version"], cwd=cwd, env={**env, "PYTHONPATH": path}, timeout=_PROBE_TIMEOUT)
    for line in reversed(done.stdout.splitlines()):
        told = _told(line)
        if told is not None:
            return Interpreter(command=(told,))
    raise NotUnderstood(
        f"safeinstall cannot tell which Python `{printable(str(pip))}` runs in",
        hint="call the pip of a virtual environment, or name the one you mean first on PATH",
    )


def _named(head: bytes, env: Mapping[str, str]) -> Interpreter | None:
    """Return the interpreter that a script's first lines name, if it is a real binary."""
    if not head.startswith(b"#!"):
        return None
    first, _, rest = head.partition(b"\n")
    words = os.fsdecode(first[2:]).split()
    if not words:
        return None
    if Path(words[0]).name == "sh" and rest.startswith(b"'''exec'"):
        # Installers write this form when the interpreter's path is too long, or has a blank, for a shebang.
        words = _quoted(os.fsdecode(rest.partition(b"\n")[0]).removeprefix("'''exec'").strip())
    elif Path(words[0]).name == "env":
        words = [word for word in words[1:] if word != "-S"]
        found = shutil.which(words[0], path=env.get("PATH")) if words else None
        words = [found, *words[1:]] if found else []
    if not words or not _is_python(Path(words[0])):
        return None
    return Interpreter(command=(words[0], *words[1:]))


def _quoted(text: str) -> list[str]:
    """Return the interpreter and its flags from `"/a b/python" -s "$0" "$@"`."""
    if text.startswith('"'):
        path, _, rest = text[1:].partition('"')
    else:
        path, _, rest = text.partition(" ")
    return [path, *(word for word in rest.split() if "$" not in word)]


def _is_python(path: Path) -> bool:
    # A script of that name is a wrapper (pyenv's `python3`): it would cost its start-up each time, so it is asked once.
    return path.is_absolute() and path.name.startswith(("python", "pypy")) and not _head(path).startswith(b"#!")


def _told(line: str) -> str | None:
    try:
        document = json.loads(line)
        if not isinstance(document, dict) or "safeinstall" not in document:
            return None
        return field(document, "executable", str) or None
    except (ValueError, MalformedAnswer):
        return None


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError:
        return b""
