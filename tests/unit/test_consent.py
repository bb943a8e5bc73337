"""The question at a terminal: for whom it is meant, and what counts as yes."""

import io
import re
from dataclasses import replace

import pytest

from safeinstall.consent import ask, can_ask
from safeinstall.model import Decision, Gap, Ruling, Verdict
from safeinstall.purl import parse
from safeinstall.runs import Run
from tests.outsides import Tty
from tests.unit.formats.test_json_v1 import FINDING, full


def run_of(*names: str, check: str = "advisory") -> Run:
    """Return a run in which *names* could not be judged."""
    gaps = [Gap(check=check, purl=parse(f"pkg:pypi/{name}@1"), reason="no answer") for name in names]
    return replace(
        full(), verdict=Verdict(rulings=tuple(Ruling(result=gap, decision=Decision.BLOCK, because="") for gap in gaps))
    )


def answers(run: Run, typed: str) -> tuple[list[str], str]:
    """Return the purls that are let through when somebody types *typed*, and the question."""
    stderr = Tty()
    given = ask(run, stdin=Tty(typed), stderr=stderr, by="ann")
    assert all(one.until is None and one.by == "ann" and one.origin == "prompt" for one in given)
    return [str(one.purl) for one in given], stderr.getvalue()


@pytest.mark.parametrize("typed", ["a b\nours\n", "b a\nours\n", "  a   b \nours\n"])
def test_all_names_are_typed_in_any_order(typed: str) -> None:
    """One question for the whole set."""
    assert answers(run_of("a", "b"), typed)[0] == ["pkg:pypi/a@1", "pkg:pypi/b@1"]


@pytest.mark.parametrize("typed", ["a\nours\n", "a b c\nours\n", "a b\n", "a b\n  \n", "A B\nours\n"])
def test_some_names_or_no_reason_are_no(typed: str) -> None:
    """A part of the set is not the set."""
    assert answers(run_of("a", "b"), typed)[0] == []


def test_many_have_a_short_word_of_their_own() -> None:
    """Another set has another word: fingers do not learn it."""
    first, second = run_of("a", "b", "c", "d"), run_of("a", "b", "c", "e")
    word = re.search(r"allow-\w+", answers(first, "\n")[1])
    assert word is not None

    assert len(answers(first, f"{word.group()}\nours\n")[0]) == 4
    assert answers(second, f"{word.group()}\nours\n")[0] == []


def test_one_release_with_two_claims_gets_two_overrides() -> None:
    """Each is for one check."""
    rulings = (*run_of("a").verdict.rulings, *run_of("a", check="typosquat").verdict.rulings)

    assert len(answers(replace(full(), verdict=Verdict(rulings=rulings)), "a\nours\n")[0]) == 2


def test_malware_in_the_set_ends_the_question() -> None:
    """Also beside something harmless."""
    bad = Ruling(result=FINDING, decision=Decision.BLOCK, because="")
    run = replace(full(), verdict=Verdict(rulings=(bad, *run_of("a").verdict.rulings)))

    assert answers(run, "a evil\nours\n") == (
        [],
        "Malware is not let through here: that takes `safeinstall allow ...` with an end date.\n",
    )


class Interrupted(Tty):
    """A terminal at which somebody presses Ctrl-C."""

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # as typeshed has StringIO itself
        """Raise as Python does."""
        raise KeyboardInterrupt


def test_ctrl_c_is_no() -> None:
    """And not the end of the tool: the block is still told."""
    assert ask(run_of("a"), stdin=Interrupted(), stderr=Tty(), by="ann") == ()


@pytest.mark.parametrize(
    ("env", "stdin", "stderr", "expected"),
    [
        ({}, Tty(), Tty(), True),
        ({"CI": "false"}, Tty(), Tty(), True),
        ({"CI": "1"}, Tty(), Tty(), False),
        ({}, io.StringIO(), Tty(), False),
        ({}, Tty(), io.StringIO(), False),
    ],
)
def test_a_person_is_there_only_with_terminals_on_both_sides(
    env: dict[str, str], stdin: io.StringIO, stderr: io.StringIO, expected: bool
) -> None:
    """A pipe or a CI system is nobody."""
    assert can_ask(env, stdin, stderr) is expected
