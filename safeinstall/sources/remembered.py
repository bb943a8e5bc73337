"""What a service answered about releases, kept by purl: how long that counts, and what stands in when it fails."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Generic, TypeAlias, TypeVar

from safeinstall.contracts import Answer
from safeinstall.errors import MalformedAnswer
from safeinstall.model import Advisory, Purl, Release, SourceState
from safeinstall.sources.asking import Askable
from safeinstall.sources.cache import Cache, Kept
from safeinstall.text import printable

V = TypeVar("V")

Service: TypeAlias = Callable[[Sequence[Release]], tuple[Mapping[Purl, object], Mapping[Purl, str]]]
"""Asks about releases and returns a JSON value for each that was answered, and the reason for each that was not."""


def _nobody(releases: Sequence[Release]) -> tuple[Mapping[Purl, object], Mapping[Purl, str]]:
    return {}, dict.fromkeys((release.purl for release in releases), "offline, and nothing is kept of it")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How old an answer may be."""

    fresh: timedelta = timedelta(hours=1)
    """
    Up to here it stands for a new one.

    Less than the cooldown, or a release could leave that without being asked about.
    """
    keep: timedelta = timedelta(hours=24)
    """Up to here it stands in for a service that fails."""
    offline: bool = False
    """The user chose to judge by what is here: it counts whatever its age."""

    def outage(self) -> timedelta:
        """Return how old an answer may be that stands in for a service that fails."""
        return timedelta.max if self.offline else max(self.keep, self.fresh)

    def service(self, online: Service) -> Service:
        """Return whom to ask for what is not fresh: *online*, or nobody."""
        return _nobody if self.offline else online


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked(Generic[V]):
    """What a service told about releases, now or earlier; bad news that is too old stands on both sides."""

    answers: Mapping[Purl, V]
    at: Mapping[Purl, datetime] = field(default_factory=dict)
    """When each of *answers* was given."""
    silent: Mapping[Purl, str] = field(default_factory=dict)
    """Why a release is not answered, or not any more."""

    def __or__(self, other: "Asked[V]") -> "Asked[V]":
        """Return both: what two services told, each about other releases."""
        return Asked(
            answers={**self.answers, **other.answers},
            at={**self.at, **other.at},
            silent={**self.silent, **other.silent},
        )


class Remembered(Generic[V]):
    """One service with its answers in the cache."""

    def __init__(
        self,
        cache: Cache,
        space: str,
        limits: Limits,
        *,
        read: Callable[[object], V],
        reports: Callable[[V], Sequence[str]],
    ) -> None:
        """
        Keep its answers in *space* of *cache*.

        *read* makes an answer of the JSON value that is kept and raises `MalformedAnswer` for one that another version
        kept; *reports* returns the ids of what an answer knows against the release.
        """
        self._cache = cache
        self._space = space
        self._limits = limits
        self._read = read
        self._reports = reports

    def ask(self, releases: Sequence[Release], service: Service, now: datetime) -> Asked[V]:
        """Return the answers about *releases*; *service* is asked for those that are not fresh."""
        kept = self._cache.get(self._space, [release.purl for release in releases])
        answers: dict[Purl, V] = {}
        at: dict[Purl, datetime] = {}
        for release in releases:
            answer = self._recalled(kept.get(release.purl), now, self._limits.fresh)
            if answer is not None:
                answers[release.purl], at[release.purl] = answer, kept[release.purl].at
        rest = [release for release in releases if release.purl not in answers]
        told, failures = self._limits.service(service)(rest) if rest else ({}, {})
        self._cache.put(self._space, {str(purl): body for purl, body in told.items()}, at=now)
        answers |= {purl: self._read(body) for purl, body in told.items()}
        at |= dict.fromkeys(told, now)
        # The service failed: what it said not too long ago stands in, and says how old it is.
        silent: dict[Purl, str] = {}
        for purl, why in failures.items():
            entry = kept.get(purl)
            answer = self._recalled(entry, now, self._limits.outage())
            if answer is None:
                silent[purl] = why if entry is None else f"{why}; {self._last(entry, now)}"
                # Bad news does not grow old: nobody said that it is over, though more may have become known since.
                answer = self._recalled(entry, now, timedelta.max)
                if answer is None or not self._reports(answer):
                    continue
            assert entry is not None
            answers[purl], at[purl] = answer, entry.at
        return Asked(answers=answers, at=at, silent=silent)

    def _recalled(self, entry: Kept | None, now: datetime, limit: timedelta) -> V | None:
        """Return the answer of *entry*; None: there is none, it is older than *limit*, another version kept it."""
        if entry is None or entry.age(now) > limit:
            return None
        try:
            return self._read(entry.body)
        except MalformedAnswer:
            return None

    def _last(self, entry: Kept, now: datetime) -> str:
        """Return in words what *entry*, too old to count, told."""
        hours = max(0.0, (now - entry.at).total_seconds()) / 3600
        known: Sequence[str] = ()
        with suppress(MalformedAnswer):
            known = sorted(self._reports(self._read(entry.body)))
        told = f" and reported {printable(', '.join(known), limit=80)}" if known else ""
        return f"its last answer is {hours:.0f} h old{told}"


def answer(
    ident: str,
    who: Askable,
    found: Asked[tuple[Advisory, ...]],
    *,
    besides: Mapping[Purl, tuple[Advisory, ...]] = MappingProxyType({}),
) -> Answer:
    """Return the answer of the source *ident* to *who*; *besides*: what it answers without asking."""
    times = [found.at[release.purl] for release in who.public if release.purl not in found.silent]
    state = SourceState(source=ident, asked=len(who.public), answered=len(times), as_of=min(times, default=None))
    told = {**besides, **dict.fromkeys(who.private, ()), **found.answers}
    return Answer(advisories=told, state=state, silent={**who.unvouched, **found.silent})


def idents(advisories: Sequence[Advisory]) -> Sequence[str]:
    """Return the ids of *advisories*."""
    return [one.ident for one in advisories]
