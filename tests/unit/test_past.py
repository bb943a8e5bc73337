"""Which earlier releases count for a planned one."""

from datetime import datetime, timedelta, timezone

from safeinstall.model import EcosystemName
from safeinstall.past import Dated, Past, first_of, past
from safeinstall.versions import order

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)


def dated(version: str, days: int | None, *, prerelease: bool = False) -> Dated:
    """Return *version* as one that came *days* ago; None: the registry does not tell."""
    at = None if days is None else NOW - timedelta(days=days)
    return Dated(version=version, order=order(EcosystemName.PYPI, version), prerelease=prerelease, uploaded=at)


def found(planned: Dated, *others: Dated) -> Past:
    """Return what counts for *planned* among *others*."""
    return past([*others, planned], planned)


def test_the_release_before_it_is_the_highest_lower_one() -> None:
    """A fix of an old line is compared with that line, however high the other one is."""
    told = found(dated("1.2.1", 0), dated("1.2.0", 300), dated("2.0", 100), dated("1.1", 400))

    assert told.previous == "1.2.0"
    assert told.earlier == ("2.0", "1.2.0", "1.1")


def test_what_the_world_had_no_time_to_look_at_is_not_settled() -> None:
    """A second bad release a day after the first is still compared with the last good one."""
    told = found(dated("1.2.2", 0), dated("1.2.1", 1), dated("1.2.0", 300))

    assert (told.previous, told.settled) == ("1.2.1", "1.2.0")


def test_what_came_later_is_no_past() -> None:
    """Installing an old version compares it with what was there before it."""
    told = found(dated("1.5", 100), dated("1.4", 50), dated("1.3", 200), dated("2.0", 10))

    assert (told.previous, told.before) == ("1.3", ("1.3",))


def test_prereleases_count_for_prereleases_only() -> None:
    """A release candidate is not what the users of stable releases have."""
    candidate = dated("2.0rc1", 20, prerelease=True)

    assert found(dated("2.0", 0), candidate, dated("1.0", 300)).previous == "1.0"
    assert found(dated("2.0rc2", 0, prerelease=True), candidate, dated("1.0", 300)).previous == "2.0rc1"


def test_without_times_the_order_of_versions_counts() -> None:
    """A plain mirror still shows what the planned release can be compared with, but not what had settled."""
    told = found(dated("1.2", None), dated("1.1", None), dated("2.0", None))

    assert (told.previous, told.settled, told.before) == ("1.1", None, ("1.1",))


def test_a_first_release_has_no_past() -> None:
    """Nothing is made up for it."""
    assert found(dated("1.0", 0)) == Past(previous=None, settled=None, earlier=(), before=())


def test_the_first_time_of_each_name() -> None:
    """Whoever published often is known since the first of these times."""
    early, late = NOW - timedelta(days=9), NOW

    assert first_of([("b", late), ("a", late), ("b", early)]) == (("b", early), ("a", late))
