"""What `setup`, `teardown` and `doctor` say, to the letter: each scene is compared with a file of `ways`."""

# ruff: noqa: D401 - the docstring of a scene tells what happens in it

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from safeinstall.contracts import Finished
from safeinstall.ways.coverage import UNREACHED
from safeinstall.ways.selftest import NAME
from tests.fakes import FakeRunner, FakeSource
from tests.outsides import Machine

UPDATE = "SAFEINSTALL_UPDATE_SCREENS" in os.environ
HERE = Path(__file__).parent / "ways"

PROC = Path("/proc/safeinstall-test")
"""Nobody can make a file there, not even root."""


def heard(argv: Sequence[str]) -> Finished:
    """Answer the doctor's question as safeinstall does."""
    return Finished(exit_code=0, stdout=f"safeinstall-probe {argv[-1]}\n")


class Person(Machine):
    """A bash user, whose screen keeps several commands."""

    said: str = ""

    def does(self, *words: str) -> None:
        """Run a command of ours and keep what it said; what goes to stdout comes after the rest."""
        code = self.main(*words)
        shown = self.stderr.getvalue() + self.stdout.getvalue()
        shown = shown.replace(str(self.folder), "FOLDER").replace(sys.executable, "PYTHON")
        shown = re.sub(r"(keyring:\n  ).*", r"\1WHAT THIS MACHINE HAS", shown)
        shown = shown.replace("".join(f"  {line}\n" for line in UNREACHED), "  ... (the list of docs/ways-in.md)\n")
        command = " ".join(["$ safeinstall", *words]).replace(str(self.folder), "FOLDER")
        self.said += f"{command}\n{shown}[exit code {code}]\n"


def person(folder: Path) -> Person:
    """Return a user with an empty `.bashrc`."""
    answers: dict[str, Finished | Callable[[Sequence[str]], Finished]] = {
        "import safeinstall.cli": Finished(exit_code=0),
        "--safeinstall-probe": heard,
    }
    made = Person(folder, runner=FakeRunner(answers), sources=(FakeSource(),))
    home = folder / "user"
    home.mkdir()
    (home / ".bashrc").write_text("export MINE=1\n")
    made.env = {"HOME": str(home), "SHELL": "/bin/bash"}
    return made


def environment(folder: Path) -> Path:
    """Return what looks like an environment."""
    made = folder / "project" / "env"
    (made / "lib/python3.12/site-packages").mkdir(parents=True)
    (made / "bin").mkdir()
    (made / "bin/python").write_text("")
    (made / "pyvenv.cfg").write_text("")
    return made


def there_and_back(folder: Path) -> Person:
    """Setup, once more, and teardown, once more."""
    here = person(folder)
    for command in ("setup", "setup", "teardown", "teardown"):
        here.does(command)
    return here


def shown_only(folder: Path) -> Person:
    """For people who manage their own files."""
    here = person(folder)
    here.does("setup", "--print", "--dir", str(folder / "shims"), "--shell", "fish", "--shell", "zsh")
    return here


def not_writable(folder: Path) -> Person:
    """A start-up file that cannot be written, no HOME at all, and a folder that is somebody else's."""
    here = person(folder)
    (folder / "user/.profile").symlink_to(PROC)
    here.does("setup")
    here.does("setup", "--print", "--dir", str(folder / "bin"))
    del here.env["HOME"]
    here.does("setup")
    here.does("teardown")
    return here


def damaged(folder: Path) -> Person:
    """Somebody changed the block by hand."""
    here = person(folder)
    here.does("setup")
    bashrc = folder / "user/.bashrc"
    bashrc.write_text(bashrc.read_text().partition("# <<<")[0])
    here.does("setup")
    here.does("teardown")
    return here


