"""Guarded installs by the local index: alone while fresh, a gap when old, and by hash whatever the name."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests import environments
from tests.builders.built import Built
from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import FINDING, GAP, INSTALLED, Guarded
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer, Record, malware
from tests.registries.osv_export import ExportServer
from tests.registries.pypi import PypiRegistry
from tests.registries.server import refused_url

pytestmark = pytest.mark.integration


@pytest.fixture
def export() -> Iterator[ExportServer]:
    """Serve an export that knows something of both ecosystems."""
    with ExportServer() as server:
        today = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        known = (malware("evil", ident="MAL-2026-1"), malware("evil", ecosystem="pypi", ident="MAL-2026-2"))
        server.add(*known, modified=today)
        yield server


def fetch(user: Guarded, url: str, cwd: Path, *words: str) -> None:
    """Run `safeinstall update` of *url*."""
    done = user.update(url, *words, cwd=cwd)
    assert done.code == 0, str(done)
    assert done.err.count("\n") == 1


def aged(user: Guarded, hours: int) -> None:
    """Let *user*'s index be so many hours old."""
    for path in (user.home / "safeinstall/cache/index").glob("*.json"):
        held = json.loads(path.read_text())
        held["checked"] = f"{datetime.now(timezone.utc) - timedelta(hours=hours):%Y-%m-%dT%H:%M:%S+0000}"
        path.write_text(json.dumps(held))


def hashed(record: Record, *artifacts: Built) -> Record:
    """Return *record* with the hashes of *artifacts*."""
    listed = [{"hashes": {"sha256": _sha(one, "sha256"), "sha512": _sha(one, "sha512")}} for one in artifacts]
    affected = record["affected"]
    assert isinstance(affected, list)
    specific = {"indicators": {"package_integrity": listed}}
    return {**record, "affected": [{**affected[0], "database_specific": specific}]}


def _sha(built: Built, algorithm: str) -> str:
    return hashlib.new(algorithm, built.data).hexdigest()


def test_with_a_fresh_index_nobody_is_asked(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, export: ExportServer, tmp_path: Path
) -> None:
    """The index finds malware and lets the harmless through; the API hears of neither."""
    pypi.add(wheel("evil"), wheel("fine"))
    fetch(user, export.url, tmp_path)

    bad = user.pip(venv, "install", "evil", cwd=tmp_path, index=pypi.index_url)
    good = user.pip(venv, "install", "fine", cwd=tmp_path, index=pypi.index_url)

    assert bad.code == FINDING, str(bad)
    assert "MAL-2026-2" in bad.err
    assert good.code == INSTALLED, str(good)
    assert "index:" in good.err
    assert osv.hits() == ()


def test_without_a_network_a_fresh_index_judges_and_an_old_one_blocks(
    user: Guarded, venv: Venv, pypi: PypiRegistry, export: ExportServer, tmp_path: Path
) -> None:
    """An old index is a gap, exit 41: the message says how old it is and what to run; offline it is used, and said."""
    pypi.add(wheel("fine"), wheel("evil"))
    fetch(user, export.url, tmp_path)
    gone = {"SAFEINSTALL_OSV_URL": refused_url(), "SAFEINSTALL_INDEX_URL": refused_url()}

    fresh = user.pip(venv, "install", "fine", cwd=tmp_path, index=pypi.index_url, env=gone, plan=True)
    aged(user, 30)
    old = user.pip(venv, "install", "fine", cwd=tmp_path, index=pypi.index_url, env=gone)
    offline = user.pip(venv, "install", "fine", "--safeinstall-offline", cwd=tmp_path, index=pypi.index_url, env=gone)
    found = user.pip(venv, "install", "evil", "--safeinstall-offline", cwd=tmp_path, index=pypi.index_url, env=gone)

    assert fresh.code == 0, str(fresh)
    assert old.code == GAP, str(old)
    assert "30 h old" in old.err
    assert "safeinstall update" in old.err
    assert offline.code == INSTALLED, str(offline)
    assert found.code == FINDING, str(found)


