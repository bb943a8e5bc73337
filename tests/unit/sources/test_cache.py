"""`safeinstall.sources.cache`: it saves time, and is never a reason to fail or to be wrong."""

import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from safeinstall.sources.cache import Cache
from tests.fakes import NOW


def file_of(folder: Path) -> Path:
    """Return the cache's file."""
    return next(folder.glob("*.sqlite"))


def test_what_was_put_is_got(tmp_path: Path) -> None:
    """Any JSON comes back with its time, by space and key."""
    cache = Cache(tmp_path)
    cache.put("one", {"a": {"x": [1, "é", None]}, "b": []}, at=NOW)
    cache.put("two", {"a": 2}, at=NOW + timedelta(hours=1))

    kept = Cache(tmp_path).get("one", ["a", "b", "c"])

    assert {key: one.body for key, one in kept.items()} == {"a": {"x": [1, "é", None]}, "b": []}
    assert {one.at for one in kept.values()} == {NOW}
    assert Cache(tmp_path).get("two", ["a"])["a"].body == 2


def test_many_keys_are_got_at_once(tmp_path: Path) -> None:
    """The database's limit on parameters is no limit of ours."""
    Cache(tmp_path).put("s", {str(number): number for number in range(3000)}, at=NOW)

    assert len(Cache(tmp_path).get("s", [str(number) for number in range(5000)])) == 3000


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    """Names of what somebody installs are nobody else's business."""
    Cache(tmp_path / "sub").put("s", {"a": 1}, at=NOW)

    assert file_of(tmp_path / "sub").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + b"\0" * 5000])
def test_a_corrupt_file_is_made_anew(content: bytes, tmp_path: Path) -> None:
    """Nothing is read from it, and the next answer is kept again."""
    Cache(tmp_path).put("s", {"a": 1}, at=NOW)
    for path in tmp_path.iterdir():
        path.write_bytes(content)

    assert Cache(tmp_path).get("s", ["a"]) == {}
    Cache(tmp_path).put("s", {"b": 2}, at=NOW)
    assert Cache(tmp_path).get("s", ["b"])["b"].body == 2


def test_a_file_cut_in_half_answers_only_what_is_whole(tmp_path: Path) -> None:
    """After a half written disk every row that is still told is right."""
    rows = {str(number): "x" * number for number in range(2000)}
    Cache(tmp_path).put("s", rows, at=NOW)
    path = file_of(tmp_path)
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    kept = Cache(tmp_path).get("s", list(rows))

    assert all(one.body == rows[key] for key, one in kept.items())


def test_another_schema_is_left_alone(tmp_path: Path) -> None:
    """A newer version's file is neither read nor destroyed."""
    Cache(tmp_path).put("s", {"a": 1}, at=NOW)
    with sqlite3.connect(file_of(tmp_path)) as base:
        base.execute("PRAGMA user_version = 99")
    base.close()
    before = file_of(tmp_path).read_bytes()

    cache = Cache(tmp_path)
    assert cache.get("s", ["a"]) == {}
    cache.put("s", {"b": 1}, at=NOW)
    assert file_of(tmp_path).read_bytes() == before


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    """A file where the folder should be: nothing is kept, nothing is raised."""
    (tmp_path / "file").write_text("x")
    cache = Cache(tmp_path / "file" / "cache")

    cache.put("s", {"a": 1}, at=NOW)

    assert cache.get("s", ["a"]) == {}


def test_a_locked_file_costs_two_seconds_once(tmp_path: Path) -> None:
    """Whoever holds the lock for ever does not hold us."""
    Cache(tmp_path).put("s", {"a": 1}, at=NOW)
    holder = sqlite3.connect(file_of(tmp_path), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    cache = Cache(tmp_path)
    start = time.monotonic()

    for number in range(5):
        cache.put("s", {str(number): 1}, at=NOW)

    assert time.monotonic() - start < 5
    holder.execute("ROLLBACK")
    holder.close()


def test_old_rows_go(tmp_path: Path) -> None:
    """What nobody may use any more does not fill the disk."""
    Cache(tmp_path).put("s", {"old": 1}, at=NOW - timedelta(days=40))
    Cache(tmp_path).put("s", {"new": 1}, at=NOW)

    assert set(Cache(tmp_path).get("s", ["old", "new"])) == {"new"}


HAMMER = """
import sys
from datetime import datetime, timezone
from pathlib import Path
from safeinstall.sources.cache import Cache
now = datetime(2026, 11, 23, tzinfo=timezone.utc)
for turn in range(20):
    cache = Cache(Path(sys.argv[1]))
    cache.put("s", {f"{number}": f"body {number}" for number in range(20)}, at=now)
    for key, kept in cache.get("s", [str(number) for number in range(20)]).items():
        assert kept.body == f"body {key}", (key, kept)
    if turn % 7 == int(sys.argv[2]) % 7:
        for path in Path(sys.argv[1]).glob("*.sqlite"):
            path.write_bytes(b"spoiled")
"""


def test_many_processes_share_and_spoil_it(tmp_path: Path) -> None:
    """Eight processes that write, read and overwrite the file with rubbish: no crash, and no wrong row."""
    argv = [sys.executable, "-c", HAMMER, str(tmp_path)]
    running = [
        subprocess.Popen([*argv, str(number)], stderr=subprocess.PIPE, text=True) for number in range(8)
    ]  # fmt: skip
    complaints = [process.communicate(timeout=120)[1] for process in running]

    assert complaints == [""] * 8
