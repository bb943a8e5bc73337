"""`safeinstall.merge` and `safeinstall.versions`: one finding for one thing, and the order of versions."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.merge import merge
from safeinstall.model import Advisory, AdvisoryKind, EcosystemName, Severity
from safeinstall.versions import equal, newer, oldest_first, order
from tests.fakes import advisory

NPM, PYPI = EcosystemName.NPM, EcosystemName.PYPI
FAULT = AdvisoryKind.VULNERABILITY


def fault(ident: str, *aliases: str, severity: Severity = Severity.LOW, source: str = "osv") -> Advisory:
    """Return a vulnerability."""
    return advisory(ident, kind=FAULT, severity=severity, aliases=frozenset(aliases), source=source)


def test_a_chain_of_aliases_is_one_advisory_in_any_order() -> None:
    """Two records that share no id are one when a third knows both; who comes first does not matter."""
    chain = [
        fault("GHSA-1", "CVE-1"),
        fault("PYSEC-1", "CVE-2", severity=Severity.HIGH, source="registry"),
        fault("CVE-3", "CVE-1", "CVE-2"),
        fault("GHSA-9"),
    ]
    results = {merge(list(order)) for order in permutations(chain)}

    ((joined, alone),) = results
    assert {joined.ident, *joined.aliases} == {"GHSA-1", "PYSEC-1", "CVE-1", "CVE-2", "CVE-3"}
    assert (joined.severity, joined.source) == (Severity.HIGH, "osv, registry")
    assert alone.ident == "GHSA-9"


def test_malware_wins() -> None:
    """A record that calls it a vulnerability does not soften one that calls it malware."""
    worst = fault("GHSA-1", severity=Severity.CRITICAL)
    bad = advisory("MAL-1", severity=Severity.HIGH, aliases=frozenset({"GHSA-1"}), source="embedded")

    (joined,) = merge([worst, bad])

    assert (joined.ident, joined.kind, joined.severity) == ("MAL-1", AdvisoryKind.MALWARE, Severity.CRITICAL)
    assert joined.source == "embedded, osv"


def test_the_worst_comes_first() -> None:
    """Malware before vulnerabilities, then by severity."""
    found = [fault("B"), fault("A", severity=Severity.HIGH), advisory("MAL-1")]

    assert [one.ident for one in merge(found)] == ["MAL-1", "A", "B"]


def test_fixed_versions_are_in_the_order_of_versions() -> None:
    """1.10 comes after 1.9, from whichever record it is."""
    one = advisory("A", fixed=("1.10",))
    other = advisory("B", aliases=frozenset({"A"}), fixed=("1.9", "1.10"))

    assert merge([one, other], PYPI)[0].fixed == ("1.9", "1.10")


IDS = st.sampled_from("ABCDEF")
ADVISORIES = st.lists(st.builds(lambda ident, more: advisory(ident, aliases=more), IDS, st.frozensets(IDS, max_size=2)))


@given(ADVISORIES)
def test_merging_loses_no_id_and_ends(found: list[Advisory]) -> None:
    """Every id stands in exactly one advisory, and merging again changes nothing."""
    merged = merge(found)

    names = [name for one in merged for name in (one.ident, *one.aliases)]
    assert sorted(names) == sorted({name for one in found for name in (one.ident, *one.aliases)})
    assert merge(merged) == merged


@pytest.mark.parametrize(
    ("ecosystem", "one", "other", "expected"),
    [
        (PYPI, "6.6.6", "6.6.6.0", True),
        (PYPI, "v1.0", "1.0.0", True),
        (PYPI, "1.0+cu118", "1.0", False),
        (PYPI, "odd One", "odd one", True),
        (NPM, "1.0.0+a", "1.0.0+b", True),
        (NPM, "v1.0.0", "1.0.0", True),
        (NPM, "1.0.0-a", "1.0.0", False),
    ],
)
def test_which_spellings_are_one_version(ecosystem: EcosystemName, one: str, other: str, *, expected: bool) -> None:
    """Equality is that of the ecosystem; what is no version is compared as text."""
    assert equal(ecosystem, one, other) is expected


def test_versions_in_order() -> None:
    """Numbers count as numbers, pre-releases come before, what is no version comes last."""
    assert oldest_first(PYPI, frozenset({"1.10", "1.9", "1.10rc1", "odd one"})) == ("1.9", "1.10rc1", "1.10", "odd one")
    assert oldest_first(NPM, frozenset({"1.10.0", "1.9.0", "1.10.0-rc.1"})) == ("1.9.0", "1.10.0-rc.1", "1.10.0")
    assert newer(NPM, ("1.0.0", "2.0.0"), "1.5.0") == ("2.0.0",)
    assert newer(PYPI, ("1.0",), "odd one") == ()


@given(st.text(max_size=300))
def test_no_text_breaks_the_order(text: str) -> None:
    """What is no version has no place, and says so by none."""
    for ecosystem in EcosystemName:
        order(ecosystem, text)
        assert equal(ecosystem, text, text)
