"""`safeinstall why NAME`: all ways by which a release came into the last run here, or comes into a plan."""

import shutil
from collections.abc import Sequence

from safeinstall import ledger
from safeinstall.commands.common import settings_of
from safeinstall.errors import MalformedAnswer, Misconfigured
from safeinstall.outside import Outside
from safeinstall.pictures import ways_to
from safeinstall.places import places
from safeinstall.recorded import plan_of
from safeinstall.text import printable
from safeinstall.words import family

_HELP = """\
usage: safeinstall why NAME                 in the last run in this folder
       safeinstall why NAME TOOL ARGS...    in what this command would install

Show all ways from what was asked for to NAME (a name, NAME@VERSION or a purl), shortest first.
"""


def run(outside: Outside, words: Sequence[str]) -> int:
    """Print the ways to the release that the first of *words* names."""
    if not words or words[0] in ("-h", "--help"):
        outside.data(_HELP)
        return 0
    name, *command = words
    if name.startswith("-"):
        raise Misconfigured(f"safeinstall why: `{printable(name)}` is no name", hint="safeinstall why NAME")
    if command and family(command[0]) is None:
        raise Misconfigured(
            f"`{printable(command[0])}` is no tool that is guarded", hint=f"safeinstall why {name} pip install ..."
        )
    if command:
        from safeinstall.commands.passing import start  # noqa: PLC0415 - what the ledger knows needs none of it

        return start(outside, command[0], ["--safeinstall-why", name, *command[1:]], planning=True)
    return _recorded(outside, name)


def _recorded(outside: Outside, name: str) -> int:
    where = places(outside.env)
    path = settings_of(outside, where).ledger or where.ledger
    try:
        here = [one for one in ledger.read(path) if one.get("cwd") == str(outside.cwd) and one.get("releases")]
    except OSError:
        here = []
    if not here:
        raise Misconfigured("no run in this folder is in the ledger", hint=f"safeinstall why {name} pip install ...")
    try:
        plan = plan_of(here[-1])
    except MalformedAnswer as error:
        raise Misconfigured(f"the last run in {path} cannot be read: {error.message}") from error
    return told(outside, "\n".join(ways_to(plan, name, (), width=columns(outside))), name)


def told(outside: Outside, picture: str, name: str) -> int:
    """Print *picture*, or that nothing is called *name*."""
    if not picture:
        raise Misconfigured(f"`{printable(name)}` is not in it", hint="`safeinstall plan --tree` shows what is")
    outside.data(picture + "\n")
    return 0


def columns(outside: Outside) -> int:
    """Return how wide the terminal is; where there is none, lines are cut nowhere that matters."""
    if not outside.stdout.isatty():
        return 10_000
    return shutil.get_terminal_size().columns
