"""The OSV API: which records it says hit a release (`querybatch`), and what these records say (`vulns/{id}`)."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import quote

from packaging.version import InvalidVersion, Version

from safeinstall import purl as purls
from safeinstall.contracts import Answer, Http
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.fields import field, items, mapping, optional
from safeinstall.model import Advisory, AdvisoryKind, EcosystemName, Purl, Release, SourceState
from safeinstall.sources.asking import Askable, Deadline, ask_each, askable, patiently
from safeinstall.sources.cache import Cache
from safeinstall.sources.osv_record import Record, parse
from safeinstall.sources.remembered import Limits, Remembered
from safeinstall.text import printable

_NAMES = {EcosystemName.PYPI: "PyPI", EcosystemName.NPM: "npm"}
_QUERIES_A_CALL = 1000
_MOST_PAGES = 200
_THREADS = 16
_LONGEST_ID = 200
_ZEROS = re.compile(r"^(\d+\.\d+\.\d+)(\.0)+$")

Hits = Mapping[str, str]
"""Ids of records that the API says hit, each with its `modified` date as the API writes it (empty: it did not)."""


class OsvSource:
    """`Source` on the OSV API, with a cache that is told apart from a live answer."""

    ident: ClassVar[str] = "osv"
    supplement: ClassVar[bool] = False
    live: ClassVar[bool] = True
    public: ClassVar[bool] = True

    def __init__(
        self,
        http: Http,
        base_url: str,
        cache: Cache,
        limits: Limits = Limits(),  # noqa: B008 - it cannot be changed
    ) -> None:
        """Ask *base_url*, and *cache* within *limits*."""
        self._http = http
        self._base = base_url.rstrip("/")
        self._cache = cache
        self._limits = limits
        self._queried = Remembered(cache, f"osv-query {self._base}", limits, read=_hits, reports=list)

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """See `Source.ask`."""
        until = Deadline(deadline)
        # (1) Only names that are public already leave this machine.
        who = askable(releases)
        # (2) Which records hit which release, from a fresh cache or the API.
        found = self._queried.ask(who.public, lambda rest: self._ask_api(rest, until), now)
        silent = dict(found.silent)
        # (3) What these records say.
        wanted: dict[str, str] = {}
        for hits in found.answers.values():
            for ident, modified in hits.items():
                wanted[ident] = max(modified, wanted.get(ident, ""))
        records, missing = self._records(wanted, now, until)
        # (4) The API's word and the record's own rules, together.
        told: dict[Purl, tuple[Advisory, ...]] = {}
        for purl, hits in found.answers.items():
            lost = [missing[ident] for ident in hits if ident in missing]
            if lost:
                silent.setdefault(purl, lost[0])
            else:
                told[purl] = _advisories(purl, [records[ident] for ident in hits])
        state = _state(who, {purl: found.at[purl] for purl in told.keys() - silent.keys()}, now)
        return Answer(advisories=told | dict.fromkeys(who.private, ()), state=state, silent={**who.unvouched, **silent})

    def _ask_api(self, releases: Sequence[Release], until: Deadline) -> tuple[dict[Purl, Hits], dict[Purl, str]]:
        questions = [(release.purl, query) for release in releases for query in _queries(release)]
        starts = range(0, len(questions), _QUERIES_A_CALL)
        batches = {start: questions[start : start + _QUERIES_A_CALL] for start in starts}
        got = ask_each(
            lambda start: self._batch([query for _, query in batches[start]], until),
            list(batches),
            threads=_THREADS // 4,
            until=until,
        )
        hits: dict[Purl, dict[str, str]] = {}
        failures: dict[Purl, str] = {}
        for start, batch in batches.items():
            if start in got.failures:
                failures.update({purl: got.failures[start] for purl, _ in batch})
                continue
            for (purl, _), one in zip(batch, got.answers[start], strict=True):
                hits.setdefault(purl, {}).update(one)
        return {purl: one for purl, one in hits.items() if purl not in failures}, failures

    def _batch(self, queries: Sequence[Mapping[str, object]], until: Deadline) -> list[dict[str, str]]:
        """Return for each of *queries* all its hits, over all pages."""
        url = f"{self._base}/v1/querybatch"
        found: list[dict[str, str]] = [{} for _ in queries]
        open_: dict[int, str | None] = dict.fromkeys(range(len(queries)))
        for _ in range(_MOST_PAGES):
            body = [
                dict(queries[index]) if token is None else {**queries[index], "page_token": token}
                for index, token in open_.items()
            ]
            answer = self._post(url, {"queries": body}, until)
            results = field(answer, "results", list)
            if len(results) != len(body):
                raise MalformedAnswer(f"the API answered {len(results)} of {len(body)} queries")
            more: dict[int, str | None] = {}
            for index, result in zip(open_, items(answer, "results", dict), strict=True):
                hits, token = _page(result)
                found[index] |= hits
                if token is not None and token == open_[index]:
                    raise MalformedAnswer("the API answers a page with the same page")
                if token is not None:
                    more[index] = token
            if not more:
                return found
            open_ = more
        raise MalformedAnswer(f"the API answered more than {_MOST_PAGES} pages")

    def _post(self, url: str, body: object, until: Deadline) -> object:
        return patiently(lambda: self._http.post_json(url, body, timeout=_time(until)), until)

    def _records(self, wanted: Hits, now: datetime, until: Deadline) -> tuple[dict[str, Record], dict[str, str]]:
        """Return the records of *wanted*, and why for those that nobody could tell."""
        space = f"osv-record {self._base}"
        kept = self._cache.get(space, list(wanted))
        records: dict[str, Record] = {}
        old: dict[str, Record] = {}
        for ident, entry in kept.items():
            try:
                record = parse(entry.body)
                # A record that has not been modified since is the same, whatever its age.
                same = optional(entry.body, "modified", str) == wanted[ident]
            except MalformedAnswer:  # kept by another version of ours
                continue
            if (same and wanted[ident]) or entry.age(now) <= self._limits.fresh:
                records[ident] = record
            elif entry.age(now) <= self._limits.outage():
                old[ident] = record
        rest = [ident for ident in wanted if ident not in records]
        if self._limits.offline:
            failures = dict.fromkeys(rest, "offline, and a record that hits it is not kept")
        else:
            got = ask_each(lambda ident: self._record(ident, until), rest, threads=_THREADS, until=until)
            self._cache.put(space, {ident: document for ident, (document, _) in got.answers.items()}, at=now)
            records |= {ident: record for ident, (_, record) in got.answers.items()}
            failures = dict(got.failures)
        records |= {ident: record for ident, record in old.items() if ident in failures}
        return records, {
            ident: f"{why} (record {printable(ident, limit=60)})"
            for ident, why in failures.items()
            if ident not in records
        }

    def _record(self, ident: str, until: Deadline) -> tuple[object, Record]:
        url = f"{self._base}/v1/vulns/{quote(ident, safe='')}"
        document = patiently(lambda: self._http.get_json(url, timeout=_time(until)), until)
        record = parse(document)
        if record.ident != ident:
            raise MalformedAnswer(f"the API answered with {printable(record.ident, limit=60)}")
        return document, record


def _time(until: Deadline) -> timedelta:
    left = until.left()
    if not left:
        raise SourceUnavailable(until.late())
    return left


def _queries(release: Release) -> tuple[Mapping[str, object], ...]:
    """Return the questions about *release*: one for each spelling of its version that records may use."""
    ecosystem, name, version = purls.parts(release.purl)
    spellings = {release.version, version or release.version}
    if ecosystem is EcosystemName.PYPI:
        with suppress(InvalidVersion):
            spellings.add(_ZEROS.sub(r"\1", str(Version(release.version))))
    package = {"ecosystem": _NAMES[ecosystem], "name": name}
    return tuple({"package": package, "version": spelling} for spelling in sorted(spellings))


def _page(result: object) -> tuple[dict[str, str], str | None]:
    if mapping(result, "") and not ({"vulns", "next_page_token"} & set(mapping(result, ""))):
        raise MalformedAnswer("a result that is neither empty nor a list of records")
    hits: dict[str, str] = {}
    for entry in items(result, "vulns", dict):
        ident = field(entry, "id", str)
        if not ident or len(ident) > _LONGEST_ID:
            raise MalformedAnswer("an id that is none")
        hits[ident] = optional(entry, "modified", str) or ""
    return hits, optional(result, "next_page_token", str) or None


def _hits(body: object) -> Hits:
    """Return the hits that were kept as *body*; raises `MalformedAnswer` for anything else."""
    kept = mapping(body, "")
    if not all(isinstance(modified, str) for modified in kept.values()):
        raise MalformedAnswer("hits that we did not keep")
    return {str(ident): str(modified) for ident, modified in kept.items()}


def _advisories(purl: Purl, records: Sequence[Record]) -> tuple[Advisory, ...]:
    ecosystem, name, version = purls.parts(purl)
    found = []
    for record in records:
        if record.withdrawn:
            continue
        try:
            hit = record.hits(ecosystem, name, version or "")
        except MalformedAnswer:
            hit = True  # we cannot compare the versions, the API could
        # The API hit by rules of its own. For a vulnerability the record's rules decide; for malware either is enough.
        if hit or record.kind is AdvisoryKind.MALWARE:
            found.append(record.advisory(ecosystem, name, source=OsvSource.ident))
    return tuple(found)


def _state(who: Askable, answered: Mapping[Purl, datetime], now: datetime) -> SourceState:
    old = [at for at in answered.values() if at != now]
    detail = []
    if old:
        detail.append(f"{len(old)} from the cache")
    if who.private:
        detail.append(f"{len(who.private)} private names not asked")
    return SourceState(
        source=OsvSource.ident,
        asked=len(who.public),
        answered=len(answered),
        as_of=min(answered.values(), default=None),
        detail=", ".join(detail),
    )
