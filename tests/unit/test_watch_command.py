"""Installed on Monday, reported on Wednesday: whoever is affected is told, once, and whoever removed it is not."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from safeinstall import ledger
from safeinstall.contracts import Finished
from safeinstall.errors import SourceUnavailable
from safeinstall.model import Advisory, Purl, Verdict
from safeinstall.runs import Environment, EnvironmentKind, Installed, Run
from tests.fakes import NOW, FakeRunner, FakeSource, advisory, intent, plan, release
from tests.inventories import distribution
from tests.outsides import Machine

EVIL = Purl("pkg:pypi/evil@6.6.6")
MONDAY = NOW - timedelta(days=2)


def monday(folder: Path, *known: Advisory) -> Machine:
    """Return a machine on which `pip install app` brought `evil` in on Monday, and what is *known* on Wednesday."""
    machine = Machine(folder, sources=(FakeSource(known={EVIL: known} if known else {}),))
    place = folder / "venv/lib/python3.11/site-packages"
    for name, version in (("app", "1.0"), ("evil", "6.6.6")):
        distribution(place, name, version)
    run = Run(
        intent=intent("app", cwd=machine.project),
        plan=plan(
            release("pkg:pypi/app@1.0", asked="app"),
            release(EVIL),
            edges=[(None, "pkg:pypi/app@1.0", "app"), ("pkg:pypi/app@1.0", EVIL, "evil")],
        ),
        verdict=Verdict(rulings=()),
        sources=(),
        started=MONDAY,
        took=timedelta(seconds=1),
        installed=Installed(exit_code=0),
        environment=Environment(kind=EnvironmentKind.PYTHON, path=str(folder / "venv"), folders=(str(place),)),
    )
    ledger.append(machine.home / "data/ledger.jsonl", ledger.entry(run, exit_code=0, planning=False))
    return machine


def test_what_is_reported_later_is_told_with_environment_command_and_way(tmp_path: Path) -> None:
    """On Monday nothing was known; on Wednesday the ledger tells who is affected, since when and through what."""
    assert monday(tmp_path).main("watch", "--once") == 0
    (tmp_path / "later").mkdir()

    machine = monday(tmp_path / "later", advisory())

    assert machine.main("watch", "--once") == 40
    assert "   = lies in: FOLDER/venv\n" in machine.screen
    assert "   = installed 2 days ago (2026-11-21T12:00:00Z) by " in machine.screen
    assert ": pip install app\n" in machine.screen
    assert "   = through: app 1.0 -> evil 6.6.6\n" in machine.screen
    assert machine.screen.endswith("affected: 1 of 2 releases in 1 environment. Nothing was installed or changed.\n")


def test_what_was_removed_meanwhile_is_not_alerted(tmp_path: Path) -> None:
    """What counts is what lies in the environment now."""
    machine = monday(tmp_path, advisory())
    folder = tmp_path / "venv/lib/python3.11/site-packages/evil-6.6.6.dist-info"
    (folder / "METADATA").unlink()
    folder.rmdir()

    assert machine.main("watch", "--once") == 0


def test_an_environment_that_is_gone_affects_nobody(tmp_path: Path) -> None:
    """A folder that was deleted holds nothing."""
    machine = monday(tmp_path, advisory())
    (tmp_path / "venv").rename(tmp_path / "elsewhere")

    assert machine.main("watch", "--once") == 0


def test_an_alert_is_told_once_and_still_counts(tmp_path: Path) -> None:
    """A timer does not repeat itself for ever, and its exit code stays true."""
    machine = monday(tmp_path, advisory())
    machine.main("watch", "--once")

    assert machine.main("watch", "--once") == 40
    assert machine.screen == (
        "affected: 1 of 2 releases in 1 environment (1 told before). Nothing was installed or changed.\n"
    )
    assert machine.main("watch", "--once", "--again") == 40
    assert "alert[advisory]" in machine.screen


def test_a_source_that_is_silent_is_a_gap(tmp_path: Path) -> None:
    """What could not be judged is said, and is not the same as nobody affected."""
    machine = monday(tmp_path)
    machine.sources = (FakeSource(failure=SourceUnavailable("the index is 9 days old")),)

    assert machine.main("watch", "--once") == 41
    assert "gap[watch]: 2 releases could not be judged: fake: the index is 9 days old" in machine.screen


def test_the_notification_command_gets_the_alerts_on_its_stdin(tmp_path: Path) -> None:
    """It is a list of words, run without a shell; what it could not deliver is tried again."""
    machine = monday(tmp_path, advisory())
    machine.settings('[watch]\nnotify = ["/usr/local/bin/page", "--urgent"]\n')
    machine.runner = FakeRunner(answers={"page": Finished(exit_code=1)})
    assert machine.main("watch", "--once") == 40
    assert "nobody was notified" in machine.screen

    machine.runner = runner = FakeRunner(answers={"page": Finished(exit_code=0)})
    machine.main("watch", "--once")

    document = json.loads(runner.fed[0])
    assert runner.ran[0][0] == ("/usr/local/bin/page", "--urgent")
    assert document["alerts"][0]["environment"] == str(tmp_path / "venv")
    assert document["alerts"][0]["path"] == ["app 1.0", "evil 6.6.6"]


def test_a_project_cannot_choose_the_notification_command(tmp_path: Path) -> None:
    """A program that is run is no business of a folder that somebody has cloned."""
    machine = monday(tmp_path, advisory())
    machine.settings('[watch]\nnotify = ["/bin/evil"]\n', project=True)

    machine.main("watch", "--once")

    assert isinstance(machine.runner, FakeRunner)
    assert machine.runner.ran == []


def test_a_machine_without_a_ledger_is_not_affected(tmp_path: Path) -> None:
    """Where nothing was installed, nothing can be bad."""
    assert Machine(tmp_path).main("watch", "--once") == 0


@pytest.mark.parametrize(("known", "code"), [((advisory(),), 40), ((), 43)], ids=["affected", "not-affected"])
def test_an_update_that_failed_still_tells_who_is_affected(
    tmp_path: Path, known: tuple[Advisory, ...], code: int
) -> None:
    """What another index brought, or the old one knows, is not kept silent because one could not be fetched."""
    machine = monday(tmp_path, *known)
    machine.env["SAFEINSTALL_INDEX_URL"] = "http://127.0.0.1:9"  # nothing listens there

    assert machine.main("update") == code
    assert machine.screen.count("error: the index of ") == 2
    assert machine.screen.endswith("nothing was installed or changed\n" if not known else "or changed.\n")