def test_an_update_that_fails_says_so_and_keeps_the_index(user: Guarded, export: ExportServer, tmp_path: Path) -> None:
    """Exit 43, what is there and how old it is; the index goes on to be used until it is too old."""
    fetch(user, export.url, tmp_path)
    aged(user, 5)
    done = user.update(refused_url(), cwd=tmp_path)
    status = user.run("status", cwd=tmp_path, env=user.env())

    assert done.code == 43
    assert "what is there was checked 5 h ago" in done.err
    assert "index of npm: 1 record" in status.out
    assert "5 h ago" in status.out
    assert "limit 24 h" in status.out


@pytest.mark.parametrize("name", ["harmless", "requests-helper"])
def test_a_renamed_wheel_is_found_by_its_hash(
    name: str, user: Guarded, venv: Venv, pypi: PypiRegistry, export: ExportServer, tmp_path: Path
) -> None:
    """The bytes of a malicious wheel under a harmless name are what the record names."""
    built = wheel(name)
    pypi.add(built)
    export.add(hashed(malware("stolen", ecosystem="pypi", versions=["1.0"], ident="MAL-2026-9"), built))
    fetch(user, export.url, tmp_path)

    outcome = user.pip(venv, "install", name, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert "MAL-2026-9" in outcome.err
    assert "the hash of the artifact" in outcome.err
    assert venv.installed() == {}
    assert pypi.artifact_hits() == ()


def test_a_renamed_tarball_is_found_by_its_hash(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, export: ExportServer, tmp_path: Path
) -> None:
    """Tarballs of npm likewise, deep in the tree."""
    built = tarball("harmless-one")
    npm.publish(built, tarball("top", dependencies={"harmless-one": "*"}))
    export.add(hashed(malware("stolen", versions=["1.0.0"], ident="MAL-2026-9"), built))
    fetch(npm_user, export.url, tmp_path)
    project = environments.npm_project(
        tmp_path / "project", {"dependencies": {"top": "*"}}, npmrc=[f"registry={npm.url}"]
    )

    outcome = npm_user.npm(newest, "install", cwd=project)

    assert outcome.code == FINDING, str(outcome)
    assert "MAL-2026-9" in outcome.err
    assert not (project / "node_modules").exists()


def test_the_way_to_flatmap_stream_is_told(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, export: ExportServer, tmp_path: Path
) -> None:
    """event-stream itself is harmless; what it pulls in blocks, and the message tells the way."""
    npm.publish(
        tarball("event-stream", "3.3.6", dependencies={"flatmap-stream": "^0.1.0"}), tarball("flatmap-stream", "0.1.1")
    )
    export.add(malware("flatmap-stream", versions=["0.1.1"], ident="MAL-2025-20690"))
    fetch(npm_user, export.url, tmp_path)
    project = environments.npm_project(tmp_path / "project", {}, npmrc=[f"registry={npm.url}"])

    outcome = npm_user.npm(newest, "install", "event-stream@3.3.6", cwd=project)

    assert outcome.code == FINDING, str(outcome)
    for words in ("flatmap-stream@0.1.1", "event-stream", "MAL-2025-20690"):
        assert words in outcome.err
    assert not (project / "node_modules").exists()


def test_node_ipc_blocks_where_it_is_malicious_and_nowhere_else(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, export: ExportServer, tmp_path: Path
) -> None:
    """Three versions block, each with the way out; the one between them installs."""
    bad = ("9.1.6", "9.2.3", "12.0.1")
    npm.publish(*(tarball("node-ipc", one) for one in ("9.1.5", "9.2.1", "12.0.0", *bad)))
    export.add(malware("node-ipc", versions=list(bad), ident="MAL-2026-7"))
    fetch(npm_user, export.url, tmp_path)
    project = environments.npm_project(tmp_path / "project", {}, npmrc=[f"registry={npm.url}"])

    for version, instead in zip(bad, ("9.1.5", "9.2.1", "12.0.0"), strict=True):
        outcome = npm_user.npm(newest, "install", f"node-ipc@{version}", cwd=project)
        assert outcome.code == FINDING, str(outcome)
        assert "MAL-2026-7" in outcome.err
        assert "affected: 9.1.6, 9.2.3, 12.0.1" in outcome.err
        assert f"nearest good version: {instead}" in outcome.err
        assert not (project / "node_modules").exists()
    good = npm_user.npm(newest, "install", "node-ipc@9.2.1", cwd=project)

    assert good.code == INSTALLED, str(good)
    assert (project / "node_modules/node-ipc/package.json").exists()


def test_an_alias_does_not_hide_what_is_behind_it(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, export: ExportServer, tmp_path: Path
) -> None:
    """`x@npm:evil@1` is evil."""
    npm.publish(tarball("evil"))
    fetch(npm_user, export.url, tmp_path)
    project = environments.npm_project(tmp_path / "project", {}, npmrc=[f"registry={npm.url}"])

    outcome = npm_user.npm(newest, "install", "x@npm:evil@1", cwd=project)

    assert outcome.code == FINDING, str(outcome)
    assert "MAL-2026-1" in outcome.err


@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "old"])
def test_private_names_are_asked_of_nobody(
    fresh: bool,
    user: Guarded,
    venv: Venv,
    pypi: PypiRegistry,
    osv: OsvServer,
    export: ExportServer,
    tmp_path: Path,
) -> None:
    """Neither with a fresh index nor with an old one does a public service hear a private index's names."""
    with PypiRegistry() as corp:
        corp.add(wheel("corp-secret", requires=["fine"]), wheel("fine"))
        user.settings(private=corp.urls)
        fetch(user, export.url, tmp_path)
        if not fresh:
            aged(user, 99)
        outcome = user.pip(venv, "install", "corp-secret", cwd=tmp_path, index=corp.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert "corp-secret" not in str(osv.hits())
    assert "corp" not in str([hit.path for hit in export.hits()])
    assert "corp-secret" not in str(pypi.hits())
    assert osv.asked_names() == ()


def test_a_private_scope_is_asked_of_nobody(
    npm_user: Guarded, newest: Path, npm: NpmRegistry, osv: OsvServer, export: ExportServer, tmp_path: Path
) -> None:
    """A scope on a private registry is judged by the index, and no public service hears its name."""
    fetch(npm_user, export.url, tmp_path)
    aged(npm_user, 99)
    npm.publish(tarball("fine"))
    with NpmRegistry() as corp:
        corp.publish(tarball("@corp/secret", dependencies={"fine": "*"}))
        npm_user.settings(private=corp.urls)
        project = environments.npm_project(
            tmp_path / "project", {}, npmrc=[f"registry={npm.url}", f"@corp:registry={corp.url}"]
        )
        outcome = npm_user.npm(newest, "install", "@corp/secret", cwd=project)

    assert outcome.code == INSTALLED, str(outcome)
    assert set(osv.asked_names()) == {"fine"}
    assert "secret" not in str(npm.hits())
    assert "secret" not in str(export.hits())


def test_a_bundle_carries_the_index_to_a_machine_without_a_network(
    user: Guarded, venv: Venv, pypi: PypiRegistry, export: ExportServer, tmp_path: Path
) -> None:
    """Written here, loaded there: the other machine judges by it and tells its true age."""
    pypi.add(wheel("evil"))
    fetch(user, export.url, tmp_path)
    aged(user, 3)
    fetch(user, refused_url(), tmp_path, "--bundle", "index.bundle")
    other = Guarded(home=tmp_path / "other", osv_url=refused_url(), registries=user.registries)
    other.settings()
    fetch(other, refused_url(), tmp_path, "--from", "index.bundle")

    outcome = other.pip(venv, "install", "evil", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert "MAL-2026-2" in outcome.err
    assert "3 h" in outcome.err
