"""`pip install` through the guard: what was judged is installed, and nothing else is."""

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import environments
from tests.builders import sdists
from tests.builders.markers import Marker
from tests.builders.wheels import core_metadata, wheel
from tests.environments import Venv
from tests.guarded import (
    ALLOW,
    FINDING,
    GAP,
    INSTALLED,
    NOTHING_INSTALLED,
    Guarded,
    first_artifact,
    guarded,
    last_question,
    strangers,
)
from tests.registries.osv import Mode, OsvServer, malware, vulnerability
from tests.registries.pypi import PypiRegistry
from tests.registries.server import refused_url

pytestmark = pytest.mark.integration

DEEP = (
    wheel("top", requires=["middle"]),
    wheel("middle", requires=["lower>=1"]),
    wheel("lower", requires=["evil"]),
    wheel("evil", "6.6.6"),
)
"""A malicious release that nobody asked for, three requirements below the one that was."""


@pytest.fixture
def venv(tmp_path: Path) -> Venv:
    """Give an empty environment with the newest pip."""
    return environments.venv_with_pip(tmp_path / "venv")


@pytest.fixture
def user(home: Path, osv: OsvServer, pypi: PypiRegistry) -> Guarded:
    """Give a user whose index is public to them."""
    return guarded(home, osv.url, pypi)


def bookkeeping(venv: Venv) -> dict[str, str]:
    """Return every file of *venv*'s packages that pip wrote itself, with its content."""
    found = {}
    for info in venv.site_packages.glob("*.dist-info"):
        for name in ("REQUESTED", "INSTALLER", "direct_url.json", "RECORD"):
            if not info.name.startswith("pip-") and (info / name).exists():
                found[f"{info.name}/{name}"] = (info / name).read_text()
    return found


