"""The test ground itself: what the loopback registries promise, shown with the real pip and npm where it matters."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import environments
from tests.builders import sdists
from tests.builders.markers import Marker
from tests.builders.tarballs import marking_scripts, tarball
from tests.builders.wheels import wheel
from tests.registries.npm import ABBREVIATED, NpmRegistry
from tests.registries.osv import Mode, OsvServer, malware, vulnerability
from tests.registries.pypi import HTML, JSON, PypiRegistry
from tests.registries.server import refused_url


def fetch(url: str, headers: Mapping[str, str] | None = None, body: object = None) -> tuple[int, bytes]:
    """Return status and body of one request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, headers=dict(headers or {}), data=data)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def run(argv: list[str], env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Return what a command did."""
    return subprocess.run(argv, env=dict(env), cwd=cwd, capture_output=True, text=True, check=False, timeout=240)


# --- builders -------------------------------------------------------------------------------------------------------


def test_builders_make_the_same_bytes_twice(marker: Marker) -> None:
    """A file name stands for one digest, in every run."""
    assert wheel("a").data == wheel("a").data
    assert sdists.in_tree("a", marker=marker).sha256 == sdists.in_tree("a", marker=marker).sha256
    assert tarball("a").data == tarball("a").data


# --- Python ---------------------------------------------------------------------------------------------------------


def test_an_index_page_speaks_json_and_html(pypi: PypiRegistry) -> None:
    """Clients get the form that they ask for, each with the same files."""
    built = wheel("Some.Thing", requires_python=">=3.8")
    pypi.add(built, yanked="broken")

    status, page = fetch(f"{pypi.index_url}/some-thing/", {"Accept": JSON})
    (file,) = json.loads(page)["files"]
    _, text = fetch(f"{pypi.index_url}/some-thing/", {"Accept": HTML})

    assert (status, file["hashes"], file["requires-python"], file["yanked"]) == (
        200,
        {"sha256": built.sha256},
        ">=3.8",
        "broken",
    )
    assert f"{file['url']}#sha256={built.sha256}".encode() in text
    assert fetch(f"{file['url']}.metadata") == (200, built.metadata)


def test_an_index_can_lie_swap_fail_and_count(pypi: PypiRegistry) -> None:
    """Each attack of THREATS.md on the index is a switch."""
    honest, other = wheel("x"), wheel("x", files={"x.py": "evil = True\n"})
    pypi.add(honest, lie="Metadata-Version: 2.1\nName: x\nVersion: 1.0\n\n")
    url = pypi.file_url(honest.filename)
    pypi.swap(honest.filename, other.data, after="/simple/x/")

    assert b"Requires-Dist" not in fetch(f"{url}.metadata")[1]
    assert fetch(url) == (200, honest.data)
    fetch(f"{pypi.index_url}/x/")
    assert fetch(url) == (200, other.data)
    assert fetch(url, {"Range": "bytes=-4"}) == (206, other.data[-4:])
    assert len(pypi.artifact_hits()) == 2
    pypi.fail("/simple/x/", 503)
    assert fetch(f"{pypi.index_url}/x/")[0] == 503


def test_an_index_with_credentials_shows_nothing_without_them(pypi: PypiRegistry) -> None:
    """Basic auth guards pages and files."""
    pypi.add(wheel("x"))
    pypi.with_credentials("me", "s3cret")

    assert fetch(f"{pypi.index_url}/x/")[0] == 401
    assert fetch(f"{pypi.index_url}/x/", {"Authorization": "Basic bWU6czNjcmV0"})[0] == 200


@pytest.mark.integration
@pytest.mark.parametrize("version", environments.TARGET_PIPS)
def test_every_pip_installs_from_the_index(
    version: str, pypi: PypiRegistry, marker: Marker, isolated: dict[str, str], tmp_path: Path
) -> None:
    """What is hostile here is so to every pip: plain pip runs the marks that ours must not see."""
    pypi.add(wheel("top", requires=["mid>=1"]), wheel("mid", requires=["low"]), sdists.in_tree("low", marker=marker))
    venv = environments.venv_with_pip(tmp_path / "venv", version)

    done = run([str(venv.pip), "install", "-i", pypi.index_url, "top"], isolated, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert venv.installed() == {"top": "1.0", "mid": "1.0", "low": "1.0"}
    assert "low:build_wheel" in marker.seen()


# --- npm ------------------------------------------------------------------------------------------------------------


def test_a_packument_comes_full_and_abbreviated(npm: NpmRegistry) -> None:
    """Only the full one has times; both bind the tarball."""
    npm.publish(tarball("@a/b", scripts={"postinstall": "true"}, dependencies={"c": "^1"}))

    full = json.loads(fetch(f"{npm.url}/@a%2fb")[1])
    short = json.loads(fetch(f"{npm.url}/@a/b", {"Accept": ABBREVIATED})[1])

    assert full["time"]["1.0.0"] == "2020-01-01T00:00:00.000Z"
    assert "time" not in short
    assert short["versions"]["1.0.0"]["hasInstallScript"] is True
    assert short["versions"]["1.0.0"]["dist"] == full["versions"]["1.0.0"]["dist"]
    assert fetch(full["versions"]["1.0.0"]["dist"]["tarball"])[0] == 200


@pytest.mark.integration
@pytest.mark.parametrize("version", environments.TARGET_NPMS)
def test_every_npm_installs_from_the_registry(
    version: str, npm: NpmRegistry, marker: Marker, isolated: dict[str, str], tmp_path: Path, tools: Path
) -> None:
    """What is hostile here is so to every npm."""
    npm.publish(
        tarball("top", dependencies={"@s/mid": "^1.0.0"}),
        tarball("@s/mid", dependencies={"low": "*"}),
        tarball("low", scripts=marking_scripts(marker, "low")),
    )
    tool = environments.npm_tool(version, tools)
    project = environments.npm_project(tmp_path / "project", npmrc=[f"registry={npm.url}/"])

    done = run([str(tool), "install", "top"], isolated, project)

    assert done.returncode == 0, done.stdout + done.stderr
    assert environments.node_modules(project) == {"top": "1.0.0", "@s/mid": "1.0.0", "low": "1.0.0"}
    assert "low:postinstall" in marker.seen()


# --- OSV ------------------------------------------------------------------------------------------------------------


def test_the_advisory_server_answers_by_name_and_version(osv: OsvServer) -> None:
    """A record without versions means all of them; one with versions means those."""
    osv.add(
        malware("evil", ident="MAL-1"),
        vulnerability("old-lib", versions=["1.0", "1.1"], fixed="1.2", ident="GHSA-1"),
        malware("@s/p", ident="MAL-2"),
    )
    queries = [
        {"package": {"purl": "pkg:npm/evil@9.9.9"}},
        {"package": {"name": "Old_Lib", "ecosystem": "PyPI"}, "version": "1.1"},
        {"package": {"purl": "pkg:pypi/old-lib@1.2"}},
        {"package": {"purl": "pkg:npm/%40s/p"}, "version": "1.0.0"},
        {"package": {"name": "evil", "ecosystem": "PyPI"}, "version": "9.9.9"},
    ]

    results = json.loads(fetch(f"{osv.url}/v1/querybatch", body={"queries": queries})[1])["results"]

    assert [[one["id"] for one in result.get("vulns", [])] for result in results] == [
        ["MAL-1"],
        ["GHSA-1"],
        [],
        ["MAL-2"],
        [],
    ]
    assert json.loads(fetch(f"{osv.url}/v1/vulns/MAL-1")[1])["affected"][0]["package"]["name"] == "evil"
    assert osv.asked_names() == ("evil", "Old_Lib", "old-lib", "@s/p", "evil")


def test_the_advisory_server_pages(osv: OsvServer) -> None:
    """With a page size, the rest comes by token."""
    osv.page_size = 2
    osv.add(*(malware("evil", ident=f"MAL-{number}") for number in range(3)))
    query: dict[str, object] = {"package": {"name": "evil", "ecosystem": "npm"}, "version": "1.0.0"}

    (first,) = json.loads(fetch(f"{osv.url}/v1/querybatch", body={"queries": [query]})[1])["results"]
    rest = {**query, "page_token": first["next_page_token"]}
    (second,) = json.loads(fetch(f"{osv.url}/v1/querybatch", body={"queries": [rest]})[1])["results"]

    assert [one["id"] for one in first["vulns"] + second["vulns"]] == ["MAL-0", "MAL-1", "MAL-2"]
    assert "next_page_token" not in second


@pytest.mark.parametrize("mode", [Mode.ERROR_500, Mode.RATE_LIMITED, Mode.NOT_FOUND])
def test_the_advisory_server_can_refuse(osv: OsvServer, mode: Mode) -> None:
    """Its failures are real statuses."""
    osv.mode = mode

    assert fetch(f"{osv.url}/v1/querybatch", body={"queries": []})[0] == int(mode.value)


def test_nobody_listens_at_the_refused_url() -> None:
    """The connection itself is refused."""
    with pytest.raises(urllib.error.URLError):
        fetch(refused_url())
