"""The local advisory index: it answers alone while it is fresh; what it cannot answer, the API is asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from safeinstall import purl as purls
from safeinstall.advisories.frozen import Frozen
from safeinstall.advisories.packing import key_of
from safeinstall.advisories.store import Index, Standing, opened
from safeinstall.contracts import Answer, Source
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.model import Advisory, AdvisoryKind, EcosystemName, Purl, Release, SourceState, Visibility
from safeinstall.sources.asking import askable
from safeinstall.sources.osv_record import Record, normal
from safeinstall.text import printable

MEND = "run `safeinstall update`"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """What the index of one ecosystem told."""

    told: Mapping[Purl, tuple[Advisory, ...]]
    silent: Mapping[Purl, str]
    standing: Standing
    frozen: datetime | None = None
    """The date of the newest record, where that is too old for what was checked so lately."""


class IndexSource:
    """
    `Source` on the index in *folder*, with the order of use: index first, and *otherwise* only what it cannot answer.

    It asks nobody, so it may be asked about private names as well: a public record does not accuse what comes from a
    private registry, but that the name is one of malware is told.
    """

    ident: ClassVar[str] = "index"
    supplement: ClassVar[bool] = False
    live: ClassVar[bool] = False
    public: ClassVar[bool] = False

    def __init__(
        self,
        folder: Path,
        *,
        limit: timedelta,
        frozen: Frozen | None = None,
        offline: bool = False,
        otherwise: Source | None = None,
    ) -> None:
        """
        Read from *folder*; older than *limit*, or *frozen*, it is silent, unless *offline*.

        *otherwise* is asked instead.
        """
        self._frozen = frozen
        self._folder = folder
        self._limit = limit
        self._offline = offline
        self._otherwise = otherwise

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """See `Source.ask`."""
        parts: list[_Part] = []
        left: dict[str, list[Release]] = {}
        by_ecosystem: dict[EcosystemName, list[Release]] = {}
        for release in releases:
            by_ecosystem.setdefault(EcosystemName(release.purl[4:].partition("/")[0]), []).append(release)
        for ecosystem, some in by_ecosystem.items():
            try:
                parts.append(self._look(ecosystem, some, now))
            except (SourceUnavailable, MalformedAnswer) as error:
                left.setdefault(error.message, []).extend(some)
        answer = _joined(parts, releases)
        for why, some in left.items():
            answer = _both(answer, self._instead(some, why, now, deadline))
        return answer

    def _look(self, ecosystem: EcosystemName, releases: Sequence[Release], now: datetime) -> _Part:
        with opened(self._folder, ecosystem) as index:
            age = index.standing.age(now)
            if age > self._limit and not self._offline:
                old = (
                    "from the future"
                    if age == timedelta.max
                    else f"{_words(age)} old, and may be {_words(self._limit)}"
                )
                raise SourceUnavailable(f"the index of {ecosystem.value} is {old}: {MEND}")
            frozen = self._frozen.at(index.standing.newest, index.standing.checked) if self._frozen else None
            if frozen is not None and self._frozen is not None and self._frozen.silent and not self._offline:
                raise SourceUnavailable(
                    f"the index of {ecosystem.value} was checked {_words(age)} ago, but its newest record is of"
                    f" {frozen:%Y-%m-%d}: the export that it comes from may be frozen (`index.url`)"
                )
            return replace(_look(index, ecosystem, releases), frozen=frozen)

    def _instead(self, releases: Sequence[Release], why: str, now: datetime, deadline: timedelta) -> Answer:
        """Ask the other source about *releases*, which the index cannot answer because of *why*."""
        if self._otherwise is None or self._offline:
            silent = dict.fromkeys((one.purl for one in releases), why)
            state = SourceState(source=self.ident, asked=len(releases), detail=why)
            return Answer(advisories={}, state=state, silent=silent)
        try:
            answer = self._otherwise.ask(releases, now=now, deadline=deadline)
        except (SourceUnavailable, MalformedAnswer) as error:
            message = f"{why}; {self._otherwise.ident}: {error.message}"
            silent = dict.fromkeys((one.purl for one in releases), message)
            return Answer(
                advisories={}, state=SourceState(source=self.ident, asked=len(releases), detail=why), silent=silent
            )
        detail = ", ".join(text for text in (answer.state.detail, why) if text)
        silent = {purl: f"{why}; {self._otherwise.ident}: {reason}" for purl, reason in answer.silent.items()}
        return replace(answer, state=replace(answer.state, detail=detail), silent=silent)


def _look(index: Index, ecosystem: EcosystemName, releases: Sequence[Release]) -> _Part:
    # (1) All that the index holds about these names and these artifacts, in two questions.
    names = {one.purl: _split(one.purl, ecosystem) for one in releases}
    by_name = index.about(list({name for name, _ in names.values()}))
    keys = {digest: key_of(digest) for one in releases for digest in one.artifact.digests}
    by_hash = index.with_digests(list(set(keys.values())))
    # (2) What of it hits.
    who = askable(releases)
    told: dict[Purl, tuple[Advisory, ...]] = {}
    silent: dict[Purl, str] = {}
    for release in releases:
        same = [record for digest in release.artifact.digests for record in by_hash.get(keys[digest], ())]
        found = [_same_bytes(record) for record in same if isinstance(record, Record)]
        name, version = names[release.purl]
        # Nothing leaves the machine here: what nobody declared is looked up like what is public.
        why = who.unvouched.get(release.purl, "") if release.registry is None else ""
        if release.registry is not None and name in by_name:
            more, unclear = _named(by_name[name], release, name, version, ecosystem)
            found += more
            why = why or unclear
        if found or not why:
            told[release.purl] = (*told.get(release.purl, ()), *found)
        # A hit is told and counts; what is unclear besides it is a gap all the same, unless malware blocks anyway.
        if why and not any(one.kind is AdvisoryKind.MALWARE for one in found):
            told.pop(release.purl, None)
            silent[release.purl] = why
    return _Part(told=told, silent=silent, standing=index.standing)


def _named(
    records: Iterable[Record | str], release: Release, name: str, version: str, ecosystem: EcosystemName
) -> tuple[list[Advisory], str]:
    found: list[Advisory] = []
    unclear = ""
    # What nobody declared may be the world's names served by a stranger: a record of that name is no mere collision.
    origin = release.registry
    public = origin is not None and (origin.guessed or origin.visibility is Visibility.PUBLIC)
    for record in records:
        if isinstance(record, str):
            unclear = f"a record about it could not be read ({printable(record, limit=120)})" if public else unclear
            continue
        if not public and record.kind is not AdvisoryKind.MALWARE:
            continue
        try:
            hit = record.hits(ecosystem, name, version or release.version)
        except MalformedAnswer as error:
            unclear = error.message if public else unclear
            continue
        if hit:
            told = record.advisory(ecosystem, name, source=IndexSource.ident)
            found.append(told if public else replace(told, kind=AdvisoryKind.COLLISION))
    return found, unclear


def _same_bytes(record: Record) -> Advisory:
    about = record.affected[0]
    return replace(record.advisory(about.ecosystem, about.name, source=IndexSource.ident), by_hash=True)


def _split(purl: Purl, ecosystem: EcosystemName) -> tuple[str, str]:
    """Return name (in normal form) and version of *purl*, by the quick way where nothing is quoted."""
    if "%" in purl or "?" in purl or "#" in purl:
        _, name, version = purls.parts(purl)
        return normal(ecosystem, name), version or ""
    name, _, version = purl[5 + len(ecosystem.value) :].partition("@")
    return name, version


def _joined(parts: Sequence[_Part], releases: Sequence[Release]) -> Answer:
    told: dict[Purl, tuple[Advisory, ...]] = {}
    silent: dict[Purl, str] = {}
    for part in parts:
        told.update(part.told)
        silent.update(part.silent)
    records = sum(part.standing.records for part in parts)
    state = SourceState(
        source=IndexSource.ident,
        asked=len(releases),
        answered=len(told),
        # The older of both dates: a frozen export is checked now and tells of the past.
        as_of=min((part.frozen or part.standing.checked for part in parts), default=None),
        detail=f"{records:,} records on this machine" + (", frozen" if any(part.frozen for part in parts) else "")
        if parts
        else "",
    )
    return Answer(advisories=told, state=state, silent=silent)


def _both(one: Answer, other: Answer) -> Answer:
    """Return both answers as one; the state is that of whoever answered."""
    states = [answer.state for answer in (one, other) if answer.state.answered] or [other.state]
    state = states[0]
    if len(states) > 1:
        dates = [each.as_of for each in states if each.as_of is not None]
        state = replace(state, answered=sum(each.answered for each in states), as_of=min(dates, default=None))
    return Answer(
        advisories={**one.advisories, **other.advisories},
        state=replace(state, asked=max(one.state.asked, other.state.asked)),
        silent={**one.silent, **other.silent},
    )


def _words(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    if hours < 1:
        return f"{int(age.total_seconds() // 60)} min"
    return f"{hours:.0f} h" if hours < 72 else f"{age.days} days"  # noqa: PLR2004 - three days read better as days
