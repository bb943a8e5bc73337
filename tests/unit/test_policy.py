"""The policy: a table of findings, gaps and overrides, and what becomes of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.model import Confidence, Decision, EcosystemName, Finding, Gap, Override, Severity
from safeinstall.policy import COMMAND_LINE, DEFAULT_ROWS, Policy, Row, judge
from safeinstall.purl import make

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
EVIL = make(EcosystemName.PYPI, "evil", "6.6.6")


def finding(kind: str = "malware", *, check: str = "advisory", severity: Severity = Severity.CRITICAL) -> Finding:
    """Return a finding about `evil` 6.6.6."""
    return Finding(
        check=check, purl=EVIL, kind=kind, severity=severity, confidence=Confidence.HIGH, title="`evil` is bad"
    )


def gap(check: str = "advisory") -> Gap:
    """Return a gap about `evil` 6.6.6."""
    return Gap(check=check, purl=EVIL, reason="osv did not answer within 8 s")


def override(
    check: str,
    *,
    until: timedelta | None = timedelta(days=1),
    version: str = "6.6.6",
    reason: str = "reviewed",
    origin: str = "safeinstall.toml",
) -> Override:
    """Return an override about `evil`."""
    return Override(
        purl=make(EcosystemName.PYPI, "Evil", version),
        check=check,
        reason=reason,
        until=None if until is None else NOW + until,
        by="ann",
        origin=origin,
    )


def decision(result: Finding | Gap, *overrides: Override, policy: Policy | None = None) -> Decision:
    """Return what became of the only *result*."""
    return judge([result], policy or Policy(), overrides, now=NOW).rulings[0].decision


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(finding("malware"), Decision.BLOCK, id="malware"),
        pytest.param(finding("malware", severity=Severity.NOTE), Decision.BLOCK, id="malware-of-any-severity"),
        pytest.param(finding("vulnerability", severity=Severity.CRITICAL), Decision.WARN, id="critical-vulnerability"),
        pytest.param(finding("vulnerability", severity=Severity.HIGH), Decision.WARN, id="high-vulnerability"),
        pytest.param(finding("vulnerability", severity=Severity.MEDIUM), Decision.NOTE, id="medium-vulnerability"),
        pytest.param(finding("typosquat-strong"), Decision.BLOCK, id="typosquat"),
        pytest.param(finding("typosquat-strong-established"), Decision.WARN, id="established-lookalike"),
        pytest.param(finding("typosquat-note"), Decision.NOTE, id="faint-lookalike"),
        pytest.param(finding("unverified-source"), Decision.BLOCK, id="url-or-vcs"),
        pytest.param(finding("unpinned"), Decision.BLOCK, id="no-hash"),
        pytest.param(finding("yanked"), Decision.WARN, id="yanked"),
        pytest.param(finding("deprecated"), Decision.NOTE, id="deprecated"),
        pytest.param(finding("local-source"), Decision.NOTE, id="the-user's-own-folder"),
        pytest.param(finding("source-build"), Decision.NOTE, id="static-source-build"),
        pytest.param(finding("a-kind-nobody-registered"), Decision.BLOCK, id="unknown-kind"),
        pytest.param(gap(), Decision.BLOCK, id="gap"),
        pytest.param(gap("a-check-nobody-registered"), Decision.BLOCK, id="gap-of-unknown-check"),
    ],
)
def test_the_default_policy(result: Finding | Gap, expected: Decision) -> None:
    """What stands in the README's policy table is what the policy does."""
    assert decision(result) is expected


