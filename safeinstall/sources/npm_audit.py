"""The bulk advisory endpoint of npm registries, which `npm audit` asks."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

from safeinstall import purl as purls
from safeinstall.contracts import Answer, Http
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.fields import field, items, mapping, optional
from safeinstall.model import Advisory, EcosystemName, Purl, Release
from safeinstall.sources import osv_meaning
from safeinstall.sources.asking import Deadline, ask_each, askable, patiently
from safeinstall.sources.cache import Cache
from safeinstall.sources.remembered import Asked, Limits, Remembered, answer, idents
from safeinstall.versions import in_npm_range

_PATH = "-/npm/v1/security/advisories/bulk"
_NAMES_A_CALL = 1_000
_THREADS = 4
_KEPT = ("id", "url", "title", "severity", "cwe")
_GHSA = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}$")


class NpmAuditSource:
    """`Source` on the endpoint of one URL, or of the registry that a release comes from; it speaks of npm only."""

    ident: ClassVar[str] = "npm_audit"
    supplement: ClassVar[bool] = True
    live: ClassVar[bool] = True
    public: ClassVar[bool] = True

    def __init__(
        self,
        http: Http,
        cache: Cache,
        base_url: str | None = None,
        limits: Limits = Limits(),  # noqa: B008 - it cannot be changed
    ) -> None:
        """Ask *base_url*, None: each registry about what it serves; and *cache* within *limits*."""
        self._http = http
        self._base = base_url
        self._cache = cache
        self._limits = limits

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """See `Source.ask`."""
        until = Deadline(deadline)
        # It has nothing to say about PyPI, and that is no silence.
        told: dict[Purl, tuple[Advisory, ...]] = {
            one.purl: () for one in releases if purls.parts(one.purl)[0] is not EcosystemName.NPM
        }
        who = askable([one for one in releases if one.purl not in told])
        by_root: dict[str, list[Release]] = {}
        for release in who.public:
            assert release.registry is not None
            by_root.setdefault((self._base or release.registry.url).rstrip("/"), []).append(release)
        found: Asked[tuple[Advisory, ...]] = Asked(answers={})
        for root, some in by_root.items():
            kept = Remembered(self._cache, f"npm_audit {root}", self._limits, read=_advisories, reports=idents)
            found |= kept.ask(some, partial(self._ask_root, root, until), now)
        return answer(self.ident, who, found, besides=told)

    def _ask_root(
        self, root: str, until: Deadline, releases: Sequence[Release]
    ) -> tuple[Mapping[Purl, object], Mapping[Purl, str]]:
        """Return for each of *releases* the entries on it as *root* writes them, or why there is no answer."""
        starts = range(0, len(releases), _NAMES_A_CALL)
        batches = {start: releases[start : start + _NAMES_A_CALL] for start in starts}
        got = ask_each(
            lambda start: self._batch(root, batches[start], until), list(batches), threads=_THREADS, until=until
        )
        told: dict[Purl, object] = {}
        failures: dict[Purl, str] = {}
        for start, some in batches.items():
            if start in got.failures:
                failures |= dict.fromkeys((one.purl for one in some), got.failures[start])
            else:
                told |= got.answers[start]
        return told, failures

    def _batch(self, root: str, releases: Sequence[Release], until: Deadline) -> Mapping[Purl, object]:
        left = until.left()
        if not left:
            raise SourceUnavailable(until.late())
        body: dict[str, list[str]] = {}
        for release in releases:
            body.setdefault(purls.parts(release.purl)[1], []).append(release.version)
        told = patiently(lambda: self._http.post_json(f"{root}/{_PATH}", body, timeout=until.left() or left), until)
        known = mapping(told, "")
        if not known.keys() <= body.keys():
            raise MalformedAnswer("it answered about other names than were asked")
        return {release.purl: _hits(release, known.get(purls.parts(release.purl)[1])) for release in releases}


def _hits(release: Release, listed: object) -> list[Mapping[str, object]]:
    """Return what is kept of those entries of *listed* that hit *release*; raises `MalformedAnswer`."""
    found: list[Mapping[str, object]] = []
    for entry in items({"listed": listed}, "listed", dict):
        if in_npm_range(release.version, field(entry, "vulnerable_versions", str)):
            _advisory(entry)
            found.append({key: entry.get(key) for key in _KEPT})
    return found


def _advisories(kept: object) -> tuple[Advisory, ...]:
    return tuple(_advisory(entry) for entry in items({"kept": kept}, "kept", dict))


def _advisory(entry: Mapping[str, object]) -> Advisory:
    url = optional(entry, "url", str) or ""
    ghsa = _GHSA.search(url)
    ident = ghsa[0] if ghsa is not None else f"npm-advisory-{field(entry, 'id', int)}"
    specific = {"severity": entry.get("severity"), "cwe_ids": list(items(entry, "cwe", str))}
    meaning = osv_meaning.read({"summary": field(entry, "title", str), "database_specific": specific}, ident)
    return Advisory(
        ident=ident,
        kind=meaning.kind,
        severity=meaning.severity,
        summary=meaning.summary,
        url=url or None,
        source=NpmAuditSource.ident,
    )
