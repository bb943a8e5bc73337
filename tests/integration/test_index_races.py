"""Thirty-two processes judge by one index while it is updated again and again, and an updater is killed."""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from safeinstall.advisories.store import standing
from safeinstall.model import EcosystemName
from tests.registries.osv import malware
from tests.registries.osv_export import ExportServer

JUDGES = 32
SECONDS = 6.0

JUDGE = """
import sys, time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from safeinstall.sources.index import IndexSource
from tests.fakes import release
bad = [release(f"pkg:npm/bad-{n}@1.0.0") for n in range(0, 2000, 100)]
fine = [release(f"pkg:npm/fine-{n}@1.0.0") for n in range(20)]
source = IndexSource(Path(sys.argv[1]), limit=timedelta(hours=24))
ends, rounds = time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < ends:
    answer = source.ask([*bad, *fine], now=datetime.now(timezone.utc), deadline=timedelta(seconds=5))
    assert answer.silent == {}, answer.silent
    assert all(answer.advisories[one.purl] for one in bad), "malware was called clean"
    assert not any(answer.advisories[one.purl] for one in fine), "harmless was accused"
    rounds += 1
print(rounds)
"""

UPDATER = """
import sys
from datetime import datetime, timezone
from pathlib import Path
from safeinstall.advisories.update import Export, update
from safeinstall.effects import RequestsHttp
from safeinstall.model import EcosystemName
from safeinstall.progress import Quiet
export = Export(http=RequestsHttp(), base_url=sys.argv[2], reporter=Quiet())
while True:
    update(export, Path(sys.argv[1]), EcosystemName.NPM, now=datetime.now(timezone.utc), full=sys.argv[3] == "full")
    if sys.argv[3] == "once":
        break
    print("updated", flush=True)
"""


def start(code: str, *words: str) -> "subprocess.Popen[str]":
    """Start a Python that runs *code*."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_nobody_sees_a_half_written_index(tmp_path: Path) -> None:
    """No crash, no wrong answer, no lock error, with updates in whole and in part and updaters that are killed."""
    folder = tmp_path / "index"
    with ExportServer() as server:
        server.add(*(malware(f"bad-{n}", ident=f"MAL-2026-{n}") for n in range(2000)))
        first = start(UPDATER, str(folder), server.url, "once")
        assert first.communicate(timeout=60)[1] == ""
        judges = [start(JUDGE, str(folder), str(SECONDS)) for _ in range(JUDGES)]
        updaters = [start(UPDATER, str(folder), server.url, way) for way in ("full", "full", "changes")]
        number, killed, ends = 0, 0, time.monotonic() + SECONDS
        try:
            while time.monotonic() < ends:
                time.sleep(0.4)
                number += 1
                now = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
                server.add(malware(f"new-{number}", ident=f"MAL-NEW-{number}"), modified=now)
                victim = updaters.pop(0)
                victim.send_signal(signal.SIGKILL)
                victim.communicate()
                killed += 1
                updaters.append(start(UPDATER, str(folder), server.url, "full" if killed % 2 else "changes"))
            ended = [judge.communicate(timeout=120) for judge in judges]
        finally:
            for updater in updaters:
                updater.kill()
                updater.communicate()
        # Whatever the killed ones left, the next update finds its way.
        last = start(UPDATER, str(folder), server.url, "once")
        _, said = last.communicate(timeout=60)

    assert [judge.returncode for judge in judges] == [0] * JUDGES, "\n".join(err for _, err in ended if err)
    assert all(int(out) > 0 for out, _ in ended)
    assert killed > 3
    assert last.returncode == 0, said
    held = standing(folder, EcosystemName.NPM)
    assert held is not None
    assert held.records >= 2000
    assert held.checked > datetime.now(timezone.utc) - timedelta(minutes=1)
    assert {path.name for path in folder.iterdir()} == {"npm.json", held.file, "update.lock"}
