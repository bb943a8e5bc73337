"""Packuments without what is too young: versions, times and tags tell one story."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.cooldown import Cooldown
from safeinstall.errors import MalformedAnswer
from safeinstall.gateway.npm_cooling import CoolPackuments, cooled, newest
from safeinstall.gateway.withholding import Withholding
from safeinstall.model import EcosystemName
from tests.fakes import NOW

URL = "https://npm.example/lib"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=10,
)


def stamp(hours: float) -> str:
    """Return the time that long ago, as npm spells it."""
    return (NOW - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def packument(ages: dict[str, float], tags: dict[str, str], **manifests: Mapping[str, object]) -> dict[str, object]:
    """Return the packument of `lib` whose versions are so many hours old."""
    return {
        "name": "lib",
        "versions": {version: manifests.get(version, {}) for version in ages},
        "time": {"created": stamp(9999), "modified": stamp(0), **{one: stamp(age) for one, age in ages.items()}},
        "dist-tags": tags,
    }


def cool() -> CoolPackuments:
    """Return one that knows nothing yet."""
    return CoolPackuments(Withholding(ecosystem=EcosystemName.NPM, cooldown=Cooldown(), now=NOW))


def tags(ages: dict[str, float], given: dict[str, str]) -> object:
    """Return the tags that npm is shown."""
    document = packument(ages, given)
    one = cool()
    one.saw(URL, document)
    view = one.view(URL, "lib", document)
    return None if view is None else view["dist-tags"]


@pytest.mark.parametrize(
    ("ages", "given", "shown"),
    [
        pytest.param({"1.0.0": 99, "1.1.0": 9}, {"latest": "1.1.0"}, {"latest": "1.0.0"}, id="down-the-line"),
        pytest.param(
            {"1.9.0": 99, "2.0.0": 99, "1.9.1": 9}, {"latest": "1.9.1"}, {"latest": "1.9.0"}, id="never-above-it"
        ),
        pytest.param({"1.0.0-rc.1": 99, "1.0.0": 9}, {"latest": "1.0.0"}, {}, id="no-prerelease-stands-in"),
        pytest.param(
            {"2.0.0-canary.9": 99, "2.0.0-beta.1": 80, "2.0.0-canary.10": 9},
            {"canary": "2.0.0-canary.10", "beta": "2.0.0-beta.1"},
            {"canary": "2.0.0-canary.9", "beta": "2.0.0-beta.1"},
            id="prereleases-of-one-line",
        ),
        pytest.param({"1.0.0": 99}, {"latest": "1.0.0"}, None, id="nothing-young"),
    ],
)  # fmt: skip
def test_tags_move_to_what_is_left(ages: dict[str, float], given: dict[str, str], shown: dict[str, str] | None) -> None:
    """A tag points at the newest version of its line that is shown, or is not there."""
    assert tags(ages, given) == shown


def test_a_tag_prefers_what_is_not_deprecated() -> None:
    """The last version before a young one is often the broken one that it mends."""
    document = packument(
        {"1.0.0": 99, "1.0.1": 90, "1.0.2": 9}, {"latest": "1.0.2"}, **{"1.0.1": {"deprecated": "broken"}}
    )

    assert cooled(document, {"1.0.2"})["dist-tags"] == {"latest": "1.0.0"}


def test_what_needs_a_withheld_version_is_known() -> None:
    """By each kind of requirement; not what an older version satisfies, nor a tag."""
    one = cool()
    one.saw(URL, packument({"1.0.0": 99, "1.1.0": 9, "2.0.0-rc.1": 9}, {"latest": "1.1.0"}))
    other = {
        "versions": {
            "1": {"dependencies": {"lib": "^1.0.0"}},
            "2": {"dependencies": {"lib": "^1.1.0"}},
            "3": {"peerDependencies": {"lib": "1.1.0"}},
            "4": {"optionalDependencies": {"lib": "2.0.0-rc.1"}},
            "5": {"dependencies": {"lib": "latest"}},
            "6": {"dependencies": {"other": "^1.1.0"}},
        }
    }

    assert list(one.needing("lib", other)) == ["2", "3", "4"]


@given(JSON)
def test_whatever_the_registry_says_is_read_or_refused(document: object) -> None:
    """Nothing but `MalformedAnswer` comes out."""
    found = {"name": "lib", "versions": {"1.0.0": document}, "time": {"1.0.0": document}, "dist-tags": document}
    try:
        one = cool()
        one.saw(URL, found)
        cooled(found, {"1.0.0"})
        list(one.needing("lib", found))
    except MalformedAnswer:
        pass


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), min_size=1))
def test_the_newest_is_the_highest_by_number(numbers: list[tuple[int, int, int]]) -> None:
    """1.10.0 comes after 1.9.0, and a limit is never reached."""
    spelled = {".".join(map(str, one)): one for one in numbers}
    highest = newest(spelled)

    assert highest is not None
    assert spelled[highest] == max(numbers)
    assert newest(spelled, below=highest) != highest