# --- the everyday case ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", environments.TARGET_PIPS)
def test_a_clean_set_ends_as_in_a_plain_install(
    version: str, user: Guarded, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Versions and pip's bookkeeping are the same; no artifact moved before the advisory server had answered."""
    pypi.add(wheel("top", requires=["middle[more]>=1"]), wheel("middle", "1.0"), wheel("bonus"))
    pypi.add(wheel("middle", "1.5", extras={"more": ["bonus"]}))
    one = environments.venv_with_pip(tmp_path / "one", version)
    other = environments.venv_with_pip(tmp_path / "other", version)

    outcome = user.pip(one, "install", "top", cwd=tmp_path, index=pypi.index_url)
    assert outcome.code == INSTALLED, str(outcome)
    assert last_question(osv) < first_artifact(pypi)
    env = user.env({"PIP_INDEX_URL": pypi.index_url})
    subprocess.run([str(other.pip), "install", "top"], env=env, cwd=tmp_path, check=True, capture_output=True)

    assert one.installed() == {"top": "1.0", "middle": "1.5", "bonus": "1.0"}
    assert bookkeeping(one) == bookkeeping(other)
    assert strangers(one.folder, pypi) == []
    (line,) = user.ledger()
    assert "pkg:pypi/middle@1.5" in json.dumps(line)


def test_a_plan_fetches_no_artifact(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """`safeinstall plan` judges the whole set from metadata alone."""
    pypi.add(*DEEP[:3], wheel("evil", "1.0"))

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url, plan=True)

    assert outcome.code == INSTALLED, str(outcome)
    assert pypi.artifact_hits() == ()
    assert venv.installed() == {}


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param({"core_metadata": False}, id="no-core-metadata"),
        pytest.param({"core_metadata": False, "hidden_metadata": True}, id="unadvertised-metadata"),
        pytest.param({"json": False}, id="html-only"),
        pytest.param({"html": False}, id="json-only"),
        pytest.param({"upload_times": False, "project_json": False, "etags": False}, id="plain-mirror"),
    ],
)
def test_poorer_indexes_serve_too(
    switches: Mapping[str, bool], user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """What an index does not tell is found out by other ways that fetch no artifact before the verdict."""
    for name, value in switches.items():
        setattr(pypi.switches, name, value)
    pypi.add(*DEEP[:3], wheel("evil", "1.0"))

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert set(venv.installed()) == {"top", "middle", "lower", "evil"}
    assert last_question(osv) < first_artifact(pypi)


def test_metadata_that_is_promised_and_missing_does_not_end_in_an_unjudged_install(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """A broken promise of the index is mended by reading the wheel's own metadata, or blocks."""
    pypi.add(*DEEP[:3], wheel("evil", "1.0"))
    pypi.promise_metadata("lower-1.0-py3-none-any.whl")

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert (outcome.code, set(venv.installed())) in (
        (INSTALLED, {"top", "middle", "lower", "evil"}),
        *((code, set()) for code in NOTHING_INSTALLED),
    ), str(outcome)


# --- malicious dependencies -----------------------------------------------------------------------------------------


def test_a_malicious_dependency_three_levels_deep_blocks(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """The path to it is printed, nothing is fetched, and nothing is installed."""
    pypi.add(*DEEP)
    osv.add(malware("evil", ecosystem="pypi", ident="MAL-2026-77"))

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert venv.installed() == {}
    assert pypi.artifact_hits() == ()
    assert "MAL-2026-77" in outcome.err
    for name in ("top", "middle", "lower", "evil@6.6.6"):
        assert name in outcome.err, str(outcome)


def test_an_override_lets_exactly_that_release_through(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """With name, version, reason and end date it is installed, and the ledger keeps who, what and why."""
    pypi.add(*DEEP)
    osv.add(malware("evil", ecosystem="pypi", ident="MAL-2026-77"))
    allow = ("--safeinstall-allow", "malware:pkg:pypi/evil@6.6.6", *ALLOW)

    outcome = user.pip(venv, "install", "top", *allow, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert venv.installed()["evil"] == "6.6.6"
    assert "made for this test" in json.dumps(user.ledger()[-1])


@pytest.mark.parametrize(
    "allow",
    [
        pytest.param(("--safeinstall-allow", "malware:pkg:pypi/evil@6.6.5", *ALLOW), id="other-version"),
        pytest.param(("--safeinstall-allow", "typosquat:pkg:pypi/evil@6.6.6", *ALLOW), id="other-check"),
        pytest.param(("--safeinstall-allow", "malware:pkg:pypi/evil@6.6.6"), id="no-reason-no-end"),
    ],
)
def test_an_override_for_something_else_lets_nothing_through(
    allow: tuple[str, ...], user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Neither another version, nor another check, nor a bare flag is a decision about this release."""
    pypi.add(*DEEP)
    osv.add(malware("evil", ecosystem="pypi"))

    outcome = user.pip(venv, "install", "top", *allow, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in {FINDING, 44}, str(outcome)
    assert venv.installed() == {}


@pytest.mark.parametrize("spelling", ["Evil_Pkg==6.6.6.0", "evil.pkg == v6.6.6", "EVIL-PKG"])
def test_no_spelling_hides_a_release(
    spelling: str, user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Names and versions are compared in one normal form."""
    pypi.add(wheel("evil-pkg", "6.6.6"))
    osv.add(malware("Evil.Pkg", ecosystem="pypi", versions=["6.6.6"]))

    outcome = user.pip(venv, "install", spelling, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert venv.installed() == {}


def test_what_lies_in_pips_cache_is_judged_all_the_same(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """A cached artifact is no way round the verdict."""
    pypi.add(*DEEP)
    warm = environments.venv_with_pip(tmp_path / "warm")
    env = user.env({"PIP_INDEX_URL": pypi.index_url})
    subprocess.run([str(warm.pip), "install", "top"], env=env, cwd=tmp_path, check=True, capture_output=True)
    osv.add(malware("evil", ecosystem="pypi"))

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert venv.installed() == {}


# --- the registry changes its mind ----------------------------------------------------------------------------------


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

    assert outcome.code != INSTALLED, str(outcome)
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

    assert outcome.code != INSTALLED, str(outcome)
    assert venv.installed() == {}


def test_hashes_of_a_requirements_file_are_kept(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """A right hash installs; a wrong one blocks, as it does in plain pip."""
    built = wheel("low")
    pypi.add(built)
    right, wrong = tmp_path / "right.txt", tmp_path / "wrong.txt"
    right.write_text(f"low==1.0 --hash=sha256:{built.sha256}\n")
    wrong.write_text(f"low==1.0 --hash=sha256:{'0' * 64}\n")

    assert user.pip(venv, "install", "-r", str(wrong), cwd=tmp_path, index=pypi.index_url).code != INSTALLED
    assert venv.installed() == {}
    outcome = user.pip(venv, "install", "-r", str(right), cwd=tmp_path, index=pypi.index_url)
    assert outcome.code == INSTALLED, str(outcome)
    assert venv.installed() == {"low": "1.0"}


# --- sources that fail ----------------------------------------------------------------------------------------------

FAILURES = [mode for mode in Mode if mode is not Mode.OK]


@pytest.mark.parametrize("mode", [None, *FAILURES], ids=lambda mode: "refused" if mode is None else mode.value)
def test_a_source_that_fails_blocks_in_time(
    mode: Mode | None, venv: Venv, pypi: PypiRegistry, osv: OsvServer, home: Path, tmp_path: Path
) -> None:
    """However it fails: exit 41 within 10 s, nothing installed, and the message names the source."""
    pypi.add(wheel("low"))
    osv.mode = mode or Mode.OK
    user = guarded(home, refused_url() if mode is None else osv.url, pypi)

    started = time.monotonic()
    outcome = user.pip(venv, "install", "low", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == GAP, str(outcome)
    assert time.monotonic() - started < 10
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
    assert "cache" in outcome.err.lower()


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


# --- names ----------------------------------------------------------------------------------------------------------


def test_a_name_that_looks_like_a_popular_one_blocks_with_a_hint(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """`reqeusts` is not `requests`."""
    pypi.add(wheel("reqeusts"), upload_time=None)
    pypi.add(wheel("requests"))

    squat = user.pip(venv, "install", "reqeusts", cwd=tmp_path, index=pypi.index_url)
    real = user.pip(venv, "install", "requests", cwd=tmp_path, index=pypi.index_url)

    assert squat.code == FINDING, str(squat)
    assert "did you mean" in squat.err
    assert "`requests`" in squat.err
    assert real.code == INSTALLED, str(real)
    assert venv.installed() == {"requests": "1.0"}


def test_private_names_never_reach_the_advisory_server(
    venv: Venv, pypi: PypiRegistry, osv: OsvServer, home: Path, tmp_path: Path
) -> None:
    """A company's own index is nobody else's business."""
    pypi.add(wheel("acme-secret-plans", requires=["acme-core"]), wheel("acme-core"))
    user = guarded(home, osv.url)

    outcome = user.pip(venv, "install", "acme-secret-plans", cwd=tmp_path, index=pypi.index_url)

    assert osv.asked_names() == (), str(outcome)


# --- ways around ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"NO_PROXY": "*", "no_proxy": "*"}, id="NO_PROXY"),
        pytest.param({"PIP_NO_CACHE_DIR": "1", "PIP_RETRIES": "0"}, id="PIP_*"),
        pytest.param({"PIP_USE_DEPRECATED": "legacy-resolver"}, id="legacy-resolver"),
        pytest.param({"PIP_NO_DEPS": "0", "PIP_QUIET": "3"}, id="quiet"),
        pytest.param({"PIP_ISOLATED": "1"}, id="isolated"),
    ],
)
def test_the_environment_cannot_lower_the_guard(
    env: Mapping[str, str], user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Whatever pip reads from its environment, what it would install is judged."""
    pypi.add(*DEEP)
    osv.add(malware("evil", ecosystem="pypi"))
    argv = ("install", "--index-url", pypi.index_url, "top")

    outcome = user.pip(venv, *argv, cwd=tmp_path, index=pypi.index_url, env=env)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert venv.installed() == {}
    assert pypi.artifact_hits() == ()


def test_an_index_named_in_a_requirements_file_goes_through_the_gateway(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """`--index-url` inside a `-r` file walks past environment variables, and not past the guard."""
    pypi.add(*DEEP)
    osv.add(malware("evil", ecosystem="pypi"))
    listed = tmp_path / "requirements.txt"
    listed.write_text(f"--index-url {pypi.index_url}\ntop\n")

    outcome = user.pip(venv, "install", "-r", str(listed), cwd=tmp_path, index=refused_url())

    assert outcome.code == FINDING, str(outcome)
    assert pypi.artifact_hits() == ()


def test_a_direct_url_blocks_unless_it_was_allowed(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """No registry vouches for a URL."""
    pypi.add(wheel("low"))
    url = pypi.file_url("low-1.0-py3-none-any.whl")

    outcome = user.pip(venv, "install", url, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in NOTHING_INSTALLED, str(outcome)
    assert venv.installed() == {}


def test_credentials_reach_the_index_and_nobody_else(
    venv: Venv, pypi: PypiRegistry, osv: OsvServer, user: Guarded, tmp_path: Path
) -> None:
    """A private index works with its password, which no message, ledger or installed file shows."""
    pypi.add(wheel("low"))
    index = pypi.with_credentials("me", "s3cr3t-pass")

    outcome = user.pip(venv, "install", "low", cwd=tmp_path, index=index)

    assert outcome.code == INSTALLED, str(outcome)
    assert "s3cr3t-pass" not in outcome.out + outcome.err + json.dumps(user.ledger())
    assert not any("s3cr3t" in text for text in bookkeeping(venv).values())


# --- source builds --------------------------------------------------------------------------------------------------


def test_an_allowed_source_build_runs_after_the_verdict(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """With an override by name it is built in the install phase, and its true dependencies are judged too."""
    pypi.add(sdists.in_tree("built", marker=marker, told=(), requires=["low"]), wheel("low"))
    allow = ("--safeinstall-allow", "source-build:pkg:pypi/built@1.0", *ALLOW)

    outcome = user.pip(venv, "install", "built", *allow, cwd=tmp_path, index=pypi.index_url)

    assert "built:build_wheel" in marker.seen(), str(outcome)
    assert outcome.code == INSTALLED, str(outcome)
    assert venv.installed() == {"built": "1.0", "low": "1.0"}
    assert {"built", "low"} <= set(osv.asked_names())


def test_an_allowed_source_build_cannot_bring_malware_in(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """A dependency that only the built package names is judged when pip asks for it."""
    pypi.add(sdists.in_tree("built", marker=marker, told=(), requires=["evil"]), wheel("evil"))
    osv.add(malware("evil", ecosystem="pypi"))
    allow = ("--safeinstall-allow", "source-build:pkg:pypi/built@1.0", *ALLOW)

    outcome = user.pip(venv, "install", "built", *allow, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code != INSTALLED, str(outcome)
    assert venv.installed() == {}
