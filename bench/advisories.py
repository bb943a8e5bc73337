"""
Measures the local advisory index: import, memory, size, changes, and looking up 2,000 releases among 300,000 records.

    python bench/advisories.py [--records N] [--folder DIR]

The records are made up in the shapes of the real ones (counted on 31,339 MAL records and 2,661 of PYSEC): most name
one package, two thirds of the malicious ones mean every version, newer ones list versions and artifact hashes. A server
on loopback plays the export. Nothing real is in them, and no package is installed.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from safeinstall.advisories.update import Export, update
from safeinstall.effects import RequestsHttp
from safeinstall.model import Artifact, ArtifactKind, Digest, EcosystemName, Registry, Release, Visibility
from safeinstall.progress import Quiet
from safeinstall.purl import make
from safeinstall.sources.index import IndexSource

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
START = datetime(2022, 1, 1, tzinfo=timezone.utc)
ADVICE = (
    "\n---\n_-= Per source details. Do not edit below this line.=-_\n\n## Source: ghsa-malware ({})\nAny computer that "
    "has this package installed or running should be considered fully compromised. All secrets and keys stored on that "
    "computer should be rotated immediately from a different computer. The package should be removed, but as full "
    "control of the computer may have been given to an outside entity, there is no guarantee that removing the package "
    "will remove all malicious software resulting from installing it.\n"
)
TEXT = "the package sends data of its host to a server at import and runs what comes back as code with a new name"
WORDS = TEXT.split()
SCOPED, WHOLE, HASHED, ALIASED, FAULTY = 0.15, 0.62, 0.3, 0.5, 0.08
"""Which share of the records is like that."""


def hexes(rng: random.Random, digits: int) -> str:
    """Return so many hexadecimal *digits*."""
    return f"{rng.getrandbits(digits * 4):0{digits}x}"


def stamp(when: datetime) -> str:
    """Return *when* as the exports write it."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def malicious(rng: random.Random, number: int, ecosystem: str, modified: datetime) -> dict[str, object]:
    """Return a record in the shape of the malicious packages database."""
    name = f"{rng.choice(WORDS)}-{hexes(rng, 6)}-{number}"
    name = f"@{hexes(rng, 5)}/{name}" if ecosystem == "npm" and rng.random() < SCOPED else name
    source = hexes(rng, 64)
    affected: dict[str, object] = {"package": {"ecosystem": ecosystem, "name": name}}
    versions = [
        f"{rng.randrange(100)}.{rng.randrange(20)}.{rng.randrange(20)}" for _ in range(rng.choice((1, 1, 2, 6)))
    ]
    specific: dict[str, object] = {
        "cwes": [
            {
                "cweId": "CWE-506",
                "description": "The product contains code that appears to be malicious in nature.",
                "name": "Embedded Malicious Code",
            }
        ]
    }
    if rng.random() < WHOLE:
        affected["ranges"] = [{"type": "SEMVER", "events": [{"introduced": "0"}]}]
    else:
        affected["versions"] = versions
        if rng.random() < HASHED:
            specific["indicators"] = {
                "package_integrity": [{"version": one, "hashes": {"sha256": hexes(rng, 64)}} for one in versions]
            }
    affected["database_specific"] = specific
    text = " ".join(rng.choices(WORDS, k=rng.randrange(8, 60))) + f" {hexes(rng, 16)}"
    return {
        "modified": stamp(modified),
        "published": stamp(modified - timedelta(days=rng.randrange(3))),
        "schema_version": "1.7.4",
        "id": f"MAL-{modified.year}-{number}",
        "aliases": [f"GHSA-{hexes(rng, 4)}-{hexes(rng, 4)}-{hexes(rng, 4)}"] if rng.random() < ALIASED else [],
        "summary": f"Malicious code in {name} ({ecosystem})",
        "details": text + ADVICE.format(source),
        "affected": [affected],
        "references": [{"type": "ADVISORY", "url": f"https://advisories.example/GHSA-{hexes(rng, 12)}"}],
        "credits": [{"name": "somebody", "type": "FINDER", "contact": ["https://finder.example"]}],
        "database_specific": {
            "malicious-packages-origins": [
                {
                    "id": f"GHSA-{hexes(rng, 12)}",
                    "import_time": stamp(modified),
                    "modified_time": stamp(modified),
                    "sha256": source,
                    "source": "ghsa-malware",
                    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
                }
            ]
        },
    }


