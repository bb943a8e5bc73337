"""Setup in each shell: every way in which the shell starts finds the shims first, and teardown leaves no trace."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.environments import missing

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
OURS = "safeinstall-probe x"


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
        own = (".cache", ".local/share/fish", ".config/fish/fish_variables", ".config/fish/conf.d", ".zcompdump")
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
    for name in ("pip", "pip3", "npm", "npx"):
        for folder in ("tools", "venv/bin"):
            tool = home / folder / name
            tool.parent.mkdir(parents=True, exist_ok=True)
            tool.write_text(STUB.format(kind="real" if folder == "tools" else "environment's", name=name))
            tool.chmod(0o755)
    (home / "Makefile").write_text("all:\n\t@pip install --safeinstall-probe x\n")
    (home / "script.sh").write_text("#!/bin/sh\nnpm install --safeinstall-probe x\n")
    (home / "script.sh").chmod(0o755)
    (home / "tools" / "npm").write_text('#!/bin/sh\n[ "$1" = run ] && exec sh -c "pip install --safeinstall-probe x"\n')
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
    yield user
    user.safeinstall("teardown")
    assert user.files() == before
    assert not (home / "si" / "data" / "shims").exists()


def started(person: Person, *flags: str, command: str = "pip install --safeinstall-probe x") -> str:
    """Start the shell with *flags* and let it run *command*."""
    return person.run(person.binary, *flags, "-c", command)


def test_a_new_login_shell_is_guarded(person: Person) -> None:
    """`bash -l` and its like: what a terminal, ssh or su starts."""
    assert started(person, "-l") == OURS


def test_a_new_interactive_shell_is_guarded(person: Person) -> None:
    """A terminal inside of a session; dash reads no file there, and gets PATH from the session's login shell."""
    flags = ("-l", "-i") if person.shell == "sh" else ("-i",)
    assert started(person, *flags) == OURS
    assert started(person, *flags, command="npm install --safeinstall-probe x") == OURS


@pytest.mark.parametrize(
    "command",
    ["sh -c 'pip install --safeinstall-probe x'", "make -s", "./script.sh", "env pip3 install --safeinstall-probe x",
     "npm run x"],
)  # fmt: skip
def test_what_a_login_shell_starts_is_guarded(command: str, person: Person) -> None:
    """PATH is inherited: by another shell, make, a script, `env`, and the script of an `npm run`."""
    if command.startswith("make") and shutil.which("make") is None:
        missing("make is not on this machine")
    assert started(person, "-l", command=command) == OURS


def test_an_environment_that_was_activated_before_is_guarded(person: Person) -> None:
    """A shell that starts inside of an activated environment puts the shims before it; they find its pip."""
    env = {**person.env, "PATH": f"{person.home}/venv/bin:{person.env['PATH']}"}
    flag = "-l" if person.shell == "sh" else "-i"
    assert person.run(person.binary, flag, "-c", "pip install --safeinstall-probe x", env=env) == OURS
    if person.shell in ("bash", "zsh"):  # the others' own files put their tools first here
        assert person.run(person.binary, flag, "-c", "pip list", env=env) == "environment's pip list"


def test_an_environment_that_is_activated_afterwards_is_guarded_at_the_prompt(person: Person) -> None:
    """At a prompt, functions win over the environment's `bin`; in scripts it takes the guard inside of Python."""
    activate = {
        "fish": f"set -gx PATH '{person.home}/venv/bin' $PATH",
    }.get(person.shell, f"PATH='{person.home}/venv/bin':$PATH")
    told = started(person, "-l", "-i", command=f"{activate}; pip install --safeinstall-probe x")

    assert told == ("environment's pip install --safeinstall-probe x" if person.shell == "sh" else OURS)


def test_an_emptied_environment_is_what_shims_do_not_cover(person: Person) -> None:
    """`env -i` takes PATH away: docs and doctor say so; a login shell below it is guarded again."""
    bare = {"HOME": str(person.home), "PATH": person.env["PATH"]}
    assert person.run("env", "-i", *(f"{k}={v}" for k, v in bare.items()), "pip", "install", env=bare) == (
        "real pip install"
    )
    again = ("env", "-i", *(f"{k}={v}" for k, v in bare.items()), person.binary, "-l", "-c")
    assert person.run(*again, "pip install --safeinstall-probe x", env=bare) == OURS


def test_print_changes_no_file_of_the_user(tmp_path: Path) -> None:
    """For people who manage their own files: the shims are written, the block is shown."""
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "SHELL": "/bin/zsh"}
    command = [sys.executable, "-I", "-m", "safeinstall", "setup", "--print", "--dir", str(tmp_path / "shims")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)

    assert str(tmp_path / "shims") in done.stdout
    assert {path.name for path in tmp_path.iterdir()} <= {"shims", ".cache", ".local"}
    assert {"pip", "pip3", "npm", "npx"} <= {path.name for path in (tmp_path / "shims").iterdir()}
