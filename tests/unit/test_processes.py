"""`safeinstall.processes`: processes of the user's own tools."""

import os
import subprocess
import sys
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from safeinstall import wiring
from safeinstall.errors import ToolMissing
from safeinstall.processes import SubprocessRunner

ENV = {"PATH": os.defpath, "WORD": "here"}


def python(code: str) -> list[str]:
    """Return the command line that runs *code*."""
    return [sys.executable, "-I", "-c", code]


def test_output_and_exit_code_come_back(tmp_path: Path) -> None:
    """In the folder and environment that were given, and nothing else of ours."""
    code = "import os, sys; print(os.getcwd(), os.environ['WORD']); sys.stderr.write('err'); sys.exit(3)"

    done = SubprocessRunner().capture(python(code), cwd=tmp_path, env=ENV)

    assert (done.exit_code, done.stdout, done.stderr) == (3, f"{tmp_path} here\n", "err")


def test_output_that_is_no_text_is_harmless(tmp_path: Path) -> None:
    """Bytes of another encoding are replaced, not raised about."""
    done = SubprocessRunner().capture(python("import os; os.write(1, b'a\\xff')"), cwd=tmp_path, env=ENV)

    assert done.stdout == "a\ufffd"


def test_a_captured_tool_has_no_terminal_to_ask(tmp_path: Path) -> None:
    """It reads the end of file instead of waiting for a person."""
    done = SubprocessRunner().capture(python("import sys; print(repr(sys.stdin.read()))"), cwd=tmp_path, env=ENV)

    assert done.stdout == "''\n"


def test_a_tool_that_is_not_there_or_never_ends_is_missing(tmp_path: Path) -> None:
    """Both say which tool it was."""
    runner = SubprocessRunner()

    with pytest.raises(ToolMissing, match=r"`.*nothing` could not be started"):
        runner.capture([str(tmp_path / "nothing")], cwd=tmp_path, env=ENV)
    with pytest.raises(ToolMissing, match="could not be started"):
        runner.attached([str(tmp_path / "nothing")], cwd=tmp_path, env=ENV)
    with pytest.raises(ToolMissing, match=r"did not end within 0\.3 s"):
        runner.capture(
            python("import time; time.sleep(60)"), cwd=tmp_path, env=ENV, timeout=timedelta(milliseconds=300)
        )


@pytest.mark.parametrize(
    ("code", "expected"),
    [("import sys; sys.exit(7)", 7), ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 128 + 15)],
)
def test_an_attached_tool_gives_its_exit_code_as_a_shell_would(code: str, expected: int, tmp_path: Path) -> None:
    """A signal is 128 and its number."""
    assert SubprocessRunner().attached(python(code), cwd=tmp_path, env=ENV) == expected


BECOME = """
import sys
from safeinstall import processes
print("before", flush=False)
print(processes.become(sys.argv[1:], {"WORD": "after"}))
"""


def test_the_real_tool_takes_our_place(tmp_path: Path) -> None:
    """What we printed stands before what it prints; a tool that cannot be started is 127, as a shell has it."""
    became = subprocess.run(
        [sys.executable, "-c", BECOME, *python("import os; print(os.environ['WORD'])")],
        capture_output=True,
        text=True,
        check=True,
    )
    missing = subprocess.run(
        [sys.executable, "-c", BECOME, str(tmp_path / "nothing")], capture_output=True, text=True, check=True
    )

    assert became.stdout == "before\nafter\n"
    assert missing.stdout == "before\n127\n"


def test_the_clock_knows_its_zone() -> None:
    """Moments are compared across machines."""
    assert wiring.now().tzinfo is timezone.utc
