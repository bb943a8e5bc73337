"""Before the verdict no foreign byte runs and no artifact is fetched, whatever pip the environment has."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import environments
from tests.builders import sdists
from tests.builders.built import Built, from_disk
from tests.builders.markers import Marker
from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import NOTHING_INSTALLED, REFUSED, guarded
from tests.registries.osv import OsvServer, malware
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True)
class Case:
    """One way to run code while pip only wants to know."""

    files: Callable[[Marker], tuple[Built, ...]]
    asked: tuple[str, ...] = ("hostile",)
    evil: tuple[str, ...] = ()
    """Names that the advisory server calls malware."""
    read: tuple[str, ...] = ()
    """Files that we ourselves read through, to tell build requirements; no pip is given them."""


CASES = {
    "legacy setup.py": Case(lambda marker: (sdists.legacy("hostile", marker=marker),)),
    "setuptools back end": Case(lambda marker: (sdists.setuptools_project("hostile", marker=marker),)),
    "in-tree back end": Case(lambda marker: (sdists.in_tree("hostile", marker=marker),)),
    "in-tree back end, dynamic by its own word": Case(
        lambda marker: (sdists.in_tree("hostile", marker=marker, metadata_version="2.2", dynamic=["Requires-Dist"]),)
    ),
    "senses --dry-run": Case(
        lambda marker: (sdists.in_tree("hostile", marker=marker, requires=["evil"], told=(), senses_dry_run=True),)
    ),
    "required by a wheel": Case(
        lambda marker: (
            wheel("top", requires=["middle"]),
            wheel("middle", requires=["hostile>=1"]),
            sdists.legacy("hostile", marker=marker),
        ),
        asked=("top",),
    ),
    "older release is a wheel": Case(
        lambda marker: (wheel("hostile", "1.0"), sdists.legacy("hostile", "2.0", marker=marker)),
    ),
    "hostile build requirement of a static sdist": Case(
        lambda marker: (
            sdists.sdist(
                "hostile",
                metadata_version="2.2",
                pyproject='[build-system]\nrequires = ["evil-backend"]\nbuild-backend = "evil_backend"\n',
            ),
            wheel("evil-backend", files={"evil_backend.py": sdists.marking_module(marker, "evil-backend")}),
        ),
        evil=("evil-backend",),
        read=("hostile-1.0.tar.gz",),
    ),
    "build requirement that is an sdist": Case(
        lambda marker: (
            sdists.sdist(
                "hostile",
                metadata_version="2.2",
                pyproject='[build-system]\nrequires = ["evil-backend"]\nbuild-backend = "evil_backend"\n',
            ),
            sdists.legacy("evil-backend", marker=marker),
        ),
        read=("hostile-1.0.tar.gz",),
    ),
    "build requirement that only the back end names": Case(
        lambda marker: (
            sdists.in_tree("hostile", marker=marker, wanted_by_hook=["evil-backend"]),
            sdists.legacy("evil-backend", marker=marker),
        ),
    ),
}


@pytest.fixture(scope="module", params=environments.TARGET_PIPS)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Venv:
    """Give an environment with each pip in turn; nothing is ever installed into it."""
    return environments.venv_with_pip(tmp_path_factory.mktemp("target") / "venv", str(request.param))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_nothing_hostile_runs_before_the_verdict(
    target: Venv, case: Case, pypi: PypiRegistry, osv: OsvServer, marker: Marker, home: Path, tmp_path: Path
) -> None:
    """A source distribution that could only be judged by running it is not run, and not installed."""
    pypi.add(*case.files(marker))
    osv.add(*(malware(name, ecosystem="pypi") for name in case.evil))

    outcome = guarded(home, osv.url, pypi).pip(target, "install", *case.asked, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert marker.seen() == (), str(outcome)
    assert {hit.path.rpartition("/")[2] for hit in pypi.artifact_hits()} <= set(case.read), str(outcome)
    assert target.installed() == {}


def test_a_static_sdist_cannot_slip_a_dependency_in(
    target: Venv, pypi: PypiRegistry, osv: OsvServer, marker: Marker, home: Path, tmp_path: Path
) -> None:
    """Its metadata promised no dependency: one that only the built wheel tells is not installed unjudged."""
    pypi.add(
        sdists.in_tree("hostile", marker=marker, metadata_version="2.2", told=(), requires=["hidden"]), wheel("hidden")
    )
    osv.add(malware("hidden", ecosystem="pypi"))
    before = target.installed()

    outcome = guarded(home, osv.url, pypi).pip(
        target, "install", "--target", str(tmp_path / "into"), "hostile", cwd=tmp_path, index=pypi.index_url
    )

    assert outcome.code in REFUSED, str(outcome)
    assert not (tmp_path / "into" / "hidden.py").exists(), str(outcome)
    assert target.installed() == before


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_hostile_cases_are_hostile_to_plain_pip(
    case: Case, venv: Venv, pypi: PypiRegistry, marker: Marker, isolated: dict[str, str], tmp_path: Path
) -> None:
    """Control: what must not run above does run without us, in a dry run or at the latest in an install."""
    pypi.add(*case.files(marker), from_disk(environments.stored("setuptools-*.whl")))

    for argv in (["install", "--dry-run"], ["install"]):
        command = [str(venv.pip), *argv, "-i", pypi.index_url, *case.asked]
        subprocess.run(command, env=isolated, cwd=tmp_path, check=False, capture_output=True, timeout=240)

    assert marker.seen() != ()
