"""The case of pampyio: a harmless package with a copied repository, whose dependency is the malware."""

import base64
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.environments import Venv, npm_project
from tests.guarded import FINDING, INSTALLED, Guarded
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer, malware
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration

NEW = datetime.now(timezone.utc) - timedelta(days=3)
THEIRS = "Project-URL: Source, https://github.com/owner/pampy"


def test_both_findings_stand_in_one_report(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """The borrowed good name and the malware behind it."""
    osv.add(malware("redapty", ecosystem="pypi"))
    pypi.add(wheel("pampy", "0.3.0", headers=["Home-page: https://github.com/Owner/pampy/"]))
    pypi.add(wheel("pampyio", "0.3.0", requires=["redapty"], headers=[THEIRS]), upload_time=NEW)
    pypi.add(wheel("redapty"), upload_time=NEW)

    outcome = user.pip(venv, "install", "pampyio", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert "error[starjacking]: `pampyio` claims the repository of `pampy`" in outcome.err
    assert "`pampy` says that github.com/owner/pampy is its repository" in outcome.err
    assert "pkg:pypi/redapty@1.0" in outcome.err
    assert "blocked: 2 findings, 0 gaps in 2 releases" in outcome.err
    assert venv.installed() == {}
    assert pypi.artifact_hits() == ()


def test_the_popular_project_is_asked_only_in_doubt(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """A package with a repository of its own causes no question that pip itself would not have asked."""
    own = "Project-URL: Source, https://github.com/owner/pampyio"
    pypi.add(wheel("pampy", "0.3.0"), wheel("pampyio", "0.3.0", headers=[own]))

    outcome = user.pip(venv, "install", "pampyio", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert [hit.path for hit in pypi.hits() if "/pampy/" in hit.path] == []


def test_npm(npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """The same on npm, whose packuments name the repository."""
    theirs = {"type": "git", "url": "git+https://github.com/owner/event-stream.git"}
    npm.publish(tarball("event-stream", "4.0.1", repository=theirs))
    npm.publish(tarball("event-stream-utils", "1.0.0", repository="owner/event-stream"), time=NEW)

    outcome = npm_user.npm(newest, "install", "event-stream-utils", cwd=npm_project(tmp_path / "project"))

    assert outcome.code == FINDING, str(outcome)
    assert "`event-stream-utils` claims the repository of `event-stream`" in outcome.err
    assert "`event-stream` says that github.com/owner/event-stream is its repository" in outcome.err
    assert npm.artifact_hits() == ()


def test_attestations_and_the_repository_speak(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """Where it was built by the registry's word, and whom the manifest in the repository names, are in the report."""
    built = wheel("pampyio", "0.3.0", headers=[THEIRS])
    pypi.add(built, upload_time=NEW, attested=True)
    place = {"kind": "GitHub", "repository": "evil/pampyio"}
    pypi.attestations[f"/integrity/{built.filename}/provenance"] = {"attestation_bundles": [{"publisher": place}]}
    manifest = base64.b64encode(b"[project]\nname = 'pampy'\n").decode()
    pypi.attestations["/host/repos/owner/pampy"] = {"full_name": "owner/pampy"}
    pypi.attestations["/host/repos/owner/pampy/contents/pyproject.toml"] = {"content": manifest}
    user.settings(f'[repositories]\nlook = true\nurl = "{pypi.url}/host"')

    outcome = user.pip(venv, "install", "pampyio", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert "by the word of its registry, say that it was built from github.com/evil/pampyio" in outcome.err
    assert "the manifest in github.com/owner/pampy names `pampy`" in outcome.err
    assert pypi.artifact_hits() == ()


def test_npm_built_in_the_repository_that_it_claims(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, tmp_path: Path
) -> None:
    """What the popular project's own people built is no impostor, however new."""
    theirs = {"type": "git", "url": "git+https://github.com/owner/event-stream.git"}
    npm.publish(tarball("event-stream", "4.0.1", repository=theirs))
    npm.publish(tarball("event-stream-utils", "1.0.0", repository="owner/event-stream"), time=NEW, attested=True)
    workflow = {"workflow": {"repository": "https://github.com/owner/event-stream"}}
    statement = {"predicate": {"buildDefinition": {"externalParameters": workflow}}}
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    npm.attestations["/-/npm/v1/attestations/event-stream-utils@1.0.0"] = {
        "attestations": [{"bundle": {"dsseEnvelope": {"payload": payload}}}]
    }

    outcome = npm_user.npm(newest, "install", "event-stream-utils", cwd=npm_project(tmp_path / "project"))

    assert "starjacking" not in outcome.err
    assert [hit.path for hit in npm.hits() if "attestations" in hit.path]
