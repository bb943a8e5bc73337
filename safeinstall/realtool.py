"""Finds the real package manager behind our shims, as the shim itself does."""

import os
from collections.abc import Mapping
from pathlib import Path

from safeinstall.errors import ToolMissing
from safeinstall.text import printable

MARKER = b"# safeinstall-shim"
"""How the second line of every shim begins."""

REENTRY = "SAFEINSTALL_REENTRY"
"""`exec PID PATHS` or `child PID PATHS`: which tools this very process, or the direct child of PID, has tried."""


def real_tool(name: str, env: Mapping[str, str], cwd: Path) -> Path:
    """Return the first *name* on PATH that is no shim of ours; raises `ToolMissing`."""
    tried = _tried(env)
    for entry in env.get("PATH", os.defpath).split(os.pathsep):
        candidate = cwd / entry / name
        if str(candidate) not in tried and os.access(candidate, os.X_OK) and candidate.is_file():
            if is_shim(candidate):
                continue
            return candidate
    raise ToolMissing(f"there is no `{printable(name)}` on PATH", hint=f"install {printable(name)} first")


def passing_on(real: Path, env: Mapping[str, str]) -> dict[str, str]:
    """
    Return *env* for becoming *real*.

    A version manager's shim (pyenv) may look *real* up on PATH again and find our own shim first: the process id tells
    that shim that it is us again, and what we have tried.
    """
    return {**env, REENTRY: f"exec {os.getpid()} {':'.join([*_tried(env), str(real)])}"}


def guarding(real: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Return *env* for running *real* as our child, under our eyes: it must not be guarded once more."""
    return {**env, REENTRY: f"child {os.getpid()} {real}"}


def _tried(env: Mapping[str, str]) -> list[str]:
    kind, _, rest = env.get(REENTRY, "").partition(" ")
    process, _, paths = rest.partition(" ")
    same = (kind == "exec" and process == str(os.getpid())) or (kind == "child" and process == str(os.getppid()))
    return [path for path in paths.split(":") if path] if same else []


def is_shim(path: Path) -> bool:
    """Whether *path* is one of our shims, of whatever version and folder."""
    try:
        with path.open("rb") as file:
            return file.readline(200).startswith(b"#!") and file.readline(200).startswith(MARKER)
    except OSError:
        return False
