"""`safeinstall setup`: writes the shims and what puts them first on PATH, or guards Python from inside."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from safeinstall.commands.arguments import Parser
from safeinstall.errors import Misconfigured
from safeinstall.outside import Outside
from safeinstall.places import places
from safeinstall.ways import block, guards, shims
from safeinstall.ways.interpreters import installations
from safeinstall.ways.shells import Shell, login_shell, system_files, user_files
from safeinstall.ways.shells import block as text_for


def run(outside: Outside, words: Sequence[str]) -> int:
    """Set up what *words* ask for, and tell what was changed; raises `Misconfigured`."""
    given = options("setup", "Put guards in front of pip and npm; `safeinstall teardown` takes them out.", words)
    try:
        if given.venv is not None:
            return _environment(outside, environment(outside, given.venv))
        if given.all_venvs:
            return _interpreters(outside, given.python)
        return _shims(outside, given)
    except OSError as error:
        hint = (
            "`safeinstall setup --print --dir DIR` writes below DIR only, and shows what belongs into a start-up file"
        )
        raise Misconfigured(f"{error.filename}: {error.strerror}", hint=hint) from error


def options(command: str, description: str, words: Sequence[str]) -> argparse.Namespace:
    """Return the options that setup and teardown share."""
    parser = Parser(command, description)
    parser.add_argument("--dir", type=Path, metavar="DIR", help="the folder of the shims")
    parser.add_argument("--system", action="store_true", help="for every user of this machine")
    parser.add_argument("--venv", nargs="?", const="", metavar="PATH", help="one environment; default: the active one")
    parser.add_argument("--all-venvs", action="store_true", help="every environment of the interpreters")
    parser.add_argument("--python", action="append", type=Path, default=[], metavar="PATH", help="which interpreters")
    if command == "setup":
        shells = [one.value for one in Shell]
        parser.add_argument("--shell", action="append", choices=shells, help="default: your login shell (repeatable)")
        parser.add_argument("--print", action="store_true", dest="show", help="write shims, and show the block only")
    given = parser.parse_args(words)
    if given.venv is not None and (given.all_venvs or given.dir or given.system):
        raise Misconfigured("`--venv` stands alone")
    return given


def environment(outside: Outside, named: str) -> Path:
    """Return the environment that `--venv` means."""
    if named:
        return (outside.cwd / named).absolute()
    active = outside.env.get("VIRTUAL_ENV") or outside.env.get("CONDA_PREFIX")
    return Path(active) if active else outside.cwd / ".venv"


def shim_folder(outside: Outside, given: argparse.Namespace) -> Path:
    """Return the folder of the shims."""
    if given.dir is not None:
        chosen: Path = given.dir
        return (outside.cwd / chosen).absolute()
    return shims.SYSTEM if given.system else places(outside.env).ledger.parent / "shims"


def home(outside: Outside) -> Path:
    """Return the user's home folder; raises `Misconfigured` where there is none."""
    told = outside.env.get("HOME", "")
    if not Path(told).is_absolute():
        hint = "`safeinstall setup --print --dir DIR` needs none, nor does `safeinstall teardown --dir DIR`"
        raise Misconfigured("there is no HOME", hint=hint)
    return Path(told)


def _shims(outside: Outside, given: argparse.Namespace) -> int:
    folder = shim_folder(outside, given)
    wanted = tuple(dict.fromkeys((*shims.names(outside.env), *shims.held_in(folder))))
    chosen = [Shell(one) for one in given.shell or ()]
    files = () if given.show else tuple(_files(outside, chosen, system=given.system))
    without = [path for _, path in files if block.held(path) is None]
    written = shims.write_all(folder, wanted, shims.interpreter(outside))
    try:
        changed = [(path, block.put(path, text_for(shell, folder, wanted), shims=folder)) for shell, path in files]
    except OSError:
        for path in without:
            with suppress(OSError):
                block.take(path)
        written.undo()
        raise
    outside.say(f"safeinstall: {', '.join(wanted)} are guarded by shims in {folder}\n")
    if given.show:
        for shell in chosen or [login_shell(outside.env)]:
            outside.data(text_for(shell, folder, wanted))
        return 0
    for path, new in changed:
        outside.say(f"safeinstall: {path}: {'the block is in it now' if new else 'as it should be'}\n")
    outside.say("safeinstall: open a new shell, then ask `safeinstall doctor` what is covered\n")
    return 0


def _files(outside: Outside, chosen: Sequence[Shell], *, system: bool) -> Iterator[tuple[Shell, Path]]:
    """Yield the start-up files that are to hold the block, each once, with the shell in whose words."""
    seen: set[Path] = set()
    for shell in chosen or (_present() if system else [login_shell(outside.env)]):
        for path in system_files(shell) if system else user_files(shell, home(outside), outside.env):
            if path not in seen:
                seen.add(path)
                yield shell, path


def _present() -> list[Shell]:
    """Return the shells that a machine has start-up files for."""
    return [one for one in Shell if one in (Shell.SH, Shell.BASH) or Path("/etc", one.value).is_dir()]


def _environment(outside: Outside, folder: Path) -> int:
    changed = guards.guard_environment(folder, shims.interpreter(outside))
    outside.say(f"safeinstall: every pip of {folder} is guarded{'' if changed else ', as it was'}\n")
    return 0


def _interpreters(outside: Outside, named: Sequence[Path]) -> int:
    found = installations(outside, named)
    failed = 0
    for one in found:
        try:
            changed = guards.guard_interpreter(one, shims.interpreter(outside))
        except (OSError, Misconfigured) as error:
            failed += 1
            outside.say(f"warning: {one.python} is not guarded: {error}\n")
        else:
            outside.say(
                f"safeinstall: {one.python} and all its environments are guarded{'' if changed else ' as ever'}\n"
            )
    if not found or (failed and (named or failed == len(found))):
        raise Misconfigured("not every interpreter could be guarded", hint="name yours with `--python`, or ask as root")
    return 0
