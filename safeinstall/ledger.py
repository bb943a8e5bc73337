"""
The ledger: one JSON line for each guarded command, only ever appended.

Whoever reads it later must be able to tell which runs installed a release that is found to be malicious only now. So
each line holds the whole plan with hashes. Format `ledger` 1; keys are only added.
"""

import fcntl
import hashlib
import json
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from safeinstall import __version__
from safeinstall.commandline import shown
from safeinstall.errors import SafeinstallError
from safeinstall.formats.cooling import let_through_of, withheld_of
from safeinstall.formats.json_v1 import gateway, moment, override_of, ruling_of, source_of
from safeinstall.model import Intent, Plan
from safeinstall.runs import Run
from safeinstall.text import printable, redacted


def entry(run: Run, *, exit_code: int, planning: bool) -> dict[str, object]:
    """Return the line of *run* as plain JSON values."""
    done = run.installed
    return {
        **_head(run.intent, moment(run.started)),
        "mode": "plan" if planning else "install",
        "plan": digest(run.plan),
        "releases": [
            {
                "purl": release.purl,
                "digests": {one.algorithm: one.value for one in release.artifact.digests},
                "url": redacted(release.artifact.url),
                "kept": release.kept,
            }
            for release in run.plan.releases
        ],
        "sources": [source_of(one) for one in run.sources],
        "rulings": [ruling_of(one) for one in run.verdict.rulings],
        "withheld": withheld_of(run.plan),
        "let_through": let_through_of(run.plan),
        "overrides": [
            override_of(ruling.override) for ruling in run.verdict.rulings if ruling.override is not None
        ],
        "settings": [[setting, origin] for setting, origin in run.settings],
        "offline": run.offline,
        "gateway": gateway(run),
        "allowed": run.verdict.allowed,
        "installed": None
        if done is None
        else {
            "exit_code": done.exit_code,
            "differences": [printable(one) for one in done.differences],
            "refused": [printable(one) for one in done.blocked],
        },
        "exit_code": exit_code,
        "seconds": round(run.took.total_seconds(), 3),
    }  # fmt: skip


def failure(intent: Intent, error: SafeinstallError, *, started: str, planning: bool) -> dict[str, object]:
    """Return the line of a run that could not go on; nothing was installed by it."""
    return {
        **_head(intent, started),
        "mode": "plan" if planning else "install",
        "allowed": False,
        "installed": None,
        "failed": printable(error.message),
        "exit_code": error.exit_code,
    }


def append(path: Path, line: dict[str, object]) -> None:
    """
    Append *line* to the ledger at *path* and wait until the disk has it; raises `OSError`.

    A line that a crashed writer left half written is ended first, so that it spoils no other.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
    # O_NOFOLLOW: a link in the ledger's place would let somebody else choose what we append to.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            data = b"\n" + data
        while data:
            data = data[os.write(handle, data) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> Iterator[dict[str, object]]:
    """Yield the lines of the ledger at *path*, oldest first; what is no whole line is left out; raises `OSError`."""
    with path.open("rb") as file:
        for raw in file:
            try:
                line = json.loads(raw) if raw.endswith(b"\n") else None
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict) and line.get("ledger") == 1:
                yield line


def digest(plan: Plan) -> str:
    """Return the SHA-256 over every release of *plan* with its hashes; the order of releases does not matter."""
    lines = sorted(
        json.dumps([release.purl, redacted(release.artifact.url), *(f"{one.algorithm}:{one.value}" for one in digests)])
        for release in plan.releases
        for digests in [sorted(release.artifact.digests)]
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def user() -> str:
    """Return who runs us; a user id that has no name is its number."""
    # Not by LOGNAME and its like: what the environment says is no signature.
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _head(intent: Intent, started: str) -> dict[str, object]:
    return {
        "ledger": 1,
        "safeinstall": __version__,
        "started": started,
        "user": user(),
        "cwd": str(intent.cwd),
        "command": [intent.tool, *shown(intent.argv)],
        "ecosystem": intent.ecosystem.value,
    }
