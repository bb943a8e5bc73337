"""Hands on, with as few imports as can be, what installs nothing."""

from collections.abc import Sequence

from safeinstall.errors import Misconfigured
from safeinstall.flags import Flags, taken
from safeinstall.outside import Outside
from safeinstall.realtool import passing_on, real_tool
from safeinstall.text import printable
from safeinstall.words import family, may_install


def start(outside: Outside, tool: str, words: Sequence[str], *, planning: bool) -> int:
    """Take our flags out of *words* and run `TOOL WORDS...`: guarded if it may install, else at once."""
    flags, argv = taken(words, planning=planning)
    if flags.probe is not None:
        # `doctor` asks whether this way leads to us; nothing else is to happen.
        outside.data(f"safeinstall-probe {printable(flags.probe)}\n")
        return 0
    if flags.python is not None and family(tool) != "pip":
        raise Misconfigured("`--safeinstall-python` is for pip")
    if flags.format not in (None, "text") and flags.output is None and not planning:
        raise Misconfigured(
            "stdout belongs to the package manager here",
            hint="write it to a file (`--safeinstall-output FILE`), or use `safeinstall plan --format`",
        )
    if not may_install(tool, argv):
        return passed_on(outside, tool, flags, argv, planning=planning)
    from safeinstall.commands.guarded import guarded  # noqa: PLC0415 - this is where it becomes costly

    return guarded(outside, tool, flags, argv, planning=planning)


def passed_on(outside: Outside, tool: str, flags: Flags, argv: Sequence[str], *, planning: bool) -> int:
    """Become the real tool; when *planning*, say that there is nothing to plan."""
    if planning:
        outside.say(f"safeinstall: `{printable(' '.join((tool, *argv)))}` installs nothing: there is no plan\n")
        return 0
    if flags.python is not None:
        from safeinstall.ways.inside import read  # noqa: PLC0415 - few come this way

        inside = read(flags.python)
        return outside.become([*inside.command(), *argv], passing_on(inside.python, outside.env))
    real = real_tool(tool, outside.env, outside.cwd)
    return outside.become([str(real), *argv], passing_on(real, outside.env))
