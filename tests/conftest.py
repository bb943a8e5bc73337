"""What holds for every test: a scrubbed environment, opt-in to the real registries, loopback registries on demand."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import environments
from tests.builders.markers import Marker
from tests.environments import Venv
from tests.guarded import Guarded, guarded
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer
from tests.registries.pypi import PypiRegistry
from tests.yards import Yard, yard

_SCRUBBED = re.compile(
    r"(safeinstall|pip|npm_config|npm|uv|xdg)_.*|(http|https|all|no|ftp)_proxy|(no|force|clicolor)_color"
    r"|virtual_env|pythonpath|pythonhome|ssl_cert_file|ssl_cert_dir|requests_ca_bundle|curl_ca_bundle|node_.*|git_.*",
    re.IGNORECASE,
)
"""Names of variables that change what our tools do, in any spelling."""


# A property is about what is true, not about how busy the machine is.
settings.register_profile("safeinstall", deadline=None)
settings.load_profile("safeinstall")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--online`."""
    parser.addoption("--online", action="store_true", help="run the tests that ask the configured registries too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs the real registries, unless it was asked for."""
    if config.getoption("--online"):
        return
    for item in items:
        if item.get_closest_marker("online") is not None:
            item.add_marker(pytest.mark.skip(reason="asks the configured registries: opt in with --online"))


@pytest.fixture(autouse=True)
def _scrubbed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, nobody: Path) -> None:
    """Take the machine's settings from every test: nothing of the developer's is read, nothing is written."""
    if request.node.get_closest_marker("online") is not None:
        return
    for name in [name for name in os.environ if _SCRUBBED.fullmatch(name)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(nobody))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture(scope="session")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of tests that need none."""
    return tmp_path_factory.mktemp("nobody")


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of this session's unpacked npms."""
    return tmp_path_factory.mktemp("tools")


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """Return where Dockerfiles are built; an image that several tests start from is made once."""
    with yard(tmp_path_factory.mktemp("docker")) as made:
        yield made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return an empty home folder of this test's own."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def isolated(home: Path) -> dict[str, str]:
    """Return the environment of a subprocess that knows nothing of this machine but PATH."""
    return environments.isolated_env(home)


@pytest.fixture
def marker(tmp_path: Path) -> Marker:
    """Return where hostile code of this test leaves its mark."""
    return Marker(tmp_path / "marker")


@pytest.fixture
def pypi() -> Iterator[PypiRegistry]:
    """Return a running, empty Python package index."""
    with PypiRegistry() as registry:
        yield registry


@pytest.fixture
def npm() -> Iterator[NpmRegistry]:
    """Return a running, empty npm registry."""
    with NpmRegistry() as registry:
        yield registry


@pytest.fixture
def osv() -> Iterator[OsvServer]:
    """Return a running OSV server that knows nothing."""
    with OsvServer() as server:
        yield server


@pytest.fixture
def venv(tmp_path: Path) -> Venv:
    """Return an empty environment with the newest pip."""
    return environments.venv_with_pip(tmp_path / "venv")


@pytest.fixture
def user(home: Path, osv: OsvServer, pypi: PypiRegistry) -> Guarded:
    """Return a user whose Python package index is public to them."""
    return guarded(home, osv.url, pypi)


@pytest.fixture(params=environments.TARGET_NPMS)
def tool(request: pytest.FixtureRequest, tools: Path) -> Path:
    """Return each npm in turn."""
    return environments.npm_tool(str(request.param), tools)


@pytest.fixture
def newest() -> Path:
    """Return the machine's own npm."""
    return environments.machine_npm()


@pytest.fixture
def npm_user(home: Path, osv: OsvServer, npm: NpmRegistry) -> Guarded:
    """Return a user whose npm registry is public to them and stands in their own `.npmrc`."""
    (home / ".npmrc").write_text(f"registry={npm.url}/\n")
    return guarded(home, osv.url, npm)
