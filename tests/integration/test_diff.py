"""`safeinstall diff`: two releases side by side, through the gateway, with the user's own registry."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.environments import Venv, npm_project
from tests.guarded import UNRESOLVED, Guarded
from tests.registries.npm import NpmRegistry
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration

NOW = datetime.now(timezone.utc)
OLD, NEW = NOW - timedelta(days=300), NOW - timedelta(hours=5)


def test_npm(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """What differs is marked, what is odd is told, and neither a tarball is fetched nor the project touched."""
    npm.publish(tarball("thing", "1.0.0", repository="owner/thing"), time=OLD, attested=True)
    npm.publish(tarball("other"), time=OLD)
    scripts = {"postinstall": "node x.js"}
    npm.publish(tarball("thing", "1.0.1", scripts=scripts, dependencies={"other": "*"}), time=NEW, by="ben")
    project = npm_project(tmp_path / "project")
    before = sorted(path.name for path in project.iterdir())
    base = npm_user.env()
    base["PATH"] = f"{newest.parent}:{base['PATH']}"

    text = npm_user.run("diff", "npm", "thing", "1.0.0", "1.0.1", cwd=project, env=base)
    data = npm_user.run("diff", "npm", "thing", "1.0.0", "1.0.1", "--format", "json", cwd=project, env=base)
    missing = npm_user.run("diff", "npm", "thing", "0.9.0", "1.0.1", cwd=project, env=base)

    assert text.code == 0, str(text)
    assert "* published by     author -> ben" in text.out
    assert "* attestation      yes, by the registry's word -> none" in text.out
    assert "* runs on install  none -> +postinstall: node x.js" in text.out
    assert "* dependencies     none -> +other" in text.out
    assert "new-script: `postinstall` runs `node x.js` on install; 1.0.0 had no install script" in text.out
    assert "together: new-hands-that-act" in text.out
    assert json.loads(data.out)["combination"] == "new-hands-that-act"
    assert missing.code == UNRESOLVED
    assert "the registry lists no `thing` 0.9.0 to compare with" in missing.err
    assert npm.artifact_hits() == ()
    assert sorted(path.name for path in project.iterdir()) == before


def test_pip(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """The files in both wheels are compared without fetching either, however young they are."""
    pypi.add(wheel("thing", "1.0"), upload_time=OLD)
    pypi.add(wheel("thing", "1.1", files={"thing.py": "", "thing.pth": "import this"}), upload_time=NEW)
    base = user.env({"PIP_INDEX_URL": pypi.index_url})
    base["PATH"] = f"{venv.pip.parent}:{base['PATH']}"

    outcome = user.run("diff", "pip", "Thing", "1.0", "1.1.0", cwd=tmp_path, env=base)
    wrong = user.run("diff", "pip", "thing", ">=1.0", "1.1", cwd=tmp_path, env=base)

    assert outcome.code == 0, str(outcome)
    assert outcome.out.startswith("thing 1.0 -> 1.1\n")
    assert "* runs at start of Python  none -> +thing.pth" in outcome.out
    assert "together: startup-file" in outcome.out
    assert wrong.code == 44
    assert pypi.artifact_hits() == ()
    assert venv.installed() == {}
