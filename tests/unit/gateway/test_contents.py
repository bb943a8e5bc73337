"""What a wheel holds that acts by itself."""

import io
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.errors import MalformedAnswer
from safeinstall.gateway.contents import Contents, of_wheel, restored, stored
from safeinstall.gateway.pages import IndexFile
from safeinstall.gateway.stream import Expected
from tests.builders.built import Built
from tests.builders.wheels import wheel
from tests.registries.pypi import PypiRegistry
from tests.unit.gateway.gateways import gateway, planned
from tests.unit.gateway.test_stream import taken

NAME = "flask-1.0-py3-none-any.whl"


def read(built: Built) -> Contents:
    """Return the contents of *built*."""
    return of_wheel(io.BytesIO(built.data), built.filename)


@pytest.mark.parametrize(
    ("path", "startup"),
    [
        pytest.param("evil.pth", ("evil.pth",), id="top"),
        pytest.param("flask-1.0.data/purelib/evil.pth", ("evil.pth",), id="purelib"),
        pytest.param("flask-1.0.data/platlib/sitecustomize.py", ("sitecustomize.py",), id="sitecustomize"),
        pytest.param("usercustomize/__init__.py", ("usercustomize/__init__.py",), id="usercustomize-folder"),
        pytest.param("flask-1.0.data/data/lib/python3.11/site-packages/x.PTH", ("x.PTH",), id="data-and-capitals"),
        pytest.param("./evil.pth", ("evil.pth",), id="here"),
        pytest.param("flask/../evil.pth", ("evil.pth",), id="by-a-detour"),
        pytest.param("flask-1.0.data/purelib//evil.pth", ("evil.pth",), id="two-slashes"),
        pytest.param("flask/evil.pth", (), id="in-a-folder-nobody-reads-it"),
        pytest.param("flask/sitecustomize.py", (), id="a-module-of-that-name"),
    ],
)
def test_files_that_python_runs_when_it_starts(path: str, startup: tuple[str, ...]) -> None:
    """Where pip puts the file decides, not where it lies in the wheel."""
    assert read(wheel("flask", files={path: "", "flask.py": ""})).startup == startup


def test_commands() -> None:
    """Console and GUI scripts, and the old way of shipping a script."""
    points = "[console_scripts]\nFlask = flask:main\n[gui_scripts]\ngf=flask:gui\n[flask.plugins]\nx = y\n"
    found = read(wheel("flask", entry_points=points, files={"flask-1.0.data/scripts/flask-old": "#!python\n"}))

    assert found.commands == ("Flask", "flask-old", "gf")


def test_entry_points_that_pip_could_not_read() -> None:
    """They are no commands, and no reason to stop reading."""
    assert read(wheel("flask", entry_points="nonsense")).commands == ()


@pytest.mark.parametrize(
    ("generator", "builder"),
    [
        ("Generator: hatchling 1.25.0", "hatchling"),
        ("Generator: bdist_wheel (0.37.1)", "setuptools"),
        ("Generator: setuptools (75.1.0)", "setuptools"),
        ("generator:maturin", "maturin"),
        ("Generator:", None),
        ("X-Generator: flit", None),
        ("Generator: \x1b[31mred", None),
    ],
)
def test_who_built_it(generator: str, builder: str | None) -> None:
    """The wheel's own word, without the version, and one name for one builder."""
    found = read(wheel("flask", generator=generator))

    assert found.builder == builder


@given(st.binary(max_size=200))
def test_what_is_no_wheel(data: bytes) -> None:
    """Hostile archives are malformed, and nothing else."""
    with pytest.raises(MalformedAnswer):
        of_wheel(io.BytesIO(data), NAME)


@given(
    st.builds(
        Contents,
        metadata=st.binary(),
        startup=st.lists(st.text()).map(tuple),
        commands=st.lists(st.text()).map(tuple),
        files=st.integers(min_value=0),
        builder=st.none() | st.text(),
    )
)
def test_what_is_kept_comes_back(contents: Contents) -> None:
    """The disk does not change what was read."""
    assert restored(stored(contents)) == contents


@pytest.mark.parametrize("data", [b"", b"{}", b'{"version": 3}', b'{"version": 2, "metadata": 3}'])
def test_what_another_version_of_ours_has_kept(data: bytes) -> None:
    """It is read anew."""
    assert restored(data) is None


def test_a_stream_that_holds_another_startup_file_is_cut() -> None:
    """What was judged by ranges is compared with what arrives: a server could answer both differently."""
    good, bad = wheel("flask"), wheel("flask", files={"flask.py": "", "evil.pth": "import os"})
    expected = Expected(filename=NAME, metadata=good.metadata, contents=read(good))

    assert taken(bad.data, expected)[2] == f"`{NAME}`: its startup files are not those that were judged"
    assert taken(good.data, expected)[2] is None


def _file(pypi: PypiRegistry, cache: Path | None = None) -> tuple[Contents | None, IndexFile]:
    handler = gateway(cache=cache)
    (file,) = planned(handler, pypi, NAME)
    return handler.contents(file), file


def test_a_remote_wheel_is_looked_into_by_ranges(pypi: PypiRegistry, tmp_path: Path) -> None:
    """No artifact leaves the registry for it, and the next run asks for nothing at all."""
    pypi.add(wheel("flask", files={"evil.pth": "", "big.bin": bytes(range(256)) * 4000}))

    first, _ = _file(pypi, tmp_path)
    asked = len([hit for hit in pypi.hits() if hit.status == 206])
    again, _ = _file(pypi, tmp_path)

    assert first is not None
    assert first.startup == ("evil.pth",)
    assert again == first
    assert pypi.artifact_hits() == ()
    assert asked == len([hit for hit in pypi.hits() if hit.status == 206]) == 1


def test_a_server_without_ranges(pypi: PypiRegistry) -> None:
    """What cannot be looked into is unknown."""
    pypi.add(wheel("flask", files={"big.bin": random.Random(1).randbytes(3_000_000)}))
    pypi.switches.ranges = False

    assert _file(pypi)[0] is None
