"""Setup in each shell: every way in which the shell starts finds the shims first, and teardown leaves no trace."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.environments import machine_npm, missing, optional_tool, venv_with_pip

pytestmark = pytest.mark.integration

SHELLS = ("bash", "zsh", "fish", "sh")
BINARIES = {"sh": "dash"}
START = {
    "bash": {".bashrc": b"# mine\nexport MINE=1", ".bash_profile": b"PATH=$HOME/tools:$PATH\n. ~/.bashrc"},
    "zsh": {".zshrc": b"export MINE=1\n", ".zprofile": b"PATH=$HOME/tools:$PATH"},
    "fish": {".config/fish/config.fish": b"set -gx PATH ~/tools $PATH\n"},
    "sh": {".profile": b"PATH=$HOME/tools:$PATH"},
}
"""What the user has already: the system's own files take PATH back, and a version manager puts its folder first."""
STUB = '#!/bin/sh\necho "{kind} {name} $*"\n'
PROBE = "install --safeinstall-probe x"
OURS = "safeinstall-probe x"
ACTIVATE = {"fish": "source '{venv}/bin/activate.fish'"}
"""How the user activates an environment; elsewhere by `.` and the script for POSIX shells."""


@dataclass(frozen=True)
class Person:
    """A user of one shell, whose real tools only tell that they ran."""

    shell: str
    binary: str
    home: Path
    env: dict[str, str]

    def run(self, *words: str, env: dict[str, str] | None = None) -> str:
        """Run *words* and return the last line of what came out."""
        done = subprocess.run(
            words,
            env=self.env if env is None else env,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return (done.stdout.strip() or done.stderr.strip()).rpartition("\n")[2]

    def files(self) -> dict[str, bytes]:
        """Return every file of the home that is no business of the shell's or our own."""
        own = (
            "venv",
            "guarded venv",
            ".npm",
            ".cache",
            ".local/share/fish",
            ".config/fish/fish_variables",
            ".config/fish/conf.d",
            ".zcompdump",
        )
        found = {str(path.relative_to(self.home)): path for path in self.home.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in found.items() if not name.startswith(own)}

    def safeinstall(self, *words: str) -> None:
        """Run a command of ours that must succeed."""
        command = [sys.executable, "-I", "-m", "safeinstall", *words]
        subprocess.run(command, env=self.env, cwd=self.home, check=True, capture_output=True)


@pytest.fixture(scope="module", params=SHELLS)
def person(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Return a user whose shell was set up twice; at the end everything is taken out and compared."""
    shell = str(request.param)
    binary = shutil.which(BINARIES.get(shell, shell)) or missing(f"{shell} is not on this machine")
    home = tmp_path_factory.mktemp(f"home of {shell}")
    (home / "tools").mkdir()
    for name in ("pip", "pip3"):
        (home / "tools" / name).write_text(STUB.format(kind="real", name=name))
        (home / "tools" / name).chmod(0o755)
    for name in ("npm", "npx"):
        (home / "tools" / name).symlink_to(machine_npm().with_name(name))
    (home / "tools" / "node").symlink_to(optional_tool("node"))
    venv_with_pip(home / "venv")
    venv_with_pip(home / "guarded venv")
    (home / "Makefile").write_text("".join(f"{name}:\n\t@{name} {PROBE}\n" for name in ("pip", "npm")))
    for name in ("pip", "npm"):
        (home / f"{name}.sh").write_text(f"#!/bin/sh\n{name} {PROBE}\n")
        (home / f"{name}.sh").chmod(0o755)
    scripts = {name: f"{name} {PROBE}" for name in ("pip", "npm")}
    (home / "package.json").write_text(json.dumps({"name": "x", "version": "1.0.0", "scripts": scripts}))
    for name, data in START[shell].items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(data)
    env = {"HOME": str(home), "PATH": f"{home}/tools:/usr/bin:/bin", "SHELL": binary, "LANG": "C.UTF-8"}
    user = Person(shell, binary, home, {**env, "SAFEINSTALL_HOME": str(home / "si")})
    before = user.files()
    words = ["--shell", shell]
    user.safeinstall("setup", *words)
    once = user.files()
    user.safeinstall("setup", *words)
    assert user.files() == once != before
    user.safeinstall("setup", "--venv", str(home / "guarded venv"))
    yield user
    user.safeinstall("teardown")
    user.safeinstall("teardown", "--venv", str(home / "guarded venv"))
    assert user.files() == before
    assert not (home / "si" / "data" / "shims").exists()


def activate(person: Person, name: str = "venv") -> str:
    """Return the line that activates one of the user's environments, by the script that it came with."""
    return ACTIVATE.get(person.shell, ". '{venv}/bin/activate'").format(venv=person.home / name)


CELLS = {
    "login": "{shell} -l -c '{tool} {probe}'",
    "interactive": "{shell} {inter} -c '{tool} {probe}'",
    "sh -c": """{shell} -l -c "sh -c '{tool} {probe}'" """,
    "make": "{shell} -l -c 'make -s {tool}'",
    "script": "{shell} -l -c ./{tool}.sh",
    "env": "{shell} -l -c 'env {tool} {probe}'",
    "npm run": "{shell} -l -c 'npm run --silent {tool}'",
    "env -i": 'env -i HOME="$HOME" SAFEINSTALL_HOME="$SAFEINSTALL_HOME" PATH="$PATH" {shell} -l -c \'{tool} {probe}\'',
    "activated before": ". ./venv/bin/activate; {shell} {before} -c '{tool} {probe}'",
    "activated after, at the prompt": '{shell} -l -i -c "{activate}; {tool} {probe}"',
    "activated after, in a script, guarded inside": '{shell} -l -c "{activate_guarded}; {tool} {probe}"',
    "env -i, guarded inside": "env -i './guarded venv/bin/pip' {probe}",
}
"""Way -> what a terminal, a desktop or an agent runs; the line is read by a plain `sh`."""


TABLE = [(cell, tool) for cell, line in CELLS.items() for tool in ("pip", "npm") if tool == "pip" or "{tool}" in line]


@pytest.mark.parametrize(("cell", "tool"), TABLE)
def test_every_way_in_reaches_us(cell: str, tool: str, person: Person) -> None:
    """
    One row of the table for each shell.

    dash reads no file when it is merely interactive: it has PATH from the session's login shell. And there are no
    functions in its start-up file, so that an environment activated at its prompt takes the guard inside of Python.
    """
    if cell.startswith("make"):
        optional_tool("make")
    dash = person.shell == "sh"
    line = CELLS[cell].format(
        shell=person.binary,
        tool=tool,
        probe=PROBE,
        inter="-l -i" if dash else "-i",
        before="-l" if dash else "-i",
        activate=activate(person, "guarded venv" if dash else "venv"),
        activate_guarded=activate(person, "guarded venv"),
    )

    assert person.run("/bin/sh", "-c", line) == OURS


def test_what_no_shim_covers_is_what_the_docs_say(person: Person) -> None:
    """An emptied environment, and an environment that is activated in a script and not guarded inside."""
    bare = {"HOME": str(person.home), "PATH": person.env["PATH"]}
    assert person.run("env", "-i", f"PATH={bare['PATH']}", "pip", "install", env=bare) == "real pip install"
    told = person.run(person.binary, "-l", "-c", f"{activate(person)}; pip {PROBE}")
    assert OURS not in told
    assert "no such option: --safeinstall-probe" in told


def test_an_environment_that_was_activated_before_is_what_the_shims_lead_to(person: Person) -> None:
    """What installs nothing goes to its pip, where the user's own files do not put their tools first."""
    if person.shell in ("bash", "zsh"):
        line = f". ./venv/bin/activate; {person.binary} -i -c 'pip --version'"
        assert str(person.home / "venv") in person.run("/bin/sh", "-c", line)


def test_print_changes_no_file_of_the_user(tmp_path: Path) -> None:
    """For people who manage their own files: the shims are written, the block is shown."""
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "SHELL": "/bin/zsh"}
    command = [sys.executable, "-I", "-m", "safeinstall", "setup", "--print", "--dir", str(tmp_path / "shims")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)

    assert str(tmp_path / "shims") in done.stdout
    assert {path.name for path in tmp_path.iterdir()} <= {"shims", ".cache", ".local"}
    assert {"pip", "pip3", "npm", "npx"} <= {path.name for path in (tmp_path / "shims").iterdir()}
