"""What the registry itself says: yanked, deprecated, or nothing."""

import pytest

from safeinstall.checks.registry_status import RegistryStatus
from safeinstall.facts import Facts
from safeinstall.model import Finding, Project, Release
from safeinstall.purl import project
from tests import fakes


def ran(release: Release, *, versions: int | None = None) -> list[Finding]:
    """Return what the check finds about *release*, whose page lists so many versions."""
    page = Project(purl=project(release.purl), releases=versions)
    plan = fakes.plan(release, projects=(page,))
    return list(RegistryStatus().run(release, Facts(plan=plan, now=fakes.NOW)))


def test_a_registry_that_says_nothing_leaves_nothing_to_say() -> None:
    """A plain mirror tells no status: that is unknown, not suspicion."""
    assert ran(fakes.release("pkg:pypi/lib@2.1")) == []


@pytest.mark.parametrize(
    ("purl", "kind"), [("pkg:pypi/lib@2.1", "yanked"), ("pkg:npm/lib@2.1.0", "deprecated")], ids=["pypi", "npm"]
)
def test_what_was_taken_back_is_said_with_its_reason(purl: str, kind: str) -> None:
    """The reason is the registry's, printed harmless."""
    (found,) = ran(fakes.release(purl, yanked="broke \x1b[31mall"), versions=3)

    assert found.kind == kind
    assert found.evidence == ("reason given: broke [31mall",)
    assert found.hint == "choose another of the 3 versions of `lib`"


def test_a_yank_without_a_reason_is_a_yank() -> None:
    """PEP 592 lets the reason be empty."""
    (found,) = ran(fakes.release("pkg:pypi/lib@2.1", yanked=""), versions=1)

    assert found.evidence == ("no reason was given",)
    assert found.hint == "look for what replaces `lib`"


def test_what_is_installed_already_is_not_asked_about() -> None:
    """A kept release is not chosen now."""
    assert ran(fakes.release("pkg:pypi/lib@2.1", yanked="", kept=True)) == []


def told(release: Release, **fields: object) -> list[Finding]:
    """Return what the check finds about *release*, of whose project the registry tells *fields*."""
    page = Project(purl=project(release.purl), releases=3, **fields)  # type: ignore[arg-type]  # fields of Project
    plan = fakes.plan(release, projects=(page,))
    return list(RegistryStatus().run(release, Facts(plan=plan, now=fakes.NOW)))


@pytest.mark.parametrize(
    ("status", "kind"), [("quarantined", "quarantined"), ("archived", "archived"), ("deprecated", "deprecated")]
)
def test_the_state_of_a_project_is_said_of_each_of_its_releases(status: str, kind: str) -> None:
    """With the registry's own reason (PEP 792)."""
    (found,) = told(fakes.release("pkg:pypi/lib@2.1"), status=status, reason="see \x1b[31mthere")

    assert (found.kind, found.evidence) == (kind, ("reason given: see [31mthere",))


def test_a_quarantine_of_what_is_installed_is_news() -> None:
    """The other states are none."""
    kept = fakes.release("pkg:pypi/lib@2.1", kept=True)

    (found,) = told(kept, status="quarantined")

    assert "is installed already" in (found.hint or "")
    assert told(kept, status="archived") == []


@pytest.mark.parametrize(
    "release", [fakes.release("pkg:npm/held@0.0.1-security"), fakes.release("pkg:npm/held@1.0.0", kept=True)]
)
def test_a_name_taken_from_malware_is_told_from_all_its_versions(release: Release) -> None:
    """By the version, or by what the newest version is."""
    (found,) = told(release, status="security-placeholder" if release.kept else None)

    assert found.kind == "security-placeholder"


def test_an_unpublished_version_is_told_from_its_project() -> None:
    """Only that one."""
    (found,) = told(fakes.release("pkg:npm/lib@1.0.0"), unpublished=("1.0.0",))

    assert found.kind == "unpublished"
    assert told(fakes.release("pkg:npm/lib@1.0.1"), unpublished=("1.0.0",)) == []
