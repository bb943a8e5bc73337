"""Files that come from elsewhere than they seem to: find-links, other hosts, URLs in metadata, lockfiles, bundles."""

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import environments
from tests.builders.markers import Marker
from tests.builders.sdists import sdist
from tests.builders.tarballs import marking_scripts, tarball
from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import FINDING, GAP, INSTALLED, NOTHING_INSTALLED, REFUSED, Guarded
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer, malware
from tests.registries.pypi import PypiRegistry
from tests.registries.server import Reply

pytestmark = pytest.mark.integration

STATIC = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


# --- pip ------------------------------------------------------------------------------------------------------------


def test_a_local_wheel_that_changes_after_the_verdict_is_not_installed(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """What lies in a `--find-links` folder is pinned to the bytes that were there when it was judged."""
    links = tmp_path / "links"
    links.mkdir()
    pypi.add(wheel("top", requires=["low"]))
    place = links / wheel("low").filename
    place.write_bytes(wheel("low").data)
    evil = wheel("low", files={"low.py": "evil = True\n"})
    osv.after["/v1/querybatch"] = lambda: place.write_bytes(evil.data)

    outcome = user.pip(venv, "install", "--find-links", str(links), "top", cwd=tmp_path, index=pypi.index_url)

    assert osv.after == {}, "the wheel was not swapped: the test shows nothing"
    assert outcome.code in REFUSED, str(outcome)
    assert venv.installed() == {}


def test_a_find_links_page_is_a_source_like_an_index(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """What is found through it is judged by name, and not fetched before."""
    pypi.add(wheel("evil"))
    osv.add(malware("evil", ecosystem="pypi"))
    argv = ("install", "--no-index", "--find-links", f"{pypi.index_url}/evil/", "evil")

    outcome = user.pip(venv, *argv, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert pypi.artifact_hits() == ()
    assert venv.installed() == {}


def test_files_on_another_host_are_bound_by_the_page(
    user: Guarded, venv: Venv, osv: OsvServer, home: Path, tmp_path: Path
) -> None:
    """The great indexes keep their files elsewhere; the hash on the page binds them."""
    with PypiRegistry("127.0.0.1", "127.0.0.2") as registry:
        registry.add(wheel("top", requires=["low"]), wheel("low"))
        outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=registry.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert {hit.host.partition(":")[0] for hit in registry.artifact_hits()} == {"127.0.0.2"}


def test_relative_links_and_base_are_followed_as_pip_does(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """An HTML page may move its links by `<base>`."""
    low = wheel("low")
    pypi.add(low)
    path = pypi.file_path(low.filename).removeprefix("/")
    page = f'<html><head><base href="{pypi.url}/"></head><body><a href="{path}#sha256={low.sha256}">{low.filename}</a>'
    pypi.faults["/simple/low/"] = Reply(headers={"Content-Type": "text/html"}, body=page.encode())

    outcome = user.pip(venv, "install", "low", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert venv.installed() == {"low": "1.0"}


def test_a_link_cannot_call_its_file_something_else(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """For pip `#egg=NAME-VERSION` counts more than the name of the file: what is judged would be another release."""
    evil = sdist("evil", "6.6.6", metadata_version="2.2", pyproject=STATIC)
    place = "/elsewhere/harmless-1.0.tar.gz"
    pypi.faults[place] = Reply(headers={"Content-Type": "application/gzip"}, body=evil.data)
    link = f'<a href="{pypi.url}{place}#egg=evil-6.6.6&amp;sha256={evil.sha256}">evil</a>'
    pypi.faults["/simple/evil/"] = Reply(headers={"Content-Type": "text/html"}, body=link.encode())
    osv.add(malware("evil", ecosystem="pypi"))

    outcome = user.pip(venv, "install", "evil", cwd=tmp_path, index=pypi.index_url, plan=True)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert "harmless" not in outcome.out


def test_a_weak_hash_is_no_hash(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """MD5 binds nothing that an attacker made."""
    low = wheel("low")
    pypi.add(low)
    md5 = hashlib.md5(low.data).hexdigest()
    link = f'<a href="{pypi.file_url(low.filename)}#md5={md5}">{low.filename}</a>'
    pypi.faults["/simple/low/"] = Reply(headers={"Content-Type": "text/html"}, body=link.encode())

    outcome = user.pip(venv, "install", "low", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert venv.installed() == {}


def test_a_url_inside_a_wheels_metadata_blocks(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """A dependency by URL walks past every index; no registry vouches for it."""
    with PypiRegistry() as elsewhere:
        evil = wheel("evil")
        elsewhere.add(evil)
        pypi.add(wheel("top", requires=[f"evil @ {elsewhere.file_url(evil.filename)}"]))
        outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)
        fetched = elsewhere.artifact_hits()

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert fetched == ()
    assert venv.installed() == {}


def test_a_folder_that_a_release_names_is_not_built(
    user: Guarded, venv: Venv, pypi: PypiRegistry, marker: Marker, tmp_path: Path
) -> None:
    """Only the user's own words, and their own projects, have a folder of theirs built before the verdict."""
    for name, requires in (("folder", ()), ("mine", (f"folder @ {(tmp_path / 'folder').as_uri()}",))):
        (tmp_path / name).mkdir()
        backend = local_backend(name, requires, marker)
        (tmp_path / name / "backend.py").write_text(backend)
        (tmp_path / name / "pyproject.toml").write_text(STATIC)
    pypi.add(wheel("top", requires=[f"folder @ {(tmp_path / 'folder').as_uri()}"]))

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert "unverified-source" in outcome.err
    assert marker.seen() == ()
    assert user.pip(venv, "install", "./mine", cwd=tmp_path, index=pypi.index_url, plan=True).code == INSTALLED
    assert set(marker.seen()) == {"mine", "folder"}


def local_backend(name: str, requires: Sequence[str], marker: Marker) -> str:
    """Return a build backend that tells only metadata, and leaves *name* when it does."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n" + "".join(
        f"Requires-Dist: {one}\n" for one in requires
    )
    return f"""
import os, subprocess
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    subprocess.run({marker.shell(name)!r}, shell=True, check=True)
    info = os.path.join(folder, "{name}-1.0.dist-info")
    os.mkdir(info)
    with open(os.path.join(info, "METADATA"), "w") as file:
        file.write({metadata!r})
    return "{name}-1.0.dist-info"
"""


def test_credentials_from_netrc_work(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """What pip reads by itself it reads under the guard too; nobody else is sent it."""
    pypi.add(wheel("low"))
    pypi.with_credentials("me", "s3cr3t")
    netrc = user.home / ".netrc"
    netrc.write_text("machine 127.0.0.1\nlogin me\npassword s3cr3t\n")
    netrc.chmod(0o600)

    outcome = user.pip(venv, "install", "low", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert "s3cr3t" not in outcome.out + outcome.err + json.dumps(user.ledger())
    assert all("authorization" not in hit.headers for hit in osv.hits())


@pytest.mark.parametrize("option", ["--index-url", "--extra-index-url"])
def test_an_index_that_a_requirements_file_chose_is_not_judged(
    option: str, user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """Whoever wrote the file decides who serves `flask`: that is respected, but a stranger's `flask` is not clean."""
    pypi.add(wheel("flask", "1.0"))
    listed = tmp_path / "requirements.txt"
    with PypiRegistry() as chosen:
        chosen.add(wheel("flask", "9.0"))
        listed.write_text(f"{option} {chosen.index_url}\nflask\n")
        outcome = user.pip(venv, "install", "-r", str(listed), cwd=tmp_path, index=pypi.index_url)

        assert outcome.code == GAP, str(outcome)
        assert "gap[registry-choice]" in outcome.err
        assert chosen.url in outcome.err
        assert chosen.artifact_hits() == ()


def test_malware_from_an_index_that_nobody_declared_is_not_called_clean(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """An added index makes its names private, so nobody is asked about them: that is not an answer."""
    osv.add(malware("evil", ecosystem="pypi"))
    with PypiRegistry() as added:
        added.add(wheel("evil"))
        env = {"PIP_EXTRA_INDEX_URL": added.index_url}
        outcome = user.pip(venv, "install", "evil", cwd=tmp_path, index=pypi.index_url, env=env)

    assert "all clean" not in outcome.err, str(outcome)


# --- npm ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("instead", ["", "userconfig", "globalconfig"])
def test_a_registry_that_a_project_chose_is_not_judged_until_it_is_declared(
    instead: str, newest: Path, npm_user: Guarded, npm: NpmRegistry, tmp_path: Path
) -> None:
    """
    The `.npmrc` of a repository decides who serves `express`: respected, but a stranger's `express` is not clean.

    Npm reads it first, so it may also put a file of the repository *instead* of the user's own.
    """
    npm.publish(tarball("express"))
    with NpmRegistry() as chosen:
        chosen.publish(tarball("express", "9.0.0"))
        lines = [f"registry={chosen.url}/"]
        if instead:
            (tmp_path / "theirs").write_text(lines[0])
            (npm_user.home / ".npmrc").write_text("")
            lines = [f"{instead}={tmp_path / 'theirs'}"]
        project = environments.npm_project(tmp_path / "project", {"dependencies": {"express": "*"}}, npmrc=lines)
        env = {f"NPM_CONFIG_{instead.upper()}": ""}
        outcome = npm_user.npm(newest, "install", cwd=project, env=env)

        assert outcome.code == GAP, str(outcome)
        assert "gap[registry-choice]" in outcome.err
        assert chosen.url in outcome.err
        assert chosen.artifact_hits() == ()

        npm_user.settings(private=[chosen.url])
        assert npm_user.npm(newest, "install", cwd=project, env=env).code == INSTALLED


def lockfile(name: str, resolved: str, data: bytes) -> str:
    """Return a lockfile that says that *name* 1.0.0 lies at *resolved* and has the hash of *data*."""
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    entry = {"version": "1.0.0", "resolved": resolved, "integrity": integrity}
    root = {"name": "project", "version": "1.0.0", "dependencies": {name: "^1.0.0"}}
    document = {"name": "project", "version": "1.0.0", "lockfileVersion": 3, "requires": True}
    return json.dumps({**document, "packages": {"": root, f"node_modules/{name}": entry}}, indent=2)


@pytest.mark.parametrize("verb", ["ci", "install"])
@pytest.mark.parametrize("elsewhere", [True, False], ids=["other-host", "same-host"])
def test_a_poisoned_lockfile_is_found_out(
    verb: str, elsewhere: bool, newest: Path, npm_user: Guarded, npm: NpmRegistry, marker: Marker, tmp_path: Path
) -> None:
    """Its entry has a good name and version, and the address and hash of something else."""
    evil = tarball("evil", scripts=marking_scripts(marker, "evil"))
    npm.publish(tarball("good"), evil)
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"good": "^1.0.0"}})
    with NpmRegistry() as other:
        other.publish(evil)
        url = (other if elsewhere else npm).tarball_url("evil", "1.0.0")
        (project / "package-lock.json").write_text(lockfile("good", url, evil.data))
        outcome = npm_user.npm(newest, verb, cwd=project)

    assert outcome.code in REFUSED, str(outcome)
    assert marker.seen() == (), str(outcome)
    assert environments.node_modules(project) == {}


@pytest.mark.parametrize("registry_knows", ["sha512", "sha1"])
def test_a_lockfile_cannot_add_a_hash_of_its_own(
    registry_knows: str, newest: Path, npm_user: Guarded, npm: NpmRegistry, marker: Marker, tmp_path: Path
) -> None:
    """Npm takes bytes of any hash that an entry names; beside the registry's there may stand one of other bytes."""
    good, evil = tarball("good"), tarball("good", scripts=marking_scripts(marker, "good"))
    npm.publish(good)
    npm.switches.integrity = registry_knows == "sha512"
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"good": "^1.0.0"}})
    with NpmRegistry() as other:
        other.publish(evil)
        url = other.tarball_url("good", "1.0.0")
        text = lockfile("good", url, evil.data)
        if registry_knows == "sha512":
            text = text.replace('"sha512-', f'"{npm.integrity("good", "1.0.0")} sha512-')
        (project / "package-lock.json").write_text(text)
        outcome = npm_user.npm(newest, "ci", cwd=project)

    assert outcome.code in REFUSED, str(outcome)
    assert marker.seen() == (), str(outcome)
    assert environments.node_modules(project) == {}


def test_what_a_bundle_holds_is_known_before_it_is_installed(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """A bundled copy of a malicious package is found by its name, though no registry was asked for it."""
    inside = {"name": "evil", "version": "6.6.6", "scripts": marking_scripts(marker, "evil")}
    npm.publish(
        tarball(
            "top",
            dependencies={"evil": "*"},
            files={"index.js": "", "node_modules/evil/package.json": json.dumps(inside)},
            bundleDependencies=["evil"],
        ),
        tarball("evil", "6.6.6"),
    )
    osv.add(malware("evil"))
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(newest, "install", "top", cwd=project)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert marker.seen() == ()
    assert environments.node_modules(project) == {}


def test_a_shrinkwrap_inside_a_tarball_cannot_choose(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """Npm obeys a lockfile that a dependency brings along; what it names is judged, or nothing is installed."""
    npm.publish(tarball("evil", scripts=marking_scripts(marker, "evil")))
    shrinkwrap = lockfile("evil", npm.tarball_url("evil", "1.0.0"), tarball("evil").data)
    npm.publish(
        tarball("top", dependencies={"evil": "*"}, files={"index.js": "", "npm-shrinkwrap.json": shrinkwrap}),
        _hasShrinkwrap=True,
    )
    osv.add(malware("evil"))
    project = environments.npm_project(tmp_path / "project")

    outcome = npm_user.npm(newest, "install", "top", cwd=project)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert marker.seen() == ()
    assert environments.node_modules(project) == {}


def test_a_tarball_under_another_name_is_what_it_says_it_is_not(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Names that look like files are names to a registry: they are judged as such."""
    npm.publish(tarball("pattern.json"))
    osv.add(malware("pattern.json"))
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"pattern.json": "*"}})

    outcome = npm_user.npm(newest, "install", cwd=project)

    assert outcome.code == FINDING, str(outcome)
    assert environments.node_modules(project) == {}
