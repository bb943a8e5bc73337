"""The doctor: it says covered only where it tried, and names the command that covers what is not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.environments import Venv, isolated_env, machine_npm
from tests.registries.npm import NpmRegistry
from tests.registries.pypi import PypiRegistry
from tests.registries.server import refused_url

pytestmark = pytest.mark.integration


def doctor(*words: str, env: dict[str, str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run the doctor."""
    command = [sys.executable, "-I", "-m", "safeinstall", *words]
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False, timeout=240)


def test_the_doctor_tells_what_is_covered_and_how_to_cover_the_rest(venv: Venv, tmp_path: Path) -> None:
    """Before: 41 and a hint for each; after the setup of shims and environment the same ways are covered."""
    uv = tmp_path / "tools" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\n")
    uv.chmod(0o755)
    env = isolated_env(tmp_path / "home", {"VIRTUAL_ENV": str(venv.folder)})
    settings = tmp_path / "home/safeinstall/config/safeinstall.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("offline = true\n")
    env["PATH"] = f"{venv.folder}/bin:{uv.parent}:{machine_npm().parent}:/usr/bin:/bin"
    before = doctor("doctor", "--json", env=env, cwd=tmp_path)
    told = json.loads(before.stdout)
    assert before.returncode == 41
    assert {(way["name"], way["state"]) for way in told["ways"]} >= {
        ("pip", "not covered"), ("npm", "not covered"), ("environment", "not covered"), ("uv", "not covered yet"),
    }  # fmt: skip
    assert all(way["fix"].startswith("safeinstall setup") for way in told["ways"] if way["state"] == "not covered")
    assert told["registries"] == ["not asked: offline"]

    shims = tmp_path / "shims"
    assert doctor("setup", "--print", "--dir", str(shims), env=env, cwd=tmp_path).returncode == 0
    assert doctor("setup", "--venv", env=env, cwd=tmp_path).returncode == 0
    env["PATH"] = f"{shims}:{env['PATH']}"
    after = json.loads(doctor("doctor", "--json", env=env, cwd=tmp_path).stdout)
    states = {way["name"]: way["state"] for way in after["ways"]}
    assert {name: states[name] for name in ("pip", "npm", "npx", "environment")} == dict.fromkeys(
        ("pip", "npm", "npx", "environment"), "covered"
    )
    assert any("python -S" in line for line in after["unreached"])

    tested = doctor("doctor", "--self-test", env=env, cwd=tmp_path)
    assert tested.returncode == 0, tested.stdout
    assert tested.stdout.count("blocked: ") == 2


def test_the_doctor_tells_which_facts_a_registry_gives(
    venv: Venv, pypi: PypiRegistry, npm: NpmRegistry, tmp_path: Path
) -> None:
    """A good registry, then a plain mirror of it, then one that does not know what it is asked about."""
    env = isolated_env(tmp_path / "home", {"NPM_CONFIG_REGISTRY": npm.url, "SAFEINSTALL_OSV_URL": refused_url()})
    env["PATH"] = f"{venv.folder}/bin:{machine_npm().parent}:/usr/bin:/bin"
    env["PIP_INDEX_URL"] = pypi.with_credentials("ann", "secret")

    def told() -> list[str]:
        done = doctor("doctor", "--json", env=env, cwd=tmp_path)
        assert "secret" not in done.stdout + done.stderr
        rows: list[str] = json.loads(done.stdout)["registries"]
        return rows

    unknown = told()
    assert unknown[0].startswith(f"pip: {pypi.index_url}: unknown: ")
    assert unknown[1].startswith(f"npm: {npm.url}: unknown: ")

    pypi.add(wheel("pip", "1.0"))
    npm.publish(tarball("ms", "1.0.0"))
    pypi.set_status("pip", "active")
    assert told() == [
        f"pip: {pypi.index_url}: tells upload-time, core-metadata, hashes, attestations, status",
        f"npm: {npm.url}: tells upload-time, publisher, owners, hashes, attestations",
    ]

    for name in ("json", "core_metadata", "upload_times", "provenance"):
        setattr(pypi.switches, name, False)
    for name in ("times", "people", "integrity", "signatures"):
        setattr(npm.switches, name, False)
    assert told() == [
        f"pip: {pypi.index_url}: tells hashes; does not tell upload-time, core-metadata, attestations, status",
        f"npm: {npm.url}: does not tell upload-time, publisher, owners, hashes, attestations",
    ]
