"""The tree of a plan and the ways to a release, as a terminal shows them."""

import itertools
import json
import time
from pathlib import Path

import pytest

from safeinstall.model import Decision, Ruling
from safeinstall.pictures import tree, ways_to
from tests.fakes import FakeSession, FakeSource, advisory, plan, release
from tests.outsides import Machine
from tests.unit.formats.test_json_v1 import FINDING, GAP

APP, LIB, EVIL = "pkg:pypi/app@1.0", "pkg:pypi/lib@2.0", "pkg:pypi/evil@6.6.6"
EDGES = [(None, APP, "app"), (APP, LIB, "lib>=2"), (APP, EVIL, "evil"), (LIB, EVIL, "evil>=6"), (EVIL, APP, "app")]
SET = plan(release(APP, asked="app"), release(LIB), release(EVIL), edges=EDGES)
BAD = (
    Ruling(result=FINDING, decision=Decision.BLOCK, because="x"),
    Ruling(result=GAP, decision=Decision.WARN, because="x"),
)


def test_a_tree_shows_who_needs_whom() -> None:
    """With what was found beside the names; a circle ends, and what was drawn is not drawn twice."""
    assert list(tree(SET, BAD, width=200)) == [
        "app 1.0 [warning: not judged (typosquat)]",
        "├── lib 2.0",
        "│   └── evil 6.6.6 [blocks: malware]",
        "│       └── app 1.0 [warning: not judged (typosquat)] (above)",
        "└── evil 6.6.6 [blocks: malware] (above)",
    ]


def test_a_narrow_terminal_cuts_branches_first() -> None:
    """What was found is never cut."""
    lines = list(tree(SET, BAD, width=40))

    assert lines[2].endswith("evil 6.6.6 [blocks: malware]")
    assert all(len(line) <= 40 for line in lines if "[warning" not in line)
    assert all("malware]" in line for line in lines if "evil" in line)


def test_what_nothing_leads_to_is_shown() -> None:
    """A release that was asked for while it was resolved is no part of the tree, and not left out."""
    lost = plan(release(APP, asked="app"), release(LIB), edges=[(None, APP, "app"), (LIB, LIB, "lib")])

    assert list(tree(lost, (), width=80)) == ["app 1.0", "nobody says why:", "lib 2.0", "└── lib 2.0 (above)"]


def test_all_ways_are_shown() -> None:
    """Shortest first, with the words of each requirement; a circle is no way."""
    assert list(ways_to(SET, "Evil", BAD, width=200)) == [
        "evil 6.6.6 [blocks: malware]: 2 ways",
        "app 1.0 (app)",
        "├── evil 6.6.6 (evil)",
        "└── lib 2.0 (lib>=2)",
        "    └── evil 6.6.6 (evil>=6)",
    ]


@pytest.mark.parametrize("wanted", [EVIL, "evil", "evil@6.6.6", "EVIL"])
def test_a_release_is_named_in_several_ways(wanted: str) -> None:
    """As people type it."""
    assert list(ways_to(SET, wanted, (), width=80))


@pytest.mark.parametrize("wanted", ["evi", "evil@7", "pkg:pypi/evil", ""])
def test_what_is_not_there_has_no_picture(wanted: str) -> None:
    """No guess at what was meant."""
    assert list(ways_to(SET, wanted, (), width=80)) == []


def test_thousands_of_ways_end() -> None:
    """Forty layers, each of which needs both of the next, have 2^40 ways; a chain of 3,000 is deeper than a stack."""
    layers = [(f"pkg:npm/l{number}@1", f"pkg:npm/r{number}@1") for number in range(40)]
    edges: list[tuple[str | None, str, str]] = [(None, one, "x") for one in layers[0]]
    edges += [(a, b, "x") for above, below in itertools.pairwise(layers) for a in above for b in below]
    wide = plan(*(release(one) for pair in layers for one in pair), edges=edges)
    chain = [f"pkg:npm/c{number}@1" for number in range(3000)]
    deep = plan(
        *map(release, chain),
        edges=[(None, chain[0], "x"), *((a, b, "x") for a, b in itertools.pairwise(chain))],
    )
    started = time.process_time()

    assert next(ways_to(wide, "l5", (), width=80)) == "l5 1: 32 ways"
    assert next(ways_to(wide, "l9", (), width=80)) == "l9 1: more than 50 ways"
    assert next(ways_to(wide, "l39", (), width=80)).startswith("l39 1: more than ")
    assert len(list(tree(deep, (), width=80))) == 3000
    assert len(list(ways_to(deep, "c2999", (), width=80))) == 3001
    assert time.process_time() - started < 20


def machine(folder: Path) -> Machine:
    """Return a machine on which malware comes by two ways."""
    known = {release(EVIL).purl: (advisory(),)}
    return Machine(folder, session=FakeSession(planned=SET), sources=(FakeSource(known=known),))


def test_a_plan_is_shown_as_a_tree(tmp_path: Path) -> None:
    """With the same exit code."""
    here = machine(tmp_path)

    assert here.main("plan", "pip", "install", "app", "--tree") == 40
    assert "│   └── evil 6.6.6 [blocks: malware]" in here.stdout.getvalue()
    assert here.main("plan", "--tree", "pip", "install", "app") == 40
    assert "evil 6.6.6 [blocks: malware]" in here.stdout.getvalue()


def test_why_asks_the_last_run_here_or_a_plan(tmp_path: Path) -> None:
    """Without a run there is no answer; what is not in it is said."""
    here = machine(tmp_path)
    assert here.main("why", "evil") == 44
    here.main("pip", "install", "app")
    assert here.main("why", "evil") == 0
    assert here.stdout.getvalue().splitlines()[0] == "evil 6.6.6: 2 ways"
    assert here.main("why", "evil", "pip", "install", "app") == 40
    assert here.stdout.getvalue().splitlines()[0] == "evil 6.6.6 [blocks: malware]: 2 ways"
    assert here.main("why", "nothing") == 44
    assert here.main("why", "nothing", "pip", "install", "app") == 44
    assert here.main("why", "x", "cargo", "add") == 44
    assert here.main("why", "--x") == 44
    assert here.main("why") == 0
    assert "usage: safeinstall why NAME" in here.stdout.getvalue()


@pytest.mark.parametrize(
    "words",
    [("pip", "install", "app", "--safeinstall-tree"), ("plan", "pip", "install", "app", "--tree", "--format", "json")],
)
def test_a_picture_is_of_a_plan(tmp_path: Path, words: tuple[str, ...]) -> None:
    """And it is no document."""
    here = machine(tmp_path)

    assert here.main(*words) == 44
    assert "belongs to `safeinstall plan`" in here.screen


def test_a_ledger_that_was_edited_tells_no_ways(tmp_path: Path) -> None:
    """It says so instead of guessing."""
    here = machine(tmp_path)
    here.main("pip", "install", "app")
    path = here.home / "data/ledger.jsonl"
    line = json.loads(path.read_text())
    path.write_text(json.dumps({**line, "edges": [[7, 8, "x"]]}) + "\n")

    assert here.main("why", "evil") == 44
    assert "cannot be read" in here.screen
