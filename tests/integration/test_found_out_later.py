"""Installed on Monday, reported on Wednesday: real installs, a real update, and whoever is affected is told."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests import environments
from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import FINDING, INSTALLED, Guarded, Outcome
from tests.registries.npm import NpmRegistry
from tests.registries.osv import malware
from tests.registries.osv_export import ExportServer
from tests.registries.pypi import PypiRegistry
from tests.registries.server import FOREVER, Reply

pytestmark = pytest.mark.integration

NOTIFY = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
"""A notification command that keeps what it was given, one line a call."""


@pytest.fixture
def export() -> Iterator[ExportServer]:
    """Serve an export that knows nothing of what these tests install."""
    with ExportServer() as server:
        for ecosystem in ("pypi", "npm"):
            server.add(malware("other", ecosystem=ecosystem, ident=f"MAL-{ecosystem}-1"), modified=ago(hours=1))
        yield server


def ago(**passed: int) -> str:
    """Return a moment before now, as records spell it."""
    return f"{datetime.now(timezone.utc) - timedelta(**passed):%Y-%m-%dT%H:%M:%SZ}"


def reported(export: ExportServer, ecosystem: str, *names: str) -> None:
    """Let the export know new malware."""
    export.add(*(malware(one, ecosystem=ecosystem, ident=f"MAL-2026-{one}") for one in names), modified=ago())


def watched(
    user: Guarded, export: ExportServer, told: Path, remove: Callable[[str], object], *, ecosystem: str
) -> Outcome:
    """Report `evil`, which lies there, and `gone`, which was removed; return the alert, hold its repetitions."""
    watch = ("watch", "--once")
    assert user.run(*watch, cwd=user.home, env=user.env()).code == 0
    remove("gone")
    reported(export, ecosystem, "evil", "gone")

    alert = user.update(export.url, cwd=user.home)
    again = user.run(*watch, cwd=user.home, env=user.env())
    all_of_it = user.run(*watch, "--again", "--format", "json", cwd=user.home, env=user.env())

    assert (alert.code, again.code) == (FINDING, FINDING), f"{alert}\n{again}"
    assert f"pkg:{ecosystem}/gone" not in alert.err
    assert "alert[" not in again.err
    assert again.err.startswith("affected: 1 of ")
    assert again.err.endswith("(1 told before). Nothing was installed or changed.\n")
    (first, second) = (json.loads(line)["alerts"] for line in told.read_text().splitlines())
    assert first == second == json.loads(all_of_it.out)["alerts"]
    remove("evil")
    assert user.run(*watch, cwd=user.home, env=user.env()).code == 0
    return alert


def notifies(user: Guarded, told: Path) -> None:
    """Let *user* be notified by a command that keeps what it is given in *told*."""
    user.settings(f"[watch]\nnotify = {json.dumps([sys.executable, '-c', NOTIFY, str(told)])}\n")


def test_what_pip_installed(
    user: Guarded, venv: Venv, pypi: PypiRegistry, export: ExportServer, tmp_path: Path
) -> None:
    """The update that brings the record tells environment, command and way, and runs the notification once."""
    told = tmp_path / "told"
    notifies(user, told)
    pypi.add(wheel("app", requires=["evil>=1"]), wheel("evil", "6.6.6"), wheel("gone"))
    assert user.update(export.url, cwd=tmp_path).code == 0
    monday = user.pip(venv, "install", "app", "gone", cwd=tmp_path, index=pypi.index_url)
    assert monday.code == INSTALLED, str(monday)

    def remove(name: str) -> None:
        subprocess.run([venv.pip, "uninstall", "--quiet", "--yes", name], check=True, env=user.env())

    alert = watched(user, export, told, remove, ecosystem="pypi")

    assert "alert[advisory]: `evil` 6.6.6 is reported as malware: " in alert.err
    assert "\n  --> pkg:pypi/evil@6.6.6\n" in alert.err
    assert f"   = lies in: {venv.folder}\n" in alert.err
    assert ": pip install app gone\n" in alert.err
    assert "   = through: app 1.0 -> evil 6.6.6\n" in alert.err
    (finding,) = json.loads(told.read_text().splitlines()[0])["alerts"]
    assert (finding["environment"], finding["command"]) == (str(venv.folder), "pip install app gone")
    assert (finding["path"], finding["advisories"]) == (["app 1.0", "evil 6.6.6"], ["MAL-2026-evil"])


def test_what_npm_installed(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, export: ExportServer, tmp_path: Path
) -> None:
    """The same with a `node_modules`: a package that npm has removed is nobody's concern any more."""
    told = tmp_path / "told"
    notifies(npm_user, told)
    npm.publish(tarball("app", dependencies={"evil": "^6.0.0"}), tarball("evil", "6.6.6"), tarball("gone"))
    assert npm_user.update(export.url, cwd=tmp_path).code == 0
    project = environments.npm_project(tmp_path / "project")
    monday = npm_user.npm(newest, "install", "app", "gone", cwd=project)
    assert monday.code == INSTALLED, str(monday)

    def remove(name: str) -> None:
        if name == "gone":
            subprocess.run([newest, "uninstall", "--no-audit", name], check=True, cwd=project, env=npm_user.env())
        else:
            shutil.rmtree(project / "node_modules")

    alert = watched(npm_user, export, told, remove, ecosystem="npm")

    assert "alert[advisory]: `evil` 6.6.6 is reported as malware: " in alert.err
    assert "\n  --> pkg:npm/evil@6.6.6\n" in alert.err
    assert f"   = lies in: {project}\n" in alert.err
    assert ": npm install app gone\n" in alert.err
    assert "   = through: app 1.0.0 -> evil 6.6.6\n" in alert.err
    (finding,) = json.loads(told.read_text().splitlines()[0])["alerts"]
    assert (finding["environment"], finding["path"]) == (str(project), ["app 1.0.0", "evil 6.6.6"])


