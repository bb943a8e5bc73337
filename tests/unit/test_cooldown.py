"""How old a file must be, by whose word."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.cooldown import OFF, Cooldown, Cooling, Fix, Mode, Rule, Withheld
from safeinstall.facts import Facts
from safeinstall.fixes import first_fixes
from safeinstall.gateway.withholding import Withholding
from safeinstall.model import AdvisoryKind, EcosystemName
from safeinstall.placeholders import is_holder, is_placeholder
from safeinstall.purl import parse
from tests.fakes import NOW, advisory, plan, release

PYPI, NPM = EcosystemName.PYPI, EcosystemName.NPM
HERE = "https://pypi.example/simple"


def rule(pattern: str, hours: float) -> Rule:
    """Return the rule `PATTERN=HOURS`."""
    return Rule(pattern=pattern, age=timedelta(hours=hours))


RULES = (
    rule("npm:*", 168),
    rule("https://packages.corp.example/", 0),
    rule("@acme", 1),
    rule("acme-*", 2),
    rule("acme-core", 3),
    rule("pypi:flask", 4),
)


@pytest.mark.parametrize(
    ("ecosystem", "name", "url", "hours"),
    [
        pytest.param(PYPI, "lib", HERE, 72, id="nobody-speaks-of-it"),
        pytest.param(NPM, "lib", HERE, 168, id="ecosystem"),
        pytest.param(PYPI, "lib", "https://packages.corp.example/simple/lib/", 0, id="registry"),
        pytest.param(PYPI, "lib", "https://packages.corp.example.net/simple", 72, id="another-host"),
        pytest.param(NPM, "@acme/x", "https://packages.corp.example/npm", 1, id="scope-before-registry"),
        pytest.param(NPM, "@acme-x/y", HERE, 168, id="a-scope-is-no-beginning-of-a-scope"),
        pytest.param(PYPI, "Acme_Tools", HERE, 2, id="beginning"),
        pytest.param(PYPI, "ACME.core", HERE, 3, id="name"),
        pytest.param(PYPI, "Flask", HERE, 4, id="name-in-one-ecosystem"),
        pytest.param(NPM, "flask", HERE, 168, id="not-in-the-other"),
    ],
)
def test_the_most_special_rule_counts(ecosystem: EcosystemName, name: str, url: str, hours: float) -> None:
    """A name before a beginning or a scope, that before a registry, that before an ecosystem."""
    assert Cooldown(rules=RULES).minimum(ecosystem, name, url) == timedelta(hours=hours)


@given(st.lists(st.integers(0, 500)), st.lists(st.integers(0, 500)))
def test_a_project_can_only_lengthen_it(rules: list[int], longer: list[int]) -> None:
    """Whatever stands in `longer`, nothing is taken younger than without it."""
    own = tuple(rule("lib", hours) for hours in rules)
    plain = Cooldown(rules=own).minimum(PYPI, "lib", HERE)

    more = Cooldown(rules=own, longer=tuple(rule("*", hours) for hours in longer)).minimum(PYPI, "lib", HERE)

    assert more == max([plain, *(timedelta(hours=hours) for hours in longer)])


def test_what_is_off_needs_no_age() -> None:
    """No rule brings it back."""
    off = Cooldown(mode=Mode.OFF, rules=(rule("lib", 9),), longer=(rule("*", 9),))

    assert off.minimum(PYPI, "lib", HERE) == OFF.minimum(NPM, "x", None) == timedelta(0)


def held(**given: object) -> Withholding:
    """Return what withholds for a run that takes place now."""
    return Withholding(ecosystem=PYPI, cooldown=Cooldown(), now=NOW, **given)  # type: ignore[arg-type]  # its fields


@pytest.mark.parametrize(
    ("hours", "young"), [(71.9, True), (72, False), (-5, True)], ids=["almost", "just", "in-the-future"]
)
def test_age_counts_to_the_minute(hours: float, young: bool) -> None:
    """What claims to be uploaded tomorrow is young as well."""
    assert (held().young("lib", HERE, NOW - timedelta(hours=hours)) is not None) is young


def test_an_unknown_age_is_not_young() -> None:
    """Nothing is withheld for what nobody knows; the check speaks of it."""
    assert held().young("lib", HERE, None) is None


def test_pins_and_fixes_are_listed() -> None:
    """What was asked for exactly is judged; the first fixed version may be taken, in whatever spelling."""
    fix = Fix(purl=parse("pkg:pypi/lib@2.0"), ids=("GHSA-1",), instead="1.0")
    kept = held(pins=lambda: {"lib": {"3.0"}}, fixes=(fix,))

    assert [version for version in ("1.5", "2.0", "3.0") if kept.hides("lib", version)] == ["1.5"]


def test_what_was_let_go_is_withheld_no_more() -> None:
    """Neither the young nor what was shut because of them; and letting go twice changes nothing."""
    kept = held()
    assert kept.shut("lib", {"1"})
    assert not kept.shut("lib", {"1"})

    assert kept.let("lib")
    assert not kept.let("lib")

    assert (kept.hides("lib", "2"), kept.shuts("lib"), kept.hides("other", "2")) == (False, frozenset(), True)


def cooled(*fixed: str, kind: AdvisoryKind = AdvisoryKind.VULNERABILITY) -> tuple[Fix, ...]:
    """Return what is let through where `lib` 1.0 is hit, 1.0.1 and 1.1 are withheld and the record calls *fixed* so."""
    lib = release("pkg:pypi/lib@1.0")
    withheld = tuple(
        Withheld(purl=parse(f"pkg:pypi/lib@{version}"), uploaded=NOW, minimum=timedelta(1), chosen="1.0")
        for version in ("1.1", "1.0.1")
    )
    known = {lib.purl: (advisory("GHSA-1", kind=kind, fixed=fixed),)}
    return first_fixes(plan(lib), Facts(plan=plan(lib), now=NOW, known=known)) or first_fixes(
        plan(lib, cooling=Cooling(withheld=withheld)), Facts(plan=plan(lib), now=NOW, known=known)
    )


def test_only_the_first_fixed_version_is_let_through() -> None:
    """Older branches do not count; a later version may hold what the cooldown is for."""
    (fix,) = cooled("0.9.9", "1.0.1", "1.1")

    assert (fix.purl, fix.ids, fix.instead) == ("pkg:pypi/lib@1.0.1", ("GHSA-1",), "1.0")


@pytest.mark.parametrize(
    ("fixed", "kind"),
    [
        pytest.param((), AdvisoryKind.MALWARE, id="nothing-is-fixed"),
        pytest.param(("1.0.0.1",), AdvisoryKind.VULNERABILITY, id="fixed-in-what-nobody-withheld"),
        pytest.param(("1.0.1",), AdvisoryKind.UNMAINTAINED, id="no-fault"),
    ],
)
def test_nothing_else_is_let_through(fixed: tuple[str, ...], kind: AdvisoryKind) -> None:
    """The exception is for a fault that a withheld version mends."""
    assert cooled(*fixed, kind=kind) == ()


@pytest.mark.parametrize(
    ("ecosystem", "version", "held"),
    [
        (NPM, "0.0.1-security", True),
        (NPM, "0.0.1-security.0", True),
        (NPM, "1.2.3-security-fix", False),
        (NPM, "1.0.0", False),
        (PYPI, "0.0.1-security", False),
    ],
)
def test_a_placeholder_is_known_by_its_version(ecosystem: EcosystemName, version: str, held: bool) -> None:
    """As npm's own people spell it."""
    assert is_placeholder(ecosystem, version) is held


def test_a_placeholder_is_known_by_its_repository() -> None:
    """Not by any that only sounds like it."""
    assert is_holder("git+https://code.example/npm/security-holder.git")
    assert is_holder("npm/security-holder")
    assert not is_holder("https://code.example/npm/security-holder-tools")


def test_moments_are_compared_with_their_zone() -> None:
    """An upload time of another zone is the same moment."""
    assert held().young("lib", HERE, datetime.fromisoformat("2026-11-20T14:00:00+02:00")) is None
