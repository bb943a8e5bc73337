"""`parse`: what a pip command line would install, read by pip's own parser."""

import contextlib
import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from optparse import Values
from pathlib import Path

from safeinstall.errors import NotUnderstood
from safeinstall.model import EcosystemName, Intent
from safeinstall.text import printable
from safeinstall.tools import Interpreter

GUARDED = frozenset({"install", "download", "wheel", "lock"})
"""Commands that are planned, judged and run against the frozen view."""

HARMLESS = frozenset(
    {"cache", "check", "completion", "config", "debug", "freeze", "hash", "help", "index", "inspect", "list", "search"}
    | {"show", "uninstall"}
)
"""Commands that install nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parsed:
    verb: str
    options: Values
    words: tuple[str, ...]


def parse(tool: str, argv: Sequence[str], cwd: Path) -> Intent:
    """
    Return the intent of *argv*; raises `NotUnderstood` with pip's own words for what its grammar refuses.

    Only the command line is read: configuration belongs to the target's pip, and the planner reads it there.
    """
    parsed = _parsed(argv)
    if parsed is None or parsed.verb in HARMLESS or parsed.options.help:
        verb = parsed.verb if parsed is not None else ""
        return _intent(tool, argv, cwd, verb=verb, installs=False)
    if parsed.verb not in GUARDED:
        raise NotUnderstood(
            f"`{printable(tool)} {printable(parsed.verb)}` is not guarded yet",
            hint=f"`{tool} install` is; nothing was run",
        )
    asked = (
        *parsed.words,
        *(f"-r {path}" for path in parsed.options.requirements),
        *(f"-e {path}" for path in getattr(parsed.options, "editables", ())),
    )
    return _intent(tool, argv, cwd, verb=parsed.verb, installs=True, asked=asked)


def other_python(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Interpreter | None:
    """
    Return the interpreter that `--python` names, as pip finds it; raises `NotUnderstood` when there is none.

    Where `PIP_PYTHON` or a file of pip's names one, the pip that plans starts another process, which the hook refuses.
    """
    parsed = _parsed(argv)
    # With this variable, which pip gives its own child, `--python` is without effect.
    if parsed is None or not parsed.options.python or "_PIP_RUNNING_IN_SUBPROCESS" in env:
        return None
    # An environment's folder stands for its interpreter.
    named = cwd / parsed.options.python
    for path in (named / "bin" / "python", named / "Scripts" / "python.exe") if named.is_dir() else (named,):
        if path.exists():
            return Interpreter(command=(str(path),))
    raise NotUnderstood(f"`--python` names no Python: `{printable(parsed.options.python)}`")


def _intent(
    tool: str, argv: Sequence[str], cwd: Path, *, verb: str, installs: bool, asked: tuple[str, ...] = ()
) -> Intent:
    return Intent(
        ecosystem=EcosystemName.PYPI,
        tool=tool,
        argv=tuple(argv),
        verb=verb,
        installs=installs,
        asked=asked,
        cwd=cwd,
    )


def _parsed(argv: Sequence[str]) -> _Parsed | None:
    """Return what pip's parser makes of *argv*; None: it only prints its help or version."""
    said = io.StringIO()
    logging.getLogger("pip").addHandler(logging.NullHandler())
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return _by_pip(argv)
    except SystemExit as stop:
        if not stop.code:  # it was asked for its help
            return None
        words = [line for line in said.getvalue().splitlines() if line.strip()]
        message = printable(words[-1]) if words else f"pip's parser ended with {stop.code}"
        raise NotUnderstood(f"pip does not understand this command line: {message}") from stop


def _by_pip(argv: Sequence[str]) -> _Parsed | None:
    # pip's import costs 0.2 s: only a command that may install pays it.
    from pip._internal.cli.main_parser import create_main_parser  # noqa: PLC0415
    from pip._internal.commands import commands_dict, create_command, get_similar_commands  # noqa: PLC0415
    from pip._internal.exceptions import CommandError  # noqa: PLC0415

    main = create_main_parser()
    # Without defaults from files and environment: those of *our* interpreter are not those of the target.
    main.process_default_values = False
    options, rest = main.parse_args(list(argv))
    if options.version or options.help or not rest:
        return None
    verb = rest[0]
    if verb not in commands_dict:
        guess = get_similar_commands(verb)
        raise NotUnderstood(
            f"pip has no command `{printable(verb)}`", hint=f"did you mean `pip {guess}`?" if guess else None
        )
    # As pip does it: the first word that equals the command goes, wherever it stands.
    arguments = list(argv)
    arguments.remove(verb)
    command = create_command(verb)
    command.parser.process_default_values = False
    try:
        options, words = command.parser.parse_args(arguments)
    except CommandError as error:  # `--no-binary --pre`
        raise NotUnderstood(f"pip does not understand this command line: {printable(str(error))}") from error
    return _Parsed(verb=verb, options=options, words=tuple(words))
