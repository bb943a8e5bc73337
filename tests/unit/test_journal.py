"""The file below the ledger: what was promised is there, what is there is whole, and what was changed shows."""

import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safeinstall.chain import verify
from safeinstall.journal import append, lines, parts, read_head
from tests.environments import optional_tool


def line(mark: int, *, padding: int = 300) -> dict[str, object]:
    """Return a line of the ledger."""
    return {"ledger": 2, "mark": mark, "padding": "x" * padding}


def filled(folder: Path, count: int = 5, **how: int) -> Path:
    """Return a ledger with *count* lines."""
    path = folder / "ledger.jsonl"
    for mark in range(count):
        append(path, line(mark), **how)
    return path


def marks(path: Path) -> list[object]:
    """Return which lines are there."""
    return [one["mark"] for one in lines(path) if "mark" in one]


def test_a_chain_that_nobody_touched_holds(tmp_path: Path) -> None:
    """Every line is counted, and the head stands at the end."""
    checked = verify(filled(tmp_path))

    assert (checked.lines, checked.older, checked.torn, checked.behind, checked.faults) == (5, 0, 0, 0, ())
    assert checked.end == read_head(tmp_path / "ledger.jsonl")


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("how", ["edit", "drop", "swap", "insert"])
def test_a_tampered_line_is_found(tmp_path: Path, number: int, how: str) -> None:
    """Wherever it stands, the last one too."""
    path = filled(tmp_path)
    raws = path.read_bytes().splitlines(keepends=True)
    if how == "edit":
        raws[number] = raws[number].replace(b'"padding":"xxx', b'"padding":"yyy')
    elif how == "drop":
        del raws[number]
    elif how == "swap":
        raws[number], raws[number - 1] = raws[number - 1], raws[number]
    else:
        raws.insert(number, b'{"ledger":2,"mark":99}\n')
    path.write_bytes(b"".join(raws))

    assert verify(path).faults


def test_a_cut_at_the_end_stays_found_when_others_write_on(tmp_path: Path) -> None:
    """The next writer neither mends it nor forgets it."""
    path = filled(tmp_path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    assert verify(path).faults == ("the head knows 5 lines, 3 are there: the end was cut or changed",)
    append(path, line(5))
    append(path, line(6))

    assert marks(path) == [0, 1, 2, 5, 6]
    assert any("the end was cut" in fault for fault in verify(path).faults)


def test_a_head_that_was_taken_away_is_said(tmp_path: Path) -> None:
    """With it, a cut at the end would have gone unseen; the line that follows says so for ever."""
    path = filled(tmp_path)
    path.with_name("ledger.jsonl.head").unlink()
    assert verify(path).faults == ("the head is missing: a cut at the end could not be seen",)
    append(path, line(5))

    assert "there was no head" in verify(path).faults[0]


def test_a_chain_that_was_written_anew_is_found_by_an_anchor(tmp_path: Path) -> None:
    """Without a secret anybody can chain; what somebody kept elsewhere is not theirs to change."""
    end = verify(filled(tmp_path / "true")).end
    other = filled(tmp_path / "false", count=4)
    append(other, line(99))

    assert verify(other).faults == ()
    assert verify(tmp_path / "true/ledger.jsonl", anchor=(end.lines, end.chain)).faults == ()
    assert verify(other, anchor=(end.lines, end.chain)).faults
    assert verify(other, anchor=(77, end.chain)).faults == ("there is no line 77, which the anchor knew",)


def test_long_ledgers_are_put_aside_and_stay_one(tmp_path: Path) -> None:
    """By size; the chain goes through all files, and none of them is lost."""
    path = filled(tmp_path, count=12, limit=1500)

    assert len(parts(path)) > 2
    assert marks(path) == list(range(12))
    assert verify(path).faults == ()
    assert all(one.stat().st_mode & 0o777 == 0o600 for one in parts(path).values())


def test_a_file_that_was_put_aside_is_missed(tmp_path: Path) -> None:
    """The oldest may go, and it is said where the rest begins; one in between may not."""
    path = filled(tmp_path, count=12, limit=1500)
    first, second, *_ = parts(path).values()
    first.unlink()
    assert (verify(path).faults, verify(path).begins > 1) == ((), True)
    append(path, line(12), limit=1500)
    assert verify(path).faults == ()
    second.rename(tmp_path / "gone")
    third = list(parts(path).values())[1]
    third.unlink()
    (tmp_path / "gone").rename(second)

    assert verify(path).faults


def test_lines_without_a_chain_are_covered_by_it(tmp_path: Path) -> None:
    """A ledger of the older format is read on, and can no longer be edited unseen."""
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'{"ledger":1,"mark":0}\n{"ledger":1,"mark":1}\n')
    append(path, line(2))
    assert marks(path) == [0, 1, 2]
    assert (verify(path).older, verify(path).faults) == (2, ())
    path.write_bytes(path.read_bytes().replace(b'"mark":1}', b'"mark":7}'))

    assert verify(path).faults


