"""The interpreter that a pip installs for: its version, tags and markers, remembered between runs."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from safeinstall.contracts import World
from safeinstall.errors import MalformedAnswer, NotUnderstood, SafeinstallError
from safeinstall.fields import field, items, mapping
from safeinstall.gateway.pypi import Target
from safeinstall.text import printable
from safeinstall.tools import Interpreter

HOOK = Path(__file__).parent / "hook"
OLDEST = (3, 10)
"""Our own pip, which plans in the target interpreter, needs it."""

_TIMEOUT = timedelta(seconds=120)


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """What `hook/describe.py` told."""

    python: str
    """`3.11.7`."""
    tags: tuple[str, ...]
    environment: Mapping[str, str]

    def target(self, *, trim: bool) -> Target:
        """Return it as the gateway wants it."""
        return Target(tags=self.tags, python_full_version=self.python, environment=self.environment, trim=trim)


def planner_root() -> Path:
    """Return the folder that holds our own pip."""
    spec = find_spec("pip")
    if spec is None or spec.origin is None:
        raise SafeinstallError("safeinstall's own pip is missing", hint="install safeinstall again")
    return Path(spec.origin).parent.parent


def describe(interpreter: Interpreter, world: World) -> Described:
    """Return what *interpreter* is, from our cache where it has not changed; raises `NotUnderstood` for an old one."""
    kept = world.cache / "targets" / f"{_identity(interpreter)}.json"
    told = _kept(kept)
    if told is None:
        done = world.runner.capture(
            [interpreter.command[0], "-I", str(HOOK / "describe.py"), str(planner_root())],
            cwd=world.cwd,
            env=world.env,
            timeout=_TIMEOUT,
        )
        if done.exit_code != 0:
            raise NotUnderstood(
                f"`{printable(interpreter.command[0])}` could not be asked what it is: "
                f"{printable(done.stderr.strip().rpartition(chr(10))[2])}",
                hint="Python 3.10 and later are guarded",
            )
        told = _parsed(done.stdout, interpreter)
        _keep(kept, done.stdout)
    return told


def _parsed(text: str, interpreter: Interpreter) -> Described:
    try:
        document: object = json.loads(text)
    except ValueError as error:
        raise MalformedAnswer(f"`{printable(interpreter.command[0])}` did not tell what it is") from error
    numbers = items(document, "version", int)
    if numbers[:2] < OLDEST:
        raise NotUnderstood(
            f"Python {'.'.join(map(str, numbers))} is not guarded",
            hint=f"Python {OLDEST[0]}.{OLDEST[1]} and later are; `{printable(interpreter.command[0])}` is older",
        )
    environment = {name: field(document, f"environment.{name}", str) for name in mapping(document, "environment")}
    return Described(
        python=field(document, "environment.python_full_version", str),
        tags=items(document, "tags", str),
        environment=environment,
    )


def _identity(interpreter: Interpreter) -> str:
    """Return a name that changes when the interpreter, the system or our own pip does."""
    path = Path(interpreter.command[0])
    try:
        real = path.resolve(strict=True)
        stat = real.stat()
    except OSError:
        return "missing"
    facts = (str(path), str(real), stat.st_mtime_ns, stat.st_size, *os.uname(), version("pip"))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def _kept(path: Path) -> Described | None:
    try:
        return _parsed(path.read_text(encoding="utf-8"), Interpreter(command=(str(path),)))
    except (OSError, MalformedAnswer):  # missing, half written or of another version: ask again
        return None


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
