"""The bulk advisory endpoint of npm registries, which `npm audit` asks."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from safeinstall import purl as purls
from safeinstall.contracts import Answer, Http
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.fields import field, items, mapping, optional
from safeinstall.model import Advisory, EcosystemName, Purl, Release, SourceState
from safeinstall.sources import osv_meaning
from safeinstall.sources.asking import Deadline, ask_each, askable, patiently
from safeinstall.versions import in_npm_range

_PATH = "-/npm/v1/security/advisories/bulk"
_NAMES_A_CALL = 1_000
_THREADS = 4
_GHSA = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}$")


class NpmAuditSource:
    """`Source` on the endpoint of one URL, or of the registry that a release comes from; it speaks of npm only."""

    ident: ClassVar[str] = "npm_audit"
    supplement: ClassVar[bool] = True
    live: ClassVar[bool] = True
    public: ClassVar[bool] = True

    def __init__(self, http: Http, base_url: str | None = None) -> None:
        """Ask *base_url*; None: each registry about what it serves."""
        self._http = http
        self._base = base_url

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """See `Source.ask`."""
        until = Deadline(deadline)
        # It has nothing to say about PyPI, and that is no silence.
        told: dict[Purl, tuple[Advisory, ...]] = {
            one.purl: () for one in releases if purls.parts(one.purl)[0] is not EcosystemName.NPM
        }
        who = askable([one for one in releases if one.purl not in told])
        told |= dict.fromkeys(who.private, ())
        silent: dict[Purl, str] = dict(who.unvouched)
        batches: dict[tuple[str, int], list[Release]] = {}
        for number, release in enumerate(who.public):
            assert release.registry is not None
            root = (self._base or release.registry.url).rstrip("/")
            batches.setdefault((root, number // _NAMES_A_CALL), []).append(release)
        got = ask_each(
            lambda key: self._batch(key[0], batches[key], until), list(batches), threads=_THREADS, until=until
        )
        for key, some in batches.items():
            if key in got.failures:
                silent |= dict.fromkeys((one.purl for one in some), got.failures[key])
            else:
                told |= got.answers[key]
        answered = sum(one.purl in told for one in who.public)
        state = SourceState(
            source=self.ident, asked=len(who.public), answered=answered, as_of=now if answered else None
        )
        return Answer(advisories=told, state=state, silent=silent)

    def _batch(self, root: str, releases: Sequence[Release], until: Deadline) -> Mapping[Purl, tuple[Advisory, ...]]:
        left = until.left()
        if not left:
            raise SourceUnavailable(until.late())
        body: dict[str, list[str]] = {}
        for release in releases:
            body.setdefault(purls.parts(release.purl)[1], []).append(release.version)
        answer = patiently(lambda: self._http.post_json(f"{root}/{_PATH}", body, timeout=until.left() or left), until)
        known = mapping(answer, "")
        if not known.keys() <= body.keys():
            raise MalformedAnswer("it answered about other names than were asked")
        found: dict[Purl, tuple[Advisory, ...]] = {}
        for release in releases:
            name = purls.parts(release.purl)[1]
            entries = items({"listed": known.get(name)}, "listed", dict)
            found[release.purl] = tuple(
                _advisory(one)
                for one in entries
                if in_npm_range(release.version, field(one, "vulnerable_versions", str))
            )
        return found


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
