"""Guarded pip takes the newest release that is old enough, says what it withheld, and judges what was pinned."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import FINDING, GAP, INSTALLED, Guarded
from tests.registries.osv import OsvServer, vulnerability
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration

NOW = datetime.now(timezone.utc)
YOUNG = NOW - timedelta(hours=12, minutes=5)


def test_the_newest_release_that_is_old_enough_is_taken_and_that_is_said(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """What a young release requires is not in the plan either: it is one consistent resolution; the ledger keeps it."""
    pypi.add(wheel("app", "3.8.2", requires=["lib<3"]), wheel("lib", "2.0"))
    pypi.add(wheel("app", "3.9.0", requires=["lib>=3"]), wheel("lib", "3.0"), wheel("lib", "2.1rc1"), upload_time=YOUNG)

    outcome = user.pip(venv, "install", "app", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert venv.installed() == {"app": "3.8.2", "lib": "2.0"}
    said = [line for line in outcome.err.splitlines() if line.startswith("withheld")]
    assert said == ["withheld: app 3.9.0 (12 h old); took 3.8.2"]
    (kept,) = json.loads(json.dumps(next(line["withheld"] for line in user.ledger() if "withheld" in line)))
    assert (kept["purl"], kept["taken"], kept["cooldown_hours"]) == ("pkg:pypi/app@3.9.0", "3.8.2", 72.0)


def test_a_cooldown_of_zero_gives_the_plain_resolution(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """The flag is for the whole command, whatever the settings say of single names."""
    user.settings('[cooldown]\nlonger = ["lib=1000"]\n')
    pypi.add(wheel("lib", "2.0"))
    pypi.add(wheel("lib", "3.0"), upload_time=YOUNG)

    outcome = user.pip(venv, "install", "lib", "--safeinstall-cooldown", "0", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert venv.installed() == {"lib": "3.0"}
    assert "withheld" not in outcome.err


def test_in_the_mode_block_nothing_is_hidden_from_pip(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """What pip would take by itself is judged: the plan is the plain one, and it blocks with the way back."""
    user.settings('[cooldown]\nmode = "block"\n')
    pypi.add(wheel("lib", "2.0"))
    pypi.add(wheel("lib", "3.0"), upload_time=YOUNG)

    young = user.pip(venv, "install", "lib", cwd=tmp_path, index=pypi.index_url)
    older = user.pip(venv, "install", "lib<3", cwd=tmp_path, index=pypi.index_url)

    assert young.code == FINDING, str(young)
    assert "error[fresh-release]: `lib` 3.0 was uploaded 12 h ago, less than 72 h" in young.err, str(young)
    assert "`lib` 2.0" in young.err
    assert "withheld" not in young.err
    assert older.code == INSTALLED, str(older)
    assert venv.installed() == {"lib": "2.0"}


@pytest.mark.parametrize("asked", [("lib==3.0",), ("lib", "-c", "pins.txt")], ids=["typed", "constraint"])
def test_a_pin_to_a_young_version_blocks_with_the_newest_one_that_is_old_enough(
    asked: tuple[str, ...], user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """What was asked for exactly is judged, not hidden."""
    (tmp_path / "pins.txt").write_text("lib==3.0\n")
    pypi.add(wheel("lib", "1.0"), wheel("lib", "2.0"), wheel("lib", "2.5rc1"))
    pypi.add(wheel("lib", "3.0"), upload_time=YOUNG)

    outcome = user.pip(venv, "install", *asked, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert "error[fresh-release]: `lib` 3.0 was uploaded 12 h ago, less than 72 h" in outcome.err, str(outcome)
    assert "hint: take `lib` 2.0, the newest that is old enough" in outcome.err, str(outcome)
    assert pypi.artifact_hits() == ()


def test_what_no_plan_can_do_without_blocks_and_is_named(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """The message says which young release is needed, by whom, and what would mend it; the others stay withheld."""
    pypi.add(wheel("app", "1.0", requires=["lib>=3", "other"]), wheel("lib", "2.0"), wheel("other", "1.0"))
    pypi.add(wheel("lib", "3.0"), wheel("other", "2.0"), upload_time=YOUNG)

    outcome = user.pip(venv, "install", "app", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert "pkg:pypi/lib@3.0, required by app 1.0" in outcome.err, str(outcome)
    assert "without it nothing fits `lib>=3`" in outcome.err, str(outcome)
    assert "other@2.0" not in outcome.err, str(outcome)
    assert venv.installed() == {}


def test_the_first_fixed_version_is_let_through_and_no_later_one(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Patience must not keep anybody at a known fault: exactly the version that mends it may be young."""
    pypi.add(wheel("lib", "1.0"), wheel("app", "1.0", requires=["lib"]))
    pypi.add(wheel("lib", "1.0.1"), wheel("lib", "1.1"), wheel("app", "1.1", requires=["lib"]), upload_time=YOUNG)
    osv.add(vulnerability("lib", versions=["1.0"], ident="GHSA-test-0001", fixed="1.0.1"))

    outcome = user.pip(venv, "install", "app", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert venv.installed() == {"app": "1.0", "lib": "1.0.1"}
    assert (
        "let through: lib 1.0.1 (12 h old), the first version that mends GHSA-test-0001, which hits 1.0" in outcome.err
    )
    assert "withheld: lib 1.1 (12 h old); took 1.0.1" in outcome.err, str(outcome)


@pytest.mark.parametrize("pinned", [False, True], ids=["ranged", "pinned"])
def test_a_wheel_that_was_added_late_to_an_old_release_is_young(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path, *, pinned: bool
) -> None:
    """Age is that of the file. Pinned, it blocks by what it is; its honest twin, whose files are old, installs."""
    pypi.add(wheel("twin", "1.0", tag="py2.py3-none-any"), wheel("twin", "1.0"))
    pypi.add(wheel("lib", "1.0", tag="py2.py3-none-any"))
    late = wheel("lib", "1.0", tag=f"cp3{venv.python_minor}-none-any")
    pypi.add(late, upload_time=NOW - timedelta(hours=3, minutes=5))

    outcome = user.pip(
        venv, "install", "lib==1.0" if pinned else "lib", "twin==1.0", cwd=tmp_path, index=pypi.index_url
    )

    if pinned:
        assert outcome.code == FINDING, str(outcome)
        assert f"`{late.filename}` was added 3 h ago to an old release, less than 72 h" in outcome.err, str(outcome)
        assert "twin" not in outcome.err, str(outcome)
    else:
        assert outcome.code == INSTALLED, str(outcome)
        assert f"withheld: {late.filename} (3 h old), added late; took another file of 1.0" in outcome.err


def test_an_index_without_upload_times_lets_a_usual_install_through_with_one_line(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """Of unknown age is neither young nor clean: it is said once for the whole set; a setting makes it block."""
    pypi.switches.upload_times = False
    pypi.add(wheel("app", "1.0", requires=["lib"]), wheel("lib", "1.0"))

    env = {"SAFEINSTALL_GAPS_FRESH_RELEASE": "block"}
    strict = user.pip(venv, "install", "app", cwd=tmp_path, index=pypi.index_url, env=env)
    outcome = user.pip(venv, "install", "app", cwd=tmp_path, index=pypi.index_url)

    assert strict.code == GAP, str(strict)
    assert outcome.code == INSTALLED, str(outcome)
    (line,) = [line for line in outcome.err.splitlines() if "upload" in line]
    assert line.startswith("note: fresh-release not judged for 2 releases: the registry does not tell when"), str(
        outcome
    )


@pytest.mark.parametrize("pin", ["", "==2.0"], ids=["ranged", "pinned"])
def test_a_young_build_requirement_is_withheld_too(
    pin: str, user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """What builds runs first of all: it is taken old enough; what is pinned is judged when the build asks for it."""
    project = tmp_path / "proj"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["backend{pin}"]\nbuild-backend = "backend"\n'
        '[project]\nname = "mine"\nversion = "1"\n'
    )
    code = (
        "import os\n"
        "def prepare_metadata_for_build_wheel(d, c=None):\n"
        "    os.makedirs(d + '/mine-1.dist-info', exist_ok=True)\n"
        "    open(d + '/mine-1.dist-info/METADATA', 'w').write('Metadata-Version: 2.1\\nName: mine\\nVersion: 1\\n')\n"
        "    open(d + '/mine-1.dist-info/WHEEL', 'w').write('Wheel-Version: 1.0\\n')\n"
        "    return 'mine-1.dist-info'\n"
    )
    pypi.add(wheel("backend", "1.0", files={"backend.py": code}))
    pypi.add(wheel("backend", "2.0", files={"backend.py": "raise SystemExit('young')\n"}), upload_time=YOUNG)

    outcome = user.pip(venv, "install", str(project), cwd=tmp_path, index=pypi.index_url, plan=True)

    fetched = [hit.path.rpartition("/")[2] for hit in pypi.artifact_hits()]
    if pin:
        assert outcome.code == FINDING, str(outcome)
        assert "error[fresh-release]: `backend` 2.0 was uploaded 12 h ago" in outcome.err, str(outcome)
        assert fetched == []
    else:
        assert outcome.code == INSTALLED, str(outcome)
        assert fetched == ["backend-1.0-py3-none-any.whl"]


def test_what_is_installed_is_no_news_and_is_not_taken_back(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """An upgrade of everything leaves a young release that is there already where it is."""
    pypi.add(wheel("lib", "1.0"), wheel("app", "1.0", requires=["lib"]))
    pypi.add(wheel("lib", "2.0"), upload_time=YOUNG)
    first = user.pip(venv, "install", "lib", "--safeinstall-cooldown=0", cwd=tmp_path, index=pypi.index_url)

    outcome = user.pip(
        venv, "install", "-U", "--upgrade-strategy=eager", "app", cwd=tmp_path, index=pypi.index_url
    )  # fmt: skip

    assert first.code == outcome.code == INSTALLED, f"{first}\n{outcome}"
    assert venv.installed() == {"app": "1.0", "lib": "2.0"}


def test_a_conflict_that_only_young_releases_solve_is_judged_as_it_is(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """Where pip names no single requirement, the set is resolved with nothing withheld, and the young ones block."""
    pypi.add(wheel("core", "1.0"), wheel("a", "1.0", requires=["core<2"]), wheel("b", "1.0", requires=["core>=2"]))
    pypi.add(wheel("core", "2.0"))
    pypi.add(wheel("a", "1.1", requires=["core>=2"]), upload_time=YOUNG)

    outcome = user.pip(venv, "install", "a", "b", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert "error[fresh-release]: `a` 1.1" in outcome.err, str(outcome)
    assert "1 finding" in outcome.err, str(outcome)
