"""The question at a terminal, asked by the real commands in a pseudo-terminal: all but the name is no."""

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.environments import machine_npm, node_modules, npm_project, venv_with_pip
from tests.guarded import guarded
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration
QUESTION = "anything else is no: "
WHY = "Why? (kept in the ledger): "


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A guarded command that blocks for a name close to a popular one."""

    argv: list[str]
    env: dict[str, str]
    cwd: Path
    name: str
    there: Callable[[], Mapping[str, str]]
    """What is installed."""


@pytest.fixture(params=["pip", "npm"])
def command(request: pytest.FixtureRequest, home: Path, osv: OsvServer, tmp_path: Path) -> Iterator[Asked]:
    """Return such a command for each manager, with what it sees."""
    tool = str(request.param)
    with PypiRegistry() as pypi, NpmRegistry() as npm:
        user = guarded(home, osv.url, pypi, npm)
        user.settings('[policy]\ntyposquat-strong-established = "block"\n')
        env = user.env({"PIP_INDEX_URL": pypi.index_url, "npm_config_registry": f"{npm.url}/", "TERM": "dumb"})
        env["NAME"] = "reqeusts" if tool == "pip" else "exprees"
        argv = [sys.executable, "-I", "-m", "safeinstall", tool, "install"]
        if tool == "pip":
            pypi.add(wheel(env["NAME"], "1.0"))
            venv = venv_with_pip(tmp_path / "venv")
            env["PATH"] = f"{venv.pip.parent}:{env['PATH']}"
            yield Asked(argv=[*argv, env["NAME"]], env=env, cwd=tmp_path, name=env["NAME"], there=venv.installed)
        else:
            npm.publish(tarball(env["NAME"]))
            (home / ".npmrc").write_text(f"registry={npm.url}/\n")
            project = npm_project(tmp_path / "project")
            env["PATH"] = f"{machine_npm().parent}:{env['PATH']}"
            yield Asked(argv=[*argv, env["NAME"]], env=env, cwd=project, name=env["NAME"],
                        there=lambda: node_modules(project))  # fmt: skip


def at_a_terminal(command: Asked, *answers: tuple[str, bytes | None], script: str = 'exec "$@"') -> tuple[int, str]:
    """
    Let a shell run *command* with a terminal of its own; each answer is typed when its question stands at the end.

    An answer of None closes the terminal's window; *script* is what the shell is told to do with the command.
    """
    child, terminal = pty.fork()
    if child == 0:
        # Who runs the tests in the background ignores it, and hands that on; a person at a terminal does not.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.chdir(command.cwd)
        os.execve("/bin/sh", ["sh", "-c", script, "sh", *command.argv], command.env)
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
            typed = left.pop(0)[1]
            if typed is None:
                break
            os.write(terminal, typed)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), seen


@pytest.mark.parametrize(
    "typed",
    [b"\n", b"y\n", b"requests\n", b"\x03", b"\x04"],
    ids=["enter", "y", "another-name", "ctrl-c", "ctrl-d"],
)
def test_everything_but_the_name_is_no(typed: bytes, command: Asked) -> None:
    """Enter, `y`, another name, Ctrl-C and the end of input: asked once, blocked, nothing installed."""
    code, seen = at_a_terminal(command, (QUESTION, typed))

    assert code == 40, seen
    assert seen.count(QUESTION) == 1
    assert WHY not in seen
    assert command.there() == {}


@pytest.mark.parametrize("script", ['exec "$@"', 'trap "" HUP; exec "$@"'], ids=["hangs-up", "nohup"])
def test_a_closed_window_is_no(script: str, command: Asked) -> None:
    """Whether the command ends with its terminal or lives on without one."""
    code, seen = at_a_terminal(command, (QUESTION, None), script=script)

    # 120 is Python's own word for output that could not be written any more.
    assert code in ({40, 120} if "trap" in script else {-signal.SIGHUP}), seen
    assert command.there() == {}


def test_no_reason_is_no(command: Asked) -> None:
    """The name alone is not enough: whoever cannot say why is not asked again."""
    code, seen = at_a_terminal(command, (QUESTION, f"{command.name}\n".encode()), (WHY, b"\n"))

    assert code == 40, seen
    assert seen.count(WHY) == 1
    assert command.there() == {}


def test_the_name_and_a_reason_are_yes(command: Asked, home: Path) -> None:
    """The person is asked once, for the whole set; the reason is in the ledger."""
    code, seen = at_a_terminal(command, (QUESTION, f"{command.name}\n".encode()), (WHY, b"a test of ours\n"))

    assert code == 0, seen
    assert seen.count(QUESTION) == 1
    assert list(command.there()) == [command.name]
    assert "a test of ours" in (home / "safeinstall" / "data" / "ledger.jsonl").read_text()


@pytest.mark.parametrize(
    "script",
    [
        'printf "%s\\nwhy\\n" "$NAME" | "$@"',
        'exec "$@" <&-',
        'exec "$@" 2>/dev/null',
    ],
    ids=["pipe", "closed", "unseen"],
)
def test_without_a_terminal_nobody_is_asked(script: str, command: Asked) -> None:
    """A pipe that says the name is no person; a question that nobody can see, or answer, is not asked."""
    code, seen = at_a_terminal(command, script=script)

    assert code == 40, seen
    assert QUESTION not in seen
    assert command.there() == {}


def test_a_terminal_that_ci_lends_is_none(command: Asked) -> None:
    """Nobody sits there."""
    code, seen = at_a_terminal(
        replace(command, env={**command.env, "CI": "true"}), (QUESTION, f"{command.name}\n".encode())
    )

    assert code == 40, seen
    assert QUESTION not in seen
