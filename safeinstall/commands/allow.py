"""`safeinstall allow`: writes an override into the user's or the project's settings file."""

from collections.abc import Sequence
from pathlib import Path

from safeinstall import ledger, overrides
from safeinstall.commands.arguments import Parser
from safeinstall.commands.common import idents, settings_of
from safeinstall.config import OVERRIDES, project_file
from safeinstall.errors import Misconfigured
from safeinstall.outside import Outside
from safeinstall.places import FILE, Places, places
from safeinstall.policy import MALWARE
from safeinstall.text import printable


def run(outside: Outside, words: Sequence[str]) -> int:
    """Write the override that *words* ask for; returns 0 or raises `Misconfigured`."""
    parser = Parser("allow", "Let one release through one check, with a reason and an end.")
    parser.add_argument("purl", metavar="PURL", help="the release, with its exact version: pkg:pypi/leftpadd@1.0")
    parser.add_argument("--check", required=True, metavar="ID", help="the check, as the message names it")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; it is kept in the ledger of each run")
    parser.add_argument("--until", metavar="DATE", help="when it ends (that day, 00:00 UTC); needed for malware")
    parser.add_argument("--project", action="store_true", help=f"write it into the project's {FILE}, for everybody")
    given = parser.parse_args(words)
    where = places(outside.env)
    settings = settings_of(outside, where)
    path, below = _target(outside, where, project=given.project)
    override = overrides.made(
        check=given.check,
        release=given.purl,
        reason=given.reason,
        until=given.until,
        by=ledger.user(),
        origin=str(path),
        checks=idents(outside),
        now=outside.now(),
        place="safeinstall allow",
    )
    if given.project and override.check == MALWARE:
        message = "a project's file cannot let malware through"
        raise Misconfigured(message, hint="leave out --project: the decision is yours alone")
    lock = settings.locked_by(OVERRIDES)
    if lock is not None and lock != str(path):
        raise Misconfigured(f"overrides are locked by {lock}: one in {path} would not count")
    overrides.write(override, path, below=below)
    end = "" if override.until is None else f" until {override.until:%Y-%m-%d}"
    outside.say(f"safeinstall: `{override.check}` lets {printable(override.purl)} through{end}; written to {path}\n")
    return 0


def _target(outside: Outside, where: Places, *, project: bool) -> tuple[Path, tuple[str, ...]]:
    """Return the file to write to, and where the settings begin in it."""
    if not project:
        return where.user_file, ()
    found = project_file(outside.cwd, own=where.user_file)
    return (outside.cwd / FILE, ()) if found is None else (found.path, found.below)
