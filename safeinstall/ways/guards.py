"""
Guards inside Python: a `.pth` in one environment, or a block in the `sitecustomize` of an interpreter.

Both see every spelling of pip (`bin/pip`, `python -m pip`, `-Im pip`, absolute paths) and both are outside of what pip
itself writes: upgrading pip rewrites `bin/pip` and leaves them alone.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from safeinstall import words
from safeinstall.contracts import Runner
from safeinstall.errors import MalformedAnswer, Misconfigured, ToolMissing
from safeinstall.fields import field
from safeinstall.ways import block
from safeinstall.ways.files import remove, write
from safeinstall.ways.shims import template

PTH = "safeinstall-guard.pth"
SITECUSTOMIZE = "sitecustomize.py"
OLDEST = (3, 10)
"""`sys.orig_argv`, which tells how Python was called, came with it; and our own pip needs it."""

_SOURCE = Path(__file__).with_name("startup.py")
_LOOK = '"pip" in " ".join(getattr(sys, "orig_argv", ())[1:])'
_ASK = """\
import json, os, sys
print(json.dumps({"stdlib": os.path.dirname(os.path.abspath(os.__file__)), "version": list(sys.version_info[:2])}))
"""
_CHAIN = """\
# This file was made by safeinstall: a `sitecustomize` that it would hide is loaded as ever.
def _behind():
    import os

    here = os.path.dirname(os.path.abspath(__file__))
    rest = [entry for entry in sys.path if os.path.abspath(entry) != here]
    for finder in sys.meta_path:
        spec = finder.find_spec("sitecustomize", rest) if hasattr(finder, "find_spec") else None
        if spec is not None and spec.loader is not None:
            module = type(sys)("sitecustomize")
            module.__spec__, module.__file__ = spec, spec.origin
            sys.modules["sitecustomize"] = module
            spec.loader.exec_module(module)
            return


_behind()
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """A Python installation, which any number of environments may share."""

    python: Path
    """One way to start it."""
    stdlib: Path
    version: tuple[int, ...]

    @property
    def sitecustomize(self) -> Path:
        """The file that every start of it, and of every environment made from it, reads."""
        return self.stdlib / SITECUSTOMIZE


def sites(environment: Path) -> tuple[Path, ...]:
    """Return the `site-packages` of *environment*; empty: it is none."""
    if not (environment / "bin").is_dir():
        return ()
    found = {path.resolve(): path for path in environment.glob("lib*/*/site-packages")}
    return tuple(sorted(found.values()))


def guard_environment(environment: Path, python: Path) -> bool:
    """Guard *environment*; returns whether anything changed. Raises `Misconfigured`, `OSError`."""
    found = sites(environment)
    if not found:
        raise Misconfigured(f"{environment} is no Python environment", hint="safeinstall setup --venv .venv")
    text = pth(python).encode()
    for site in found:
        if version_of(site) < OLDEST:
            raise Misconfigured(f"{environment} has a Python older than 3.10, which is not guarded")
    changed = [site for site in found if not _holds(site / PTH, text)]
    for site in changed:
        write(site / PTH, text)
    return bool(changed)


def unguard_environment(environment: Path) -> bool:
    """Take the guard out of *environment*; returns whether there was one."""
    held = [site / PTH for site in sites(environment) if (site / PTH).exists()]
    for path in held:
        remove(path)
    return bool(held)


def version_of(site: Path) -> tuple[int, ...]:
    """Return the version in the name of the folder that holds *site*: `lib/python3.11/site-packages`."""
    numbers = site.parent.name.lstrip("pyothn").rstrip("t").split(".")
    return tuple(int(one) for one in numbers if one.isdigit())


def guard_interpreter(one: Interpreter, python: Path) -> bool:
    """Guard *one* and every environment that is or will be made from it; returns whether anything changed."""
    if one.version < OLDEST:
        raise Misconfigured(f"{one.python} is older than Python 3.10, which is not guarded")
    before = block.held(one.sitecustomize)
    existed = one.sitecustomize.exists() if before is None else before.existed
    return block.put(one.sitecustomize, hook(python) + ("" if existed else _CHAIN))


def unguard_interpreter(one: Interpreter) -> bool:
    """Take the guard out of *one*; returns whether there was one."""
    before = block.held(one.sitecustomize)
    if before is None:
        return False
    block.take(one.sitecustomize)
    if not before.existed:
        for compiled in (one.stdlib / "__pycache__").glob("sitecustomize.*.pyc"):
            remove(compiled)
    return True


def guards_of(site: Path) -> Iterator[Path]:
    """Yield the files that guard the environment whose `site-packages` is *site*, but for its interpreter's."""
    if (site / PTH).is_file():
        yield site / PTH


def ask(python: Path, runner: Runner, env: Mapping[str, str]) -> Interpreter | None:
    """Return the installation behind *python*; None: it cannot be started, or does not tell."""
    try:
        done = runner.capture(
            [str(python), "-I", "-S", "-c", _ASK], cwd=Path("/"), env=env, timeout=timedelta(seconds=20)
        )
        told: object = json.loads(done.stdout)
        version = field(told, "version", list)
        return Interpreter(
            python=python, stdlib=Path(field(told, "stdlib", str)), version=tuple(int(one) for one in version)
        )
    except (ToolMissing, MalformedAnswer, ValueError, TypeError):
        return None


def pth(python: Path) -> str:
    """Return the whole `.pth`: one line that Python runs at each start, and one that tells a reader what it is."""
    return (
        "# Put here by `safeinstall setup --venv`: judges what pip would install. `safeinstall teardown --venv` removes"
        " it.\n"
        f'import sys; {_LOOK} and exec({_filled(python)!r}, {{"__name__": "safeinstall"}})\n'
    )


def hook(python: Path) -> str:
    """Return what stands in a `sitecustomize`."""
    return (
        "# Judges what pip would install; `safeinstall teardown --all-venvs` removes it.\n"
        f'import sys\n\nif {_LOOK}:\n    exec({_filled(python)!r}, {{"__name__": "safeinstall"}})\n'
    )


def _filled(python: Path) -> str:
    """Return the text of `startup.py` that starts *python*."""
    # What the shim runs stands in the shim: between `-c '` and the quote that ends it.
    launch = template().partition("-I -c '")[2].partition('\' "$name"')[0]
    assert launch, "the shim does not say how to start us"
    text = _SOURCE.read_text(encoding="utf-8").partition('"""\n\n')[2]
    lines = text.splitlines()
    for name, value in (
        ("PYTHON", str(python)),
        ("LAUNCH", launch),
        ("FIRST", tuple(sorted(words.FIRST["pip"]))),
        ("FLAGS", tuple(sorted(words.FLAGS["pip"]))),
    ):
        lines = [line if line.partition(" ")[0].rstrip(":") != name else f"{name} = {value!r}" for line in lines]
    return "\n".join(lines)


def _holds(path: Path, text: bytes) -> bool:
    return path.is_file() and path.read_bytes() == text
