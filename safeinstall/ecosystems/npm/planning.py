"""From npm's ideal tree and the packuments to a `Plan`."""

import os
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from safeinstall.contracts import Conditions
from safeinstall.ecosystems.npm.claims import claims
from safeinstall.ecosystems.npm.document import Dependency, Document, Node
from safeinstall.ecosystems.npm.notes import notes
from safeinstall.ecosystems.npm.offers import offers
from safeinstall.ecosystems.npm.projects import projects
from safeinstall.ecosystems.npm.registries import registry
from safeinstall.errors import CannotResolve, MalformedAnswer, NotUnderstood
from safeinstall.gateway.npm import NpmGateway, bare
from safeinstall.gateway.npm_packument import PageFacts, VersionFacts, digests
from safeinstall.gateway.npm_pages import Held, Page
from safeinstall.history import History
from safeinstall.model import Artifact, ArtifactKind, EcosystemName, Edge, Plan, Purl, Release
from safeinstall.purl import make
from safeinstall.text import printable, redacted

_NPM: Final = EcosystemName.NPM


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What the packuments told."""

    held: Mapping[str, Held]
    """By page URL."""

    def facts(self, node: Node) -> VersionFacts | None:
        held = self.held.get(bare(node.page)) if node.page else None
        return held.versions.get(node.version) if held is not None else None


def planned(document: Document, gateway: NpmGateway, conditions: Conditions) -> Plan:
    """
    Return the plan of *document*; the gateway keeps what installing it will ask for.

    Raises `CannotResolve` when a registry did not tell what judging needs, `NotUnderstood` for packages that only
    their tarball describes.
    """
    installed = tuple(node for node in document.nodes if not node.omitted)
    _refuse_shrinkwraps(installed)
    known = _Known(held=_held(document, installed, gateway, conditions))
    targets = {node.target for node in document.nodes if node.link and node.target is not None}
    releases: dict[str, Release] = {}
    for node in installed:
        if not node.root and not node.link:
            releases[node.location] = _release(node, document, known, conditions, local=node.location in targets)
    releases = _within(installed, releases)
    merged = _merged(_asked(document, releases))
    pages = _pages(installed, releases, known)
    return Plan(
        ecosystem=_NPM,
        releases=merged,
        edges=_edges(installed, releases),
        projects=projects(pages),
        offers=offers(merged, pages, conditions),
        claims=claims(
            _told(installed, releases, known), merged, partial(_newest, _asked_at(installed, releases), gateway)
        ),
        licences={purl: facts.licences for purl, facts in _told(installed, releases, known).items() if facts.licences},
        histories=_histories(installed, releases, known),
        elsewhere=_elsewhere(installed, releases),
        notes=notes(document, releases),
    )


# --- what the registries told ---------------------------------------------------------------------------------------


def _held(
    document: Document, installed: Collection[Node], gateway: NpmGateway, conditions: Conditions
) -> Mapping[str, Held]:
    pages = gateway.pages()
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    names: defaultdict[str, set[str]] = defaultdict(set)
    for node in document.nodes:
        if node.page is not None:
            wanted[bare(node.page)].add(node.version)
            names[node.package].add(bare(node.page))
    for name, version in document.seen:
        for url in names[name] or _pages_of(name, pages):
            wanted[url].add(version)
    for url in pages:
        wanted[url].update(())  # asked for in vain, such as a platform's package that lacks the version: vain again
    planned = _planned(document, conditions)
    needed = {bare(node.page): node for node in installed if node.page is not None and not node.stub}
    held = {}
    for url, versions in wanted.items():
        page = pages.get(url)
        if page is not None and page.status == HTTPStatus.OK:
            try:
                held[url] = gateway.hold(url, versions, planned.get(url, {}))
            except MalformedAnswer as error:
                raise CannotResolve(f"{redacted(url)} is no packument ({error.message})") from error
        elif url in needed and (page is None or page.status != HTTPStatus.NOT_FOUND):
            raise _unanswered(needed[url], url, page)
    return held


def _planned(document: Document, conditions: Conditions) -> Mapping[str, Mapping[str, str | None]]:
    """Return by page the versions whose past counts, each with the version that is here now."""
    found: defaultdict[str, dict[str, str | None]] = defaultdict(dict)
    for node in document.nodes:
        if node.page is not None and not node.kept:
            found[bare(node.page)][node.version] = conditions.against.get(node.package, node.present)
    return found


def _pages_of(name: str, pages: Collection[str]) -> tuple[str, ...]:
    return tuple(url for url in pages if urlsplit(url).path.endswith(f"/{name}"))


def _unanswered(node: Node, url: str, page: Page | None) -> CannotResolve:
    why = f"{redacted(url)} was not asked"
    if page is not None:
        why = page.failure or f"{redacted(url)} answered {page.status}"
    return CannotResolve(
        f"the registry did not tell about `{printable(node.package)}`: {why}",
        hint="try again when the registry answers, or check its URL and credentials in `npm config list`",
    )


# --- releases -------------------------------------------------------------------------------------------------------


def _release(node: Node, document: Document, known: _Known, conditions: Conditions, *, local: bool) -> Release:
    if node.bundled_by is not None:
        return _bundled(node)
    resolved = node.resolved or ""
    if local or node.local:
        return _from_disk(node, document, ArtifactKind.LOCAL_PROJECT, node.location)
    if resolved.startswith("file:"):
        path = unquote(resolved.removeprefix("file:"))
        is_folder = (Path(document.path) / path).is_dir()
        kind = ArtifactKind.LOCAL_PROJECT if is_folder else ArtifactKind.LOCAL_FILE
        return _from_disk(node, document, kind, path)
    if resolved.startswith("git") or (node.stub and not _is_web(resolved)):
        return _unvouched(node, ArtifactKind.VCS)
    facts = known.facts(node)
    if node.stub or facts is None or not _vouched(node, facts):
        return _unvouched(node, ArtifactKind.URL)
    return _registered(node, facts, document, conditions)


def _registered(node: Node, facts: VersionFacts, document: Document, conditions: Conditions) -> Release:
    resolved = node.resolved or ""
    url = _without_credentials(resolved if _is_web(resolved) else facts.tarball)
    hashes = tuple(dict.fromkeys((*digests(node.integrity), *facts.digests)))
    return Release(
        purl=make(_NPM, node.package, node.version),
        name=node.package,
        version=node.version,
        artifact=Artifact(
            kind=ArtifactKind.TARBALL,
            filename=PurePosixPath(_split(url).path).name,
            url=url,
            digests=hashes,
            uploaded=facts.uploaded,
        ),
        registry=registry(node.registry or document.registry, document.registry, conditions),
        alias=node.name if node.name != node.package else None,
        kept=node.kept,
        install_script=node.script or facts.install_script,
        yanked=facts.deprecated,
    )


def _vouched(node: Node, facts: VersionFacts) -> bool:
    """
    Whether the registry lists just this file under just this name and version.

    A lockfile may point at any host, with that file's own hash: only the packument of the configured registry vouches.
    """
    theirs = facts.digests
    told = {digest.algorithm for digest in theirs}
    common = [digest for digest in digests(node.integrity) if digest.algorithm in told]
    if common:
        # npm takes bytes of any of an entry's hashes: beside the registry's own there must be no other.
        return all(digest in theirs for digest in common)
    return node.resolved is None or _path(node.resolved) == _path(facts.tarball)


def _unvouched(node: Node, kind: ArtifactKind) -> Release:
    url = _without_credentials(node.resolved or node.name)
    qualifier = {"vcs_url": url} if kind is ArtifactKind.VCS else {"download_url": url}
    version = "" if node.stub else node.version
    return Release(
        purl=make(_NPM, node.package, version or None, **qualifier),
        name=node.package,
        version=version,
        artifact=Artifact(
            kind=kind, filename=PurePosixPath(_split(url).path).name, url=url, digests=digests(node.integrity)
        ),
        alias=node.name if node.name != node.package else None,
        kept=node.kept,
        install_script=node.script,
    )


def _from_disk(node: Node, document: Document, kind: ArtifactKind, path: str) -> Release:
    # Relative to the project: a purl goes into reports and override files, which travel.
    relative = os.path.relpath(os.path.join(document.path, path), document.path)  # noqa: PTH118 - may climb with `..`
    return Release(
        purl=make(_NPM, node.package, node.version or None, download_url=f"file:{relative}"),
        name=node.package,
        version=node.version,
        artifact=Artifact(
            kind=kind, filename=PurePosixPath(path).name, url=f"file:{relative}", digests=digests(node.integrity)
        ),
        alias=node.name if node.name != node.package else None,
        kept=node.kept,
        install_script=node.script,
    )


def _bundled(node: Node) -> Release:
    return Release(
        purl=make(_NPM, node.package, node.version),
        name=node.package,
        version=node.version,
        artifact=Artifact(kind=ArtifactKind.BUNDLED, filename="", url=""),
        alias=node.name if node.name != node.package else None,
        kept=node.kept,
        install_script=node.script,
    )


def _within(installed: Collection[Node], releases: Mapping[str, Release]) -> dict[str, Release]:
    """Return *releases* with each bundled one bound to the tarball that it comes in."""
    bound = dict(releases)
    for node in installed:
        if node.bundled_by is not None and node.bundled_by in releases:
            outer = releases[node.bundled_by]
            artifact = replace(outer.artifact, kind=ArtifactKind.BUNDLED, size=None, uploaded=None)
            # It is as public as what it comes in, so advisory sources may be asked about it.
            bound[node.location] = replace(releases[node.location], artifact=artifact, registry=outer.registry)
    return bound


def _merged(releases: Collection[Release]) -> tuple[Release, ...]:
    """Return one release for each purl: kept only where every copy of it stays."""
    merged: dict[Purl, Release] = {}
    for release in releases:
        other = merged.get(release.purl)
        merged[release.purl] = (
            release
            if other is None
            else replace(
                other,
                asked=other.asked or release.asked,
                alias=other.alias or release.alias,
                kept=other.kept and release.kept,
                install_script=other.install_script or release.install_script,
            )
        )
    return tuple(merged.values())


# --- why they are here ----------------------------------------------------------------------------------------------


def _asked(document: Document, releases: Mapping[str, Release]) -> tuple[Release, ...]:
    typed = {name: words for name, words in document.asked if name is not None}
    words: dict[str, str] = {}
    for node in document.nodes:
        if node.root or node.workspace:
            origin = "package.json" if node.root else f"{node.location}/package.json"
            for edge in node.edges:
                if edge.to is not None and edge.to not in words:
                    words[edge.to] = typed.get(edge.name) or f"{_requirement(edge)} ({origin})"
    return tuple(replace(release, asked=words.get(location)) for location, release in releases.items())


def _edges(installed: Collection[Node], releases: Mapping[str, Release]) -> tuple[Edge, ...]:
    found: dict[Edge, None] = {}
    for node in installed:
        parent = releases.get(node.location)
        if node.link or (parent is None and not node.root):
            continue
        for edge in node.edges:
            child = releases.get(edge.to) if edge.to is not None else None
            if child is not None:
                mother = parent.purl if parent is not None else None
                found[Edge(parent=mother, child=child.purl, requirement=_requirement(edge))] = None
        if node.bundled_by is not None and parent is not None and node.bundled_by in releases:
            found[Edge(parent=releases[node.bundled_by].purl, child=parent.purl, requirement="bundled")] = None
    return tuple(found)


def _requirement(edge: Dependency) -> str:
    # The spec of a workspace is the absolute path that npm made of it.
    return edge.name if edge.kind == "workspace" or not edge.spec else f"{edge.name}@{edge.spec}"


def _pages(installed: Collection[Node], releases: Mapping[str, Release], known: _Known) -> Mapping[Purl, PageFacts]:
    found = {}
    for node in installed:
        held = known.held.get(bare(node.page)) if node.page else None
        release = releases.get(node.location)
        known_once = held is not None and node.version in held.page.unpublished
        if held is not None and release is not None and (release.registry is not None or known_once):
            found[make(_NPM, release.name)] = held.page
    return found


def _told(installed: Collection[Node], releases: Mapping[str, Release], known: _Known) -> Mapping[Purl, VersionFacts]:
    found = {}
    for node in installed:
        facts = known.facts(node) if node.location in releases and not node.stub else None
        if facts is not None:
            found[releases[node.location].purl] = facts
    return found


def _histories(installed: Collection[Node], releases: Mapping[str, Release], known: _Known) -> Mapping[Purl, History]:
    found = {}
    for node in installed:
        held = known.held.get(bare(node.page)) if node.page else None
        release = releases.get(node.location)
        history = held.histories.get(node.version) if held is not None else None
        if history is not None and release is not None and release.registry is not None and not release.kept:
            found[release.purl] = history
    return found


def _elsewhere(installed: Collection[Node], releases: Mapping[str, Release]) -> frozenset[Purl]:
    """Return what is installed at none of its places."""
    away = {releases[node.location].purl for node in installed if node.elsewhere and node.location in releases}
    return frozenset(
        away - {releases[at.location].purl for at in installed if not at.elsewhere and at.location in releases}
    )


def _asked_at(installed: Collection[Node], releases: Mapping[str, Release]) -> Mapping[Purl, str]:
    return {releases[node.location].purl: node.page for node in installed if node.page and node.location in releases}


def _newest(pages: Mapping[Purl, str], gateway: NpmGateway, release: Release, name: str) -> tuple[str, ...] | None:
    return gateway.repositories(pages[release.purl], release.name, name)


def _refuse_shrinkwraps(installed: Collection[Node]) -> None:
    inside = tuple(node.location for node in installed if node.shrunk)
    for node in installed:
        if node.shrinkwrap and not node.root and not any(at.startswith(f"{node.location}/") for at in inside):
            shown = f"`{printable(node.package)}@{printable(node.version)}`"
            raise NotUnderstood(
                f"{shown} brings its own lockfile (npm-shrinkwrap.json), which only its tarball shows",
                hint="packages of this kind are not supported yet; ask its publisher to drop the shrinkwrap",
            )


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _path(url: str) -> str:
    return unquote(_split(url).path)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:  # an unbalanced bracket
        raise MalformedAnswer(f"`{printable(url)}` is no URL") from error


def _without_credentials(url: str) -> str:
    parts = _split(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=parts.fragment))
