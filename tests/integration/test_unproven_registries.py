"""A file of the repository cannot put whoever is on the network in the registry's place."""

from pathlib import Path

import pytest

from tests import environments
from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import GAP, INSTALLED, Guarded
from tests.registries.npm import NpmRegistry
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration

REGISTRY = "http://packages.example"
"""Reached through a proxy on loopback, which could answer whatever it likes."""


def test_an_npmrc_of_the_project_cannot_drop_the_proof(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, tmp_path: Path
) -> None:
    """`registry=http://...` in a cloned project blocks; only the user's own word lets it through."""
    npm.publish(tarball("top"))
    project = environments.npm_project(
        tmp_path / "project", {"dependencies": {"top": "*"}}, npmrc=[f"registry={REGISTRY}/", f"proxy={npm.url}"]
    )

    outcome = npm_user.npm(newest, "install", cwd=project)

    assert outcome.code == GAP, str(outcome)
    assert "gap[transport]" in outcome.err
    assert npm.artifact_hits() == ()

    npm_user.settings('[gaps]\ntransport = "warn"\n', private=[REGISTRY])
    assert npm_user.npm(newest, "install", cwd=project).code == INSTALLED


def test_a_requirements_file_cannot_drop_the_proof(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """`--index-url http://...` with its `--trusted-host` in a requirements file blocks."""
    pypi.add(wheel("top"))
    (tmp_path / "requirements.txt").write_text(f"--index-url {REGISTRY}/simple\n--trusted-host packages.example\ntop\n")

    outcome = user.pip(
        venv, "install", "-r", "requirements.txt", cwd=tmp_path, index=pypi.index_url, env={"PIP_PROXY": pypi.url}
    )

    assert outcome.code == GAP, str(outcome)
    assert "gap[transport]" in outcome.err
    assert pypi.artifact_hits() == ()
    assert venv.installed() == {}
