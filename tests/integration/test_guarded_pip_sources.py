"""Advisory sources that fail, are late, or tell their answer in pieces: never "clean", and always in time."""

import time
from pathlib import Path

import pytest

from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import (
    FINDING,
    GAP,
    INSTALLED,
    Guarded,
    guarded,
)
from tests.registries.osv import Mode, OsvServer, malware, vulnerability
from tests.registries.pypi import PypiRegistry
from tests.registries.server import refused_url

pytestmark = pytest.mark.integration


FAILURES = [mode for mode in Mode if mode is not Mode.OK]


@pytest.mark.parametrize("mode", [None, *FAILURES], ids=lambda mode: "refused" if mode is None else mode.value)
def test_a_source_that_fails_blocks_in_time(
    mode: Mode | None, venv: Venv, pypi: PypiRegistry, osv: OsvServer, home: Path, tmp_path: Path
) -> None:
    """However it fails: exit 41 in time, nothing installed, and the message names the source."""
    pypi.add(wheel("low"))
    osv.mode = mode or Mode.OK
    user = guarded(home, refused_url() if mode is None else osv.url, pypi)

    started = time.monotonic()
    outcome = user.pip(venv, "install", "low", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == GAP, str(outcome)
    # The deadline is 6 s; the rest is for a busy machine. The server itself would never answer.
    assert time.monotonic() - started < 30
    assert venv.installed() == {}
    assert pypi.artifact_hits() == ()
    assert "osv" in outcome.err.lower()


@pytest.mark.parametrize("mode", FAILURES, ids=lambda mode: mode.value)
def test_a_record_that_cannot_be_read_is_not_clean(
    mode: Mode, user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """The server tells an id and fails when it is asked what it means: the release is flagged or not judged."""
    pypi.add(wheel("low"))
    osv.add(malware("low", ecosystem="pypi"))
    osv.details = mode

    outcome = user.pip(venv, "install", "low", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in {FINDING, GAP}, str(outcome)
    assert venv.installed() == {}


def test_a_fresh_cache_stands_in_for_a_silent_source(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """What was answered a moment ago counts, and its age is said."""
    pypi.add(wheel("low"))
    assert user.pip(venv, "install", "low", cwd=tmp_path, index=pypi.index_url, plan=True).code == INSTALLED
    osv.mode = Mode.ERROR_500

    outcome = user.pip(venv, "install", "low", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert venv.installed() == {"low": "1.0"}
    assert "osv: " in outcome.err


def test_pages_of_answers_are_all_read(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """The malicious record stands on the last page."""
    pypi.add(wheel("low"))
    osv.page_size = 1
    osv.add(*(vulnerability("low", versions=["1.0"], ident=f"GHSA-0000-0000-000{n}", severity="LOW") for n in range(3)))
    osv.add(malware("low", ecosystem="pypi", ident="MAL-2026-5"))

    outcome = user.pip(venv, "install", "low", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert "MAL-2026-5" in outcome.err
