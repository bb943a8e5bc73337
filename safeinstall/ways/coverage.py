"""Which ways to pip and npm lead to us here: looked at, and then tried, because files alone prove nothing."""

import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path

from safeinstall.errors import Misconfigured, ToolMissing
from safeinstall.outside import Outside
from safeinstall.realtool import is_shim
from safeinstall.ways import block, guards, shims
from safeinstall.ways.guards import Interpreter
from safeinstall.ways.interpreters import installations

OTHERS = ("uv", "poetry", "pdm", "pipenv", "hatch", "conda", "mamba", "pnpm", "yarn", "bun", "deno", "corepack")
"""Managers that fetch packages by themselves; none of them is guarded yet."""

UNREACHED = (
    "`python -S`; for the guard of an interpreter, a `sitecustomize.py` of somebody else's in PYTHONPATH",
    "a pip that other words start: `python -c`, `python -m cProfile`, a program on stdin, a copy under another name",
    "programs that carry a pip: `get-pip.py`, `pip.pyz` and other zipapps, the wheel of pip itself",
    "the pip of an environment without a guard whose interpreter has none: those that are found are listed above",
    "npm by absolute path: an alias to one, `node npm-cli.js`, `$npm_execpath` in a script",
    "npm under `env -i` or sudo, and from programs that choose a PATH of their own",
    "an npm that another tool starts or fetches: `npx npm`, `corepack npm`",
    "who means to get by: a program that sets SAFEINSTALL_REENTRY to what we set for processes that we have looked at",
    "what a tool of asdf or volta starts (a script of `npm run`) finds their folders before the shims",
    "Python older than 3.10",
)
"""What no guard of ours reaches, whatever is set up."""

_TIMEOUT = timedelta(seconds=60)


class State(str, Enum):
    """Whether a way leads to us."""

    COVERED = "covered"
    OPEN = "not covered"
    UNKNOWN = "not covered yet"
    """A manager that we do not guard at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One way to install something."""

    name: str
    state: State
    where: str
    """What is called, and what covers it."""
    fix: str = ""
    """The command that covers it."""
    idle: bool = False
    """Whether it is a shim of ours before nothing: there is no such tool here to install with."""


def commands(outside: Outside) -> Iterator[Way]:
    """Yield how each command of this shell is covered; one that is not there is left out."""
    for name in dict.fromkeys((*shims.always(), *shims.versioned(outside.env))):
        first = shutil.which(name, path=outside.env.get("PATH"))
        if first is None:
            continue
        path = Path(first)
        if is_shim(path):
            real = _behind(outside, name)
            heard = _heard(outside, [first, "install"])
            where = f"{first}, a shim" + (f" before {real}" if real else ", with nothing behind it")
            yield Way(name=name, state=_state(heard=heard), where=where, fix="safeinstall setup", idle=real is None)
        elif shims.VERSIONED.fullmatch(name) or name in ("pip", "pip3"):
            inside = _inside(outside, path)
            heard = inside and _heard(outside, [first, "install"])
            where = f"{first}, guarded inside of its Python" if heard else first
            yield Way(name=name, state=_state(heard=heard), where=where, fix="safeinstall setup")
        else:
            yield Way(name=name, state=State.OPEN, where=first, fix="safeinstall setup")


def environments(outside: Outside, named: Sequence[Path] = ()) -> Iterator[Way]:
    """Yield how the pip inside of each environment is covered: the active one, those of this folder, and *named*."""
    active = [Path(outside.env[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if outside.env.get(name)]
    here = sorted(path.parent for path in outside.cwd.glob("*/pyvenv.cfg"))
    for folder in dict.fromkeys(path.absolute() for path in (*active, *here, *named)):
        python = folder / "bin" / "python"
        if not guards.sites(folder) or not python.exists():
            continue
        heard = _inside(outside, folder / "bin" / "pip") and _heard(outside, [str(python), "-m", "pip", "install"])
        where = f"{folder}, guarded inside" if heard else str(folder)
        yield Way(name="environment", state=_state(heard=heard), where=where, fix=f"safeinstall setup --venv {folder}")


def interpreters(outside: Outside) -> Iterator[Way]:
    """Yield how `python -m pip` of each interpreter, and of the environments made from it, is covered."""
    for one in installations(outside):
        if one.version < guards.OLDEST:
            continue
        heard = _marked(one) and _heard(outside, [str(one.python), "-m", "pip", "install"])
        where = f"{one.python}, guarded with all its environments" if heard else str(one.python)
        fix = f"safeinstall setup --all-venvs --python {one.python}"
        yield Way(name="python -m pip", state=_state(heard=heard), where=where, fix=fix)


def others(outside: Outside) -> Iterator[Way]:
    """Yield the managers on PATH that are not guarded at all."""
    for name in OTHERS:
        first = shutil.which(name, path=outside.env.get("PATH"))
        if first is not None:
            yield Way(name=name, state=State.UNKNOWN, where=first)


def _state(*, heard: bool) -> State:
    return State.COVERED if heard else State.OPEN


def _behind(outside: Outside, name: str) -> str | None:
    for entry in outside.env.get("PATH", "").split(":"):
        path = Path(entry, name)
        if path.is_absolute() and shutil.which(str(path)) and not is_shim(path):
            return str(path)
    return None


def _inside(outside: Outside, pip: Path) -> bool:
    """Whether a guard lies in the environment of *pip*, or in the interpreter that this was made from."""
    if any(True for site in guards.sites(pip.parent.parent) for _ in guards.guards_of(site)):
        return True
    python = next((path for path in (pip.parent / "python3", pip.parent / "python") if path.exists()), None)
    one = None if python is None else guards.ask(python, outside.runner(), outside.env)
    return one is not None and _marked(one)


def _marked(one: Interpreter) -> bool:
    try:
        return block.held(one.sitecustomize) is not None
    except (Misconfigured, OSError):
        return False


def _heard(outside: Outside, command: Sequence[str]) -> bool:
    """Whether *command* leads to us: we answer a word that pip would refuse. npm is tried through our shim only."""
    nonce = secrets.token_hex(8)
    try:
        done = outside.runner().capture(
            [*command, "--safeinstall-probe", nonce], cwd=outside.cwd, env=outside.env, timeout=_TIMEOUT
        )
    except ToolMissing:
        return False
    return f"safeinstall-probe {nonce}" in done.stdout
