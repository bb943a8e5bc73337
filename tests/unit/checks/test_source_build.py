"""Building from source: allowed and said, or not judged."""

import pytest

from safeinstall.checks.source_build import SourceBuild
from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.model import BuildNeed, Edge, Finding, Plan, Release, Severity
from safeinstall.purl import parse
from tests import fakes

BUILT = "pkg:pypi/docopt@0.6.2"


def ran(release: Release, *needed: str) -> list[Finding]:
    """Return what the check finds about *release*, whose build needs *needed*."""
    edges = tuple(Edge(parent=release.purl, child=parse(purl), requirement="x", build=True) for purl in needed)
    runtime = Edge(parent=release.purl, child=parse("pkg:pypi/used@1"), requirement="used")
    plan = Plan(ecosystem=fakes.plan(release).ecosystem, releases=(release,), edges=(*edges, runtime))
    return list(SourceBuild().run(release, Facts(plan=plan, now=fakes.NOW)))


def test_a_wheel_is_not_built() -> None:
    """What is not built has nothing to say."""
    assert ran(fakes.release(BUILT)) == []


def test_a_build_with_static_metadata_is_said() -> None:
    """A promised set of dependencies is judged like any other; that code runs is said, with what it needs."""
    (found,) = ran(fakes.release(BUILT, build=BuildNeed.STATIC), "pkg:pypi/wheel@0.45", "pkg:pypi/setuptools@80")

    assert (found.kind, found.severity) == ("source-build", Severity.NOTE)
    assert found.title == "`docopt` is built from source: its code runs while it is installed"
    assert found.evidence == ("its build requirements `setuptools`, `wheel` were judged too",)


def test_a_build_that_needs_nothing_is_said() -> None:
    """A backend inside the source itself has no requirements."""
    (found,) = ran(fakes.release(BUILT, build=BuildNeed.STATIC))

    assert found.evidence == ("it names no build requirements",)


def test_dynamic_metadata_is_not_judged() -> None:
    """What only the code itself can tell is a gap, with a safer way first."""
    with pytest.raises(FactMissing) as missing:
        ran(fakes.release(BUILT, build=BuildNeed.DYNAMIC))

    assert missing.value.message == "the true dependencies of `docopt` are told only by running its code"
    assert missing.value.hint is not None
    assert "a version of `docopt` that has a wheel" in missing.value.hint


def test_what_is_installed_already_is_not_built_again() -> None:
    """A kept release was built when it was installed."""
    assert ran(fakes.release(BUILT, build=BuildNeed.DYNAMIC, kept=True)) == []
