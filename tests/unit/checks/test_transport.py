"""A registry that cannot be told from an impostor is not judged."""

import pytest

from safeinstall.checks.transport import Transport
from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.gateway.proof import PLAIN
from safeinstall.model import Registry, Release, Visibility
from tests import fakes


def ran(release: Release) -> None:
    """Run the check over *release*; it never has findings."""
    assert list(Transport().run(release, Facts(plan=fakes.plan(release), now=fakes.NOW))) == []


def registry(unproven: str | None) -> Registry:
    """Return a registry with credentials in its URL."""
    return Registry(url="http://ann:secret@packages.example/simple", visibility=Visibility.PUBLIC, unproven=unproven)


def test_an_unproven_registry_is_a_gap_that_says_what_mends_it() -> None:
    """Neither name nor hash binds anything when the one who tells them may be anybody."""
    with pytest.raises(FactMissing) as missing:
        ran(fakes.release("pkg:pypi/a@1", registry=registry(PLAIN)))

    assert (
        "http://packages.example/simple did not prove who it is (it is asked over plain http)" in missing.value.message
    )
    assert "secret" not in missing.value.message
    assert missing.value.hint is not None
    assert "https" in missing.value.hint


@pytest.mark.parametrize(
    "release",
    [
        fakes.release("pkg:pypi/a@1", registry=registry(None)),
        fakes.release("pkg:pypi/a@1", registry=registry(PLAIN), kept=True),
        fakes.release("pkg:pypi/a@1", registry=None),
    ],
    ids=["proven", "kept", "no-registry"],
)
def test_nothing_is_said_of_others(release: Release) -> None:
    """What is proven, installed already, or from no registry at all is not this check's business."""
    ran(release)