def one_environment(folder: Path) -> Person:
    """The active environment, one that is none, and options that do not go together."""
    here = person(folder)
    here.env["VIRTUAL_ENV"] = str(environment(folder))
    for words in (["setup"], ["setup"], ["teardown"], ["teardown"]):
        here.does(*words, "--venv")
    here.does("setup", "--venv", "nothing")
    here.does("setup", "--venv", "env", "--system")
    return here


def no_interpreter(folder: Path) -> Person:
    """No Python was found that could be guarded."""
    here = person(folder)
    here.does("setup", "--all-venvs")
    here.does("setup", "--all-venvs", "--python", "/nowhere/python3")
    return here


def not_covered(folder: Path) -> Person:
    """Nothing was set up; a manager that nobody guards is there as well."""
    here = person(folder)
    environment(folder)
    (folder / "bin/uv").write_text("#!/bin/sh\n")
    (folder / "bin/uv").chmod(0o755)
    here.does("doctor")
    return here


def covered(folder: Path) -> Person:
    """After the setup, in a new shell."""
    here = person(folder)
    environment(folder)
    here.does("setup", "--print", "--dir", str(folder / "shims"), "--shell", "sh")
    here.does("setup", "--venv", "env")
    here.env["PATH"] = f"{folder}/shims:{folder}/bin"
    here.said = ""
    packument = {"versions": {"1.0.0": {"dist": {"integrity": "sha512-x"}}}, "time": {}, "maintainers": []}
    here.pages = {
        "https://pypi.example/simple/pip/": (
            "text/html",
            f'<a href="pip-1.0-py3-none-any.whl#sha256={"0" * 64}">pip</a>'.encode(),
        ),
        "https://npm.example/ms": ("application/json", json.dumps(packument).encode()),
    }
    configured = "global.index-url='https://pypi.example/simple'\nglobal.extra-index-url='https://own.example/'\n"
    here.runner = FakeRunner({
        "--safeinstall-probe": heard,
        "pip config list": Finished(exit_code=0, stdout=configured),
        "npm config get registry": Finished(exit_code=0, stdout="https://npm.example/\n"),
    })  # fmt: skip
    here.does("doctor")
    return here


def tried_without_npm(folder: Path) -> Person:
    """A tool that is not there is not tried, though a shim stands in for it."""
    here = person(folder)
    (folder / "bin/npm").unlink()
    here.does("setup", "--print", "--dir", str(folder / "shims"), "--shell", "sh")
    here.env["PATH"] = f"{folder}/shims:{folder}/bin"
    here.said = ""
    blocked = Finished(exit_code=40, stderr=f"error[advisory]: `{NAME}` 1.0 is reported as malware\n")
    here.runner = FakeRunner({"--safeinstall-probe": heard, "shims/pip install": blocked})
    here.does("doctor", "--self-test")
    return here


def tried(folder: Path) -> Person:
    """The self-test, blocked by one tool and not by the other."""
    here = person(folder)
    blocked = Finished(exit_code=40, stderr=f"error[advisory]: `{NAME}` 1.0 is reported as malware\n")
    here.runner = FakeRunner(
        {"bin/pip install": blocked, "bin/npm install": Finished(exit_code=1, stderr="npm error 404\n")}
    )
    here.does("doctor", "--self-test")
    return here


SCENES: tuple[Callable[[Path], Person], ...] = (
    there_and_back, shown_only, not_writable, damaged, one_environment, no_interpreter, not_covered, covered, tried,
    tried_without_npm,
)  # fmt: skip


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_screen(scene: Callable[[Path], Person], tmp_path: Path) -> None:
    """What a person reads is what was agreed on."""
    told = scene(tmp_path).said
    file = HERE / f"{scene.__name__}.txt"
    if UPDATE:
        file.parent.mkdir(exist_ok=True)
        file.write_text(told)

    assert told == file.read_text()


def test_every_screen_has_its_scene() -> None:
    """A file that no test compares would be a message that may change unseen."""
    assert {path.stem for path in HERE.glob("*.txt")} == {scene.__name__ for scene in SCENES}