def test_a_writer_that_was_stopped_before_the_head_moved_is_no_fault(tmp_path: Path) -> None:
    """Its line is whole, so it counts; verifying tells that the head is behind."""
    path = filled(tmp_path, count=2)
    kept = path.with_name("ledger.jsonl.head").read_bytes()
    append(path, line(2))
    path.with_name("ledger.jsonl.head").write_bytes(kept)
    assert (verify(path).behind, verify(path).faults) == (1, ())
    append(path, line(3))

    assert (marks(path), verify(path).behind, verify(path).faults) == ([0, 1, 2, 3], 0, ())


@given(st.binary(min_size=1, max_size=40).filter(lambda one: b"\n" not in one))
@settings(max_examples=25, deadline=None)
def test_what_a_killed_writer_left_is_ended_and_covered(tmp_path_factory: pytest.TempPathFactory, torn: bytes) -> None:
    """Whatever bytes they are: no line of it is trusted, none is spoilt by it, and removing it shows."""
    path = filled(tmp_path_factory.mktemp("torn"), count=2)
    with path.open("ab") as file:
        file.write(torn)
    append(path, line(2))

    assert marks(path) == [0, 1, 2]
    assert (verify(path).torn, verify(path).faults) == (1, ())
    path.write_bytes(path.read_bytes().replace(torn + b"\n", b"", 1))
    assert verify(path).faults


def _write_some(path: Path, start: int) -> None:
    for mark in range(start, start + 5):
        append(path, line(mark), limit=10_000)


def test_32_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each line whole, each once, files put aside under way, and the chain holds."""
    path = tmp_path / "ledger.jsonl"
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_write_some, args=(path, start)) for start in range(0, 160, 5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert [worker.exitcode for worker in workers] == [0] * 32
    assert sorted(map(str, marks(path)), key=int) == [str(one) for one in range(160)]
    assert (verify(path).lines, verify(path).torn, verify(path).faults) == (160, 0, ())
    assert len(parts(path)) > 2


_WRITER = """
import sys
from pathlib import Path
from safeinstall.journal import append
path, start = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
for mark in range(start, start + 100000):
    append(path, {"ledger": 2, "mark": mark, "padding": "x" * 200000}, limit=3000000)
    print(mark, flush=True)
"""


def test_kill_9_loses_no_line_that_was_promised(tmp_path: Path) -> None:
    """Eight writers, one after the other, each killed in the middle of it."""
    path, promised = tmp_path / "ledger.jsonl", []
    for turn in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(turn * 100000)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(3)]
        # Not at the same moment of a write each time: some more lines, some fewer.
        said += [writer.stdout.readline() for _ in range(turn % 3)]
        writer.send_signal(signal.SIGKILL)
        promised += [int(one) for one in (*said, *writer.stdout.read().splitlines()) if one.strip().isdecimal()]
        writer.stdout.close()
        writer.wait()
    append(path, line(-1))

    found = marks(path)
    assert set(promised) <= set(found)
    assert len(found) == len(set(found))
    assert verify(path).faults == ()


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    """The writer is told, what was there stays, and the next one that has room goes on."""
    path = filled(tmp_path, count=3)
    before = path.read_bytes()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, len(before) + 100))
        try:
            append(path, line(3))
        except OSError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert path.read_bytes() == before
    assert verify(path).faults == ()
    append(path, line(4))

    assert (marks(path), verify(path).faults) == ([0, 1, 2, 4], ())


_FILLER = """
import subprocess, sys
from pathlib import Path
from safeinstall.journal import append
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", folder], check=True)
path, refused, promised = folder / "ledger.jsonl", 0, []
(folder / "ballast").write_bytes(bytes(30_000))
for mark in range(400):
    try:
        append(path, {"ledger": 2, "mark": mark, "padding": "x" * 700}, limit=40_000)
        promised.append(mark)
    except OSError:
        refused += 1
    if mark == 350:
        (folder / "ballast").unlink()
for one in folder.glob("ledger.*"):
    (Path(sys.argv[2]) / one.name).write_bytes(one.read_bytes())
print(refused, *promised)
"""


def test_a_disk_without_any_room_loses_nothing_that_was_promised(tmp_path: Path) -> None:
    """Line, head and the file that is put aside all meet it; when there is room again, the chain goes on unbroken."""
    alone = ("unshare", "--user", "--map-root-user", "--mount")
    optional_tool("unshare")
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody have a disk of their own (unshare)")
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    kept.mkdir()
    done = subprocess.run(
        [*alone, sys.executable, "-c", _FILLER, disk, kept], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    refused, *promised = map(int, done.stdout.split())
    path = kept / "ledger.jsonl"

    assert refused > 100
    assert max(promised) > 350
    assert marks(path) == promised
    assert verify(path).faults == ()
    assert len(parts(path)) > 2


def test_each_line_names_what_it_follows(tmp_path: Path) -> None:
    """The chain can be checked by anybody, with sha256 and a text editor, as docs/ledger.md says."""
    raws = filled(tmp_path, count=3).read_bytes().splitlines(keepends=True)

    for before, after in pairwise(raws):
        import hashlib  # noqa: PLC0415 - as in the documentation

        told = json.loads(before)["previous"]
        assert json.loads(after)["previous"] == hashlib.sha256(told.encode() + b"\n" + before).hexdigest()
