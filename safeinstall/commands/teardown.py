"""`safeinstall teardown`: takes out what `safeinstall setup` put in; every file is as it was before."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from safeinstall.commands.setup import environment, home, options, shim_folder
from safeinstall.errors import Misconfigured
from safeinstall.outside import Outside
from safeinstall.ways import block, guards, shims
from safeinstall.ways.interpreters import installations
from safeinstall.ways.shells import Shell, all_user_files, system_files


def run(outside: Outside, words: Sequence[str]) -> int:
    """Take out what *words* name, by default the shims and the blocks of this user."""
    given = options("teardown", "Take out what `safeinstall setup` put in.", words)
    try:
        if given.venv is not None:
            folder = environment(outside, given.venv)
            gone = guards.unguard_environment(folder)
            outside.say(f"safeinstall: {folder} {'is no longer' if gone else 'was not'} guarded\n")
        elif given.all_venvs:
            for one in installations(outside, given.python):
                if guards.unguard_interpreter(one):
                    outside.say(f"safeinstall: {one.python} is no longer guarded\n")
        else:
            _shims(outside, given)
    except OSError as error:
        raise Misconfigured(f"{error.filename}: {error.strerror}") from error
    return 0


def _shims(outside: Outside, given: argparse.Namespace) -> None:
    if given.system:
        files = tuple(dict.fromkeys(path for shell in Shell for path in system_files(shell)))
    elif given.dir is not None and not outside.env.get("HOME"):
        files = ()
    else:
        files = all_user_files(home(outside), outside.env)
    folders = {shim_folder(outside, given)}
    found = False
    for path in files:
        before = block.held(path)
        if before is not None and block.take(path):
            folders |= {Path(before.shims)} if before.shims else set()
            outside.say(f"safeinstall: {path} is as it was\n")
            found = True
    for folder in sorted(folders):
        gone = shims.remove_all(folder)
        if gone:
            outside.say(f"safeinstall: {', '.join(gone)} are gone from {folder}\n")
            found = True
    if not found:
        outside.say("safeinstall: there was nothing to take out\n")
