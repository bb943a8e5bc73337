"""Which Pythons are on this machine: on PATH, and where version managers keep theirs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from safeinstall.outside import Outside
from safeinstall.ways.guards import Interpreter, ask

_KEPT = (
    (("PYENV_ROOT", ".pyenv"), "versions/*/bin/python3"),
    (("ASDF_DATA_DIR", ".asdf"), "installs/python/*/bin/python3"),
    (("MISE_DATA_DIR", ".local/share/mise"), "installs/python/*/bin/python3"),
    (("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python"), "*/bin/python3"),
)
"""The variable that names a manager's folder, where that is below HOME without it, and the pythons in it."""


def installations(outside: Outside, named: Sequence[Path] = ()) -> tuple[Interpreter, ...]:
    """Return the installations behind *named*, or behind all that can be found, each once."""
    paths = [outside.cwd / one for one in named] or list(found(outside.env))
    by_folder: dict[Path, Interpreter] = {}
    for path in paths:
        one = ask(path, outside.runner(), outside.env)
        if one is not None:
            by_folder.setdefault(one.stdlib.resolve(), one)
    return tuple(by_folder.values())


def found(env: Mapping[str, str]) -> Iterator[Path]:
    """Yield every python that can be found, some of them more than once under different names."""
    seen: set[Path] = set()
    for entry in env.get("PATH", os.defpath).split(os.pathsep):
        if not Path(entry).is_absolute():
            continue
        for path in sorted(Path(entry).glob("python3*")):
            if path.name.removeprefix("python3").lstrip(".").isdigit() or path.name == "python3":
                seen.add(path.resolve())
                yield path
    for (variable, usual), pattern in _KEPT:
        root = env.get(variable) or (f"{env['HOME']}/{usual}" if env.get("HOME") else "")
        if root:
            yield from (path for path in sorted(Path(root).glob(pattern)) if path.resolve() not in seen)
