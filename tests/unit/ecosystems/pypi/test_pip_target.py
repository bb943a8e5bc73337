"""What interpreter a pip installs for, and how long we believe it."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from safeinstall.contracts import Finished
from safeinstall.ecosystems.pypi.target import describe
from safeinstall.errors import MalformedAnswer, NotUnderstood
from safeinstall.tools import Interpreter
from tests.fakes import FakeRunner, world

PYTHON = Interpreter(command=(sys.executable,))
TOLD = {
    "version": [3, 12, 1],
    "tags": ["cp312-cp312-linux_x86_64", "py3-none-any"],
    "environment": {"python_full_version": "3.12.1", "sys_platform": "linux"},
}


def telling(document: Mapping[str, object] | str, code: int = 0, stderr: str = "") -> FakeRunner:
    """Return a runner whose interpreter tells *document*."""
    text = document if isinstance(document, str) else json.dumps(document)
    return FakeRunner({"describe.py": Finished(exit_code=code, stdout=text, stderr=stderr)})


def test_an_interpreter_is_asked_once(tmp_path: Path) -> None:
    """Its tags do not change until the file does."""
    runner = telling(TOLD)

    first = describe(PYTHON, world(tmp_path, runner=runner))
    second = describe(PYTHON, world(tmp_path, runner=runner))

    assert first == second
    assert first.python == "3.12.1"
    assert first.tags[0] == "cp312-cp312-linux_x86_64"
    assert first.target(trim=False).environment["sys_platform"] == "linux"
    assert len(runner.ran) == 1


def test_a_half_written_answer_is_asked_again(tmp_path: Path) -> None:
    """A cache that cannot be read is no answer."""
    runner = telling(TOLD)
    describe(PYTHON, world(tmp_path, runner=runner))
    (kept,) = (tmp_path / "cache" / "targets").iterdir()
    kept.write_text('{"version": [3')

    assert describe(PYTHON, world(tmp_path, runner=runner)).python == "3.12.1"
    assert len(runner.ran) == 2


def test_a_python_that_is_too_old_is_named(tmp_path: Path) -> None:
    """Our own pip cannot plan there: nothing is guessed."""
    with pytest.raises(NotUnderstood, match=r"Python 3\.8\.18 is not guarded"):
        describe(PYTHON, world(tmp_path, runner=telling({"version": [3, 8, 18]})))


@pytest.mark.parametrize(
    ("runner", "failure"),
    [
        pytest.param(telling("", 1, "SyntaxError: invalid syntax"), NotUnderstood, id="python-2"),
        pytest.param(telling("hello"), MalformedAnswer, id="no-json"),
        pytest.param(telling({"version": [3, 12, 1], "tags": "all"}), MalformedAnswer, id="wrong-types"),
    ],
)
def test_an_interpreter_that_does_not_tell_blocks(runner: FakeRunner, failure: type[Exception], tmp_path: Path) -> None:
    """Whatever it said instead, it is not remembered."""
    with pytest.raises(failure):
        describe(PYTHON, world(tmp_path, runner=runner))

    assert not (tmp_path / "cache" / "targets").exists()
