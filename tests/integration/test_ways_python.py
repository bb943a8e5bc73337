"""Guards inside Python: every spelling of pip in an environment reaches safeinstall, and nothing else notices."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.built import from_disk
from tests.builders.wheels import wheel
from tests.environments import Venv, install_wheel, isolated_env, stored, venv_with_pip
from tests.guarded import Guarded
from tests.registries.osv import OsvServer, malware
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration
HEARD = "safeinstall-probe here\n"
PROBE = ("install", "--safeinstall-probe", "here")


def run(*command: str | Path, env: dict[str, str], cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run *command* to its end."""
    return subprocess.run(
        list(map(str, command)), env=env, cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


def safeinstall(*words: str | Path, env: dict[str, str], cwd: Path | None = None) -> str:
    """Run a command of ours that must succeed; returns what it said."""
    done = run(sys.executable, "-I", "-m", "safeinstall", *words, env=env, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for this module."""
    return tmp_path_factory.mktemp("ways")


@pytest.fixture(scope="module")
def env(place: Path) -> dict[str, str]:
    """Return the environment of the commands."""
    return isolated_env(place / "home")


@pytest.fixture(scope="module")
def guarded_venv(place: Path, env: dict[str, str]) -> Iterator[Venv]:
    """Return an environment that is guarded from inside; taken out at the end, it is what it was."""
    venv = venv_with_pip(place / "a venv")
    before = tree(venv.folder)
    safeinstall("setup", "--venv", venv.folder, env=env)
    safeinstall("setup", "--venv", venv.folder, env=env)
    yield venv
    safeinstall("teardown", "--venv", venv.folder, env=env)
    assert tree(venv.folder) == before


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below *folder* but what Python compiles for itself."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


SPELLINGS = [
    ("{bin}/pip",),
    ("{bin}/python", "-m", "pip"),
    ("{bin}/python", "-mpip"),
    ("{bin}/python", "-m", "pip3"),
    ("{bin}/python", "-I", "-m", "pip"),
    ("{bin}/python", "-Im", "pip"),
    ("{bin}/python3", "-W", "ignore", "-m", "pip"),
    ("{bin}/python", "-EsX", "utf8", "{bin}/pip"),
    ("{bin}/python", "{site}/pip"),
    ("env", "-i", "{bin}/python", "-m", "pip"),
    ("sh", "-c", "'{bin}/python' -m pip install --safeinstall-probe here #"),
]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=" ".join)
def test_every_spelling_of_pip_reaches_us(spelling: tuple[str, ...], guarded_venv: Venv, env: dict[str, str]) -> None:
    """Not only through PATH: absolute paths, isolated mode and an empty environment as well."""
    words = [word.format(bin=guarded_venv.folder / "bin", site=guarded_venv.site_packages) for word in spelling]

    assert run(*words, *PROBE, env=env).stdout == HEARD


def test_what_installs_nothing_runs_as_ever(guarded_venv: Venv, env: dict[str, str]) -> None:
    """`pip list` is pip's own, also where a word only looks like an install: no loop, no other interpreter."""
    for words in (["list"], ["--log", str(guarded_venv.folder.parent / "install"), "list"], ["--version"]):
        done = run(guarded_venv.python, "-m", "pip", *words, env=env)
        assert done.returncode == 0, done.stderr
        assert "pip" in done.stdout


def test_a_word_for_one_process_is_none_for_another(guarded_venv: Venv, env: dict[str, str]) -> None:
    """What lets a process pass that we have looked at names that process; inherited or made up, it lets nobody pass."""
    for value in ("exec 1 /x", "exec", "1", f"exec {os.getpid()} /x"):
        done = run(guarded_venv.python, "-m", "pip", *PROBE, env={**env, "SAFEINSTALL_REENTRY": value})
        assert done.stdout == HEARD


def test_a_guard_whose_safeinstall_is_gone_stops(place: Path, env: dict[str, str]) -> None:
    """Never an unguarded install by accident: one line says what to do."""
    venv = venv_with_pip(place / "orphan")
    safeinstall("setup", "--venv", venv.folder, env=env)
    guard = venv.site_packages / "safeinstall-guard.pth"
    guard.write_text(guard.read_text().replace(sys.executable, "/gone/python"))
    done = run(venv.python, "-m", "pip", "install", "flask", env=env)

    assert done.returncode == 43
    assert "nothing was installed" in done.stderr
    assert done.stderr.count("\n") == 1
    assert run(venv.python, "-c", "print(1)", env=env).stdout == "1\n"


def test_python_dash_m_pip_installs_what_was_judged_and_keeps_the_guard(
    user: Guarded, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """
    The whole way through the guard, pip's own upgrade included: `bin/pip` is written anew, the guard stays.

    The planner, the installer and what they start are pips too, and none of them is stopped by it.
    """
    venv = venv_with_pip(tmp_path / "venv", "25.3")
    env = {**user.env(), "PIP_INDEX_URL": pypi.index_url}
    safeinstall("setup", "--venv", venv.folder, env=env)
    pypi.add(wheel("clean", "1.0"))
    pypi.add(wheel("evil", "1.0"))
    osv.add(malware("evil", ecosystem="pypi"))
    done = run(venv.python, "-Im", "pip", "install", "clean", env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert venv.installed() == {"clean": "1.0"}
    blocked = run(venv.pip, "install", "evil", env=env, cwd=tmp_path)

    assert blocked.returncode == 40, blocked.stderr
    assert venv.installed() == {"clean": "1.0"}
    install_wheel(venv_without_pip(venv), stored("pip-24.0-*.whl"))
    assert run(venv.pip, *PROBE, env=env).stdout == HEARD


def test_pip_that_upgrades_itself_leaves_the_guard(user: Guarded, pypi: PypiRegistry, tmp_path: Path) -> None:
    """`pip install --upgrade pip`, judged and done by the guarded pip itself; the new one is guarded as the old."""
    venv = venv_with_pip(tmp_path / "venv", "25.3")
    env = {**user.env(), "PIP_INDEX_URL": pypi.index_url}
    safeinstall("setup", "--venv", venv.folder, env=env)
    newest = from_disk(stored("pip-*.whl"))
    pypi.add(newest)
    done = run(venv.python, "-m", "pip", "install", "--upgrade", "pip", env=env, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "1 release judged" in done.stderr
    assert run(venv.pip, "--version", env=env).stdout.startswith(f"pip {newest.version} ")
    for command in ((venv.pip,), (venv.python, "-m", "pip"), (venv.folder / "bin/pip3",)):
        assert run(*command, *PROBE, env=env).stdout == HEARD


def venv_without_pip(venv: Venv) -> Venv:
    """Take the pip out of *venv*, as pip's own upgrade does before it puts the new one in."""
    for path in [*venv.site_packages.glob("pip*"), *(venv.folder / "bin").glob("pip*")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return venv


@pytest.fixture(scope="module")
def installation(place: Path) -> Path:
    """Return a Python installation of our own: the machine's, seen through links, with a folder that may be changed."""
    return farm(place / "python")


def farm(folder: Path) -> Path:
    """Make an installation in *folder* out of links to the running one; returns its python."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    stdlib = Path(os.__file__).resolve().parent
    (folder / "lib" / version / "site-packages").mkdir(parents=True)
    for entry in stdlib.iterdir():
        if entry.name not in ("site-packages", "sitecustomize.py", "__pycache__"):
            (folder / "lib" / version / entry.name).symlink_to(entry)
    (folder / "bin").mkdir()
    shutil.copy(Path(sys.base_prefix) / "bin" / version, folder / "bin" / version)
    (folder / "bin" / "python3").symlink_to(version)
    return folder / "bin" / "python3"


def test_what_virtualenv_makes_is_guarded_too(installation: Path, place: Path, env: dict[str, str]) -> None:
    """It reads no setting of ours and copies no file of ours: the interpreter that it starts from is guarded."""
    tool = venv_with_pip(place / "with virtualenv")
    for name in ("virtualenv", "distlib", "filelock", "packaging", "platformdirs", "python_discovery"):
        install_wheel(tool, stored(f"{name}-*.whl"))
    safeinstall("setup", "--all-venvs", "--python", installation, env=env)
    made = place / "made by virtualenv"
    try:
        done = run(tool.python, "-m", "virtualenv", "--no-download", "--python", installation, made, env=env)
        assert done.returncode == 0, done.stderr + done.stdout
        for command in ((made / "bin/pip",), (made / "bin/python", "-Im", "pip")):
            assert run(*command, *PROBE, env=env).stdout == HEARD
    finally:
        safeinstall("teardown", "--all-venvs", "--python", installation, env=env)
    assert run(made / "bin/pip", *PROBE, env=env).stdout == ""


@pytest.mark.parametrize("existing", [None, b"import sys\nsys.told = 1\n"], ids=["none", "one-of-the-machine's"])
def test_every_environment_of_an_interpreter_is_guarded(
    existing: bytes | None, installation: Path, place: Path, env: dict[str, str]
) -> None:
    """Those that exist, those that will be made, and the interpreter itself; taken out, nothing of it is left."""
    stdlib = Path(run(installation, "-Ic", "import os; print(os.path.dirname(os.__file__))", env=env).stdout.strip())
    custom = stdlib / "sitecustomize.py"
    if existing is not None:
        custom.write_bytes(existing)
    before = sorted(path.name for path in stdlib.iterdir())
    safeinstall("setup", "--all-venvs", "--python", installation, env=env)
    safeinstall("setup", "--all-venvs", "--python", installation, env=env)
    venv = venv_with_pip(place / f"made-{existing is None}", python=str(installation))

    try:
        assert run(venv.python, "-Im", "pip", *PROBE, env=env).stdout == HEARD
        assert run(venv.pip, *PROBE, env=env).stdout == HEARD
        (venv.site_packages / "sitecustomize.py").write_text("import sys\nsys.other = 2\n")
        seen = run(venv.python, "-Ic", "import sys; print(getattr(sys, 'told', 0), getattr(sys, 'other', 0))", env=env)
        # A file of ours hides no other; one that was there before hides what it always hid.
        assert seen.stdout == ("0 2\n" if existing is None else "1 0\n")
    finally:
        safeinstall("teardown", "--all-venvs", "--python", installation, env=env)
    assert sorted(path.name for path in stdlib.iterdir() if path.name != "__pycache__") == [
        name for name in before if name != "__pycache__"
    ]
    if existing is not None:
        assert custom.read_bytes() == existing
        custom.unlink()
    else:
        assert list(stdlib.glob("__pycache__/sitecustomize.*")) == []
    assert run(venv.python, "-m", "pip", *PROBE, env=env).stdout == ""
