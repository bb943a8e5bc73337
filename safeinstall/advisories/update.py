"""Fills the index from a bulk export (`all.zip`) and keeps it current from the list of changes (`modified_id.csv`)."""

import codecs
import gc
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from safeinstall.advisories import building, reading
from safeinstall.advisories.packing import Row, moment
from safeinstall.advisories.store import Standing, standing
from safeinstall.contracts import Bulk, Reporter
from safeinstall.errors import MalformedAnswer, NotThere, SourceUnavailable
from safeinstall.fields import field
from safeinstall.model import EcosystemName
from safeinstall.sources.asking import Deadline, ask_each, patiently
from safeinstall.text import printable, redacted

FOLDERS: Mapping[EcosystemName, str] = {EcosystemName.PYPI: "PyPI", EcosystemName.NPM: "npm"}
"""How the exports spell the ecosystems."""

_LARGEST_EXPORT = 4_000_000_000
_LARGEST_LIST = 500_000_000
_LARGEST_RECORD = 20_000_000
_LONGEST_LINE = 1_000
_PATIENCE = timedelta(minutes=30)
_THREADS = 16
_OVERLAP = timedelta(days=1)
"""So far below the newest record the list is read: exports are not written in the order of their dates."""
_MOST_CHANGES = 20_000
_REBUILT_AFTER = timedelta(days=30)
"""Records that an export dropped without a word stay in the index until it is imported as a whole."""
_SHRUNK = 0.5
_TOLD_EVERY = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Updated:
    """What one update did."""

    ecosystem: EcosystemName
    standing: Standing
    whole: bool
    """It was imported as a whole."""
    changes: int
    """Records that were added or replaced; all of them when *whole*."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """Where the exports are, and who hears of the progress."""

    http: Bulk
    base_url: str
    reporter: Reporter
    patience: timedelta = _PATIENCE

    def url(self, ecosystem: EcosystemName, name: str) -> str:
        """Return the URL of *name* of *ecosystem*."""
        return f"{self.base_url.rstrip('/')}/{FOLDERS[ecosystem]}/{name}"


class _NeedsWhole(Exception):
    """The list of changes cannot bring the index up to date."""


def update(export: Export, folder: Path, ecosystem: EcosystemName, *, now: datetime, full: bool = False) -> Updated:
    """
    Bring the index of *ecosystem* in *folder* up to date; the old one counts until the new one is whole.

    Raises `SourceUnavailable`, `MalformedAnswer` or `SafeinstallError`; whatever happens, the index that counts is one
    that was finished. *full*: import all of it, whatever there is.
    """
    with building.alone(folder):
        held = _held(folder, ecosystem)
        building.sweep(folder, ecosystem, held.file if held is not None else None)
        if held is not None and not full and now - held.built < _REBUILT_AFTER:
            try:
                return _changes(export, folder, ecosystem, held, now)
            except (_NeedsWhole, MalformedAnswer):
                # A damaged index, or a list that does not tell all: only the whole export mends that.
                export.reporter.step(f"{ecosystem.value}: importing everything anew")
        return _import(export, folder, ecosystem, None if full else held, now)


def _held(folder: Path, ecosystem: EcosystemName) -> Standing | None:
    try:
        held = standing(folder, ecosystem)
    except MalformedAnswer:
        return None
    return held if held is not None and (folder / held.file).is_file() else None


def _import(export: Export, folder: Path, ecosystem: EcosystemName, held: Standing | None, now: datetime) -> Updated:
    url = export.url(ecosystem, "all.zip")
    export.reporter.step(f"{ecosystem.value}: downloading {redacted(url)}")
    with tempfile.NamedTemporaryFile(dir=folder, prefix="download-", suffix=".part") as stream:
        with export.http.stream(url, timeout=export.patience, max_bytes=_LARGEST_EXPORT) as body:
            for chunk in body.chunks:
                stream.write(chunk)
        stream.flush()
        with building.new(folder, ecosystem) as builder, _no_collector():
            rows = reading.rows(Path(stream.name), ecosystem)
            number = builder.fill(_told(rows, ecosystem, export.reporter))
            if not number:
                raise MalformedAnswer(f"{redacted(url)} holds no records")
            if held is not None and number < held.records * _SHRUNK:
                raise MalformedAnswer(
                    f"{redacted(url)} holds {number:,} records, and there were {held.records:,} of them",
                    hint="if that is right, run `safeinstall update --full`",
                )
            made = builder.finish(checked=now, built=now, origin=redacted(export.base_url))
    return Updated(ecosystem=ecosystem, standing=made, whole=True, changes=number)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Keep Python from looking for circles among records, which are trees: that is a fifth of the import."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _told(rows: Iterator[Row], ecosystem: EcosystemName, reporter: Reporter) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        yield row
        if number % _TOLD_EVERY == 0:
            reporter.step(f"{ecosystem.value}: importing, {number:,} records")


def _changes(export: Export, folder: Path, ecosystem: EcosystemName, held: Standing, now: datetime) -> Updated:
    until = Deadline(export.patience)
    export.reporter.step(f"{ecosystem.value}: reading the list of changes")
    with building.copy(folder, ecosystem, held) as builder:
        # (1) What the list says was modified, and the index does not know like that.
        listed = _listed(export, ecosystem, held)
        known = builder.modified(listed)
        changed = {ident: when for ident, when in listed.items() if known.get(ident) != when}
        if len(changed) > _MOST_CHANGES:
            raise _NeedsWhole
        if not changed:
            return Updated(
                ecosystem=ecosystem,
                standing=building.touched(folder, ecosystem, held, now),
                whole=False,
                changes=0,
            )
        # (2) These records, all of them: one that is left out would be a hole.
        export.reporter.step(f"{ecosystem.value}: fetching {len(changed):,} changed records")
        got = ask_each(
            lambda ident: _fetched(export, ecosystem, ident, until), list(changed), threads=_THREADS, until=until
        )
        if any(row is None for row in got.answers.values()):
            raise _NeedsWhole
        if got.failures:
            first = next(iter(got.failures.values()))
            raise SourceUnavailable(f"{len(got.failures):,} of {len(changed):,} changed records are missing: {first}")
        # (3) In their places, and the new index counts.
        builder.put(replace(row, modified=changed[ident]) for ident, row in got.answers.items() if row is not None)
        made = builder.finish(checked=now, built=held.built, origin=redacted(export.base_url))
    return Updated(ecosystem=ecosystem, standing=made, whole=False, changes=len(changed))


def _fetched(export: Export, ecosystem: EcosystemName, ident: str, until: Deadline) -> Row | None:
    """Return the row of the record; None: the export lists it and does not have it."""
    url = export.url(ecosystem, f"{quote(ident, safe='')}.json")
    try:
        document = patiently(lambda: export.http.get_json(url, timeout=until.left(), max_bytes=_LARGEST_RECORD), until)
    except NotThere:
        return None
    if field(document, "id", str) != ident:
        raise MalformedAnswer(f"{redacted(url)} holds another record")
    return reading.row(document, ident, ecosystem)


def _listed(export: Export, ecosystem: EcosystemName, held: Standing) -> Mapping[str, str]:
    """Return the ids of the list with their dates, newest first, down to what was seen at the last update."""
    url = export.url(ecosystem, "modified_id.csv")
    seen = _minus(held.newest, _OVERLAP)
    found: dict[str, str] = {}
    last = ""
    with export.http.stream(url, timeout=export.patience, max_bytes=_LARGEST_LIST) as body:
        for line in _lines(body.chunks):
            text, comma, path = line.partition(",")
            when, ident = moment(text), path.strip().rpartition("/")[2]
            if not (comma and when and ident):
                raise MalformedAnswer(f"{redacted(url)} is no list of changes: `{printable(line, limit=60)}`")
            if last and when > last:
                raise MalformedAnswer(f"{redacted(url)} is not ordered from the newest to the oldest")
            last = when
            if when < seen:
                break
            found.setdefault(ident, when)
    if not last:
        raise MalformedAnswer(f"{redacted(url)} is empty")
    if max(found.values(), default="") < held.newest:
        raise MalformedAnswer(f"{redacted(url)} is older than the index")
    return found


def _minus(text: str, span: timedelta) -> str:
    try:
        return moment((datetime.fromisoformat(text.removesuffix("Z")) - span).isoformat() + "Z")
    except (ValueError, OverflowError):
        return ""


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    rest = ""
    for chunk in chunks:
        try:
            *whole, rest = (rest + decoder.decode(chunk)).split("\n")
        except UnicodeDecodeError as error:
            raise MalformedAnswer("the list of changes is not UTF-8") from error
        if len(rest) > _LONGEST_LINE:
            raise MalformedAnswer("the list of changes has a line without end")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest
