"""Python packages that went bad, rebuilt with harmless content, each with its honest twin."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import FINDING, INSTALLED, Guarded
from tests.registries.pypi import PypiRegistry
from tests.registries.server import Asked, LoopbackHttp, Reply

pytestmark = pytest.mark.integration


class Rdap(LoopbackHttp):
    """Tells when domains were registered."""

    def __init__(self, registered: Mapping[str, datetime]) -> None:
        """Know *registered* alone."""
        super().__init__()
        self._registered = registered

    def answer(self, asked: Asked) -> Reply:
        """See `LoopbackHttp.answer`."""
        at = self._registered.get(asked.path.removeprefix("/domain/"))
        if at is None:
            return Reply(status=404, headers={"Content-Type": "application/json"}, body=b"{}")
        events = [{"eventAction": "registration", "eventDate": at.isoformat()}]
        return Reply(headers={"Content-Type": "application/rdap+json"}, body=json.dumps({"events": events}).encode())


NOW = datetime.now(timezone.utc)
LAST_YEAR, LAST_WEEK = NOW - timedelta(days=300), NOW - timedelta(days=7)
AUTHOR = ["Author-email: Amy <amy@mail.example>"]


def test_a_release_with_a_new_startup_file(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """A `.pth` runs whenever Python starts; only the wheel's list of files tells, and no wheel is fetched for it."""
    pypi.add(wheel("litellmish", "1.82.6"), wheel("honest", "1.0"), upload_time=LAST_YEAR)
    files = {"litellmish.py": "", "litellmish_init.pth": "import this\n"}
    pypi.add(
        wheel("litellmish", "1.82.8", files=files), wheel("honest", "1.1", requires=["plain"]), upload_time=LAST_WEEK
    )
    pypi.add(wheel("plain"))

    outcome = user.pip(venv, "install", "honest", "litellmish", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert "`litellmish` 1.82.8 looks like a good package gone bad (startup-file)" in outcome.err
    assert "Python runs `litellmish_init.pth` whenever it starts; 1.82.6 had no such file" in outcome.err
    assert "blocked: 1 finding, 0 gaps in 3 releases" in outcome.err
    assert pypi.artifact_hits() == ()
    assert venv.installed() == {}


def test_a_token_without_attestations(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """Uploaded past the workflow that attested the releases before, and it brings in a stranger."""
    pypi.add(wheel("ultraish", "8.3.44"), wheel("honest", "1.0"), upload_time=LAST_YEAR, attested=True)
    pypi.add(wheel("strangerish"), upload_time=LAST_WEEK - timedelta(days=1))
    pypi.add(wheel("ultraish", "8.4.0", requires=["strangerish"]), upload_time=LAST_WEEK)
    pypi.add(wheel("honest", "1.1"), upload_time=LAST_WEEK)

    outcome = user.pip(venv, "install", "ultraish", cwd=tmp_path, index=pypi.index_url, plan=True)
    alone = user.pip(venv, "install", "honest", cwd=tmp_path, index=pypi.index_url, plan=True)

    assert outcome.code == FINDING, str(outcome)
    assert "(stolen-token)" in outcome.err
    assert "no attestation says what it was built from; 8.3.44 had one" in outcome.err
    assert "first uploaded 1 day before this release, 1 release, not among the popular names" in outcome.err
    assert alone.code == INSTALLED, str(alone)
    assert "warning[provenance]: `honest` 1.1 lacks a proof that earlier releases had" in alone.err


def test_ctx(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """The first release for years, and the owner's mail domain was registered anew; the twin's never lapsed."""
    # Every machine's resolver knows these names without asking anybody.
    lapsed, kept = "127.0.0.2", "127.0.0.3"
    for name, domain in (("ctxish", lapsed), ("honest", kept)):
        header = f"Author-email: Figl <figl@{domain}>"
        pypi.add(wheel(name, "0.1.2", headers=[header]), upload_time=NOW - timedelta(days=2700))
        pypi.add(wheel(name, "0.2.2", headers=[header]), upload_time=LAST_WEEK)
    with Rdap({lapsed: LAST_WEEK - timedelta(days=7), kept: NOW - timedelta(days=4000)}) as rdap:
        user.settings(f'[mail]\nenabled = true\nrdap-url = "{rdap.url}"\n')

        outcome = user.pip(venv, "install", "ctxish", "honest", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert "`ctxish` 0.2.2 looks like a good package gone bad (expired-domain)" in outcome.err
    assert "the mail domain 127.0.0.2 of a maintainer was registered on" in outcome.err
    assert "the first release after 89 months without one" in outcome.err
    assert "`honest` 0.2.2 looks" not in outcome.err
    assert pypi.artifact_hits() == ()


def test_a_plain_mirror(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> None:
    """What nobody tells is said in one line, and a usual install goes through."""
    pypi.switches.upload_times = pypi.switches.provenance = pypi.switches.project_json = False
    pypi.add(wheel("thing", "1.0"), wheel("thing", "1.1", headers=AUTHOR))

    outcome = user.pip(venv, "install", "thing", cwd=tmp_path, index=pypi.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert [line[:30] for line in outcome.err.splitlines() if line.startswith("note:")] == [
        "note: fresh-release not judged"
    ]
    assert "provenance not judged for 1 release: its registry does not tell of attestations" in outcome.err
    assert venv.installed() == {"thing": "1.1"}
