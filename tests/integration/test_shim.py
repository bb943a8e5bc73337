"""The shim: one POSIX script, run by every shell that is here, against tools that only tell that they ran."""

import os
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from safeinstall.cli import GUARDED
from safeinstall.realtool import MARKER, is_shim

SCRIPT = Path(__file__).parents[2] / "shims" / "safeinstall-shim"
NAMES = ("pip", "pip3", "pip3.11", "npm", "npx")

SHELLS = [
    pytest.param(found, id=name)
    for name, found in (
        ("sh", "/bin/sh"),
        ("dash", shutil.which("dash")),
        ("bash-posix", shutil.which("bash")),
        ("busybox", shutil.which("busybox")),
    )
    if found is not None
]


@dataclass(frozen=True)
class Bench:
    """A shim in front of a fake tool, and a fake interpreter behind it."""

    root: Path
    shims: Path
    tools: Path
    python: Path

    def run(self, name: str, *words: str, path: str | None = None, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run *name* as a shell would: the first on PATH."""
        full = path if path is not None else f"{self.shims}:{self.tools}:/usr/bin:/bin"
        found = shutil.which(name, path=full)
        assert found is not None
        return subprocess.run(
            [found, *words], env={"PATH": full, **env}, capture_output=True, text=True, check=False, timeout=20
        )


def executable(path: Path, text: str) -> Path:
    """Write a script and make it executable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def shim(path: Path, python: Path | str, shell: str) -> Path:
    """Write a shim at *path* as `safeinstall setup` does, run by *shell*."""
    first = f"#!{shell}\n" if not shell.endswith("busybox") else f"#!{shell} sh\n"
    text = SCRIPT.read_text().replace("SAFEINSTALL_PYTHON=''", f"SAFEINSTALL_PYTHON='{python}'")
    return executable(path, first + text.partition("\n")[2])


@pytest.fixture(params=SHELLS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """Return shims run by one shell; the tool says `real`, the interpreter `guarded` with its arguments."""
    python = executable(tmp_path / "env/bin/python", '#!/bin/sh\nshift 3\necho "guarded: $*"\n')
    for name in NAMES:
        shim(tmp_path / "shims" / name, python, request.param)
        executable(tmp_path / "tools" / name, f'#!/bin/sh\necho "real {name}: $* [$PATH]"\nexit 7\n')
    return Bench(tmp_path, tmp_path / "shims", tmp_path / "tools", python)


PASSED_ON = [
    ("pip", "list"),
    ("pip", "--version"),
    ("pip3", "show", "installer"),
    ("pip", "uninstall", "-y", "x"),
    ("npm", "--version"),
    ("npm", "run", "build"),
    ("npm", "run", "x"),
    ("npm", "run", "install"),
    ("pip", "show", "wheel"),
    ("npm", "test"),
    ("npm", "info", "express"),
    ("npm", "ls"),
    ("npm", "config", "get", "registry"),
    ("pip3.11", "list"),
    ("npx", "--version"),
    ("npm", "--silent", "run", "install"),
    ("npm", "--prefix", "install", "run", "x"),
    ("npm", "--prefix=install", "-s", "test"),
    ("npm", "-w", "a", "--json", "ls"),
    ("npm", "view", "@scope/left-pad@1", "dist.tarball"),
    ("npm", "docs", "./x/y"),
    ("npm", "version"),
    ("npm", "publish"),
    ("npm", "--prefix", "dir"),
    ("pip", "-q", "--log=x", "list"),
    ("pip", "--isolated", "show", "install"),
]
HANDED_OVER = [
    ("pip", "install", "flask"),
    ("pip", "--python", "x", "install", "flask"),
    ("pip3", "download", "flask"),
    ("pip", "--log=a:list", "install", "flask"),
    ("npm", "--prefix=a:run", "install"),
    ("pip", "wheel", "."),
    ("pip", "lock", "flask"),
    ("pip", "--safeinstall-offline", "list"),
    ("npm", "--prefix", "dir", "install"),
    ("npm", "installTest"),
    ("npm", "--silent=install", "run"),
    ("npm", "--prefix", "--", "install"),
    ("npm", "--prefix", "dir", "--safeinstall-offline"),
    ("npm", "--tag", "run", "install"),
    ("npm", "birthday"),
    ("npm", "teleport"),
    ("npm", "init", "-y"),
    ("npm", "version", "patch"),
    ("npm", "publish", "x"),
    ("npm", "view", "a/b"),
    ("npm", "view", "@s/a@b/c"),
    ("npm", "repo", "x@git+https://x.example/y"),
    ("npm", "docs", "./x@host.example:y"),
    ("npm", "fund", "--", "-a/b"),
    ("npm", ""),
    ("pip", "teleport"),
    ("pip", "--log", "x", "list"),
    ("npm", "ci"),
    ("npm", "exec", "cowsay"),
    ("npm", "audit", "fix"),
    ("pip3.11", "install", "flask"),
    ("npx", "cowsay"),
    ("npx", "-v", "false", "cowsay"),
]


@pytest.mark.parametrize("command", PASSED_ON, ids=" ".join)
def test_what_cannot_install_reaches_the_real_tool(bench: Bench, command: tuple[str, ...]) -> None:
    """The tool gets its own words, its own exit code counts, and PATH is as it was."""
    name, *words = command
    done = bench.run(name, *words)

    assert done.stdout == f"real {name}: {' '.join(words)} [{bench.shims}:{bench.tools}:/usr/bin:/bin]\n"
    assert done.stderr == ""
    assert done.returncode == 7


@pytest.mark.parametrize("command", HANDED_OVER, ids=" ".join)
def test_what_may_install_is_handed_over_with_every_word(bench: Bench, command: tuple[str, ...]) -> None:
    """Any word counts, wherever it stands: the first that is no option may be an option's value."""
    name, *words = command

    assert bench.run(name, *words).stdout == f"guarded: {name} {' '.join(words)}\n"


def test_words_are_passed_on_as_they_are(bench: Bench) -> None:
    """Spaces, quotes, empty words and newlines reach the tool unchanged."""
    executable(bench.tools / "pip", f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\n")
    words = ("show", "a b", "", "c'd\"e", "$HOME", "*", "f\ng")

    assert bench.run("pip", *words).stdout == f"{list(words)}\n"


def test_a_missing_interpreter_stops_and_never_runs_the_tool(bench: Bench) -> None:
    """One line tells how to mend or remove it; an unguarded install by accident is what we are here to prevent."""
    bench.python.unlink()
    done = bench.run("pip", "install", "flask")

    assert done.returncode == 43
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "nothing was installed" in done.stderr
    assert "safeinstall setup" in done.stderr
    assert "PATH" in done.stderr


def test_a_broken_installation_stops_and_never_runs_the_tool(bench: Bench, tmp_path: Path) -> None:
    """A Python that cannot import safeinstall (upgraded, emptied) is as good as none."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "empty")], check=True)
    shell = bench.shims.joinpath("pip").read_text().partition("\n")[0].removeprefix("#!").split()[0]
    shim(bench.shims / "pip", tmp_path / "empty/bin/python", shell)
    done = bench.run("pip", "install", "flask", PYTHONPATH=str(SCRIPT.parents[1]))

    assert done.returncode == 43
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "nothing was installed" in done.stderr


def test_the_folder_we_stand_in_is_not_imported(bench: Bench, tmp_path: Path) -> None:
    """A `safeinstall.py` in a hostile repository must not become the guard."""
    shell = bench.shims.joinpath("pip").read_text().partition("\n")[0].removeprefix("#!").split()[0]
    shim(bench.shims / "pip", sys.executable, shell)
    hostile = tmp_path / "repository"
    executable(hostile / "safeinstall/__init__.py", "print('HOSTILE')\n")
    executable(hostile / "safeinstall/cli.py", "print('HOSTILE')\nmain = lambda: 0\n")
    done = subprocess.run(
        [bench.shims / "pip", "install", "--safeinstall-nonsense"],
        cwd=hostile,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(hostile), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "HOSTILE" not in done.stdout + done.stderr
    assert done.returncode == 44


def test_no_real_tool_is_said(bench: Bench) -> None:
    """Without a tool behind it the shim ends as a shell does, 127, and not in a loop."""
    done = bench.run("pip", "list", path=f"{bench.shims}:{bench.shims}/.")

    assert done.returncode == 127
    assert "no other `pip`" in done.stderr


def test_other_folders_of_shims_are_skipped(bench: Bench, tmp_path: Path) -> None:
    """Two installations, links to a shim, a link to the folder: none of them is the real tool."""
    shell = bench.shims.joinpath("pip").read_text().partition("\n")[0].removeprefix("#!").split()[0]
    shim(tmp_path / "second/pip", "/gone/python", shell)
    (tmp_path / "third").mkdir()
    (tmp_path / "third/pip").symlink_to(bench.shims / "pip")
    (tmp_path / "fourth").symlink_to(bench.shims)
    folders = [bench.shims, *(tmp_path / name for name in ("second", "third", "fourth")), bench.tools]

    for start in range(4):
        path = ":".join(map(str, [*folders[start:], "/usr/bin", "/bin"]))
        assert bench.run("pip", "list", path=path).stdout.startswith("real pip: list")


def test_folders_and_files_that_cannot_run_are_skipped(bench: Bench, tmp_path: Path) -> None:
    """A folder named pip, a file without its x bit, an entry that does not exist: the walk goes on."""
    (tmp_path / "one/pip").mkdir(parents=True)
    (tmp_path / "two").mkdir()
    (tmp_path / "two/pip").write_text("#!/bin/sh\necho wrong\n")
    path = f"{bench.shims}:{tmp_path}/one:{tmp_path}/two:/does/not/exist::{bench.tools}:/usr/bin:/bin"

    assert bench.run("pip", "list", path=path).stdout.startswith("real pip: list")


PYENV = """\
#!/bin/sh
# A version manager: looks the tool up again without its own folder, and finds our shim first.
PATH_WITHOUT=$(printf '%s' "$PATH" | tr ':' '\\n' | grep -v "^{own}$" | tr '\\n' ':')
for folder in $(printf '%s' "$PATH_WITHOUT" | tr ':' ' '); do
    [ -x "$folder/pip" ] && exec "$folder/pip" "$@"
done
"""


def test_a_version_manager_that_finds_us_again_is_no_loop(bench: Bench, tmp_path: Path) -> None:
    """Pyenv's `system` version looks past its own shims and lands at ours: then the next tool is the real one."""
    own = tmp_path / "pyenv"
    executable(own / "pip", PYENV.format(own=own))
    path = f"{bench.shims}:{own}:{bench.tools}:/usr/bin:/bin"

    assert bench.run("pip", "list", path=path).stdout.startswith("real pip: list")


def test_the_child_of_a_guard_runs_the_real_tool(bench: Bench, tmp_path: Path) -> None:
    """A guard that runs a version manager's shim must not be asked to guard itself; scripts below are guarded."""
    own = tmp_path / "pyenv"
    executable(own / "pip", PYENV.format(own=own))
    path = f"{bench.shims}:{own}:{bench.tools}:/usr/bin:/bin"

    done = bench.run("pip", "install", "x", path=path, SAFEINSTALL_REENTRY=f"child {os.getpid()} {own}/pip")
    assert done.stdout.startswith("real pip: install x")
    executable(bench.tools / "pip", "#!/bin/sh\npip install y; exit 0\n")
    below = bench.run("pip", "install", "x", path=path, SAFEINSTALL_REENTRY=f"child {os.getpid()} {own}/pip")
    assert below.stdout == "guarded: pip install y\n"


def test_a_script_of_a_tool_that_was_passed_on_is_guarded(bench: Bench) -> None:
    """`npm run x` is no install, but what the script does may be one."""
    executable(bench.tools / "npm", '#!/bin/sh\nsh -c "npm install express"\n')

    assert bench.run("npm", "run", "x").stdout == "guarded: npm install express\n"


def test_a_foreign_reentry_is_no_free_pass(bench: Bench) -> None:
    """The variable counts for the one process that it names, and a leaked one for nobody."""
    for value in (f"child 1 {bench.tools}/pip", f"exec {os.getpid()} {bench.tools}/pip", "child", "child  "):
        assert bench.run("pip", "install", "x", SAFEINSTALL_REENTRY=value).stdout == "guarded: pip install x\n"


def test_the_links_in_the_repository_are_shims() -> None:
    """`shims/` holds one script and a link for each tool, and we know our own marker."""
    for name in GUARDED:
        link = SCRIPT.parent / name
        assert link.is_symlink()
        assert os.path.realpath(link) == str(SCRIPT)
        assert is_shim(link)
        assert os.access(link, os.X_OK)
    assert SCRIPT.read_bytes().splitlines()[1].startswith(MARKER)


def test_the_script_forks_nothing() -> None:
    """Its price is one shell start: no command substitution, no pipe, no external command before the exec."""
    code = [line for line in SCRIPT.read_text().splitlines() if not line.lstrip().startswith("#")]
    shell = "\n".join(code).partition("-I -c '")[0]

    assert "$(" not in shell
    assert "`" not in shell.replace("\\`", "")
    assert "/bin/" not in shell.replace("/.venv/bin/python", "").partition("\n")[2]


def test_setup_writes_shims_that_work(tmp_path: Path) -> None:
    """`safeinstall setup --dir` bakes in the interpreter that runs it; a second run changes nothing."""
    folder = tmp_path / "it's here"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "safeinstall", "setup", "--print", "--dir", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "export PATH=" in done.stdout
    env = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [folder / "pip", "install", "--safeinstall-nonsense"], env=env, capture_output=True, text=True, check=False
    )

    assert done.returncode == 44, done.stderr
    assert "--safeinstall-nonsense" in done.stderr


def test_setup_overwrites_nothing_but_shims(tmp_path: Path) -> None:
    """A folder that holds a real pip is the wrong folder."""
    executable(tmp_path / "pip", "#!/bin/sh\n")
    command = [sys.executable, "-m", "safeinstall", "setup", "--print", "--dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 44
    assert (tmp_path / "pip").read_text() == "#!/bin/sh\n"