def places(user: Guarded) -> Sequence[Mapping[str, object]]:
    """Return where the ledger says that *user*'s runs went to."""
    found = [line["environment"] for line in user.ledger()]
    assert all(isinstance(one, dict) for one in found), found
    return found  # type: ignore[return-value]  # just asserted


def test_the_ledger_names_the_environment_of_pip(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """Prefix, Python and site-packages; a folder that pip was told to fill is one of its own."""
    pypi.add(wheel("app"))
    user.pip(venv, "install", "app", cwd=tmp_path, index=pypi.index_url)
    user.pip(venv, "install", "--target", "vendored", "app", cwd=tmp_path, index=pypi.index_url)

    inside, filled = places(user)

    assert inside == {
        "kind": "python",
        "path": str(venv.folder),
        "interpreter": str(venv.python),
        "folders": [str(venv.site_packages)],
    }
    assert (filled["kind"], filled["path"]) == ("folder", str(tmp_path / "vendored"))
    assert filled["folders"] == [str(tmp_path / "vendored")]


def test_the_ledger_names_the_project_of_npm(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """The folder that holds node_modules, also when npm was started deeper, and npm's global one."""
    npm.publish(tarball("app"))
    project = environments.npm_project(tmp_path / "project")
    (project / "src").mkdir()
    npm_user.npm(newest, "install", "app", cwd=project / "src")
    prefix = {"npm_config_prefix": str(tmp_path / "prefix")}
    npm_user.npm(newest, "install", "--global", "app", cwd=project, env=prefix)

    local, everywhere = places(npm_user)

    assert local == {
        "kind": "node",
        "path": str(project),
        "interpreter": None,
        "folders": [str(project / "node_modules")],
    }
    assert everywhere["folders"] == [str(tmp_path / "prefix/lib/node_modules")]


def test_an_install_that_was_killed_is_known(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """Kill -9 in the middle of it: where to, which releases and through what was written down before it began."""
    app, low = wheel("app", requires=["low"]), wheel("low")
    pypi.add(app, low)
    for built in (app, low):
        pypi.faults[pypi.file_path(built.filename)] = Reply(delay=FOREVER)
    env = user.env({"PIP_INDEX_URL": pypi.index_url})
    env["PATH"] = f"{venv.pip.parent}:{env['PATH']}"
    argv = [sys.executable, "-I", "-m", "safeinstall", "pip", "install", "app"]
    process = subprocess.Popen(argv, cwd=tmp_path, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not user.ledger() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()

    (line,) = user.ledger()
    said = user.run("log", cwd=tmp_path, env=user.env())
    verified = user.run("log", "--verify", cwd=tmp_path, env=user.env())

    assert (line["event"], line["command"]) == ("begun", ["pip", "install", "app"])
    assert [one["path"] for one in places(user)] == [str(venv.folder)]
    assert "pkg:pypi/low@1.0" in json.dumps(line["releases"])
    assert "began to install and never ended (2 releases)" in said.out
    assert verified.code == 0, str(verified)
