"""The shims: which names they stand in for, and how they are written and removed."""

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from safeinstall.errors import Misconfigured, ToolMissing
from safeinstall.outside import Outside
from safeinstall.realtool import is_shim
from safeinstall.ways.files import make_parents, remove, write

SYSTEM = Path("/usr/local/lib/safeinstall/shims")
"""Where the shims of a whole machine lie."""

VERSIONED = re.compile(r"pip3\.\d{1,3}")
_EMPTY = "SAFEINSTALL_PYTHON=''\n"
_TEMPLATES = ("_shims/safeinstall-shim", "../shims/safeinstall-shim")
"""Where the script lies beside this package: in a wheel, and in the repository."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What writing shims added, so that a setup that cannot be finished leaves nothing behind."""

    fresh: tuple[Path, ...]
    """The shims that were not there before."""
    folders: int
    """How many folders were made for them."""

    def undo(self) -> None:
        """Remove it again; raises `OSError`."""
        for path in self.fresh:
            remove(path, folders=self.folders)


def always() -> tuple[str, ...]:
    """Return the names that every installation guards: what the ecosystems say they are called by."""
    from safeinstall.ecosystems import ECOSYSTEMS  # noqa: PLC0415 - only setup and doctor ask

    return tuple(name for one in ECOSYSTEMS for name in one.tools if not VERSIONED.fullmatch(name))


def names(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is to be guarded here: the names above, and each `pip3.X` that is on PATH."""
    return (*always(), *versioned(env))


def versioned(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return each `pip3.X` on PATH that is no shim of ours; a shim before nothing would only mislead."""
    found: set[str] = set()
    for entry in env.get("PATH", os.defpath).split(os.pathsep):
        if not Path(entry).is_absolute():
            continue
        held = sorted(Path(entry).glob("pip3.*"))
        found |= {path.name for path in held if VERSIONED.fullmatch(path.name) and not is_shim(path)}
    return tuple(sorted(found, key=lambda name: int(name.partition(".")[2])))


def held_in(folder: Path) -> tuple[str, ...]:
    """Return the names of the shims of ours in *folder*."""
    try:
        return tuple(sorted(path.name for path in folder.iterdir() if path.is_file() and is_shim(path)))
    except OSError:
        return ()


def write_all(folder: Path, wanted: Sequence[str], python: Path) -> Written:
    """
    Write the shims *wanted* into *folder*; they start *python*. Raises `OSError` and `Misconfigured`.

    Nothing is written if one of the names is taken: a folder that holds a real pip is the wrong folder.
    """
    taken = [folder / name for name in wanted if (folder / name).exists() and not is_shim(folder / name)]
    if taken:
        message = f"{taken[0]} exists and is no shim of ours"
        raise Misconfigured(message, hint="choose a folder of its own for the shims")
    text = template()
    # A template that does not hold the line would write shims that never find us.
    assert _EMPTY in text
    text = text.replace(_EMPTY, f"SAFEINSTALL_PYTHON={shlex.quote(str(python))}\n")
    fresh = tuple(folder / name for name in wanted if not (folder / name).exists())
    written = Written(fresh=fresh, folders=make_parents(folder / "shim"))
    try:
        for name in wanted:
            # Written beside and moved into place: a shim that is running now keeps its text.
            write(folder / name, text.encode(), mode=0o755)
    except OSError:
        written.undo()
        raise
    return written


def remove_all(folder: Path) -> tuple[str, ...]:
    """Remove the shims of ours from *folder*, and the folder if nothing else is in it; raises `OSError`."""
    gone = held_in(folder)
    for name in gone:
        (folder / name).unlink()
    # `shims` in a folder of ours: what is empty now was made for it.
    for one in (folder, folder.parent):
        if gone and (one == folder or one.name == "safeinstall"):
            try:
                one.rmdir()
            except OSError:
                break
    return gone


def interpreter(outside: Outside) -> Path:
    """Return the interpreter that the shims start; raises `Misconfigured` if it cannot import us as they do."""
    python = Path(sys.executable)
    command = [str(python), "-I", "-c", "import safeinstall.cli"]
    try:
        done = outside.runner().capture(command, cwd=Path("/"), env=outside.env, timeout=timedelta(seconds=60))
    except ToolMissing as error:
        raise Misconfigured(error.message) from error
    if done.exit_code != 0:
        hint = "install it into a virtual environment of its own, or with pipx"
        raise Misconfigured(f"{python} finds safeinstall only with settings that shims must not trust", hint=hint)
    return python


def template() -> str:
    """Return the text of the shim, without an interpreter in it."""
    here = Path(__file__).resolve().parent.parent
    found = [path for path in (here / name for name in _TEMPLATES) if path.is_file()]
    if not found:
        raise Misconfigured("the shim script is missing from this installation", hint="install safeinstall again")
    return found[0].read_text(encoding="utf-8")
