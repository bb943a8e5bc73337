"""`safeinstall setup --dir DIR`: writes shims that know the interpreter of this installation."""

import shlex
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from safeinstall.commands.arguments import Parser
from safeinstall.errors import Misconfigured, ToolMissing
from safeinstall.outside import Outside
from safeinstall.realtool import is_shim

NAMES = ("pip", "pip3", "npm")
_EMPTY = "SAFEINSTALL_PYTHON=''\n"
_TEMPLATES = ("_shims/safeinstall-shim", "../shims/safeinstall-shim")
"""Where the script lies beside this package: in a wheel, and in the repository."""


def run(outside: Outside, words: Sequence[str]) -> int:
    """Write the shims, and tell how to put them first on PATH."""
    parser = Parser("setup", "Write shims for pip, pip3 and npm into a folder of their own.")
    parser.add_argument("--dir", required=True, type=Path, metavar="DIR", help="the folder; it is made if need be")
    folder: Path = (outside.cwd / parser.parse_args(words).dir).absolute()
    python = _python(outside)
    text = _template().read_text(encoding="utf-8")
    # A template that does not hold the line would write shims that never find us.
    assert _EMPTY in text
    text = text.replace(_EMPTY, f"SAFEINSTALL_PYTHON={shlex.quote(str(python))}\n")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            _write(folder / name, text)
    except OSError as error:
        raise Misconfigured(f"{error.filename or folder}: {error.strerror}") from error
    outside.say(f"safeinstall: {', '.join(NAMES)} in {folder} are guarded; put it first on PATH, in your profile:\n")
    outside.data(f'export PATH={shlex.quote(str(folder))}:"$PATH"\n')
    return 0


def _python(outside: Outside) -> Path:
    """Return the interpreter that the shims start; raises if it cannot import us as they do."""
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


def _template() -> Path:
    here = Path(__file__).resolve().parent.parent
    found = [path for path in (here / name for name in _TEMPLATES) if path.is_file()]
    if not found:
        raise Misconfigured("the shim script is missing from this installation", hint="install safeinstall again")
    return found[0]


def _write(path: Path, text: str) -> None:
    if path.exists() and not is_shim(path):
        raise Misconfigured(f"{path} exists and is no shim of ours", hint="choose a folder of its own for the shims")
    # Written beside and moved into place: a shim that is running now keeps its text.
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o755)
    new.replace(path)
