"""
The ledger: what each guarded command was, found, decided and did, in lines that are only ever appended.

Whoever reads it later must be able to tell which runs installed a release that is found to be malicious only now, where
to, and through what. So the line of a run holds the whole plan with hashes and edges. An install writes two lines: one
before anything is touched, one when it is over; `read` tells them as one run. Format 2; keys are only added, and the
lines of format 1 are still read. The file itself is `journal.py`.
"""

import hashlib
import json
import os
import platform
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path

from safeinstall import __version__, journal
from safeinstall.commandline import shown
from safeinstall.errors import SafeinstallError
from safeinstall.formats.cooling import let_through_of, withheld_of
from safeinstall.formats.json_v1 import gateway, moment, override_of, ruling_of, source_of
from safeinstall.model import Intent, Plan
from safeinstall.runs import Environment, Installed, Run
from safeinstall.text import printable, redacted

_LONG = 4000
"""Characters of a path: one that is cut names nothing."""


def entry(run: Run, *, exit_code: int, planning: bool) -> dict[str, object]:
    """Return the line of *run*, whole, as plain JSON values."""
    return {
        **_head(run.intent, moment(run.started)),
        "event": "run",
        "mode": "plan" if planning else "install",
        "environment": None if run.environment is None else _environment(run.environment),
        "plan": digest(run.plan),
        "releases": _releases(run.plan),
        "edges": _edges(run.plan),
        "withheld": withheld_of(run.plan),
        "let_through": let_through_of(run.plan),
        "sources": [source_of(one) for one in run.sources],
        "settings": [[setting, origin] for setting, origin in run.settings],
        "offline": run.offline,
        **_result(run, exit_code),
    }


def begun(run: Run) -> dict[str, object]:
    """Return the line that is written before anything of *run* is installed: should the process die, it was there."""
    return {**entry(run, exit_code=0, planning=False), "event": "begun", "exit_code": None}


def ended(first: Mapping[str, object], run: Run, *, exit_code: int) -> dict[str, object]:
    """Return the line that follows *first*, which `begun` made, when installing is over."""
    # Build requirements that were judged while installing are in the verdict now, so it is told again.
    return {"ledger": journal.FORMAT, "event": "ended", "run": first["run"], **_result(run, exit_code)}


def failure(intent: Intent, error: SafeinstallError, *, started: str, planning: bool) -> dict[str, object]:
    """Return the line of a run that could not go on; nothing was installed by it."""
    return {
        **_head(intent, started),
        "event": "run",
        "mode": "plan" if planning else "install",
        "allowed": False,
        "installed": None,
        "failed": printable(error.message),
        "exit_code": error.exit_code,
    }


def append(path: Path, line: Mapping[str, object], *, limit: int = journal.LIMIT) -> None:
    """See `journal.append`."""
    journal.append(path, line, limit=limit)


def read(path: Path) -> Iterator[dict[str, object]]:
    """
    Yield the runs in the ledger at *path*, oldest first, each as one mapping; raises `OSError`.

    A run that began to install and never ended has the event `begun`: what it left behind is unknown.
    """
    runs: dict[object, dict[str, object]] = {}
    for number, line in enumerate(journal.lines(path)):
        if line.get("event") != "ended":
            runs[line["run"] if isinstance(line.get("run"), str) else number] = dict(line)
        elif isinstance(line.get("run"), str) and line["run"] in runs:
            kept = runs[line["run"]]
            kept.update({key: value for key, value in line.items() if key not in _CHAINED}, event="run")
    yield from runs.values()


_CHAINED = frozenset({"ledger", "number", "previous", "doubt"})
"""What a line says of itself, not of its run."""


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
        "ledger": journal.FORMAT,
        "run": os.urandom(16).hex(),
        "safeinstall": __version__,
        "started": started,
        "user": user(),
        "host": printable(platform.node()),
        "cwd": str(intent.cwd),
        "command": [intent.tool, *shown(intent.argv)],
        "ecosystem": intent.ecosystem.value,
    }


def _environment(environment: Environment) -> dict[str, object]:
    return {
        "kind": environment.kind.value,
        "path": printable(environment.path, limit=_LONG),
        "interpreter": None if environment.interpreter is None else printable(environment.interpreter, limit=_LONG),
        "folders": [printable(one, limit=_LONG) for one in environment.folders],
    }


def _releases(plan: Plan) -> list[dict[str, object]]:
    return [
        {
            "purl": release.purl,
            "digests": {one.algorithm: one.value for one in release.artifact.digests},
            "kind": release.artifact.kind.value,
            "url": redacted(release.artifact.url),
            "registry": None
            if release.registry is None
            else {"url": redacted(release.registry.url), "visibility": release.registry.visibility.value},
            "asked": None if release.asked is None else " ".join(shown([release.asked])),
            "kept": release.kept,
        }
        for release in plan.releases
    ]


def _edges(plan: Plan) -> list[list[object]]:
    """Return who required what: parent and child by their place among the releases, null for the user."""
    place = {release.purl: number for number, release in enumerate(plan.releases)}
    return [
        [None if edge.parent is None else place[edge.parent], place[edge.child], " ".join(shown([edge.requirement]))]
        for edge in plan.edges
        if edge.child in place and (edge.parent is None or edge.parent in place)
    ]


def _result(run: Run, exit_code: int) -> dict[str, object]:
    given = [ruling.override for ruling in run.verdict.rulings if ruling.override is not None]
    return {
        "rulings": [ruling_of(one) for one in run.verdict.rulings],
        "overrides": [override_of(one) for one in given],
        "gateway": gateway(run),
        "allowed": run.verdict.allowed,
        "installed": None if run.installed is None else _installed(run.installed),
        "exit_code": exit_code,
        "seconds": round(run.took.total_seconds(), 3),
    }


def _installed(done: Installed) -> dict[str, object]:
    return {
        "exit_code": done.exit_code,
        "differences": [printable(one) for one in done.differences],
        "refused": [printable(one) for one in done.blocked],
    }
