"""Packuments on disk are as good as none when anything is wrong with them."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from safeinstall.gateway.npm_cache import Packument, PackumentCache

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
URL = "https://registry.example/top"
KEPT = Packument(body=b'{"a":\n1}', etag='"e"', fetched=NOW, max_age=timedelta(minutes=1))


def only(folder: Path) -> Path:
    """Return the one file below *folder*."""
    (file,) = (path for path in folder.rglob("*") if path.is_file())
    return file


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    """With its validator and its age, for the same URL and credentials."""
    cache = PackumentCache(tmp_path / "npm")
    cache.put(URL, "", KEPT)

    assert PackumentCache(tmp_path / "npm").get(URL, "") == KEPT


def test_what_one_token_saw_is_not_shown_to_another(tmp_path: Path) -> None:
    """A private registry answers by who asks."""
    cache = PackumentCache(tmp_path)
    cache.put(URL, "Bearer one", KEPT)

    assert cache.get(URL, "Bearer two") is None
    assert cache.get(URL, "") is None
    assert cache.get(URL + "2", "Bearer one") is None


def test_nobody_else_can_read_it_and_no_name_tells_what_it_is(tmp_path: Path) -> None:
    """Neither the token nor the URL stands in a file name."""
    PackumentCache(tmp_path / "npm").put(URL, "Bearer s3cr3t", KEPT)

    file = only(tmp_path)
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0
    assert "s3cr3t" not in str(file)
    assert b"s3cr3t" not in file.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda data: data[:-1], id="cut"),
        pytest.param(lambda data: data.replace(b"1}", b"2}"), id="changed"),
        pytest.param(lambda data: data.replace(b'"version": 1', b'"version": 2'), id="newer"),
        pytest.param(lambda data: data.replace(b'"fetched": ', b'"fetched": 99999999999999999999'), id="no-date"),
        pytest.param(lambda data: b"[]\n" + data, id="other-head"),
        pytest.param(lambda data: b"\xff\xfe" + data, id="no-text"),
    ],
)
def test_a_damaged_file_counts_as_none(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """It is fetched again, never half believed."""
    cache = PackumentCache(tmp_path)
    cache.put(URL, "", KEPT)
    file = only(tmp_path)
    file.write_bytes(damage(file.read_bytes()))

    assert cache.get(URL, "") is None


def test_a_folder_that_cannot_be_written_only_costs_speed(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "npm").write_text("")
    cache = PackumentCache(tmp_path / "npm")

    cache.put(URL, "", KEPT)

    assert cache.get(URL, "") is None


@pytest.mark.parametrize(
    ("age", "max_age", "fresh"),
    [
        (timedelta(seconds=59), timedelta(minutes=1), True),
        (timedelta(seconds=61), timedelta(minutes=1), False),
        (timedelta(minutes=6), timedelta(days=1), False),
        (timedelta(minutes=-1), timedelta(minutes=1), False),
        (timedelta(0), timedelta(0), False),
    ],
)
def test_a_registry_is_believed_for_minutes_only(age: timedelta, max_age: timedelta, *, fresh: bool) -> None:
    """A clock that went backwards makes nothing fresh."""
    kept = Packument(body=b"", fetched=NOW, max_age=max_age)

    assert kept.fresh(NOW + age) is fresh
