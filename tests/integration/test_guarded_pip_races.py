"""Between verdict and install: the index lies or changes, and what is installed is still exactly what was judged."""

from pathlib import Path

import pytest

from tests import environments
from tests.builders.wheels import core_metadata, wheel
from tests.environments import Venv
from tests.guarded import (
    FINDING,
    INSTALLED,
    REFUSED,
    Guarded,
)
from tests.registries.osv import OsvServer, malware
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration


def test_metadata_that_lies_is_found_out_before_anything_is_installed(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """The index's `.metadata` hid a dependency that the wheel itself names."""
    pypi.add(wheel("top", requires=["liar"]), wheel("evil"))
    pypi.add(wheel("liar", requires=["evil"]), lie=core_metadata("liar", "1.0"))
    osv.add(malware("evil", ecosystem="pypi"))

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert venv.installed() == {}
    assert "liar" in outcome.err


def test_bytes_swapped_after_the_verdict_are_not_installed(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """The URL that was judged serves another file later: its hash gives it away."""
    honest, swapped = wheel("low"), wheel("low", files={"low.py": "evil = True\n"})
    pypi.add(wheel("top", requires=["low"]), honest)
    osv.after["/v1/querybatch"] = lambda: pypi.swap(honest.filename, swapped.data)

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in REFUSED, str(outcome)
    assert venv.installed() == {}
    assert "low" in outcome.err


def test_an_index_that_changes_after_the_verdict_offers_nothing_new(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """A newer release that appears meanwhile is not seen, let alone installed."""
    pypi.add(wheel("top", requires=["low"]), wheel("low"))
    osv.after["/v1/querybatch"] = lambda: pypi.add(wheel("low", "2.0"), wheel("top", "2.0"))

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert venv.installed() == {"top": "1.0", "low": "1.0"}


def test_an_index_replaced_after_the_verdict_installs_nothing_else(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Whoever owns the index can change page, hash and file at once: the plan still holds the judged hash."""
    pypi.add(wheel("top", requires=["low"]), wheel("low"), wheel("evil"))
    other = wheel("low", files={"low.py": "evil = True\n"}, requires=["evil"])
    osv.after["/v1/querybatch"] = lambda: pypi.replace("low-1.0-py3-none-any.whl", other)

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in REFUSED, str(outcome)
    assert venv.installed() == {}


def test_hashes_of_a_requirements_file_are_kept(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """A right hash installs; a wrong one blocks, as it does in plain pip."""
    built = wheel("low")
    pypi.add(built)
    right, wrong = tmp_path / "right.txt", tmp_path / "wrong.txt"
    right.write_text(f"low==1.0 --hash=sha256:{built.sha256}\n")
    wrong.write_text(f"low==1.0 --hash=sha256:{'0' * 64}\n")

    assert user.pip(venv, "install", "-r", str(wrong), cwd=tmp_path, index=pypi.index_url).code in REFUSED
    assert venv.installed() == {}
    outcome = user.pip(venv, "install", "-r", str(right), cwd=tmp_path, index=pypi.index_url)
    assert outcome.code == INSTALLED, str(outcome)
    assert venv.installed() == {"low": "1.0"}


def test_an_environment_that_changes_after_the_verdict_is_noticed(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Somebody else installs into it meanwhile: the result is what was judged, or it is said that it is not."""
    pypi.add(wheel("top", requires=["low"]), wheel("low", "1.0"))
    meanwhile = wheel("low", "0.9")
    (tmp_path / meanwhile.filename).write_bytes(meanwhile.data)
    osv.after["/v1/querybatch"] = lambda: environments.install_wheel(venv, tmp_path / meanwhile.filename)

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert osv.after == {}
    assert outcome.code in REFUSED or venv.installed() == {"top": "1.0", "low": "1.0"}, str(outcome)
