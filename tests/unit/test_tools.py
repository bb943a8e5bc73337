"""Finding real tools behind shims, and the interpreter behind a pip."""

import os
import sys
from pathlib import Path

import pytest

from safeinstall.contracts import Finished
from safeinstall.errors import NotUnderstood
from safeinstall.processes import SubprocessRunner
from safeinstall.tools import interpreter_of
from tests.fakes import FakeRunner


def executable(path: Path, text: str) -> Path:
    """Write an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def path_of(*folders: Path) -> dict[str, str]:
    """Return an environment whose PATH is *folders*."""
    return {"PATH": os.pathsep.join(map(str, folders))}


@pytest.mark.parametrize(
    ("head", "command"),
    [
        pytest.param("#!{python}\n", ("{python}",), id="plain"),
        pytest.param("#!{python} -sP\n", ("{python}", "-sP"), id="flags"),
        pytest.param("#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n", ("{python}",), id="long-path"),
        pytest.param("#!/bin/sh\n'''exec' {python} -I \"$0\" \"$@\"\n' '''\n", ("{python}", "-I"), id="long-path-flag"),
        pytest.param("#!/usr/bin/env python3\n", ("{python}",), id="env"),
        pytest.param("#!/usr/bin/env -S python3 -I\n", ("{python}", "-I"), id="env-with-flags"),
    ],
)
def test_a_script_names_its_interpreter(head: str, command: tuple[str, ...], tmp_path: Path) -> None:
    """No process is started to learn what the first lines tell."""
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    pip = executable(tmp_path / "pip", head.format(python=python) + "print('pip')\n")

    found = interpreter_of(pip, FakeRunner(), path_of(python.parent), tmp_path, tmp_path)

    assert found.command == tuple(word.format(python=python) for word in command)


def test_a_wrapper_is_asked_which_python_it_starts(tmp_path: Path) -> None:
    """Version managers put scripts before pip: the wrapper is run once, and pip in it does nothing."""
    inner = executable(tmp_path / "inner" / "pip", f"#!{sys.executable}\nraise SystemExit('pip ran')\n")
    wrapper = executable(tmp_path / "shims" / "pip", f'#!/bin/sh\nexec "{inner}" "$@"\n')
    probe = tmp_path / "probe"
    probe.mkdir()

    found = interpreter_of(wrapper, SubprocessRunner(), dict(os.environ), tmp_path, probe)

    assert found.path.samefile(sys.executable)


def test_a_wrapper_is_asked_where_the_user_is(tmp_path: Path) -> None:
    """Version managers choose a Python by a file in the working folder: elsewhere it is another one."""
    inner = executable(tmp_path / "inner" / "pip", f"#!{sys.executable}\nraise SystemExit('pip ran')\n")
    wrapper = executable(tmp_path / "shims" / "pip", f'#!/bin/sh\n[ -f .python-version ] && exec "{inner}" "$@"\n')
    project, probe = tmp_path / "project", tmp_path / "probe"
    project.mkdir()
    probe.mkdir()
    (project / ".python-version").write_text("3.13\n")

    found = interpreter_of(wrapper, SubprocessRunner(), dict(os.environ), project, probe)

    assert found.path.samefile(sys.executable)


def test_a_python_that_is_itself_a_wrapper_is_asked(tmp_path: Path) -> None:
    """`#!/usr/bin/env python3` may lead to a version manager's script: the real binary is found through it."""
    executable(tmp_path / "bin" / "python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    pip = executable(tmp_path / "pip", "#!/usr/bin/env python3\nraise SystemExit('pip ran')\n")
    probe = tmp_path / "probe"
    probe.mkdir()
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}

    assert interpreter_of(pip, SubprocessRunner(), env, tmp_path, probe).path.samefile(sys.executable)


def test_a_wrapper_that_does_not_tell_blocks(tmp_path: Path) -> None:
    """Not to know the interpreter is not to know what would be installed."""
    pip = executable(tmp_path / "pip", "#!/bin/sh\n")
    runner = FakeRunner({"pip --version": Finished(exit_code=0, stdout='pip 24.0\n{"executable": "/bin/sh"}\n')})

    with pytest.raises(NotUnderstood, match="cannot tell which Python"):
        interpreter_of(pip, runner, {}, tmp_path, tmp_path)
