"""`pip install` through the guard: the everyday cases, and ways around them."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import environments
from tests.builders import deep, sdists
from tests.builders.markers import Marker
from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import (
    ALLOW,
    FINDING,
    GAP,
    INSTALLED,
    NOTHING_INSTALLED,
    REFUSED,
    Guarded,
    bookkeeping,
    first_artifact,
    guarded,
    last_question,
    strangers,
)
from tests.registries.osv import OsvServer, malware
from tests.registries.pypi import PypiRegistry
from tests.registries.server import refused_url

pytestmark = pytest.mark.integration


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
    pypi.add(*deep.PYPI[:3], wheel("evil", "1.0"))

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
    pypi.add(*deep.PYPI[:3], wheel("evil", "1.0"))

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert set(venv.installed()) == {"top", "middle", "lower", "evil"}
    assert last_question(osv) < first_artifact(pypi)


def test_metadata_that_is_promised_and_missing_does_not_end_in_an_unjudged_install(
    user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path
) -> None:
    """A broken promise of the index is mended by reading the wheel's own metadata, or blocks."""
    pypi.add(*deep.PYPI[:3], wheel("evil", "1.0"))
    pypi.promise_metadata("lower-1.0-py3-none-any.whl")

    outcome = user.pip(venv, "install", "top", cwd=tmp_path, index=pypi.index_url)

    assert (outcome.code, set(venv.installed())) in (
        (INSTALLED, {"top", "middle", "lower", "evil"}),
        *((code, set()) for code in NOTHING_INSTALLED),
    ), str(outcome)


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


@pytest.mark.parametrize("declared", [True, False], ids=["declared-private", "extra-index"])
def test_private_names_never_reach_the_advisory_server(
    declared: bool, venv: Venv, pypi: PypiRegistry, osv: OsvServer, home: Path, tmp_path: Path
) -> None:
    """A company's own index is nobody else's business; one that was only added is not asked about, and not clean."""
    pypi.add(wheel("acme-secret-plans", requires=["acme-core"]), wheel("acme-core"))
    with PypiRegistry() as public:
        public.add(wheel("harmless"))
        user = guarded(home, osv.url, public)
        private = [pypi.url] if declared else []
        user.settings(private=private)
        extra = {"PIP_EXTRA_INDEX_URL": pypi.index_url}
        argv = ("install", "acme-secret-plans", "harmless")
        outcome = user.pip(venv, *argv, cwd=tmp_path, index=public.index_url, env=extra)

    assert set(osv.asked_names()) == {"harmless"}, str(outcome)
    assert outcome.code == (INSTALLED if declared else GAP), str(outcome)


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
    pypi.add(*deep.PYPI)
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
    pypi.add(*deep.PYPI)
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


@pytest.mark.parametrize("mode", ["listed", "block"])
def test_only_listed_releases_are_built(
    mode: str, user: Guarded, venv: Venv, pypi: PypiRegistry, marker: Marker, tmp_path: Path
) -> None:
    """With `scripts.pypi` nothing of an sdist runs before somebody has decided, though its metadata is static."""
    pypi.add(*(sdists.in_tree(name, marker=marker, metadata_version="2.2") for name in ("mine", "other")))
    user.settings(f'[scripts]\npypi = "{mode}"\nallowed = ["pkg:pypi/mine@1.0"]\n')

    refused = user.pip(venv, "install", "mine", "other", cwd=tmp_path, index=pypi.index_url)
    ran = marker.seen()
    listed = user.pip(venv, "install", "mine", cwd=tmp_path, index=pypi.index_url)

    assert refused.code == FINDING, str(refused)
    assert "error[source-build]" in refused.err, str(refused)
    assert "pkg:pypi/other@1.0" in refused.err
    assert ("pkg:pypi/mine@1.0" in refused.err) == (mode == "block")
    assert list(ran) == []
    assert listed.code == (INSTALLED if mode == "listed" else FINDING), str(listed)
    assert venv.installed() == ({"mine": "1.0"} if mode == "listed" else {})


def test_an_allowed_source_build_cannot_bring_malware_in(
    user: Guarded, venv: Venv, pypi: PypiRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """A dependency that only the built package names is judged when pip asks for it."""
    pypi.add(sdists.in_tree("built", marker=marker, told=(), requires=["evil"]), wheel("evil"))
    osv.add(malware("evil", ecosystem="pypi"))
    allow = ("--safeinstall-allow", "source-build:pkg:pypi/built@1.0", *ALLOW)

    outcome = user.pip(venv, "install", "built", *allow, cwd=tmp_path, index=pypi.index_url)

    assert outcome.code in REFUSED, str(outcome)
    assert venv.installed() == {}
