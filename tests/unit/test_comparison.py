"""Two releases side by side."""

from hypothesis import given
from hypothesis import strategies as st

from safeinstall.history import Publication
from safeinstall.signals.comparison import UNKNOWN, Fact, compared

NAMES = st.none() | st.lists(st.text(max_size=5), max_size=3).map(tuple)
SOME = st.builds(
    Publication,
    version=st.just("1.0"),
    publisher=st.none() | st.text(max_size=5),
    dependencies=NAMES,
    commands=NAMES,
    size=st.none() | st.integers(min_value=0),
)


def rows(old: Publication, new: Publication) -> dict[str, Fact]:
    """Return the facts by what they are about."""
    return {one.what: one for one in compared(old, new)}


def test_lists_are_told_by_what_came_and_went() -> None:
    """What stayed is not repeated."""
    old, new = Publication(version="1", dependencies=("a", "b")), Publication(version="2", dependencies=("b", "c"))

    assert rows(old, new)["dependencies"] == Fact(what="dependencies", old="-a", new="+c")


def test_what_nobody_tells_is_said() -> None:
    """Unknown is neither none nor the same as something."""
    old, new = Publication(version="1"), Publication(version="2", dependencies=(), size=1200)

    assert rows(old, new)["dependencies"] == Fact(what="dependencies", old=UNKNOWN, new="none")
    assert rows(old, new)["size"] == Fact(what="size", old=UNKNOWN, new="1,200 bytes")


@given(SOME, SOME)
def test_foreign_text_is_harmless(old: Publication, new: Publication) -> None:
    """Whatever stands in manifests, each fact is one printable line; and equal releases do not differ."""
    for row in compared(old, new):
        assert (row.old + row.new).isprintable()
    assert all(row.same for row in compared(old, old))
