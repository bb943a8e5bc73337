"""pip's other installing commands through the guard: files, wheels and locks of exactly what was judged."""

import hashlib
from pathlib import Path

import pytest

from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import FINDING, INSTALLED, REFUSED, UNRESOLVED, Guarded, first_artifact, last_question
from tests.registries.osv import OsvServer, malware
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration


@pytest.fixture
def shelf(pypi: PypiRegistry, osv: OsvServer) -> PypiRegistry:
    """Return an index with a clean set, and one whose dependency is malware."""
    pypi.add(wheel("top", requires=["low"]), wheel("low", "1.5"), wheel("bad", requires=["evil"]), wheel("evil", "6.6"))
    osv.add(malware("evil", ecosystem="pypi"))
    return pypi


def names(folder: Path) -> set[str]:
    """Return the names of the files in *folder*, which may not exist."""
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


@pytest.mark.parametrize("verb", ["download", "wheel"])
def test_files_are_of_exactly_the_judged_set(
    verb: str, user: Guarded, venv: Venv, shelf: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """`pip download` and `pip wheel` fetch what was judged, after it was judged, and nothing of what is blocked."""
    option = {"download": "--dest", "wheel": "--wheel-dir"}[verb]

    bad = user.pip(venv, verb, "bad", option, "bad", cwd=tmp_path, index=shelf.index_url)
    assert bad.code == FINDING, str(bad)
    assert names(tmp_path / "bad") == set()
    assert shelf.artifact_hits() == ()
    good = user.pip(venv, verb, f"{option}=out", "top", cwd=tmp_path, index=shelf.index_url)

    assert good.code == INSTALLED, str(good)
    assert names(tmp_path / "out") == {"top-1.0-py3-none-any.whl", "low-1.5-py3-none-any.whl"}
    assert last_question(osv) < first_artifact(shelf)
    assert venv.installed() == {}


def test_a_lock_is_of_the_judged_set_and_installs_as_such(
    user: Guarded, venv: Venv, shelf: PypiRegistry, tmp_path: Path
) -> None:
    """`pip lock` writes what was judged; installing from it (PEP 751) is judged like everything else."""
    bad = user.pip(venv, "lock", "bad", cwd=tmp_path, index=shelf.index_url)
    assert bad.code == FINDING, str(bad)
    assert not (tmp_path / "pylock.toml").exists()
    locked = user.pip(venv, "lock", "top", cwd=tmp_path, index=shelf.index_url)
    assert locked.code == INSTALLED, str(locked)
    assert '"127.0.0.1' not in (tmp_path / "pylock.toml").read_text()

    done = user.pip(venv, "install", "-r", "pylock.toml", cwd=tmp_path, index=shelf.index_url)

    assert done.code == INSTALLED, str(done)
    assert venv.installed() == {"top": "1.0", "low": "1.5"}


def test_a_lock_that_names_other_bytes_than_the_index_is_not_installed(
    user: Guarded, venv: Venv, shelf: PypiRegistry, tmp_path: Path
) -> None:
    """What is judged is what the index lists; a lock that binds other bytes meets pip's own refusal."""
    assert user.pip(venv, "lock", "top", cwd=tmp_path, index=shelf.index_url).code == INSTALLED
    path = tmp_path / "pylock.toml"
    text = path.read_text()
    good = text.split('sha256 = "')[1].partition('"')[0]
    path.write_text(text.replace(good, hashlib.sha256(b"other").hexdigest()))

    done = user.pip(venv, "install", "-r", "pylock.toml", cwd=tmp_path, index=shelf.index_url)

    assert done.code in REFUSED, str(done)
    assert venv.installed() == {}


@pytest.mark.parametrize("where", ["environment", "file"])
def test_another_python_is_followed_on_the_command_line_only(
    where: str, user: Guarded, venv: Venv, shelf: PypiRegistry, tmp_path: Path
) -> None:
    """Where a variable or a file of pip's names one, nothing is installed, neither here nor there."""
    other = str(venv.folder)
    (tmp_path / "pip.conf").write_text(f"[global]\npython = {other}\n")
    env = {"PIP_PYTHON": other} if where == "environment" else {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}

    run = user.pip(venv, "install", "top", cwd=tmp_path, index=shelf.index_url, env=env)

    assert run.code == UNRESOLVED, str(run)
    assert "on the command line only" in run.err
    assert venv.installed() == {}
    assert shelf.artifact_hits() == ()
