"""`pip install` with its options, its failures and its company: other processes, other people's files."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import environments
from tests.builders import deep, sdists
from tests.builders.built import from_disk
from tests.builders.markers import Marker
from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import (
    ALLOW,
    FINDING,
    INSTALLED,
    NOTHING_INSTALLED,
    REFUSED,
    SOON,
    UNRESOLVED,
    Guarded,
    bookkeeping,
    guarded,
    strangers,
)
from tests.registries.osv import Mode, OsvServer, malware
from tests.registries.pypi import PypiRegistry
from tests.registries.server import refused_url

pytestmark = pytest.mark.integration

OPTIONS = {
    "upgrade": ("install", "--upgrade", "low"),
    "no-deps": ("install", "--no-deps", "top"),
    "pre": ("install", "--pre", "low"),
    "constraint": ("install", "-c", "constraints.txt", "low"),
    "requirements": ("install", "-r", "requirements.txt"),
    "target": ("install", "--target", "into", "top"),
    "extra": ("install", "top[more]"),
    "find-links": ("install", "--no-index", "--find-links", "links", "local"),
    "local wheel": ("install", "links/local-1.0-py3-none-any.whl"),
    "local project": ("install", "./mine"),
    "editable": ("install", "-e", "./mine"),
    "only-binary": ("install", "--only-binary", ":all:", "top"),
    "reinstall": ("install", "--force-reinstall", "low"),
    "already there": ("install", "low"),
    "dry-run": ("install", "--dry-run", "top"),
}


@pytest.mark.parametrize("argv", OPTIONS.values(), ids=OPTIONS.keys())
def test_an_option_does_what_it_does_in_plain_pip(
    argv: tuple[str, ...], user: Guarded, pypi: PypiRegistry, marker: Marker, tmp_path: Path
) -> None:
    """Same exit code, same packages, same bookkeeping, as the plain command in a second environment."""
    pypi.add(wheel("low", "0.9"), wheel("low", "1.0"), wheel("low", "1.1b1"), wheel("bonus"))
    pypi.add(wheel("top", requires=["low"], extras={"more": ["bonus"]}))
    ends = []
    for guard in (True, False):
        # The same place both times: direct_url.json tells it, and RECORD tells the hash of that.
        folder = tmp_path / "work"
        shutil.rmtree(folder, ignore_errors=True)
        venv = environments.venv_with_pip(tmp_path / str(guard) / "venv")
        _working_folder(folder, marker)
        first = wheel("low", "0.9")
        (tmp_path / first.filename).write_bytes(first.data)
        environments.install_wheel(venv, tmp_path / first.filename)
        if guard:
            outcome = user.pip(venv, *argv, cwd=folder, index=pypi.index_url)
            assert outcome.code == INSTALLED, str(outcome)
        else:
            env = user.env({"PIP_INDEX_URL": pypi.index_url})
            done = subprocess.run(
                [str(venv.pip), *argv], env=env, cwd=folder, check=False, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
        into = sorted(path.name for path in (folder / "into").glob("*.dist-info"))
        ends.append((venv.installed(), bookkeeping(venv), into))
        assert strangers(venv.folder, pypi) == []

    assert ends[0] == ends[1]


def _working_folder(folder: Path, marker: Marker) -> None:
    (folder / "links").mkdir(parents=True)
    local = wheel("local")
    (folder / "links" / local.filename).write_bytes(local.data)
    (folder / "constraints.txt").write_text("low<1.0\n")
    (folder / "requirements.txt").write_text("-c constraints.txt\ntop\n")
    mine = folder / "mine"
    mine.mkdir()
    (mine / "pyproject.toml").write_text(sdists.IN_TREE.format(requires=[]))
    source = sdists.backend("mine", "1.0", marker=marker, requires=["low"])
    # An editable wheel is for this test's purposes the wheel itself.
    (mine / "backend.py").write_text(source + "\nbuild_editable = build_wheel\n")
    (mine / "mine.py").write_text("VERSION = '1.0'\n")


def test_pip_can_be_upgraded(user: Guarded, pypi: PypiRegistry, tmp_path: Path) -> None:
    """`pip install -U pip` plans the pip of the environment, not ours."""
    newest = from_disk(environments.stored("pip-*.whl"))
    pypi.add(newest)
    old = environments.venv_with_pip(tmp_path / "venv", "24.0")

    outcome = user.pip(old, "install", "--upgrade", "pip", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    shown = subprocess.run([str(old.pip), "--version"], env=user.env(), check=True, capture_output=True, text=True)
    assert shown.stdout.split()[1] == newest.version


@pytest.mark.parametrize("requirement", ["nowhere", "low>9", "low==1.0,==2.0"])
def test_what_cannot_be_resolved_is_said_in_pips_words(
    requirement: str, user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """Exit 42: there was no set to judge."""
    pypi.add(wheel("low", "1.0"), wheel("low", "2.0"))

    outcome = user.pip(venv, "install", requirement, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == UNRESOLVED, str(outcome)
    assert "No matching distribution" in outcome.err or "conflict" in outcome.err.lower(), str(outcome)
    assert venv.installed() == {}


@pytest.mark.parametrize("status", [401, 404, 500])
def test_an_index_that_fails_installs_nothing(
    status: int, user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """A registry's outage is never read as "no such dependency"."""
    pypi.add(wheel("top", requires=["low"]), wheel("low"))
    pypi.fail("/simple/low/", status)

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert venv.installed() == {}


