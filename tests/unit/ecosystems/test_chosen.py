"""A file of the repository may name a registry; only the user's own word makes it one that can be judged."""

import pytest

from safeinstall.contracts import Conditions
from safeinstall.ecosystems.chosen import marked, strange
from safeinstall.model import Registry, Visibility
from tests.fakes import release

OWN = ("https://packages.example/simple",)


@pytest.mark.parametrize(
    ("chosen", "known"),
    [
        ("https://packages.example/simple", True),
        ("https://packages.example/simple/", True),
        ("https://PACKAGES.example/simple", True),
        ("https://ann:token@packages.example/simple", True),
        ("file:///srv/simple", True),
        ("https://corp.example/team/npm/", True),
        ("https://elsewhere.example/simple", False),
        ("https://packages.example/tenant-666/simple", False),
        ("https://packages.example/simpler", False),
        ("http://packages.example/simple", False),
        ("https://packages.example:8443/simple", False),
        ("https://corp.example/team-666/", False),
    ],
)
def test_the_whole_url_must_be_known(chosen: str, *, known: bool) -> None:
    """Another path on a host of many tenants is another publisher; what lies on this machine is no registry's word."""
    conditions = Conditions(private_registries=("https://corp.example/team",))

    assert (strange([chosen], OWN, conditions) == ()) is known


def test_only_releases_of_the_stranger_are_marked() -> None:
    """The same name from the user's own registry keeps its good name."""
    stranger = Registry(url="https://elsewhere.example/simple", visibility=Visibility.PRIVATE)
    own = Registry(url=OWN[0], visibility=Visibility.PUBLIC)
    wanted = ["https://elsewhere.example/simple/"]

    assert marked(release("pkg:pypi/a@1", registry=stranger), wanted, "a file").registry == Registry(
        url=stranger.url, visibility=Visibility.PRIVATE, chosen="a file"
    )
    assert marked(release("pkg:pypi/a@1", registry=own), wanted, "a file").registry == own
    assert marked(release("pkg:pypi/a@1", registry=None), wanted, "a file").registry is None
