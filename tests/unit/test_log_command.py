"""`safeinstall log`: by package, time, project and verdict; and whether the ledger is what was written."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall import ledger
from safeinstall.errors import MalformedAnswer, ToolMissing
from safeinstall.model import Plan
from safeinstall.purl import parse
from safeinstall.recorded import VERDICTS, ending, environment_of, plan_of
from safeinstall.runs import Installed
from tests.fakes import NOW, VENV, FakeSession, FakeSource, advisory, plan, release
from tests.outsides import Machine
from tests.unit.formats.test_json_v1 import full

APP, EVIL = "pkg:pypi/app@1.0", "pkg:pypi/evil@6.6.6"
SET = plan(release(APP, asked="app"), release(EVIL), edges=[(None, APP, "app"), (APP, EVIL, "evil>=6")])


class Killed(FakeSession):
    """A session whose process dies while it installs."""

    def install(self, plan: Plan) -> Installed:
        """See `Session.install`."""
        raise ToolMissing("`pip` vanished")


def machine(folder: Path) -> Machine:
    """Return a machine whose ledger has an install, a block, a plan and an install that never ended."""
    here = Machine(folder, session=FakeSession(planned=SET))
    here.main("pip", "install", "app")
    here.sources = (FakeSource(known={parse(EVIL): (advisory(),)}),)
    here.main("pip", "install", "app")
    here.sources = (FakeSource(),)
    here.ecosystem.session = FakeSession(planned=plan(release(APP, asked="app")))
    here.main("plan", "pip", "install", "app")
    here.ecosystem.session = Killed(planned=SET)
    here.main("pip", "install", "app")
    return here


def told(here: Machine, *words: str) -> list[str]:
    """Return how the runs ended that `log WORDS` tells of."""
    assert here.main("log", "--format", "json", *words) == 0
    return [ending(json.loads(one)) for one in here.stdout.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["installed", "blocked", "planned", "interrupted"]),
        (("--last", "2"), ["planned", "interrupted"]),
        (("--package", "Evil"), ["installed", "blocked", "interrupted"]),
        (("--package", EVIL, "--last", "1"), ["interrupted"]),
        (("--package", "pkg:pypi/evil"), ["installed", "blocked", "interrupted"]),
        (("--package", "pkg:pypi/evil@7"), []),
        (("--verdict", "blocked"), ["blocked"]),
        (("--verdict", "overridden"), []),
        (("--since", "1h"), ["installed", "blocked", "planned", "interrupted"]),
        (("--until", "2026-11-23"), []),
        (("--since", "2026-11-23T13:00+01:00"), ["installed", "blocked", "planned", "interrupted"]),
        (("--project", "."), ["installed", "blocked", "planned", "interrupted"]),
        (("--project", "/srv/venv"), ["installed", "blocked", "planned", "interrupted"]),
        (("--project", "elsewhere"), []),
    ],
)
def test_runs_are_found(tmp_path: Path, words: tuple[str, ...], expected: list[str]) -> None:
    """By what people know after an incident."""
    assert told(machine(tmp_path), *words) == expected


@pytest.mark.parametrize("words", [("--since", "yesterday"), ("--package", "pkg:cargo/x"), ("--anchor", "1:a"),
                                   ("--verify", "--anchor", "x"), ("--verdict", "odd")])  # fmt: skip
def test_what_is_not_understood_is_said(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Exit code 44, and no list that might be taken for the answer."""
    here = machine(tmp_path)

    assert here.main("log", *words) == 44
    assert here.stdout.getvalue() == ""


def test_an_install_that_never_ended_is_told(tmp_path: Path) -> None:
    """Its line was written before anything was touched: the whole plan, and where to."""
    here = machine(tmp_path)
    here.main("log", "--verdict", "interrupted")
    assert "began to install and never ended (2 releases)" in here.stdout.getvalue()
    line = list(ledger.read(here.home / "data/ledger.jsonl"))[-1]

    assert [one.purl for one in plan_of(line).releases] == [APP, EVIL]
    assert environment_of(line) == VENV


def test_a_plan_comes_back_from_the_ledger(tmp_path: Path) -> None:
    """With all that judging it anew needs: purls, hashes, registries, who required what."""
    line = json.loads(json.dumps(ledger.entry(replace(full(), plan=SET), exit_code=0, planning=False)))
    found = plan_of(line)

    assert [(one.purl, one.artifact.digests, one.registry, one.asked) for one in found.releases] == [
        (one.purl, one.artifact.digests, one.registry, one.asked) for one in SET.releases
    ]
    assert found.edges == SET.edges


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.booleans(), lambda inner: st.lists(inner, max_size=3)
    ),
    st.sampled_from(["releases", "edges", "environment", "ecosystem"]),
)
def test_a_line_that_somebody_edited_is_refused(junk: object, key: str) -> None:
    """The ledger is a file on a disk: foreign, when it is read again."""
    line = json.loads(json.dumps(ledger.entry(replace(full(), plan=SET), exit_code=0, planning=False)))
    line[key] = junk

    assert ending(line) in VERDICTS
    for reader in (plan_of, environment_of):
        try:
            reader(line)
        except MalformedAnswer:
            continue


def test_verifying_tells_the_anchor_and_the_fault(tmp_path: Path) -> None:
    """Exit code 0 while it holds, 40 when it does not, and what to keep elsewhere."""
    here = machine(tmp_path)
    assert here.main("log", "--verify") == 0
    *_, last, anchor = here.stdout.getvalue().splitlines()
    assert last.startswith("safeinstall: 5 chained lines in ")
    kept = anchor.rpartition(" ")[2]
    assert here.main("log", "--verify", "--anchor", kept) == 0
    path = here.home / "data/ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"blocked"', b'"x"').replace(b"MAL-2026-1", b"MAL-2026-2"))

    assert here.main("log", "--verify", "--format", "json") == 40
    found = json.loads(here.stdout.getvalue())
    assert found["holds"] is False
    assert found["faults"][0].startswith("what stands before line 4")


def test_a_failed_run_has_its_reason(tmp_path: Path) -> None:
    """An older run, too, and one that nobody can date."""
    here = Machine(tmp_path, session=FakeSession(planned=SET, outcome=Installed(exit_code=1)))
    here.main("pip", "install", "app")
    ledger.append(here.home / "data/ledger.jsonl", {"ledger": 1, "started": "?", "failed": "no way"})

    assert here.main("log") == 0
    assert "the manager failed (2 releases, exit 1)" in here.stdout.getvalue()
    assert "failed: no way" in here.stdout.getvalue()
    assert told(here, "--since", (NOW - timedelta(days=1)).isoformat()) == ["failed"]