def test_a_download_that_fails_after_the_verdict_leaves_nothing_and_is_remembered(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """The ledger says that it was allowed and that it did not end well."""
    low = wheel("low")
    pypi.add(wheel("top", requires=["low"]), low)
    osv.after["/v1/querybatch"] = lambda: pypi.fail(pypi.file_path(low.filename), 404)

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in REFUSED, str(outcome)
    assert venv.installed() == {}
    assert len(user.ledger()) == 1


def test_files_without_hashes_block(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """Nothing binds what was judged to what would be installed."""
    pypi.add(wheel("low"), hashes=False)

    outcome = user.pip(venv, "install", "low", cwd=tmp_path, index=pypi.index_url)

    assert (outcome.code, venv.installed()) in ((FINDING, {}), (INSTALLED, {"low": "1.0"})), str(outcome)


def test_a_requirements_file_that_changes_after_the_verdict_brings_nothing_in(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Pip reads the file again when it installs; what it names then and was not judged is not to be had."""
    pypi.add(wheel("low"), wheel("unjudged"))
    listed = tmp_path / "requirements.txt"
    listed.write_text("low\n")
    osv.after["/v1/querybatch"] = lambda: listed.write_text("low\nunjudged\n")

    outcome = user.pip(venv, "install", "-r", str(listed), cwd=tmp_path, index=pypi.index_url)

    assert "unjudged" not in venv.installed(), str(outcome)
    assert outcome.code in REFUSED, str(outcome)


def test_a_project_cannot_loosen_the_policy(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """A settings file in the repository that lets malware through is left out, and said to be."""
    pypi.add(*deep.PYPI)
    osv.add(malware("evil", ecosystem="pypi"))
    (tmp_path / "safeinstall.toml").write_text(
        '[policy]\ntyposquat-strong = "note"\n\n[gaps]\nadvisory = "warn"\n\n'
        '[[override]]\npurl = "pkg:pypi/evil@6.6.6"\ncheck = "malware"\nreason = "trust me"\n'
        'until = 2099-01-01\nby = "x"\n'
    )

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert venv.installed() == {}
    assert "left out" in outcome.err


@pytest.mark.parametrize("mode", [Mode.ERROR_500, None])
def test_offline_is_said(
    mode: Mode | None, venv: Venv, pypi: PypiRegistry, osv: OsvServer, home: Path, tmp_path: Path
) -> None:
    """By a person's own word it is judged with what is on the machine, and the result says so."""
    pypi.add(wheel("low"))
    osv.mode = mode or Mode.OK
    user = guarded(home, refused_url() if mode is None else osv.url, pypi)

    outcome = user.pip(venv, "install", "low", "--safeinstall-offline", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert "offline" in outcome.err
    assert osv.hits() == ()


def test_foreign_text_is_printed_harmless(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Escapes, direction marks and 10 MB of summary do not reach the terminal."""
    pypi.add(wheel("low"))
    osv.add(
        {
            **malware("low", ecosystem="pypi"),
            "summary": "\x1b[2J\u202egood\u200b\r\nallowed: 1 release" + "x" * 10_000_000,
        }
    )

    outcome = user.pip(venv, "install", "low", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)[:5000]
    assert not set("\x1b\u202e\u200b\r") & set(outcome.err)
    assert len(outcome.err) < 20_000


def test_many_at_once_do_not_disturb_each_other(
    user: Guarded, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """They share one cache and one ledger."""
    pypi.add(*deep.PYPI)
    osv.add(malware("evil", ecosystem="pypi"))
    venv = environments.venv_with_pip(tmp_path / "venv")

    def one(number: int) -> int:
        asked = "top" if number % 2 else "evil"
        return user.pip(venv, "install", asked, cwd=tmp_path, index=pypi.index_url).code

    with ThreadPoolExecutor(6) as pool:
        codes = set(pool.map(one, range(6)))

    assert codes == {FINDING}
    assert len(user.ledger()) == 6
    assert venv.installed() == {}


def test_a_local_project_cannot_bring_a_hostile_build_requirement(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """The project is the user's own; what builds it is not."""
    _working_folder(tmp_path / "work", marker)
    (tmp_path / "work" / "mine" / "pyproject.toml").write_text(sdists.IN_TREE.format(requires=["evil"]))
    pypi.add(wheel("low"), wheel("evil", files={"evil.py": "", "evil.pth": f"import os; {marker.python('evil')}"}))
    osv.add(malware("evil", ecosystem="pypi"))

    outcome = user.pip(venv, "install", "./mine", cwd=tmp_path / "work", index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert marker.seen() == ()
    assert venv.installed() == {}


def test_a_git_requirement_blocks(
    user: Guarded, venv: Venv, pypi: PypiRegistry, marker: Marker, tmp_path: Path
) -> None:
    """No registry vouches for a commit."""
    _working_folder(tmp_path / "work", marker)
    repository = tmp_path / "work" / "mine"
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=x", "-c", "user.email=x@x.example", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *command], cwd=repository, check=True, capture_output=True)

    outcome = user.pip(venv, "install", f"git+file://{repository}", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert marker.seen() == ()
    assert venv.installed() == {}


@pytest.mark.parametrize("argv", [("list",), ("--version",), ("freeze",), ("check",), ("uninstall", "-y", "nothing")])
def test_what_installs_nothing_is_handed_on(
    argv: tuple[str, ...], user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """Same output, same exit code, no question to anybody."""
    env: Mapping[str, str] = user.env({"PIP_INDEX_URL": pypi.index_url})
    plain = subprocess.run([str(venv.pip), *argv], env=env, cwd=tmp_path, check=False, capture_output=True, text=True)

    outcome = user.pip(venv, *argv, cwd=tmp_path, index=pypi.index_url)

    assert (outcome.code, outcome.out) == (plain.returncode, plain.stdout)
    assert user.ledger() == []


def test_the_plan_as_json_is_data(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Standard output carries one JSON document and nothing else, blocked or not."""
    pypi.add(*deep.PYPI)
    osv.add(malware("evil", ecosystem="pypi"))

    outcome = user.pip(venv, "install", "top", "--format", "json", cwd=tmp_path, index=pypi.index_url, plan=True)

    assert outcome.code == FINDING, str(outcome)
    assert "pkg:pypi/evil@6.6.6" in json.dumps(json.loads(outcome.out))


def test_an_override_in_a_file_counts(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """`safeinstall allow` writes it; the next run uses it and says so."""
    pypi.add(*deep.PYPI)
    osv.add(malware("evil", ecosystem="pypi"))
    allow = ["allow", "pkg:pypi/evil@6.6.6", "--check", "malware", "--reason", "made for this test", "--until"]

    assert user.run(*allow, SOON, cwd=tmp_path, env=user.env()).code == 0
    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert venv.installed()["evil"] == "6.6.6"
    assert "made for this test" in outcome.err + json.dumps(user.ledger()[-1])


def test_a_failing_build_is_pips_own_failure(
    user: Guarded, venv: Venv, pypi: PypiRegistry, marker: Marker, tmp_path: Path
) -> None:
    """An allowed source build that breaks ends with pip's exit code, and nothing is installed."""
    broken = sdists.sdist("broken", pyproject=sdists.IN_TREE.format(requires=[]), files={"backend.py": "1/0\n"})
    pypi.add(broken)
    allow = ("--safeinstall-allow", "source-build:pkg:pypi/broken@1.0", *ALLOW)

    outcome = user.pip(venv, "install", "broken", *allow, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in REFUSED, str(outcome)
    assert venv.installed() == {}