def faulty(rng: random.Random, number: int, ecosystem: str, modified: datetime) -> dict[str, object]:
    """Return a record in the shape of PYSEC and GHSA."""
    last = rng.randrange(2, 40)
    versions = [f"{major}.{minor}" for major in range(rng.randrange(1, 6)) for minor in range(last)]
    events = [{"introduced": "0"}, {"fixed": f"{rng.randrange(1, 9)}.{last}"}]
    return {
        "id": f"GHSA-{hexes(rng, 4)}-{number}",
        "modified": stamp(modified),
        "published": stamp(modified),
        "aliases": [f"CVE-{modified.year}-{number}"],
        "summary": "A fault that lets " + " ".join(rng.choices(WORDS, k=8)),
        "details": " ".join(rng.choices(WORDS, k=rng.randrange(40, 300))),
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": f"{rng.choice(WORDS)}-{number % 4000}"},
                "ranges": [{"type": "ECOSYSTEM" if ecosystem == "PyPI" else "SEMVER", "events": events}],
                **({"versions": versions} if ecosystem == "PyPI" else {}),
            }
        ],
        "references": [
            {"type": "WEB", "url": f"https://code.example/{hexes(rng, 8)}/commit/{hexes(rng, 40)}"} for _ in range(4)
        ],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "database_specific": {"severity": "CRITICAL", "cwe_ids": ["CWE-79"]},
    }


def records(number: int, ecosystem: str = "npm", seed: int = 7) -> Iterator[dict[str, object]]:
    """Yield so many records, the oldest first, the same ones for one *seed*."""
    rng = random.Random(seed)
    step = (NOW - START) / (number + 1)
    for index in range(number):
        make_one = faulty if rng.random() < FAULTY else malicious
        yield make_one(rng, index, ecosystem, START + step * index)


def write_export(folder: Path, number: int, ecosystem: str = "npm") -> None:
    """Write `all.zip` and `modified_id.csv` of so many records below *folder*."""
    write_records(folder, records(number, ecosystem), ecosystem)


