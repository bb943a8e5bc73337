"""What the registry itself tells: the `vulnerabilities` of PyPI's project JSON, where a registry has it."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import quote, urlsplit

from safeinstall import purl as purls
from safeinstall.contracts import Answer, Http
from safeinstall.errors import MalformedAnswer, NotThere, SourceUnavailable
from safeinstall.fields import field, items, mapping, optional
from safeinstall.model import Advisory, EcosystemName, Purl, Release, SourceState, Visibility
from safeinstall.sources import osv_meaning
from safeinstall.sources.asking import Deadline, ask_each
from safeinstall.sources.cache import Cache
from safeinstall.versions import oldest_first

_THREADS = 8
_ENOUGH = 3
"""So many answers of 404, or failures, from the start: the registry does not have this document at all."""
_LACKS = "registry-lacks-json"
_LACKS_FOR = timedelta(hours=24)
_FRESH = timedelta(hours=1)


class RegistrySource:
    """
    `Source` on the registries that the releases come from; each is asked only about what it serves itself.

    A supplement: plain mirrors do not have the document, and none knows malware before it is taken down.
    """

    ident: ClassVar[str] = "registry"
    supplement: ClassVar[bool] = True
    live: ClassVar[bool] = True
    public: ClassVar[bool] = False

    def __init__(self, http: Http, cache: Cache, *, offline: bool = False) -> None:
        """Ask over *http*; what was answered in the last hour is taken from *cache*, older answers only *offline*."""
        self._http = http
        self._cache = cache
        self._offline = offline

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """See `Source.ask`."""
        until = Deadline(deadline)
        told: dict[Purl, tuple[Advisory, ...]] = {}
        silent: dict[Purl, str] = {}
        oldest = now
        by_root: dict[str, list[Release]] = {}
        for release in releases:
            root = _root(release)
            if root is None:
                silent[release.purl] = "its registry has no document that tells"
            else:
                by_root.setdefault(root, []).append(release)
        for root, some in by_root.items():
            found, why, at = self._registry(root, some, now, until)
            told |= found
            silent |= why
            oldest = min(oldest, at)
        asked = sum(len(some) for some in by_root.values())
        detail = "" if told or not asked else "the registry does not tell"
        state = SourceState(
            source=self.ident, asked=asked, answered=len(told), as_of=oldest if told else None, detail=detail
        )
        return Answer(advisories=told, state=state, silent=silent)

    def _registry(
        self, root: str, releases: Sequence[Release], now: datetime, until: Deadline
    ) -> tuple[dict[Purl, tuple[Advisory, ...]], dict[Purl, str], datetime]:
        lacks = self._cache.get(_LACKS, [root]).get(root)
        if lacks is not None and lacks.age(now) <= _LACKS_FOR:
            return {}, dict.fromkeys((one.purl for one in releases), "the registry does not tell"), now
        space = f"registry {root}"
        told: dict[Purl, tuple[Advisory, ...]] = {}
        oldest = now
        limit = timedelta.max if self._offline else _FRESH
        for purl, entry in self._cache.get(space, [one.purl for one in releases]).items():
            if entry.age(now) <= limit:
                with suppress(MalformedAnswer):  # kept by another version of ours
                    told[Purl(purl)] = _advisories(entry.body)
                    oldest = min(oldest, entry.at)
        rest = {one.purl: one for one in releases if one.purl not in told}
        if self._offline or not rest:
            return told, dict.fromkeys(rest, "offline"), oldest
        start = _Start()
        got = ask_each(
            lambda purl: start.watch(lambda: self._page(root, rest[purl], until)),
            list(rest),
            threads=_THREADS,
            until=until,
            enough=start.hopeless,
        )
        if start.lacks():
            self._cache.put(_LACKS, {root: True}, at=now)
        self._cache.put(space, dict(got.answers.items()), at=now)
        told |= {purl: _advisories(listed) for purl, listed in got.answers.items()}
        return told, dict(got.failures), oldest

    def _page(self, root: str, release: Release, until: Deadline) -> object:
        """Return the `vulnerabilities` of *release*, checked."""
        if not until.left():
            raise SourceUnavailable(until.late())
        _, name, version = purls.parts(release.purl)
        url = f"{root}/pypi/{quote(name, safe='')}/{quote(version or '', safe='')}/json"
        document = self._http.get_json(url, timeout=until.left())
        listed = field(document, "vulnerabilities", list)
        _advisories(listed)
        return listed


class _Start:
    """Whether the first answers of a registry say that the rest is not worth asking for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered = 0
        self._absent = 0
        self._failed = 0

    def watch(self, ask: Callable[[], object]) -> object:
        try:
            answer = ask()
        except (SourceUnavailable, MalformedAnswer) as error:
            with self._lock:
                self._failed += 1
                self._absent += isinstance(error, NotThere)
            raise
        with self._lock:
            self._answered += 1
        return answer

    def hopeless(self) -> bool:
        with self._lock:
            return not self._answered and self._failed >= _ENOUGH

    def lacks(self) -> bool:
        with self._lock:
            return not self._answered and self._absent >= _ENOUGH


def _root(release: Release) -> str | None:
    """Return the URL beside which a registry of PyPI's kind has `/pypi/`: its index URL without `/simple`."""
    if release.registry is None or release.registry.visibility is Visibility.LOCAL:
        return None
    if purls.parts(release.purl)[0] is not EcosystemName.PYPI:
        return None
    root, found, rest = release.registry.url.rstrip("/").rpartition("/simple")
    if not found or rest or urlsplit(root).scheme not in {"http", "https"}:
        return None
    return root


def _advisories(listed: object) -> tuple[Advisory, ...]:
    found = []
    for entry in items({"listed": listed}, "listed", dict):
        mapping(entry, "")
        ident = field(entry, "id", str)
        if optional(entry, "withdrawn", str) is not None:
            continue
        meaning = osv_meaning.read(_as_osv(entry), ident)
        found.append(
            Advisory(
                ident=ident,
                aliases=meaning.aliases,
                kind=meaning.kind,
                severity=meaning.severity,
                summary=meaning.summary,
                fixed=oldest_first(EcosystemName.PYPI, frozenset(items(entry, "fixed_in", str))),
                url=optional(entry, "link", str),
                source=RegistrySource.ident,
            )
        )
    return tuple(found)


def _as_osv(entry: Mapping[str, object]) -> Mapping[str, object]:
    return {key: entry.get(key) for key in ("id", "aliases", "summary", "details")}
