"""What is added to a plan from beyond its registries' pages: our memory of owners, mail domains, demanded origins."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias, cast
from urllib.parse import quote, urlsplit

from safeinstall.config import Settings
from safeinstall.contracts import Http
from safeinstall.domains import Domains
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.fields import items, optional
from safeinstall.history import History
from safeinstall.model import Plan, Purl, Release, Visibility
from safeinstall.owners import Owners
from safeinstall.purl import parse, project
from safeinstall.signals.mails import domains

YOUNG = timedelta(days=30)
"""Releases that are younger, or that the user named, are asked about."""

Ask: TypeAlias = Callable[[str, str], "tuple[str, ...] | None"]
"""Who owns the project of that name at the index with that URL, by its own word; None: it does not tell."""

_THREADS = 8
_TIMEOUT = timedelta(seconds=4)
_LARGEST = 20_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Beyond:
    """Adds to plans what their own documents do not tell."""

    owners: Owners
    now: Callable[[], datetime]
    ask_owners: Ask | None = None
    """None: nobody is asked."""
    domains: Domains | None = None
    """None: mail domains are not asked about."""
    demands: Mapping[Purl, str]
    """By project, the repository that its releases must be built from."""

    def __call__(self, plan: Plan) -> Plan:
        """Return *plan* with it."""
        now = self.now()
        closer = [one for one in plan.releases if one.purl in plan.histories and _is_close(one, now)]
        histories = {**plan.histories, **self._owned(closer, plan.histories)}
        histories = self._remembered(plan.releases, histories, now)
        public = [one for one in closer if one.registry is not None and one.registry.visibility is Visibility.PUBLIC]
        asked = [name for one in public for name in domains(histories[one.purl])]
        demanded = dict(plan.demanded)
        for release in plan.releases if self.demands else ():
            wanted = self.demands.get(project(release.purl))
            if wanted is not None:
                demanded[release.purl] = wanted
        return replace(
            plan,
            histories=histories,
            domains=plan.domains if self.domains is None else self.domains.ask(asked),
            demanded=demanded,
        )

    def _owned(self, releases: Iterable[Release], histories: Mapping[Purl, History]) -> dict[Purl, History]:
        ask = self.ask_owners
        wanted = [
            (one.purl, one.name, one.registry.url)
            for one in releases
            if one.registry is not None and histories[one.purl].owners is None
        ]
        if ask is None or not wanted:
            return {}
        with ThreadPoolExecutor(_THREADS) as pool:
            told = pool.map(lambda one: ask(one[2], one[1]), wanted)
            return {
                purl: replace(histories[purl], owners=some) for (purl, _, _), some in zip(wanted, told, strict=True)
            }

    def _remembered(
        self, releases: Iterable[Release], histories: dict[Purl, History], now: datetime
    ) -> dict[Purl, History]:
        by_registry: dict[str, dict[Purl, Release]] = {}
        for release in releases:
            if release.registry is not None and release.purl in histories and histories[release.purl].owners:
                by_registry.setdefault(release.registry.url, {})[release.purl] = release
        found = dict(histories)
        for url, some in by_registry.items():
            names = {purl: project(purl) for purl in some}
            seen = self.owners.seen(url, tuple(dict.fromkeys(names.values())))
            for purl, name in names.items():
                found[purl] = replace(found[purl], seen=seen.get(name, ()))
            self.owners.keep(url, {names[purl]: found[purl].owners or () for purl in some}, now=now)
        return found


def _is_close(release: Release, now: datetime) -> bool:
    uploaded = release.artifact.uploaded
    return release.asked is not None or (uploaded is not None and now - uploaded < YOUNG)


def owners_of(http: Callable[[], Http]) -> Ask:
    """Return what asks a Python index for the owners of a project, in its JSON document on it."""

    def ask(index: str, name: str) -> tuple[str, ...] | None:
        root, found, rest = index.rstrip("/").rpartition("/simple")
        if not found or rest or urlsplit(root).scheme not in {"http", "https"}:
            return None
        url = f"{root}/pypi/{quote(name, safe='')}/json"
        try:
            return owned(http().get_json(url, timeout=_TIMEOUT, max_bytes=_LARGEST))
        except (SourceUnavailable, MalformedAnswer):
            return None

    return ask


def owned(document: object) -> tuple[str, ...] | None:
    """Return the owners and maintainers in a project's JSON document, sorted; None: it does not tell."""
    if optional(document, "ownership.roles", list) is None:
        return None
    named = (optional(role, "user", str) for role in items(document, "ownership.roles", dict))
    return tuple(sorted({name for name in named if name}))


def demands(settings: Settings) -> Mapping[Purl, str]:
    """Return by project the repository that its releases must be built from."""
    found = {}
    for text in cast("tuple[str, ...]", settings.values["built-from"].value):
        name, _, repository = text.partition("=")
        found[project(parse(name))] = repository
    return found


def mail(settings: Settings) -> str | None:
    """Return the base URL of the RDAP service; None: mail domains are not asked about."""
    on = settings.values["mail.enabled"].value and not settings.offline
    return cast("str", settings.values["mail.rdap-url"].value) if on else None


def asks_owners(settings: Settings) -> bool:
    """Return whether a Python index is asked who owns a project."""
    return bool(settings.values["owners.ask"].value) and not settings.offline
