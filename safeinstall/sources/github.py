"""GitHub's global advisories of the type malware, asked by name and version."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import quote

from safeinstall import purl as purls
from safeinstall.contracts import Answer, Http
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.fields import field, items, optional
from safeinstall.model import Advisory, EcosystemName, Purl, Release
from safeinstall.sources import osv_meaning
from safeinstall.sources.asking import Deadline, ask_each, askable, patiently
from safeinstall.sources.cache import Cache
from safeinstall.sources.osv_record import normal
from safeinstall.sources.remembered import Limits, Remembered, answer, idents
from safeinstall.text import printable
from safeinstall.versions import order

_NAMES = {EcosystemName.PYPI: "pip", EcosystemName.NPM: "npm"}
_NAMES_A_CALL = 50
"""They stand in the URL."""
_MOST = 100
"""The most advisories that one answer holds; a full answer may lack some, so it is asked for in halves."""
_THREADS = 4
_KEPT = ("ghsa_id", "cve_id", "type", "severity", "summary", "description", "html_url")
_BOUND = re.compile(r"(<=|>=|<|>|=)\s*(\S+)")


class GithubSource:
    """`Source` on the REST API; it is asked by name, so private names are not sent."""

    ident: ClassVar[str] = "github"
    supplement: ClassVar[bool] = True
    live: ClassVar[bool] = True
    public: ClassVar[bool] = True

    def __init__(self, http: Http, base_url: str, cache: Cache, limits: Limits = Limits()) -> None:  # noqa: B008 - frozen
        """Ask *base_url*, and *cache* within *limits*."""
        self._http = http
        self._base = base_url.rstrip("/")
        self._told = Remembered(cache, f"github {self._base}", limits, read=_advisories, reports=idents)

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """See `Source.ask`."""
        until = Deadline(deadline)
        who = askable(releases)
        found = self._told.ask(who.public, lambda rest: self._ask_api(rest, until), now)
        return answer(self.ident, who, found)

    def _ask_api(
        self, releases: Sequence[Release], until: Deadline
    ) -> tuple[Mapping[Purl, object], Mapping[Purl, str]]:
        """Return for each of *releases* the advisories on it as the API writes them, or why there is no answer."""
        batches: dict[tuple[EcosystemName, int], list[Release]] = {}
        for number, release in enumerate(releases):
            batches.setdefault((purls.parts(release.purl)[0], number // _NAMES_A_CALL), []).append(release)
        got = ask_each(
            lambda key: self._batch(key[0], batches[key], until), list(batches), threads=_THREADS, until=until
        )
        told: dict[Purl, object] = {}
        failures: dict[Purl, str] = {}
        for key, some in batches.items():
            for release in some:
                if key in got.failures:
                    failures[release.purl] = got.failures[key]
                    continue
                try:
                    told[release.purl] = _hits(release, got.answers[key])
                except MalformedAnswer as error:
                    failures[release.purl] = error.message
        return told, failures

    def _batch(
        self, ecosystem: EcosystemName, releases: Sequence[Release], until: Deadline
    ) -> Sequence[Mapping[str, object]]:
        left = until.left()
        if not left:
            raise SourceUnavailable(until.late())
        affects = ",".join(quote(f"{purls.parts(one.purl)[1]}@{one.version}", safe="@") for one in releases)
        url = f"{self._base}/advisories?type=malware&ecosystem={_NAMES[ecosystem]}&per_page={_MOST}&affects={affects}"
        document = patiently(lambda: self._http.get_json(url, timeout=until.left() or left), until)
        found = items(document, "", dict)
        for one in found:
            field(one, "ghsa_id", str)
        if len(found) < _MOST:
            return found
        if len(releases) == 1:
            raise MalformedAnswer(f"there are {_MOST} advisories on one name, or more")
        middle = len(releases) // 2
        return [
            *self._batch(ecosystem, releases[:middle], until),
            *self._batch(ecosystem, releases[middle:], until),
        ]


def _hits(release: Release, advisories: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Return what is kept of those of *advisories* that hit *release*; raises `MalformedAnswer`."""
    ecosystem, name, version = purls.parts(release.purl)
    found: dict[str, Mapping[str, object]] = {}
    for entry in advisories:
        if optional(entry, "withdrawn_at", str) is not None:
            continue
        for affected in items(entry, "vulnerabilities", dict):
            package = field(affected, "package", dict)
            if field(package, "ecosystem", str).lower() != _NAMES[ecosystem]:
                continue
            if normal(ecosystem, field(package, "name", str)) != normal(ecosystem, name):
                continue
            if _within(ecosystem, version or release.version, optional(affected, "vulnerable_version_range", str)):
                _advisory(entry)
                found[field(entry, "ghsa_id", str)] = {key: entry.get(key) for key in _KEPT}
    return list(found.values())


def _within(ecosystem: EcosystemName, version: str, text: str | None) -> bool:
    """Return whether *version* is in the range *text* (`>= 1.0, < 2.0`); no range means every version."""
    if text is None or not text.strip():
        return True
    at = order(ecosystem, version)
    for part in text.split(","):
        bound = _BOUND.fullmatch(part.strip())
        if bound is None:
            raise MalformedAnswer(f"`{printable(text, limit=60)}` is no range")
        if bound[1] == ">=" and bound[2] in ("0", "0.0.0"):
            continue
        other = order(ecosystem, bound[2])
        if at is None or other is None:
            raise MalformedAnswer(
                f"`{printable(version, limit=40)}` cannot be compared with `{printable(text, limit=60)}`"
            )
        holds = {"<": at < other, "<=": at <= other, ">": other < at, ">=": other <= at, "=": at == other}
        if not holds[bound[1]]:
            return False
    return True


def _advisories(kept: object) -> tuple[Advisory, ...]:
    return tuple(_advisory(entry) for entry in items({"kept": kept}, "kept", dict))


def _advisory(entry: Mapping[str, object]) -> Advisory:
    ident = field(entry, "ghsa_id", str)
    cve = optional(entry, "cve_id", str)
    meaning = osv_meaning.read(
        {
            "summary": entry.get("summary"),
            "details": entry.get("description"),
            "aliases": [cve] if cve else [],
            "database_specific": {"type": entry.get("type"), "severity": entry.get("severity")},
        },
        ident,
    )
    return Advisory(
        ident=ident,
        aliases=meaning.aliases,
        kind=meaning.kind,
        severity=meaning.severity,
        summary=meaning.summary,
        url=optional(entry, "html_url", str),
        source=GithubSource.ident,
    )
