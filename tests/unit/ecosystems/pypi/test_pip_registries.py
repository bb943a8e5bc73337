"""Which registry a file came from, and who may be asked about it."""

import pytest

from safeinstall.contracts import Conditions
from safeinstall.ecosystems.pypi.registries import Registries
from safeinstall.model import Visibility

PRIMARY = "https://pypi.example/simple"
EXTRA = "https://user:secret@packages.corp.example/team/simple/"


@pytest.mark.parametrize(
    ("page", "url", "visibility"),
    [
        pytest.param(f"{PRIMARY}/flask/", PRIMARY, Visibility.PUBLIC, id="primary"),
        pytest.param(
            "https://packages.corp.example/team/simple/acme/",
            "https://packages.corp.example/team/simple",
            Visibility.PRIVATE,
            id="added",
        ),
        pytest.param(
            "https://pypi.example/other/flask/", "https://pypi.example/other/flask", Visibility.PUBLIC, id="host"
        ),
        pytest.param("https://cdn.example/links.html", "https://cdn.example", Visibility.PRIVATE, id="find-links"),
        pytest.param("file:///srv/wheels", "file:///srv", Visibility.LOCAL, id="disk"),
        pytest.param("https://pypi.example:8443/simple/x/", None, Visibility.PRIVATE, id="another-port"),
        pytest.param("https://pypi.example/simpler/x/", None, Visibility.PUBLIC, id="prefix-by-parts"),
    ],
)
def test_only_the_primary_index_is_public(page: str, url: str | None, visibility: Visibility) -> None:
    """A name that came from anywhere else is private until the user says otherwise; no credentials are kept."""
    found = Registries(indexes=(PRIMARY, EXTRA), conditions=Conditions()).of_page(page)

    assert found.visibility is visibility
    assert "secret" not in found.url
    if url is not None:
        assert found.url == url


def test_the_users_word_counts_both_ways() -> None:
    """A company mirror of the primary index is private when declared so; an added one public."""
    declared = Conditions(
        private_registries=("https://pypi.example",), public_registries=("https://packages.corp.example/team",)
    )
    known = Registries(indexes=(PRIMARY, EXTRA), conditions=declared)

    assert known.of_page(f"{PRIMARY}/flask/").visibility is Visibility.PRIVATE
    assert known.of_page("https://packages.corp.example/team/simple/acme/").visibility is Visibility.PUBLIC
    assert known.of_page("https://packages.corp.example/other/acme/").visibility is Visibility.PRIVATE


def test_no_index_has_no_primary() -> None:
    """`--no-index` leaves nobody to ask about what is installed already."""
    assert Registries(indexes=(), conditions=Conditions()).primary() is None
