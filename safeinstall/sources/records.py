"""OSV records of the user's own: internal findings, or a mirror of a database, in a folder, a file or at a URL."""

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import ClassVar

from safeinstall.contracts import Answer, Http
from safeinstall.errors import SourceUnavailable
from safeinstall.model import Release, SourceState
from safeinstall.sources.asking import Deadline
from safeinstall.sources.documents import SUFFIXES, records
from safeinstall.sources.osv_record import Record
from safeinstall.sources.shelf import Shelf
from safeinstall.text import printable, redacted

_LARGEST_ANSWER = 500_000_000


class RecordsSource:
    """`Source` on records that are read once; they apply to every release, whatever registry it comes from."""

    ident: ClassVar[str] = "records"
    supplement: ClassVar[bool] = False
    live: ClassVar[bool] = False
    public: ClassVar[bool] = False

    def __init__(self, location: str, http: Http) -> None:
        """Read from *location*: a folder (and all below it), a file, or a URL with `http(s)://`."""
        self._location = location
        self._http = http
        self._lock = threading.Lock()
        self._read: tuple[Shelf, datetime | None] | None = None

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """See `Source.ask`."""
        shelf, as_of = self._shelf(Deadline(deadline), now)
        told = shelf.tell(releases)
        state = SourceState(
            source=self.ident,
            asked=len(releases),
            answered=sum(release.purl in told.advisories for release in releases),
            as_of=as_of,
            detail=f"{len(shelf):,} records of your own",
        )
        return Answer(advisories=told.advisories, state=state, silent=told.silent)

    def _shelf(self, until: Deadline, now: datetime) -> tuple[Shelf, datetime | None]:
        # Just-in-time questions come from several threads; the records are read by the first of them.
        with self._lock:
            if self._read is None:
                remote = self._location.startswith(("https://", "http://"))
                found = self._from_url(until) if remote else self._from_disk(until)
                shelf = Shelf(found, source=self.ident)
                if not len(shelf):
                    raise SourceUnavailable(f"no records in {self._shown()}")
                self._read = shelf, now if remote else _newest(Path(self._location))
            return self._read

    def _from_url(self, until: Deadline) -> Iterator[Record]:
        body = self._http.get_bytes(self._location, timeout=until.left(), max_bytes=_LARGEST_ANSWER)
        return self._in_time(records(redacted(self._location), body), until)

    def _from_disk(self, until: Deadline) -> Iterator[Record]:
        for path in _files(Path(self._location)):
            try:
                body = path.read_bytes()
            except OSError as error:
                raise SourceUnavailable(f"{printable(str(path))} cannot be read ({error.strerror})") from error
            yield from self._in_time(records(str(path), body), until)

    def _in_time(self, found: Iterator[Record], until: Deadline) -> Iterator[Record]:
        for record in found:
            if not until.left():
                raise SourceUnavailable(
                    f"the records in {self._shown()} could not be read within {until.whole.total_seconds():g} s"
                )
            yield record

    def _shown(self) -> str:
        return redacted(self._location) if "://" in self._location else printable(self._location)


def _files(location: Path) -> Sequence[Path]:
    """Return the files with records at *location*; raises `SourceUnavailable` when there is nothing."""
    try:
        if location.is_dir():
            return sorted(path for path in location.rglob("*") if path.name.endswith(SUFFIXES) and path.is_file())
        if location.is_file():
            return (location,)
    except OSError as error:
        raise SourceUnavailable(f"{printable(str(location))} cannot be read ({error.strerror})") from error
    raise SourceUnavailable(f"{printable(str(location))} does not exist")


def _newest(location: Path) -> datetime | None:
    """Return when the records at *location* were last written."""
    try:
        written = max(path.stat().st_mtime for path in _files(location))
    except (OSError, SourceUnavailable):  # gone since: the records in memory are what counts
        return None
    return datetime.fromtimestamp(written, timezone.utc)
