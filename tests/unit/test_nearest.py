"""The nearest good version: listed, old enough, nothing known against it, of the same major line where there is one."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from safeinstall.choices import Better, Choice
from safeinstall.cooldown import OFF, Cooldown
from safeinstall.facts import Facts
from safeinstall.model import Advisory, AdvisoryKind, Plan, Purl
from safeinstall.nearest import nearest
from safeinstall.purl import parse, parts
from tests.fakes import NOW, advisory, plan, release

FAULT = AdvisoryKind.VULNERABILITY
MALWARE = AdvisoryKind.MALWARE


def found(
    flagged: str,
    listed: Iterable[str | Choice],
    bad: Mapping[str, Advisory] | None = None,
    *,
    kind: AdvisoryKind = FAULT,
    wants: str | None = None,
    cooldown: Cooldown = OFF,
    silent: bool = False,
    every: bool = False,
) -> Better | None:
    """Return the nearest good version of *flagged*, of whose versions *listed* the *bad* ones are bad, too."""
    subject = release(flagged)
    told = replace(advisory("ADV-1", kind=kind), every_version=every)
    edges = [] if wants is None else [(None, subject.purl, wants)]
    facts = Facts(plan=plan(subject, edges=edges), now=NOW, known={subject.purl: (told,)})
    choices = [Choice(version=one) if isinstance(one, str) else one for one in listed]

    def ask(wanted: Plan) -> Facts:
        known: dict[Purl, tuple[Advisory, ...]] = {}
        for one in wanted.releases:
            hit = (bad or {}).get(parts(one.purl)[2] or "")
            known[one.purl] = () if hit is None else (hit,)
        return Facts(plan=wanted, now=NOW, known={} if silent else known)

    answer = nearest(facts, lambda _: choices, ask, cooldown)
    return answer[0] if answer else None


def version(better: Better | None) -> str | None:
    """Return the version of *better*."""
    return None if better is None else better.version


@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        (["1.0.0", "1.2.4", "1.3.0", "2.0.0"], "1.2.4"),
        (["1.0.0", "1.1.0", "2.0.0"], "1.1.0"),
        (["0.9.0", "2.0.0", "3.0.0"], "2.0.0"),
        (["0.8.0", "0.9.0"], "0.9.0"),
        (["1.2.4-rc.1", "1.3.0"], "1.3.0"),
        (["nonsense", "1.2.3"], None),
        ([], None),
    ],
)
def test_a_fault_is_left_upward_within_the_major_line(listed: list[str], wanted: str | None) -> None:
    """The next version up is the smallest change; another major line is the last resort."""
    assert version(found("pkg:npm/lib@1.2.3", listed)) == wanted


def test_malware_is_left_downward_first() -> None:
    """What was there before the malicious version is what people had."""
    assert version(found("pkg:npm/node-ipc@9.2.3", ["9.2.1", "9.2.5", "12.0.1"], kind=MALWARE)) == "9.2.1"


def test_a_version_that_anybody_knows_something_against_is_none() -> None:
    """A record's own `fixed` may be bad by another record."""
    bad = {"1.2.4": advisory("ADV-2", kind=AdvisoryKind.UNMAINTAINED)}

    assert version(found("pkg:npm/lib@1.2.3", ["1.2.4", "1.2.5"], bad)) == "1.2.5"


def test_silence_makes_nothing_good() -> None:
    """A version that a required source did not answer for is not called good."""
    assert found("pkg:npm/lib@1.2.3", ["1.2.4"], silent=True) is None


def test_a_record_on_every_version_leaves_none() -> None:
    """Nobody is sent to another version of what is malware from the first one on."""
    assert found("pkg:npm/evil@1.0.0", ["1.0.1"], every=True) is None


def test_young_and_withdrawn_versions_are_none() -> None:
    """The cooldown holds for advice, too, and nobody is sent to what was yanked."""
    young = Choice(version="1.2.4", uploaded=NOW - timedelta(hours=5))
    yanked = Choice(version="1.2.5", withdrawn=True)
    old = Choice(version="1.2.6", uploaded=NOW - timedelta(days=30))

    assert version(found("pkg:npm/lib@1.2.3", [young, yanked, old], cooldown=Cooldown())) == "1.2.6"
    assert version(found("pkg:npm/lib@1.2.3", [young, yanked, old])) == "1.2.4"


@pytest.mark.parametrize(
    ("flagged", "wants", "listed", "better"),
    [
        ("pkg:npm/lib@1.2.3", "lib@<1.2.4", ["1.2.2", "1.2.4"], ("1.2.2", True)),
        ("pkg:npm/%40a/lib@1.2.3", "@a/lib@^1.2.3 <1.2.5", ["1.2.4", "1.2.5"], ("1.2.4", True)),
        ("pkg:npm/lib@1.2.3", "lib@1.2.3", ["1.2.4"], ("1.2.4", False)),
        ("pkg:pypi/lib@1.2.3", "lib<1.2.4", ["1.2.2", "1.2.4"], ("1.2.2", True)),
        ("pkg:pypi/lib@1.2.3", "lib==1.2.3", ["1.2.4"], ("1.2.4", False)),
        ("pkg:pypi/lib@1.2.3", "-r requirements.txt (line 3)", ["1.2.4"], ("1.2.4", True)),
    ],
)
def test_what_is_asked_for_is_preferred(flagged: str, wants: str, listed: list[str], better: tuple[str, bool]) -> None:
    """A version that all who require the name would take comes first; beyond that it is said."""
    answer = found(flagged, listed, wants=wants)

    assert answer is not None
    assert (answer.version, answer.fits) == better


def test_nothing_is_asked_where_nothing_is_flagged() -> None:
    """A clean plan costs no further question."""
    subject = release("pkg:npm/lib@1.2.3")
    facts = Facts(plan=plan(subject), now=NOW, known={subject.purl: ()})

    def ask(_: Plan) -> Facts:
        raise AssertionError

    assert nearest(facts, lambda _: [Choice(version="1.2.4")], ask, OFF) == ()


def test_names_with_scopes_are_kept() -> None:
    """What is asked about is the same name, at the registry that it came from."""
    asked: list[Purl] = []
    subject = release("pkg:npm/%40a/lib@1.0.0")
    facts = Facts(plan=plan(subject), now=NOW, known={subject.purl: (advisory(kind=FAULT),)})

    def ask(wanted: Plan) -> Facts:
        asked.extend(one.purl for one in wanted.releases)
        assert all(one.registry == subject.registry for one in wanted.releases)
        return Facts(plan=wanted, now=NOW)

    nearest(facts, lambda _: [Choice(version="1.0.1")], ask, OFF)

    assert asked == [parse("pkg:npm/%40a/lib@1.0.1")]
