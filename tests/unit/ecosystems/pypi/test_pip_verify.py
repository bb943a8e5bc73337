"""What is installed afterwards, against the plan."""

from pathlib import Path

import pytest

from safeinstall.ecosystems.pypi.verify import differences, inventory
from safeinstall.model import ArtifactKind
from tests.fakes import release

PLANNED = (release("pkg:pypi/flask@3.0.0"), release("pkg:pypi/six@1.17.0"))


def test_the_plan_as_it_stands_has_no_differences() -> None:
    """Spelling of versions does not count, nor does what was there before."""
    before = {"old": "1.0"}

    assert differences(PLANNED, before, {"flask": "3.0", "six": "1.17.0", "old": "1.0"}) == ()


@pytest.mark.parametrize(
    ("after", "words"),
    [
        pytest.param({"flask": "3.0.0"}, "`six` 1.17.0 was planned but is not installed", id="missing"),
        pytest.param({"flask": "2.0", "six": "1.17.0"}, "installed as 2.0, planned was 3.0.0", id="another-version"),
        pytest.param(
            {"flask": "3.0.0", "six": "1.17.0", "evil": "9"}, "`evil` 9 was installed though", id="slipped-in"
        ),
    ],
)
def test_every_difference_is_said(after: dict[str, str], words: str) -> None:
    """Nothing that differs is passed over."""
    (said,) = differences(PLANNED, {}, after)

    assert words in said


def test_what_was_judged_just_in_time_may_be_there() -> None:
    """The true dependencies of a dynamic sdist are told by its build only, and were judged then."""
    after = {"flask": "3.0.0", "six": "1.17.0", "late": "1.0"}

    assert differences(PLANNED, {}, after, judged=frozenset({("late", "2")})) != ()
    assert differences(PLANNED, {}, after, judged=frozenset({("late", "1")})) == ()


def test_an_old_editable_install_leaves_no_trace_to_compare() -> None:
    """A link file is not a dist-info: its absence proves nothing."""
    project = release("pkg:pypi/mine@0.1", kind=ArtifactKind.LOCAL_PROJECT)

    assert differences((project,), {}, {}) == ()


@pytest.mark.parametrize("reader", ["importlib.metadata", "importlib_metadata"])
def test_the_inventory_reads_what_lies_there(reader: str, tmp_path: Path) -> None:
    """Names are canonical; a folder without metadata is nothing, whoever's reader looks; the first folder wins."""
    # Once imported, the second one answers for the first: keyring brings it along for Pythons before 3.12.
    pytest.importorskip(reader)
    for folder, name, version in (("one", "Foo.Bar", "1.0"), ("two", "foo_bar", "2.0"), ("two", "baz", "3")):
        info = tmp_path / folder / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (tmp_path / "one" / "broken-1.dist-info").mkdir()

    found = inventory([str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "gone")])

    assert dict(found) == {"foo-bar": "1.0", "baz": "3"}
