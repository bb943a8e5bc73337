"""Reading an export on several processors: the same rows in the same order, and the same faults."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from safeinstall.advisories import reading
from safeinstall.errors import MalformedAnswer, SafeinstallError
from safeinstall.model import EcosystemName
from tests.registries.osv import malware
from tests.registries.osv_export import zip_of

NPM = EcosystemName.NPM
MANY = 1_234
"""Records: more than fit into two batches."""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Write an export."""
    path = tmp_path / "all.zip"
    path.write_bytes(zip_of({f"MAL-2026-{n}": malware(f"bad-{n}", ident=f"MAL-2026-{n}") for n in range(MANY)}))
    return path


def test_two_processes_read_what_one_reads(export: Path) -> None:
    """Each row once, in the order of the export."""
    alone = list(reading.rows(export, NPM, workers=1))
    shared = list(reading.rows(export, NPM, workers=2))

    assert [row.ident for row in alone] == [f"MAL-2026-{number}" for number in range(MANY)]
    assert shared == alone


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fault_is_told_whoever_reads(workers: int, tmp_path: Path) -> None:
    """What names no package and is no record stops the import with its name."""
    path = tmp_path / "all.zip"
    path.write_bytes(zip_of({"MAL-1": malware("bad", ident="MAL-1"), "MAL-2": {"id": "MAL-2"}}))

    with pytest.raises(MalformedAnswer, match=r"MAL-2\.json cannot be read"):
        list(reading.rows(path, NPM, workers=workers))


LONG_READ = """
import sys, time
from pathlib import Path
from safeinstall.advisories import reading
from safeinstall.model import EcosystemName

if __name__ == "__main__":
    rows = reading.rows(Path(sys.argv[1]), EcosystemName.NPM, workers=2)
    next(rows)
    print("reading", flush=True)
    time.sleep(60)
"""


def children(pid: int) -> list[int]:
    """Return the processes that *pid* has started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the processes of another are told by Linux only")
def test_no_process_is_left_when_the_reader_is_killed(export: Path, tmp_path: Path) -> None:
    """`kill -9` on an update ends all of it."""
    script = tmp_path / "long.py"
    script.write_text(LONG_READ)
    with subprocess.Popen([sys.executable, str(script), str(export)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        workers = children(process.pid)
        process.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < until:
        time.sleep(0.05)

    assert len(workers) >= 2
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the processes of another are told by Linux only")
def test_a_killed_process_is_no_shorter_export(tmp_path: Path) -> None:
    """Out of memory, say: an index of what was read so far would be a hole."""
    path = tmp_path / "all.zip"  # of more batches than are read ahead
    path.write_bytes(zip_of({f"MAL-2026-{n}": malware(f"bad-{n}", ident=f"MAL-2026-{n}") for n in range(10 * MANY)}))
    rows = reading.rows(path, NPM, workers=2)
    next(rows)
    time.sleep(1)  # Then both wait with half a batch in their pipes, where a shared queue would be waited for for ever.
    for pid in children(os.getpid()):
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(SafeinstallError, match="was ended from outside"):
        list(rows)
