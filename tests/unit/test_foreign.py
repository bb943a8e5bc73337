"""`safeinstall.fields` and `safeinstall.text`: foreign documents and foreign text."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, items, mapping, optional
from safeinstall.text import LIMIT, printable, redacted

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
)
PATHS = st.lists(st.sampled_from(["a", "b", "c", "0", "1", "-1", "²"]), min_size=1, max_size=4).map(".".join)


READERS = (field, optional, items, lambda document, path, _: mapping(document, path))


@given(JSON, PATHS, st.sampled_from([str, int, bool, list, dict, float]), st.sampled_from(READERS))
def test_reading_a_field_gives_its_kind_or_the_one_error(
    document: object, path: str, kind: type, read: Callable[[object, str, type], object]
) -> None:
    """No document and no path raise anything else, and nothing of another type gets through."""
    try:
        value = read(document, path, kind)
    except MalformedAnswer:
        return
    if read is field:
        assert isinstance(value, kind)
        assert kind is bool or not isinstance(value, bool)


def test_the_error_names_the_path() -> None:
    """Whoever mends the document must find the place."""
    with pytest.raises(MalformedAnswer, match=r"expected bool, got str at `info\.yanked`"):
        field({"info": {"yanked": "no"}}, "info.yanked", bool)
    with pytest.raises(MalformedAnswer, match=r"missing `info\.name`"):
        field({"info": {}}, "info.name", str)
    with pytest.raises(MalformedAnswer, match=r"at `a\[1\]`"):
        items({"a": ["x", 1]}, "a", str)


@pytest.mark.parametrize(
    "text", ["##vso[task.prependpath]/tmp/evil", "see ##[add-path]x", "\u200b ::add-mask::x", "#\x1b#vso[x]"]
)
def test_foreign_text_gives_no_command_to_a_ci_system(text: str) -> None:
    """Those that run us read our lines, too."""
    shown = printable(text)

    assert "##vso[" not in shown
    assert "##[" not in shown
    assert not shown.lstrip().startswith("::")


def test_a_bool_is_no_number() -> None:
    """JSON's true is not 1."""
    with pytest.raises(MalformedAnswer):
        field({"a": True}, "a", int)


def test_lists_are_walked_by_number() -> None:
    """A path may go through a list; an index that is not there is missing."""
    assert field({"a": [{"b": 1}]}, "a.0.b", int) == 1
    assert optional({"a": []}, "a.0", str) is None
    assert items({}, "a", str) == ()
    assert items(["x"], "", str) == ("x",)
    assert mapping({"a": 1}, "") == {"a": 1}


@given(st.text(max_size=600))
def test_printed_text_is_one_harmless_line(text: str) -> None:
    """No control, direction or invisible character is left, and no more than the limit."""
    shown = printable(text)

    assert len(shown) <= LIMIT
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in shown)
    assert printable(shown) == shown


def test_a_huge_text_is_cut_and_says_so() -> None:
    """What was left out is shown as such."""
    assert printable("x" * 10_000_000) == "x" * (LIMIT - 1) + "…"
    assert printable("\x1b[31mred\x1b[0m\n\tand \u202eright") == "[31mred[0m and right"


@given(st.text(max_size=60))
def test_no_text_breaks_the_redaction(text: str) -> None:
    """Any text at all is shown without user, password, query and fragment, or not at all."""
    for url in (text, f"https://user:s3cret@host.example/{text}", f"https://host.example/?{text}"):
        assert "s3cret" not in redacted(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pw@host.example:8443/a/b?token=x#y", "https://host.example:8443/a/b"),
        ("https://[::1]:80/a", "https://[::1]:80/a"),
        ("https://[::1/a", "<malformed url>"),
        ("https://host.example:port/", "<malformed url>"),
    ],
)
def test_what_a_url_may_show(url: str, shown: str) -> None:
    """The place stays, everything that may be a token goes."""
    assert redacted(url) == shown
