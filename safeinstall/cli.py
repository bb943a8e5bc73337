"""The command line: the only exit code, and the only place that catches `SafeinstallError`."""

import os
import sys
from collections.abc import Sequence

from safeinstall import __version__
from safeinstall.errors import CannotResolve, Misconfigured, SafeinstallError
from safeinstall.outside import Outside, real
from safeinstall.text import printable
from safeinstall.words import family

GUARDED = ("pip", "pip3", "npm", "npx")
"""The tools that we stand in front of, besides `pip3.X`; a test holds them to what the ecosystems say."""

DEBUG = "SAFEINSTALL_DEBUG"
COMMANDS = frozenset(
    ("allow", "audit", "check", "diff", "doctor", "log", "setup", "status", "teardown", "update", "watch", "why")
)
"""Each is a module of `commands`."""
_LINES = 60
"""Of what the manager's resolver said; its last words tell why."""
_FAILED = 43
_INTERRUPTED = 130

HELP = """\
usage: safeinstall pip ARGS...            guard this pip command: judge the whole set, then install exactly it
       safeinstall npm|npx ARGS...        the same for npm, and for what npx would fetch before it runs
       safeinstall plan TOOL ARGS...      resolve and judge only;
                                          --format text|json|sarif|cyclonedx|markdown, --output FILE, --tree
       safeinstall why NAME [TOOL ARGS...]
                                          all ways by which NAME came into the last run here, or into that plan
       safeinstall check NAME... [--ecosystem pypi|npm] [--format text|json]
                                          judge names alone, before they are written into a file
       safeinstall audit [PATH...] [--format NAME] [--output FILE]
                                          judge what is installed or locked; nothing is installed or run
       safeinstall allow PURL --check ID --reason TEXT [--until DATE] [--project]
                                          let one release through one check, with a reason
       safeinstall status                 settings with their origins, overrides in force
       safeinstall diff pip|npm NAME OLD NEW [--format json]
                                          two releases side by side, from metadata alone
       safeinstall update [--full] [--bundle FILE | --from FILE]
                                          fetch the advisory index of this machine, or carry it to another
       safeinstall watch --once [--again] [--format text|json]
                                          tell who is affected by what became known after the install
       safeinstall audit --claimable [PATH] [--ask-pypi URL] [--ask-npm URL] [--format text|json]
                                          which private names anybody could take; asks only whom you name
       safeinstall log [--package NAME] [--since TIME] [--project DIR] [--verdict HOW] [--format json]
                                          the last runs, or those that fit
       safeinstall log --verify           whether the ledger is what was written
       safeinstall setup [--shell NAME] [--dir DIR] [--system] [--print]
                                          put shims for pip and npm first on PATH, in your shell's start-up files
       safeinstall setup --venv [PATH] | --all-venvs [--python PATH]
                                          guard one environment, or all of an interpreter, from inside
       safeinstall teardown               take that out again, without a trace
       safeinstall doctor [--json] [--self-test]
                                          what is guarded here and what is not, by trying it
       safeinstall --version | --help

inside a guarded command, before a `--`:
  --safeinstall-allow CHECK:PURL          let one release through one check, for this run (repeatable)
  --safeinstall-reason TEXT               why; needed with --safeinstall-allow
  --safeinstall-until DATE                the end of that decision; needed for malware
  --safeinstall-cooldown HOURS            how old a release must be, for this run; 0: as without safeinstall
  --safeinstall-offline                   judge with what is on this machine, and say how old it is
  --safeinstall-no-prompt                 do not ask, even at a terminal

exit codes: 0 installed, or nothing to do; 40 blocked by a finding; 41 something could not be judged; 42 the whole set
could not be resolved; 43 safeinstall failed; 44 wrong flags or settings; every other code is the manager's own.
"""


def main(argv: Sequence[str] | None = None, outside: Outside | None = None) -> int:
    """Run the command *argv* (without our own name) and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    world = outside if outside is not None else real()
    try:
        return _run(world, words)
    except SafeinstallError as error:
        world.say(f"{_told(error)}\n{_fate(world)}\n")
        return error.exit_code
    except KeyboardInterrupt:
        world.say(f"\ninterrupted\n\n{_fate(world)}\n")
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our data has had enough of it. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return _FAILED
    except Exception as error:
        if world.env.get(DEBUG):
            raise
        what = printable(f"{type(error).__name__}: {error}")
        hint = f"hint: set {DEBUG}=1 for the whole story, and please report it"
        world.say(f"error: safeinstall itself failed ({what})\n\n{hint}\n\n{_fate(world)}\n")
        return _FAILED


def _run(outside: Outside, words: list[str]) -> int:
    command, *rest = words or ["--help"]
    if family(command) is not None:
        from safeinstall.commands.passing import start  # noqa: PLC0415 - each command imports only what it needs

        return start(outside, command, rest, planning=False)
    if command == "plan":
        return _plan(outside, rest)
    if command in ("--version", "-V", "version"):
        outside.data(f"safeinstall {__version__}\n")
        return 0
    if command in ("--help", "-h", "help"):
        outside.data(HELP)
        return 0
    if command in COMMANDS:
        from importlib import import_module  # noqa: PLC0415

        code: int = import_module(f"safeinstall.commands.{command}").run(outside, rest)
        return code
    raise Misconfigured(f"there is no command `{printable(command)}`", hint="`safeinstall --help` lists them")


def _plan(outside: Outside, words: list[str]) -> int:
    ahead: list[str] = []
    # `plan --format json pip install x` and `plan pip install x --format json` are the same.
    while words and words[0].startswith(("--format", "--output", "--tree", "--why", "--safeinstall-")):
        ahead.append(words.pop(0))
        if "=" not in ahead[-1] and words and family(words[0]) is None and not words[0].startswith("-"):
            ahead.append(words.pop(0))
    if not words or family(words[0]) is None:
        raise Misconfigured("`safeinstall plan` needs a command to plan", hint="safeinstall plan pip install flask")
    from safeinstall.commands.passing import start  # noqa: PLC0415

    return start(outside, words[0], [*ahead, *words[1:]], planning=True)


def _told(error: SafeinstallError) -> str:
    """Return what a person reads about *error*, but for the last line."""
    lines = []
    if isinstance(error, CannotResolve) and error.output:
        lines += [printable(line, limit=400) for line in error.output.splitlines()[-_LINES:]]
    lines.append(f"error: {printable(error.message, limit=400)}")
    if error.hint is not None:
        lines += ["", f"hint: {printable(error.hint, limit=400)}"]
    return "\n".join(lines) + "\n"


def _fate(outside: Outside) -> str:
    """Return the last line of every failure: what was checked, and whether anything was installed."""
    if outside.stage.installing:
        return "fatal: what was judged was being installed, and what is there now was not verified."
    if outside.stage.judged:
        return "fatal: the judgement stands, but could not be acted upon. Nothing was installed."
    return "fatal: nothing was checked. Nothing was installed."
