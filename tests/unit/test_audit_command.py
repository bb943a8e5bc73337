"""`safeinstall audit`: the same checks, the same policy and the same exit codes, for what is there."""

import json
from pathlib import Path

import pytest

from safeinstall.auditing import AUDITED, ELSEWHERE
from safeinstall.checks import CHECKS
from safeinstall.errors import SourceUnavailable
from safeinstall.model import Purl
from tests.fakes import FakeSource, advisory
from tests.inventories import OWN, distribution
from tests.outsides import Machine

PIN = Purl("pkg:pypi/evil@6.6.6")


@pytest.fixture(autouse=True)
def _machine_without_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safeinstall.wiring.own_registries", lambda ecosystem: OWN[ecosystem])
    monkeypatch.setattr("safeinstall.wiring.listed", lambda place: {})


def test_what_is_clean_says_that_nothing_was_installed(tmp_path: Path) -> None:
    """An audit reads, and the last line says so."""
    machine = Machine(tmp_path)
    (machine.project / "requirements.txt").write_text("flask==3.0.0 --hash=sha256:" + "ab" * 32 + "\n")

    code = machine.main("audit")

    assert code == 0
    assert machine.screen == (
        "safeinstall: 1 release judged, all clean (fake: now); only read: nothing was installed or changed\n"
    )


def test_malware_that_is_locked_is_a_finding_with_its_place(tmp_path: Path) -> None:
    """The exit code is that of a guarded command, and the way to the release ends at the file."""
    machine = Machine(tmp_path, sources=(FakeSource(known={PIN: (advisory(),)}),))
    (machine.project / "uv.lock").write_text(
        'version = 1\n[[package]]\nname = "evil"\nversion = "6.6.6"\n'
        'source = { registry = "https://pypi.example/simple" }\n'
    )

    code = machine.main("audit", "uv.lock")

    assert code == 40
    assert f"--> {PIN}, in uv.lock" in machine.screen
    assert machine.screen.endswith("affected: 1 finding, 0 gaps in 1 release. Nothing was installed or changed.\n")


def test_a_silent_source_is_a_gap(tmp_path: Path) -> None:
    """Silence is never clean."""
    machine = Machine(tmp_path, sources=(FakeSource(failure=SourceUnavailable("refused")),))
    (machine.project / "requirements.txt").write_text("flask==3.0.0\n")

    assert machine.main("audit") == 41
    assert machine.screen.endswith("not judged: 0 findings, 1 gap in 1 release. Nothing was installed or changed.\n")


def test_everything_that_a_folder_holds_is_audited_together(tmp_path: Path) -> None:
    """What lies in an environment and in a lockfile is one release, in two places."""
    machine = Machine(tmp_path)
    distribution(machine.project / ".venv/lib/python3.11/site-packages", "flask", "3.0.0")
    (machine.project / "requirements.txt").write_text("flask==3.0.0\n")
    (machine.project / "package-lock.json").write_text('{"lockfileVersion": 3, "packages": {}}')

    code = machine.main("audit", "--format", "json")

    document = json.loads(machine.stdout.getvalue())
    assert code == document["exit_code"] == 0
    assert document["command"]["argv"] == ["audit", ".venv", "requirements.txt", "package-lock.json"]
    assert [one["purl"] for one in document["releases"]] == ["pkg:pypi/flask@3.0.0"]
    assert "in .venv, requirements.txt" in document["releases"][0]["why"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 41, "holds nothing that can be audited"),
        (("gone.lock",), 44, "does not exist"),
        (("broken.json",), 41, "could not be read as cyclonedx"),
    ],
)
def test_what_cannot_be_audited_is_said_and_never_clean(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    """Nothing to read is not the same as nothing found."""
    machine = Machine(tmp_path)
    (machine.project / "broken.json").write_text("{")

    assert machine.main("audit", *words) == code
    assert said in machine.screen
    assert machine.screen.endswith("fatal: nothing was checked. Nothing was installed.\n")


def test_an_override_of_the_user_counts_in_an_audit(tmp_path: Path) -> None:
    """What a person decided for an install holds for what was installed by it."""
    machine = Machine(tmp_path, sources=(FakeSource(known={PIN: (advisory(),)}),))
    (machine.project / "requirements.txt").write_text("evil==6.6.6\n")
    machine.settings(
        f'[[override]]\npurl = "{PIN}"\ncheck = "malware"\nreason = "a test"\nuntil = 2026-12-01\nby = "me"\n'
    )

    assert machine.main("audit") == 0
    assert "override" in machine.screen


def test_each_check_is_audited_or_it_is_said_why_not() -> None:
    """A name that is misspelled would be a check that never runs."""
    idents = {check.ident for check in CHECKS}

    assert idents >= AUDITED
    assert AUDITED.isdisjoint(ELSEWHERE)
