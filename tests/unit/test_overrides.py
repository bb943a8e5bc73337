"""Overrides as they are written: dates, purls, and what a file may hold."""

from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from safeinstall.errors import Misconfigured
from safeinstall.overrides import made, read, write
from tests.fakes import NOW

CHECKS = ("typosquat", "malware", "unverified-source")
TABLE = {"purl": "pkg:pypi/leftpadd@1.0", "check": "typosquat", "reason": "ours"}


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (date(2027, 3, 1), datetime(2027, 3, 1, tzinfo=timezone.utc)),
        ("2027-03-01", datetime(2027, 3, 1, tzinfo=timezone.utc)),
        ("2027-03-01T12:00:00Z", datetime(2027, 3, 1, 12, tzinfo=timezone.utc)),
        ("2027-03-01T12:00:00+02:00", datetime(2027, 3, 1, 10, tzinfo=timezone.utc)),
        (datetime(2027, 3, 1, 12), datetime(2027, 3, 1, 12, tzinfo=timezone.utc)),  # noqa: DTZ001 - TOML has these
    ],
)
def test_an_end_is_one_moment_in_utc(until: object, expected: datetime) -> None:
    """A day ends the decision when it begins, wherever on earth the run takes place."""
    assert read({**TABLE, "until": until}, "file: override 1", "file", CHECKS).until == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"purl": "leftpadd"}, "no package URL"),
        ({"purl": "pkg:pypi/leftpadd"}, "exact version"),
        ({"purl": 3}, "`purl` must be text"),
        ({"check": "typo"}, "no check"),
        ({"reason": "  "}, "`reason` must be text"),
        ({"until": 3}, "must be a date"),
        ({"until": "soon"}, "no date"),
        ({"until": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))}, "no date"),
        ({"untill": "2027-03-01"}, "unknown key `untill`"),
        ({"check": "malware"}, "needs an end date"),
        ({"by": 3}, "`by` must be text"),
    ],
)
def test_a_wrong_override_stops(change: dict[str, object], said: str) -> None:
    """It names the file and the place: somebody relies on it."""
    with pytest.raises(Misconfigured) as error:
        read({**TABLE, **change}, "file: override 1", "file", CHECKS)
    assert error.value.message.startswith("file: override 1: ")
    assert said in error.value.message


@pytest.mark.parametrize("key", ["purl", "check", "reason"])
def test_nothing_may_be_missing(key: str) -> None:
    """An override without a reason is nobody's decision."""
    with pytest.raises(Misconfigured, match=f"`{key}` is missing"):
        read({name: value for name, value in TABLE.items() if name != key}, "file: override 1", "file", CHECKS)


def test_an_origin_stands_in_for_a_version() -> None:
    """What comes from a URL is named by that URL and commit."""
    purl = "pkg:pypi/x?vcs_url=git%2Bhttps://git.example/x.git%40abcdef"

    assert read({**TABLE, "purl": purl, "check": "unverified-source"}, "", "", CHECKS).purl


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """Quotes, line breaks and backslashes in a reason included."""
    tomllib = pytest.importorskip("tomllib")

    given = made(
        check="malware",
        release="pkg:npm/%40acme/Left@1.0.0",
        reason='a "sample"\nwith \\ and é',
        until="2027-03-01",
        by="ann",
        origin="x",
        checks=CHECKS,
        now=NOW,
        place="safeinstall allow",
    )
    path = tmp_path / "new/folder/safeinstall.toml"
    write(given, path)
    (table,) = tomllib.loads(path.read_text())["override"]

    assert read(table, "", "x", CHECKS) == given


@pytest.mark.parametrize("text", ["override = 3\n", "[override]\nx = 1\n", "[broken\n"])
def test_a_file_that_cannot_hold_it_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    """Nothing is repaired that nobody understands."""
    path = tmp_path / "safeinstall.toml"
    path.write_text(text)
    given = read(TABLE, "", "", CHECKS)

    with pytest.raises(Misconfigured):
        write(given, path)
    assert path.read_text() == text
