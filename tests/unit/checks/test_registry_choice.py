"""What a stranger serves under a known name is not judged."""

import pytest

from safeinstall.checks.registry_choice import RegistryChoice
from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.model import Registry, Release, Visibility
from tests import fakes


def ran(release: Release) -> None:
    """Run the check over *release*; it never has findings."""
    assert list(RegistryChoice().run(release, Facts(plan=fakes.plan(release), now=fakes.NOW))) == []


def registry(chosen: str | None) -> Registry:
    """Return a registry with credentials in its URL."""
    return Registry(url="https://ann:secret@npm.example/x", visibility=Visibility.PUBLIC, chosen=chosen)


def test_a_registry_that_only_the_repository_names_is_a_gap() -> None:
    """Advisories speak of names on registries that the world knows: here they prove nothing."""
    with pytest.raises(FactMissing) as missing:
        ran(fakes.release("pkg:npm/react@18.2.0", registry=registry("the project's .npmrc")))

    assert missing.value.message == (
        "the project's .npmrc chose https://npm.example/x to serve it, and nothing of yours says who can publish there"
    )
    assert missing.value.hint is not None
    assert "registries.private" in missing.value.hint


@pytest.mark.parametrize(
    "release",
    [
        fakes.release("pkg:pypi/a@1", registry=registry(None)),
        fakes.release("pkg:pypi/a@1", registry=registry("a requirements file"), kept=True),
        fakes.release("pkg:pypi/a@1", registry=None),
    ],
    ids=["the-users-own", "kept", "no-registry"],
)
def test_nothing_is_said_of_others(release: Release) -> None:
    """What the user chose, has already, or takes from no registry is not this check's business."""
    ran(release)
