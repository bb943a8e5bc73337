"""The question at a terminal, asked by the real command in a pseudo-terminal: all but the name is no."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import Guarded
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration
QUESTION = "anything else is no: "
WHY = "Why? (kept in the ledger): "


@pytest.fixture
def command(user: Guarded, pypi: PypiRegistry, venv: Venv) -> tuple[list[str], dict[str, str]]:
    """Return a guarded command that blocks for a name close to a popular one, and what it sees."""
    pypi.add(wheel("reqeusts", "1.0"))
    user.settings('[policy]\ntyposquat-strong-established = "block"\n')
    env = user.env({"PIP_INDEX_URL": pypi.index_url, "TERM": "dumb"})
    env["PATH"] = f"{venv.pip.parent}:{env['PATH']}"
    return [sys.executable, "-I", "-m", "safeinstall", "pip", "install", "reqeusts"], env


def at_a_terminal(command: tuple[list[str], dict[str, str]], cwd: Path, *answers: tuple[str, bytes]) -> tuple[int, str]:
    """Run *command* with a terminal of its own; each answer is typed when its question stands at the end."""
    argv, env = command
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(cwd)
        os.execve(argv[0], argv, env)
    left, seen, end = list(answers), "", time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux: the other side is closed
            break
        if not data:
            break
        seen += data.decode("utf-8", "replace")
        if left and seen.endswith(left[0][0]):
            os.write(terminal, left.pop(0)[1])
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), seen


@pytest.mark.parametrize(
    "typed", [b"\n", b"y\n", b"requests\n", b"\x03", b"\x04"], ids=["enter", "y", "another-name", "ctrl-c", "ctrl-d"]
)
def test_everything_but_the_name_is_no(
    typed: bytes, command: tuple[list[str], dict[str, str]], venv: Venv, tmp_path: Path
) -> None:
    """Enter, `y`, another name, Ctrl-C and the end of input: asked once, blocked, nothing installed."""
    code, seen = at_a_terminal(command, tmp_path, (QUESTION, typed))

    assert code == 40, seen
    assert seen.count(QUESTION) == 1
    assert WHY not in seen
    assert venv.installed() == {}


def test_the_name_and_a_reason_are_yes(
    command: tuple[list[str], dict[str, str]], user: Guarded, venv: Venv, tmp_path: Path
) -> None:
    """The person is asked once, for the whole set; the reason is in the ledger."""
    code, seen = at_a_terminal(command, tmp_path, (QUESTION, b"reqeusts\n"), (WHY, b"a test of ours\n"))

    assert code == 0, seen
    assert seen.count(QUESTION) == 1
    assert venv.installed() == {"reqeusts": "1.0"}
    assert "a test of ours" in str(user.ledger())


def test_without_a_terminal_nobody_is_asked(command: tuple[list[str], dict[str, str]], tmp_path: Path) -> None:
    """A pipe that says the name is no person; neither is a terminal that CI lends."""
    argv, env = command
    done = subprocess.run(
        argv, env=env, cwd=tmp_path, input="reqeusts\nwhy not\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 40
    assert QUESTION not in done.stderr
    code, seen = at_a_terminal((argv, {**env, "CI": "true"}), tmp_path, (QUESTION, b"reqeusts\n"))
    assert code == 40
    assert QUESTION not in seen
