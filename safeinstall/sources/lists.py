"""Open lists of malware in the common JSON form: a name, a version or `*`, and a reason; fetched when they changed."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from safeinstall import purl as purls
from safeinstall.contracts import Answer, Bulk
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.fields import field, items, optional
from safeinstall.model import Advisory, AdvisoryKind, EcosystemName, Purl, Release, Severity, SourceState, Visibility
from safeinstall.sources.asking import Deadline, patiently
from safeinstall.sources.cache import Cache, Kept
from safeinstall.sources.osv_record import normal
from safeinstall.text import redacted
from safeinstall.versions import equal

_EVERY_VERSION = "*"
_LARGEST = 200_000_000
_FRESH = timedelta(hours=1)
_KEY = "list"
_KINDS = {
    "MALWARE": (AdvisoryKind.MALWARE, Severity.CRITICAL),
    "PROTESTWARE": (AdvisoryKind.PROTESTWARE, Severity.HIGH),
    "TELEMETRY": (AdvisoryKind.TELEMETRY, Severity.LOW),
}
"""By the reason of an entry; one that we do not know is as bad as can be."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """One list as it was last told."""

    by_name: Mapping[str, Sequence[tuple[str, str]]]
    """Name in normal form to its versions, each with its reason."""
    at: datetime


class ListSource:
    """`Source` on one list of one ecosystem; it is fetched as a whole, so it learns nothing of what is asked."""

    ident: ClassVar[str] = "lists"
    supplement: ClassVar[bool] = True
    live: ClassVar[bool] = True
    public: ClassVar[bool] = False

    def __init__(
        self,
        http: Bulk,
        url: str,
        ecosystem: EcosystemName,
        cache: Cache,
        *,
        keep: timedelta = timedelta(hours=24),
        offline: bool = False,
    ) -> None:
        """Fetch *url*, at most once an hour; what is kept stands in for an outage up to *keep*, or *offline*."""
        self._http = http
        self._url = url
        self._ecosystem = ecosystem
        self._cache = cache
        self._keep = timedelta.max if offline else max(keep, _FRESH)
        self._offline = offline

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """See `Source.ask`."""
        # A list of npm has nothing to say about PyPI, and that is no silence.
        told: dict[Purl, tuple[Advisory, ...]] = {one.purl: () for one in releases}
        silent: dict[Purl, str] = {}
        mine = [one for one in releases if purls.parts(one.purl)[0] is self._ecosystem]
        if not mine:
            return Answer(advisories=told, state=SourceState(source=self.ident), silent={})
        listed = self._listed(now, Deadline(deadline))
        for release in mine:
            if release.registry is None:
                told.pop(release.purl, None)
                silent[release.purl] = "no registry vouches for it, so its name says nothing about it"
            elif release.purl not in silent:
                told[release.purl] = (*told[release.purl], *self._hits(release, listed))
        state = SourceState(
            source=self.ident,
            asked=len(mine),
            answered=len(mine) - len(silent),
            as_of=listed.at,
            detail=f"{len(listed.by_name):,} names of a list",
        )
        return Answer(advisories=told, state=state, silent=silent)

    def _hits(self, release: Release, listed: _Listed) -> tuple[Advisory, ...]:
        _, name, version = purls.parts(release.purl)
        # What nobody declared may be the world's names served by a stranger: that is no mere collision.
        origin = release.registry
        public = origin is not None and (origin.guessed or origin.visibility is Visibility.PUBLIC)
        found = []
        for bad, reason in listed.by_name.get(normal(self._ecosystem, name), ()):
            if bad != _EVERY_VERSION and not equal(self._ecosystem, bad, version or release.version):
                continue
            kind, severity = _KINDS.get(reason, _KINDS["MALWARE"])
            if not public and kind is not AdvisoryKind.MALWARE:
                continue
            found.append(
                Advisory(
                    ident=f"list:{self._ecosystem.value}/{name}@{bad}",
                    kind=kind if public else AdvisoryKind.COLLISION,
                    severity=severity,
                    summary=f"listed as {reason.lower()}",
                    url=redacted(self._url),
                    source=self.ident,
                )
            )
        return tuple(found)

    def _listed(self, now: datetime, until: Deadline) -> _Listed:
        space = f"lists {self._ecosystem.value} {self._url}"
        kept = self._cache.get(space, [_KEY]).get(_KEY)
        old = self._kept(kept)
        if kept is not None and old is not None and (kept.age(now) <= _FRESH or self._offline):
            return old
        if self._offline:
            raise SourceUnavailable("offline, and nothing is kept of the list")
        etag = ""
        with suppress(MalformedAnswer):
            etag = (optional(kept.body, "etag", str) or "") if kept is not None and old is not None else ""
        try:
            body = patiently(lambda: self._fetched(etag, until), until)
        except (SourceUnavailable, MalformedAnswer):
            if kept is not None and old is not None and kept.age(now) <= self._keep:
                return old
            raise
        if body is None:
            assert old is not None
            assert kept is not None
            self._cache.put(space, {_KEY: kept.body}, at=now)
            return _Listed(old.by_name, now)
        self._cache.put(space, {_KEY: body}, at=now)
        return _Listed(self._by_name(body), now)

    def _fetched(self, etag: str, until: Deadline) -> Mapping[str, object] | None:
        """Return the list as it is kept; None: it is still what *etag* names."""
        left = until.left()
        if not left:
            raise SourceUnavailable(until.late())
        with self._http.stream(self._url, timeout=left, max_bytes=_LARGEST, etag=etag) as stream:
            if not stream.changed:
                return None
            text = b"".join(stream.chunks)
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise MalformedAnswer(f"{redacted(self._url)} is no JSON") from error
        entries = []
        for entry in items(document, "", dict):
            name = optional(entry, "package_name", str) or field(entry, "name", str)
            entries.append([name, field(entry, "version", str), field(entry, "reason", str)])
        if not entries:
            raise MalformedAnswer(f"{redacted(self._url)} lists nothing")
        return {"etag": stream.etag, "entries": entries}

    def _kept(self, kept: Kept | None) -> _Listed | None:
        if kept is None:
            return None
        try:
            return _Listed(self._by_name(kept.body), kept.at)
        except MalformedAnswer:  # kept by another version of ours
            return None

    def _by_name(self, body: object) -> Mapping[str, Sequence[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for name, version, reason in items(body, "entries", list):
            found.setdefault(normal(self._ecosystem, str(name)), []).append((str(version), str(reason).strip().upper()))
        return found
