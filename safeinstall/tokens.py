"""Tokens of advisory services, from the user's keyring, for the hosts that a setting names and for no other."""

import threading
from collections.abc import Collection

from safeinstall.errors import SourceUnavailable
from safeinstall.text import printable

SERVICE = "safeinstall"
"""What the keyring keeps them under; the user name is the host."""


class KeyringTokens:
    """Looks into the keyring when a host is first asked, and only for hosts that it was told of."""

    def __init__(self, hosts: Collection[str]) -> None:
        """Answer for *hosts*."""
        self._hosts = frozenset(host.lower() for host in hosts)
        self._lock = threading.Lock()
        self._known: dict[str, str | None] = {}

    def __call__(self, host: str) -> str | None:
        """Return the token for *host*; None: there is none. Raises `SourceUnavailable` when the keyring fails."""
        if host.lower() not in self._hosts:
            return None
        with self._lock:
            if host not in self._known:
                self._known[host] = _read(host.lower())
            return self._known[host]


def _read(host: str) -> str | None:
    import keyring  # noqa: PLC0415 - costly, and seldom needed
    import keyring.errors  # noqa: PLC0415

    try:
        return keyring.get_password(SERVICE, host)
    except keyring.errors.KeyringError as error:
        message = f"the token for {printable(host, limit=80)} could not be read from the keyring"
        raise SourceUnavailable(f"{message} ({type(error).__name__})") from error
