"""Private names: which are, and who may be asked for them."""

import pytest

from safeinstall.model import EcosystemName, Registry, Visibility
from safeinstall.private import Private, below
from safeinstall.versions import leaps, uncounted

PYPI, NPM = EcosystemName
OURS = Private(names=("Acme_Utils",), prefixes=("corp-",), scopes=("@acme", "more"))


@pytest.mark.parametrize(
    ("ecosystem", "name", "claim"),
    [
        (PYPI, "acme.utils", "private.names"),
        (NPM, "acme_utils", "private.names"),
        (NPM, "acme-utils", None),
        (PYPI, "Corp_Tools", "private.prefixes (corp-)"),
        (PYPI, "corporate", None),
        (NPM, "@acme/x", "private.scopes (@acme)"),
        (NPM, "@more/x", "private.scopes (@more)"),
        (NPM, "acme/x", "private.scopes (acme)"),
        (NPM, "@acmes/x", None),
    ],
)
def test_names_prefixes_and_scopes(ecosystem: EcosystemName, name: str, claim: str | None) -> None:
    """PyPI's names are compared by PEP 503, npm's letter by letter."""
    assert OURS.claim(ecosystem, name) == claim


@pytest.mark.parametrize(
    ("owners", "declared", "url", "visibility", "may"),
    [
        ((), (), "https://a.example/simple", Visibility.PRIVATE, True),
        ((), (), "https://a.example/simple", Visibility.PUBLIC, False),
        ((), ("https://b.example",), "https://a.example/simple", Visibility.PRIVATE, False),
        ((), ("https://a.example",), "https://a.example/simple", Visibility.PRIVATE, True),
        (("https://b.example",), ("https://a.example",), "https://a.example/simple", Visibility.PRIVATE, False),
        ((), ("https://b.example",), "file:///wheels", Visibility.LOCAL, True),
    ],
)
def test_who_may_be_asked(
    owners: tuple[str, ...], declared: tuple[str, ...], url: str, visibility: Visibility, *, may: bool
) -> None:
    """Once somebody said who owns the names, nobody else is asked."""
    assert Private(registries=owners).may_ask(Registry(url=url, visibility=visibility), declared) is may


def test_a_prefix_ends_where_a_host_or_a_folder_ends() -> None:
    """A host that merely begins alike is another one."""
    assert below("https://A.example:443x"[:-1] + "/simple/", ["https://a.example:443/simple"])
    assert not below("https://a.example.net/simple", ["https://a.example"])
    assert not below("https://a.example/simpler", ["https://a.example/simple/"])


@pytest.mark.parametrize(
    ("version", "odd"),
    [
        ("9.9.9", True),
        ("99.0.0", True),
        ("v99.9", True),
        ("999.1", True),
        ("100.0.1", True),
        ("9999", True),
        ("9.9", True),
        ("9.0.0", False),
        ("9.9.1", False),
        ("1.9.9", False),
        ("2026.1", False),
        ("20261123.0", False),
        ("1.2.0", False),
        ("latest", False),
        ("9", False),
    ],
)
def test_numbers_that_nobody_counts_up_to(version: str, *, odd: bool) -> None:
    """Years and dates are counted up to; nines are not."""
    assert uncounted(version) is odd


@pytest.mark.parametrize(
    ("version", "low", "leap"),
    [
        ("9.9.9", "1.2.0", True),
        ("99.0", "98.0", False),
        ("9.9.9", "5.0", False),
        ("2026.1", "1.0", False),
        ("20261123.0", "1.0", False),
        ("x", "1", False),
    ],
)
def test_leaps(version: str, low: str, *, leap: bool) -> None:
    """Three times the first number, and five more; a change to years is none."""
    assert leaps(version, low) is leap
