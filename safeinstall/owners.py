"""Who owned a project when this machine looked: a registry tells only today's owners, so we remember earlier ones."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from safeinstall.model import Purl

_WAIT_SECONDS = 5.0
_AT_ONCE = 400
_SCHEMA = """
create table if not exists owners_1 (
    registry text not null, project text not null, owner text not null, seen real not null,
    primary key (registry, project, owner)
) without rowid
"""


class Owners:
    """
    Owners by project and registry, each with the first time they were seen, in one SQLite file.

    Processes may share it. A file that cannot be read or written costs knowledge and nothing else: nobody was seen.
    """

    def __init__(self, path: Path) -> None:
        """Use the file *path*, made when something is first kept."""
        self._path = path

    def seen(self, registry: str, projects: Sequence[Purl]) -> Mapping[Purl, tuple[tuple[str, datetime], ...]]:
        """Return whom this machine saw as owners of *projects* at *registry*, the earliest first."""
        found: dict[Purl, list[tuple[str, datetime]]] = {}
        with contextlib.suppress(sqlite3.Error, OSError, OverflowError, ValueError), self._opened() as base:
            for start in range(0, len(projects), _AT_ONCE):
                some = projects[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                where = f"registry = ? and project in ({marks}) order by seen"
                asked = f"select project, owner, seen from owners_1 where {where}"  # noqa: S608 - question marks alone
                for project, owner, at in base.execute(asked, (registry, *some)):
                    found.setdefault(Purl(project), []).append((owner, datetime.fromtimestamp(at, timezone.utc)))
        return {project: tuple(some) for project, some in found.items()}

    def keep(self, registry: str, owners: Mapping[Purl, Sequence[str]], *, now: datetime) -> None:
        """Keep *owners*, seen *now*, unless they were seen before."""
        rows = [(registry, project, owner, now.timestamp()) for project, some in owners.items() for owner in some]
        if not rows:
            return
        with contextlib.suppress(sqlite3.Error, OSError), self._opened() as base, base:
            base.executemany("insert or ignore into owners_1 values (?, ?, ?, ?)", rows)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        base = sqlite3.connect(self._path, timeout=_WAIT_SECONDS)
        try:
            base.execute(_SCHEMA)
            yield base
        finally:
            base.close()
