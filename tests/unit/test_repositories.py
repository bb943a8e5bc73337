"""Repositories as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.repositories import repositories, repository


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/Owner/Name",
        "http://www.github.com/owner/name/",
        "git+https://github.com/owner/name.git",
        "git://github.com/owner/name.git#main",
        "git@github.com:owner/name.git",
        "ssh://git@github.com/owner/name.git",
        "https://user:secret@github.com/owner/name/issues?q=1",
        "github:owner/name",
        "owner/name",
    ],
)
def test_one_repository_has_many_spellings(text: str) -> None:
    """All of them mean the same."""
    assert repository(text) == "github.com/owner/name"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://name.example/docs/start",
        "https://github.com/owner",
        "https://github.com/sponsors/owner",
        "https://[",
    ],
)
def test_what_is_no_repository(text: str) -> None:
    """Documentation, people and broken URLs are none."""
    assert repository(text) is None


def test_each_is_told_once() -> None:
    """In the order in which they were named."""
    assert repositories(["gitlab:b/c", "https://gitlab.com/b/c", "nothing", "a/b"]) == (
        "gitlab.com/b/c",
        "github.com/a/b",
    )


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    """Foreign text never raises."""
    found = repository(text)

    assert found is None or found.count("/") >= 2
