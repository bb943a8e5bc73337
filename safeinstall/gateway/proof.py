"""Whether an answer is sure to be its registry's own: TLS proves it, or it never left this machine."""

import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from safeinstall.model import Plan, Registry, Release

PLAIN = "it is asked over plain http"
UNCHECKED = "its certificate is not checked"
STRANGER = "its certificate is checked against one that only a file of the repository names"


def unproven(url: str, verify: bool | str, *, stranger: bool = False) -> str | None:
    """
    Return why what *url* answers may be somebody else's, in half a sentence; None: it is its own.

    *verify* is False where the manager was told not to check certificates; *stranger*: a file of the repository says
    whom it trusts. Nobody stands between us and loopback.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or _is_loopback(parts.hostname or ""):
        return None
    if parts.scheme == "http":
        return PLAIN
    if verify is False:
        return UNCHECKED
    return STRANGER if stranger else None


def origin(url: str) -> str:
    """Return scheme, host and port of *url*, the port always named, without credentials."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    port = parts.port or {"http": 80, "https": 443}.get(scheme, 0)
    return f"{scheme}://{(parts.hostname or '').lower()}:{port}"


def marked(plan: Plan, doubts: Mapping[str, str]) -> Plan:
    """Return *plan* with each registry that did not prove who it is marked so; *doubts* are reasons by `origin`."""
    if not doubts:
        return plan
    return replace(plan, releases=tuple(marked_release(release, doubts) for release in plan.releases))


def marked_release(release: Release, doubts: Mapping[str, str]) -> Release:
    """Return *release* with its registry marked, as `marked` does."""
    if release.registry is None:
        return release
    why = doubts.get(origin(release.registry.url))
    return release if why is None else replace(release, registry=_doubted(release.registry, why))


def _doubted(registry: Registry, why: str) -> Registry:
    return replace(registry, unproven=why)


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):  # RFC 6761: never looked up in the DNS
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
