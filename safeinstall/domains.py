"""What the DNS and the registration service say of mail domains; both are asked only where a setting says so."""

import socket
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

from safeinstall.contracts import Http
from safeinstall.errors import MalformedAnswer, NotThere, SourceUnavailable
from safeinstall.fields import items, optional
from safeinstall.history import Domain

Knows = Callable[[str], "bool | None"]
"""Whether the DNS knows a domain; None: nobody could tell."""

_THREADS = 8
_MOST = 40
"""Domains that are asked about in one run."""
_TIMEOUT = timedelta(seconds=4)
_LARGEST = 1_000_000
_LABELS = 2
_EVENTS = frozenset({"registration", "reregistration"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Domains:
    """Asks about mail domains."""

    knows: Knows
    http: Callable[[], Http]
    rdap: str
    """The base URL of an RDAP service (RFC 9082): `/domain/NAME` is below it."""

    def ask(self, names: Iterable[str]) -> Mapping[str, Domain]:
        """Return what is known of *names*; who does not answer leaves it unknown."""
        wanted = list(dict.fromkeys(names))[:_MOST]
        if not wanted:
            return {}
        http = self.http()
        with ThreadPoolExecutor(_THREADS) as pool:
            return dict(zip(wanted, pool.map(lambda name: self._one(name, http), wanted), strict=True))

    def _one(self, name: str, http: Http) -> Domain:
        return Domain(resolves=self.knows(name), registered=self._registered(name, http))

    def _registered(self, name: str, http: Http) -> datetime | None:
        labels = name.split(".")
        # Only the registered name has a record: `mail.team.example` is `team.example` there.
        for start in range(len(labels) - _LABELS + 1):
            url = f"{self.rdap.rstrip('/')}/domain/{quote('.'.join(labels[start:]), safe='')}"
            try:
                return registration(http.get_json(url, timeout=_TIMEOUT, max_bytes=_LARGEST))
            except NotThere:
                continue
            except (SourceUnavailable, MalformedAnswer):
                return None
        return None


def registration(document: object) -> datetime | None:
    """Return when an RDAP record says that the domain was last registered; raises `MalformedAnswer`."""
    found = []
    for event in items(document, "events", dict):
        if optional(event, "eventAction", str) in _EVENTS:
            text = optional(event, "eventDate", str) or ""
            try:
                moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
            except ValueError:
                continue
            found.append(moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc))
    return max(found, default=None)


def known(name: str) -> bool | None:
    """Return whether the DNS knows *name*, by this machine's resolver."""
    try:
        socket.getaddrinfo(name, None)
    except socket.gaierror as error:
        # A domain for mail alone has no address; only "there is no such name" says that it is gone.
        return False if error.errno == socket.EAI_NONAME else None
    except (OSError, UnicodeError):
        return None
    return True