def write_records(folder: Path, some: Iterable[dict[str, object]], ecosystem: str) -> None:
    """Write `all.zip` and `modified_id.csv` of *some* records, the oldest first, below *folder*."""
    place = folder / ecosystem
    place.mkdir(parents=True, exist_ok=True)
    rows = []
    with zipfile.ZipFile(place / "all.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for record in some:
            archive.writestr(f"{record['id']}.json", json.dumps(record))
            rows.append(f"{record['modified']},{record['id']}")
    (place / "modified_id.csv").write_text("\n".join(reversed(rows)) + "\n")


def write_changes(folder: Path, number: int, ecosystem: str = "npm") -> None:
    """Let so many records of *folder* be modified: newer in the list, each with a file of its own."""
    place = folder / ecosystem
    if any(place.glob("MAL-*.json")):
        return
    rng = random.Random(11)
    rows = []
    for index in range(number):
        when = NOW + timedelta(seconds=index)
        record = malicious(rng, 10_000_000 + index, ecosystem, when)
        (place / f"{record['id']}.json").write_text(json.dumps(record))
        rows.append(f"{record['modified']},{record['id']}")
    old = (place / "modified_id.csv").read_text()
    (place / "modified_id.csv").write_text("\n".join(reversed(rows)) + "\n" + old)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve *folder* on loopback, from a process of its own, and yield its URL."""
    code = (
        "import sys, http.server as h, functools\n"
        "class Q(h.SimpleHTTPRequestHandler):\n"
        "    protocol_version = 'HTTP/1.1'\n"
        "    wbufsize = -1\n"  # headers and body in one piece, as real servers send them: else each waits 40 ms
        "    def log_message(self, *a): pass\n"
        "class S(h.ThreadingHTTPServer):\n"
        "    def handle_error(self, *a): pass\n"
        "s = S(('127.0.0.1', 0), functools.partial(Q, directory=sys.argv[1]))\n"
        "print(s.server_address[1], flush=True)\ns.serve_forever()\n"
    )
    server = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds *work* takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Peak(threading.Thread):
    """Watches how many MB this process and those that it starts have at most: the sum of each one's own peak."""

    def __init__(self) -> None:
        """Watch from `start` on."""
        super().__init__(daemon=True)
        self._most: dict[int, float] = {}

    def run(self) -> None:
        """Look ten times a second, until the process ends."""
        while True:
            self._look()
            time.sleep(0.1)

    def total(self) -> float:
        """Return what it was up to now."""
        self._look()
        return sum(self._most.values())

    def _look(self) -> None:
        own = os.getpid()
        for process in (own, *_children(own)):
            # One that ended just now has been seen before.
            with suppress(OSError, StopIteration):
                lines = Path(f"/proc/{process}/status").read_text().splitlines()
                # `ru_maxrss` would count the process that started it, too.
                self._most[process] = int(next(one for one in lines if one.startswith("VmHWM")).split()[1]) / 1024


def _children(parent: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        # A thread that ended just now has no children any more.
        with suppress(OSError):
            found += [int(one) for one in (task / "children").read_text().split()]
    return found


def asked(number: int, total: int, share: float) -> list[Release]:
    """Return so many releases to look up, *share* of them malicious ones of the export of *total* records."""
    rng = random.Random(3)
    chance = number * share / total
    known = (one for one in records(total) if rng.random() < chance and str(one["id"]).startswith("MAL"))
    bad = [str(one["affected"][0]["package"]["name"]) for one in known]  # type: ignore[index]
    names = [*bad, *(f"harmless-{hexes(rng, 6)}" for _ in range(number - len(bad)))][:number]
    public = Registry(url="https://registry.example", visibility=Visibility.PUBLIC)
    return [
        Release(
            purl=make(EcosystemName.NPM, name, "1.0.0"),
            name=name,
            version="1.0.0",
            artifact=Artifact(
                kind=ArtifactKind.TARBALL,
                filename="x.tgz",
                url="https://registry.example/x.tgz",
                digests=(Digest(algorithm="sha512", value=hexes(rng, 128)),),
            ),
            registry=public,
        )
        for name in names
    ]


def lookups(folder: Path, total: int) -> None:
    """Print how long it takes to look up 2,000 releases, in this process."""
    for share in (0.0, 0.01, 1.0):
        some = asked(2000, total, share)
        source = IndexSource(folder, limit=timedelta(days=10_000))

        def work(source: IndexSource = source, some: list[Release] = some) -> object:
            return source.ask(some, now=NOW, deadline=timedelta(seconds=30))

        cold = timed(work)
        warm = statistics.median(timed(work) for _ in range(9))
        print(f"2,000 purls, {share:.0%} of them hit: first {cold * 1000:.1f} ms, warm {warm * 1000:.1f} ms")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--step", choices=("all", "import", "changes", "lookup"), default="all")
    parser.add_argument("--url", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        index = folder / "index"
        if given.step == "all":
            if not (folder / "npm" / "all.zip").exists():
                print(f"written in {timed(lambda: write_export(folder, given.records)):.0f} s")
            print(f"all.zip: {(folder / 'npm' / 'all.zip').stat().st_size / 1e6:.0f} MB")
            with served(folder) as url:
                # Each step in a process of its own, so that its memory is its own.
                for step in ("import", "changes", "lookup"):
                    if step == "changes":
                        write_changes(folder, 500)
                    words = [sys.executable, __file__, "--step", step, "--url", url, "--folder", str(folder)]
                    subprocess.run([*words, "--records", str(given.records)], check=True)
        elif given.step == "lookup":
            lookups(index, given.records)
        else:
            export = Export(http=RequestsHttp(), base_url=given.url, reporter=Quiet())
            full = given.step == "import"
            peak = Peak()
            peak.start()
            seconds = timed(lambda: update(export, index, EcosystemName.NPM, now=NOW, full=full))
            size = sum(path.stat().st_size for path in index.iterdir()) / 1e6
            busy = sum(os.times()[:4])
            most = peak.total()
            print(f"{given.step}: {seconds:.1f} s, {busy:.1f} s busy, {most:.0f} MB at most, index {size:.0f} MB")


if __name__ == "__main__":
    main()
