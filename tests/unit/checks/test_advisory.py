"""`safeinstall.checks.advisory`: what it says, and when it must not keep quiet."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from safeinstall.checks.advisory import Advisory as Check
from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.model import Advisory, AdvisoryKind, ArtifactKind, Finding, Purl, Release, Severity, SourceState
from tests.fakes import NOW, advisory, plan, release

EVIL = release("pkg:npm/%40a/redapty@1.0.0")
STATES = (
    SourceState(source="osv", asked=1, answered=1, as_of=NOW),
    SourceState(source="registry", asked=1, answered=1, as_of=NOW - timedelta(minutes=135)),
    SourceState(source="embedded", asked=1, answered=1, as_of=NOW - timedelta(days=387)),
)


def facts(
    known: Mapping[Purl, tuple[Advisory, ...]] | None = None,
    partial: Mapping[Purl, tuple[Advisory, ...]] | None = None,
    subject: Release = EVIL,
) -> Facts:
    """Return what sources told about *subject*, which `parent` brought in."""
    parent = release("pkg:npm/pampyio@2.0.0")
    whole = plan(parent, subject, edges=[(parent.purl, subject.purl, "^1.0.0")])
    silent = {} if known is not None else {subject.purl: ("osv: it did not answer within 10 s",)}
    return Facts(plan=whole, now=NOW, known=known or {}, partial=partial or {}, silent=silent, sources=STATES)


def run(subject: Release, told: Facts) -> tuple[list[Finding], str | None]:
    """Return the findings, and the reason of the gap after them."""
    found: list[Finding] = []
    try:
        found.extend(Check().run(subject, told))
    except FactMissing as missing:
        return found, missing.message
    return found, None


def findings(*advisories: Advisory, subject: Release = EVIL) -> list[Finding]:
    """Return what the check says when every source answered with *advisories*."""
    found, gap = run(subject, facts({subject.purl: advisories}, subject=subject))
    assert gap is None
    return found


def test_nothing_known_is_nothing_found() -> None:
    """When everybody answered and nobody knows anything, the check is silent."""
    assert findings() == []


def test_malware_is_reported_with_who_says_so_and_how_old_it_is() -> None:
    """The sentence, the ids, every source with its age, and what to do."""
    one = advisory("MAL-2026-1", aliases=frozenset({"GHSA-1"}), source="osv", summary="steals tokens.")
    other = advisory("SAFEINSTALL-2026-0001", aliases=frozenset({"GHSA-1"}), source="embedded")

    (found,) = findings(one, other)

    assert (found.kind, found.severity) == ("malware", Severity.CRITICAL)
    assert found.title == "`@a/redapty` 1.0.0 is reported as malware: steals tokens"
    assert found.ids == ("MAL-2026-1", "GHSA-1", "SAFEINSTALL-2026-0001")
    assert found.evidence == (
        "MAL-2026-1, GHSA-1, SAFEINSTALL-2026-0001",
        "told by embedded (as of 2025-11-01, 387 days old), osv (asked now)",
    )
    assert found.hint == "do not install it; it comes in through `pampyio` 2.0.0: use another version of that"


@pytest.mark.parametrize(
    ("subject", "hint"),
    [
        (replace(EVIL, asked="@a/redapty"), "do not install it; take `@a/redapty` out of what you asked for"),
        (
            replace(EVIL, kept=True),
            "`@a/redapty` is installed already: remove it, and renew every secret that this machine could read",
        ),
    ],
)
def test_the_next_step_depends_on_how_it_came(subject: Release, hint: str) -> None:
    """What was asked for is left out, what is installed is removed."""
    (found,) = findings(advisory(), subject=subject)

    assert found.hint == hint


def test_a_vulnerability_names_the_next_fixed_version() -> None:
    """Not the oldest fixed version of another branch, but the first above what is installed."""
    fault = advisory(
        "GHSA-1",
        kind=AdvisoryKind.VULNERABILITY,
        severity=Severity.HIGH,
        fixed=("0.9.1", "1.0.10", "2.1.4"),
        source="registry",
    )

    (found,) = findings(fault)

    assert (found.kind, found.severity) == ("vulnerability", Severity.HIGH)
    assert found.title.startswith("`@a/redapty` 1.0.0 has a known vulnerability: ")
    assert found.hint == "upgrade to `@a/redapty` 1.0.10 or later"
    assert found.evidence[1:] == ("told by registry (2 h 15 min old)", "fixed in 1.0.10, 2.1.4")


def test_a_vulnerability_without_a_fix_says_so() -> None:
    """No version is made up."""
    (found,) = findings(advisory("GHSA-1", kind=AdvisoryKind.VULNERABILITY, fixed=("0.9",)))

    assert found.hint is not None
    assert found.hint.startswith("no fixed version of `@a/redapty` is known")


def test_a_silent_source_hides_no_loud_one() -> None:
    """What one source told is found, and the silence of another is still a gap."""
    found, gap = run(EVIL, facts(partial={EVIL.purl: (advisory(),)}))

    assert [one.kind for one in found] == ["malware"]
    assert gap == "osv: it did not answer within 10 s"


def test_silence_alone_is_a_gap() -> None:
    """Nobody answered: nothing is known."""
    assert run(EVIL, facts()) == ([], "osv: it did not answer within 10 s")


@pytest.mark.parametrize(
    "kind", [ArtifactKind.URL, ArtifactKind.VCS, ArtifactKind.LOCAL_FILE, ArtifactKind.LOCAL_PROJECT]
)
def test_what_no_registry_vouches_for_is_another_check_s_question(kind: ArtifactKind) -> None:
    """Nobody is asked about it by name, so there is no gap here; what was told all the same is found."""
    subject = release("pkg:pypi/own@1.0", kind=kind, registry=None)

    assert run(subject, facts(subject=subject)) == ([], None)
    found, gap = run(subject, facts(partial={subject.purl: (advisory(),)}, subject=subject))
    assert ([one.kind for one in found], gap) == (["malware"], None)


def test_what_is_kept_from_a_direct_url_is_no_gap() -> None:
    """An editable project that stays as it is does not block each later command."""
    subject = release("pkg:pypi/own@1.0", registry=None, kept=True)

    assert run(subject, facts(subject=subject)) == ([], None)


@pytest.mark.parametrize("kind", [ArtifactKind.WHEEL, ArtifactKind.TARBALL, ArtifactKind.BUNDLED])
def test_an_artifact_of_unknown_origin_is_a_gap(kind: ArtifactKind) -> None:
    """Only what another check speaks about may go unasked."""
    subject = release("pkg:npm/odd@1.0.0", kind=kind, registry=None)

    assert run(subject, facts(subject=subject))[1] is not None


def test_foreign_text_is_harmless() -> None:
    """Escapes, line breaks, ten megabytes and credentials in what others wrote do not reach the terminal."""
    hostile = replace(
        advisory("MAL-1\x1b[2J", summary="a\x1b[31m\nerror: all is well\u202e" + "x" * 10_000_000),
        url="https://user:s3cret@osv.example/MAL-1?token=s3cret",
        aliases=frozenset(f"CVE-{number}" for number in range(50)),
    )

    (found,) = findings(hostile)

    text = " ".join([found.title, *found.evidence, found.hint or "", *found.ids])
    assert len(found.title) < 250
    assert not any(char in text for char in "\x1b\n\u202e")
    assert "s3cret" not in text
    assert "and 43 more" in found.evidence[0]
