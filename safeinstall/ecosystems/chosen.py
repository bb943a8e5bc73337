"""Registries that a file of the repository chose: whoever wrote that file decides who serves every name."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from safeinstall.contracts import Conditions
from safeinstall.model import Release
from safeinstall.private import below

_WEB = frozenset({"http", "https"})


def strange(chosen: Iterable[str], own: Iterable[str], conditions: Conditions) -> tuple[str, ...]:
    """
    Return which of the URLs *chosen* by files of the repository nobody else names: neither *own* nor a setting.

    *own* is what the user's command and configuration name. The whole URL counts and not its host: on hosts that serve
    many tenants, another path is another publisher.
    """
    known = (*own, *conditions.private_registries, *conditions.public_registries)
    return tuple(url for url in chosen if urlsplit(url).scheme in _WEB and not below(url, known))


def marked(release: Release, strangers: Collection[str], by: str) -> Release:
    """Return *release*, with its registry marked as chosen *by* a file if it is one of *strangers*."""
    registry = release.registry
    if registry is None or not strangers or not below(registry.url, strangers):
        return release
    return replace(release, registry=replace(registry, chosen=by))
