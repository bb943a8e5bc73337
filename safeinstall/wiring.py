"""The real things behind `Outside`, each imported when it is asked for."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safeinstall.config import Settings
    from safeinstall.contracts import Bulk, Check, Ecosystem, InventoryReader, Runner, Source
    from safeinstall.model import EcosystemName
    from safeinstall.sources.cache import Cache
    from safeinstall.sources.remembered import Limits

# ruff: noqa: PLC0415 - importing late is what this module is for


def now() -> datetime:
    """Return the current moment (aware, UTC)."""
    return datetime.now(timezone.utc)


def runner() -> "Runner":
    """Return the real processes."""
    from safeinstall.processes import SubprocessRunner

    return SubprocessRunner()


def become(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """See `processes.become`."""
    from safeinstall import processes

    return processes.become(argv, env)


def ecosystem(tool: str) -> "Ecosystem":
    """Return the ecosystem that *tool* (`pip3.11`) belongs to; raises `KeyError`."""
    from safeinstall.ecosystems import ECOSYSTEMS
    from safeinstall.words import family

    return {name: one for one in ECOSYSTEMS for name in one.tools}[family(tool) or tool]


def checks() -> Sequence["Check"]:
    """Return all checks."""
    from safeinstall.checks import CHECKS

    return CHECKS


def inventories() -> "Sequence[InventoryReader]":
    """Return the readers of what can be audited."""
    from safeinstall.inventories import INVENTORIES

    return INVENTORIES


def own_registries(ecosystem: "EcosystemName") -> tuple[str, ...]:
    """Return the URLs of the ecosystem's own public registry, as the tools have them built in."""
    from safeinstall.model import EcosystemName

    if ecosystem is EcosystemName.PYPI:
        from pip._internal.models.index import PyPI

        return PyPI.simple_url, f"https://{PyPI.file_storage_domain}/"
    from urllib.parse import urlsplit

    from packageurl.contrib.purl2url import get_download_url

    url = str(get_download_url("pkg:npm/npm@1.0.0"))  # type: ignore[no-untyped-call]
    host = urlsplit(url).hostname or ""
    # yarn 1 has a name of its own for npm's registry, and writes it into every lockfile.
    return url.partition("npm/-/")[0], f"https://registry.yarnpkg.{host.rpartition('.')[2]}/"


def listed(place: Path) -> Mapping[str, str]:
    """Return what pip lists in *place*, by pip-api; our own pip is asked, so nothing of the environment runs."""
    import pip_api

    return {one.name: str(one.version) for one in pip_api.installed_distributions(paths=[place]).values()}


def registry(url: str, accept: str) -> tuple[str, bytes]:
    """Return content type and body of what a registry answers to *url*; raises `SourceUnavailable`."""
    from safeinstall.gateway.upstream import once

    return once(url, accept)


def bulk() -> "Bulk":
    """Return what fetches the bulk exports."""
    from safeinstall.effects import RequestsHttp

    return RequestsHttp()


def sources(settings: "Settings", cache: Path) -> Sequence["Source"]:
    """Return the advisory sources that *settings* switch on, in the order in which they report."""
    from safeinstall import feeds
    from safeinstall.effects import RequestsHttp
    from safeinstall.sources.cache import Cache
    from safeinstall.sources.embedded import EmbeddedSource
    from safeinstall.sources.osv import OsvSource
    from safeinstall.sources.records import RecordsSource
    from safeinstall.sources.registry import RegistrySource
    from safeinstall.tokens import KeyringTokens
    from safeinstall.weighed import Weighed

    http = RequestsHttp(tokens=KeyringTokens(feeds.token_hosts(settings)))
    kept = Cache(cache)
    found: list[Source] = []
    api: Source | None = None
    if settings.osv_url is not None:
        api = OsvSource(http, settings.osv_url, kept, _limits(settings))
    index = _index(settings, cache, api)
    found += [one for one in (index or api,) if one is not None]
    # Offline, records at a URL are out of reach; whoever has them in a folder is asked as ever.
    found += [RecordsSource(one, http) for one in settings.records if not (settings.offline and "://" in one)]
    found += _more(settings, http, kept)
    found += [RegistrySource(http, kept, offline=settings.offline)]
    required = feeds.required(settings)
    # The index and the API behind it are one answer: whoever requires either requires that there is one.
    weighed = [Weighed(source=one, supplement=_NAMES.get(one.ident, {one.ident}).isdisjoint(required)) for one in found]
    return [*weighed, EmbeddedSource()]


_NAMES: Mapping[str, set[str]] = {"index": {"index", "osv"}}


def _more(settings: "Settings", http: "Bulk", kept: "Cache") -> "list[Source]":
    """Return the sources that are off by default and that *settings* switch on."""
    from safeinstall import feeds

    found: list[Source] = []
    for ecosystem, url in feeds.lists(settings):
        from safeinstall.sources.lists import ListSource

        found.append(ListSource(http, url, ecosystem, kept, keep=settings.cache_age, offline=settings.offline))
    address = feeds.github_url(settings)
    if address is not None:
        from safeinstall.sources.github import GithubSource

        found.append(GithubSource(http, address, kept, _limits(settings)))
    if feeds.npm_audit(settings):
        from safeinstall.sources.npm_audit import NpmAuditSource

        found.append(NpmAuditSource(http, kept, feeds.npm_audit_url(settings), _limits(settings)))
    return found


def _limits(settings: "Settings") -> "Limits":
    from safeinstall.sources.remembered import Limits

    return Limits(keep=settings.cache_age, offline=settings.offline)


def _index(settings: "Settings", cache: Path, api: "Source | None") -> "Source | None":
    """Return the local index, in front of *api*; None: nobody has fetched one, or it is switched off."""
    from safeinstall import feeds
    from safeinstall.sources.index import IndexSource

    folder, limit = feeds.index_folder(settings, cache), feeds.index_age(settings)
    if limit is None or not any(folder.glob("*.json")):
        return None
    frozen = feeds.index_frozen(settings)
    return IndexSource(folder, limit=limit, frozen=frozen, offline=settings.offline, otherwise=api)