@pytest.mark.parametrize(
    ("result", "given_override", "expected"),
    [
        pytest.param(finding(), override("malware"), Decision.OVERRIDDEN, id="malware-by-its-own-name"),
        pytest.param(finding(), override("advisory"), Decision.BLOCK, id="malware-not-by-the-check's-name"),
        pytest.param(finding(), override("malware", until=None), Decision.BLOCK, id="malware-needs-an-end"),
        pytest.param(finding(), override("malware", reason=" "), Decision.BLOCK, id="malware-needs-a-reason"),
        pytest.param(finding(), override("malware", version="6.6.7"), Decision.BLOCK, id="another-version"),
        pytest.param(finding(), override("malware", version="v6.6.6.0"), Decision.OVERRIDDEN, id="the-same-version"),
        pytest.param(gap(), override("advisory"), Decision.OVERRIDDEN, id="gap"),
        pytest.param(gap(), override("advisory", until=None), Decision.OVERRIDDEN, id="gap-for-this-run"),
        pytest.param(gap(), override("typosquat"), Decision.BLOCK, id="gap-of-another-check"),
        pytest.param(gap(), override("advisory", until=timedelta(0)), Decision.BLOCK, id="ends-now"),
        pytest.param(gap(), override("advisory", until=timedelta(seconds=-1)), Decision.BLOCK, id="ended"),
    ],
)
def test_an_override_lets_one_thing_through(
    result: Finding | Gap, given_override: Override, expected: Decision
) -> None:
    """An override counts for its check, its exact release and until its end, and for nothing else."""
    assert decision(result, given_override) is expected


def test_a_policy_row_sets_what_blocks() -> None:
    """A team that wants vulnerabilities blocked from medium on gets that."""
    policy = Policy(rows={**DEFAULT_ROWS, "vulnerability": Row(decision=Decision.BLOCK, minimum=Severity.MEDIUM)})

    assert decision(finding("vulnerability", severity=Severity.MEDIUM), policy=policy) is Decision.BLOCK
    assert decision(finding("vulnerability", severity=Severity.LOW), policy=policy) is Decision.NOTE


def test_an_empty_policy_blocks() -> None:
    """A policy without rows, as a broken configuration might give, lets nothing through."""
    assert decision(finding("vulnerability"), policy=Policy(rows={})) is Decision.BLOCK


def test_expired_and_unused_overrides_are_told() -> None:
    """A person learns that an override has ended, and that a flag of this command hit nothing."""
    ended = override("advisory", until=timedelta(days=-1))
    idle = override("typosquat", origin=COMMAND_LINE)
    elsewhere = override("typosquat")

    verdict = judge([gap()], Policy(), [ended, idle, elsewhere], now=NOW)

    assert verdict.expired == (ended,)
    assert verdict.unused == (idle,)


KINDS = st.sampled_from([*DEFAULT_ROWS, "unknown"])
RESULTS = st.lists(
    st.one_of(
        st.builds(finding, KINDS, severity=st.sampled_from(Severity)),
        st.builds(gap, st.sampled_from(["advisory", "typosquat"])),
    )
)
OVERRIDES = st.lists(
    st.builds(
        override,
        st.sampled_from(["malware", "advisory", "typosquat"]),
        until=st.none() | st.timedeltas(min_value=timedelta(days=-9), max_value=timedelta(days=9)),
    )
)


@given(RESULTS, RESULTS, OVERRIDES)
def test_more_findings_never_allow_more(
    some: Sequence[Finding | Gap], more: Sequence[Finding | Gap], overrides: Sequence[Override]
) -> None:
    """A verdict never turns to "allowed" because a finding or a gap was added."""
    if not judge(some, Policy(), overrides, now=NOW).allowed:
        assert not judge([*some, *more], Policy(), overrides, now=NOW).allowed


@given(RESULTS, OVERRIDES)
def test_an_expired_override_equals_none(results: Sequence[Finding | Gap], overrides: Sequence[Override]) -> None:
    """Taking the overrides that have ended away changes no decision."""
    live = [one for one in overrides if one.until is None or one.until > NOW]

    with_all = judge(results, Policy(), overrides, now=NOW)
    with_live = judge(results, Policy(), live, now=NOW)

    assert [one.decision for one in with_all.rulings] == [one.decision for one in with_live.rulings]
