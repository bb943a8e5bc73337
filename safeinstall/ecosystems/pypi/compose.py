"""Composing a plan out of what one planner run left and what the gateway has seen on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name, canonicalize_version

from safeinstall.contracts import Conditions
from safeinstall.ecosystems.pypi import edges, releases, reported
from safeinstall.ecosystems.pypi.hooked import Planned
from safeinstall.ecosystems.pypi.registries import Registries, registries
from safeinstall.ecosystems.pypi.releases import LocalArchive
from safeinstall.ecosystems.pypi.reported import Asked, Reported
from safeinstall.errors import CannotResolve
from safeinstall.fields import items, optional
from safeinstall.gateway.pages import IndexFile
from safeinstall.gateway.pypi import PypiGateway
from safeinstall.model import ArtifactKind, BuildNeed, Edge, Project, Purl, Release
from safeinstall.text import printable, redacted


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One resolved set: the command's own, or the build requirements of one sdist."""

    releases: tuple[Release, ...] = ()
    edges: tuple[Edge, ...] = ()
    files: tuple[IndexFile, ...] = ()
    """What the frozen view may list."""
    archives: tuple[LocalArchive, ...] = ()
    """What on disk was used."""
    urls: tuple[str, ...] = ()
    """Archives that were asked for by URL."""
    notes: tuple[str, ...] = ()

    def joined(self, other: "Part") -> "Part":
        """Return both together; what stands in both stands once, as here."""
        known = {release.purl for release in self.releases}
        return Part(
            releases=(*self.releases, *(release for release in other.releases if release.purl not in known)),
            edges=tuple(dict.fromkeys((*self.edges, *other.edges))),
            files=tuple({file.url: file for file in (*other.files, *self.files)}.values()),
            archives=tuple({one.path: one for one in (*other.archives, *self.archives)}.values()),
            urls=tuple(dict.fromkeys((*self.urls, *other.urls))),
            notes=tuple(dict.fromkeys((*self.notes, *other.notes))),
        )

    def rebuilt(self, purl: Purl, need: BuildNeed) -> "Part":
        """Return it with another build need of the release *purl*."""
        return replace(
            self,
            releases=tuple(replace(one, build=need) if one.purl == purl else one for one in self.releases),
        )


def indexes(facts: Mapping[str, object], conditions: Conditions) -> Registries:
    """Return the registries that pip uses, as its own finder has them after reading every requirements file."""
    urls = items(facts, "options.index_urls", str)
    return registries(urls, conditions)


def compose(planned: Planned, gateway: PypiGateway, conditions: Conditions, *, parent: Purl | None = None) -> Part:
    """
    Return the part that *planned* makes; *parent* is the sdist whose build requirements they are.

    Raises `CannotResolve` for a file that no page listed and no disk holds: it could not be bound to any bytes.
    """
    known = indexes(planned.facts, conditions)
    asked = reported.asked(planned.facts)
    found = reported.reported(planned.report)
    reader = _Reader(planned, gateway, known, asked, named=parent is None)
    made = {one.key: reader.release(one) for one in found}
    present = {one.key: one for one in reported.present(planned.facts) if one.key not in made} if parent is None else {}
    nodes = {
        **{
            key: edges.Node(purl=releases.kept(one, known, asked=None).purl, requires=one.requires)
            for key, one in present.items()
        },
        **{one.key: edges.Node(purl=made[one.key].purl, requires=one.requires) for one in found},
    }
    walked = edges.walk(
        _roots(asked, found),
        nodes,
        reported.environment(planned.report),
        parent=parent,
        follow=not optional(planned.facts, "options.ignore_dependencies", bool),
    )
    reached = {edge.child for edge in walked}
    stay = [
        releases.kept(one, known, asked=reader.words(one.key, None))
        for key, one in present.items()
        if nodes[key].purl in reached
    ]
    return Part(
        releases=(*made.values(), *stay),
        edges=walked,
        files=tuple(reader.files),
        archives=reader.archives,
        urls=tuple(reader.urls),
    )


def chosen(facts: Mapping[str, object]) -> tuple[str, ...]:
    """Return in words which indexes a requirements file chose, rather than the user's command or configuration."""
    own = items(facts, "options.own_index_urls", str)
    return tuple(
        f"an index that a requirements file chose serves it: {redacted(url)}"
        for url in items(facts, "options.index_urls", str)
        if url not in own
    )


def projects(part: Part, gateway: PypiGateway) -> tuple[Project, ...]:
    """Return what the index pages of the names in *part* tell."""
    names = dict.fromkeys(canonicalize_name(release.name) for release in part.releases)
    return tuple(page for page in map(gateway.project, names) if page is not None)


def stopped(planned: Planned) -> Part:
    """Return the part that holds nothing but the sources at which planning stopped, so that a check names them."""
    found = [releases.unresolved(source) for source in reported.foreign(planned.facts)]
    return Part(
        releases=tuple(found),
        edges=tuple(Edge(parent=None, child=one.purl, requirement=one.asked or one.name) for one in found),
        notes=("the rest was not resolved: it depends on what no registry vouches for",),
    )


def to_build(part: Part) -> tuple[Release, ...]:
    """Return the releases of *part* whose backend runs on install and whose build requirements can be told before."""
    kinds = (ArtifactKind.SDIST, ArtifactKind.LOCAL_FILE)
    return tuple(one for one in part.releases if one.build is not BuildNeed.NONE and one.artifact.kind in kinds)


class _Reader:
    """Makes releases of reported ones and keeps where their bytes are to come from."""

    def __init__(
        self, planned: Planned, gateway: PypiGateway, known: Registries, asked: Sequence[Asked], *, named: bool
    ) -> None:
        self.files: list[IndexFile] = []
        self.urls: list[str] = []
        self.archives = releases.local_archives(planned.facts)
        self._gateway = gateway
        self._known = known
        self._asked = asked if named else ()
        self._origins: Mapping[str, object] = optional(planned.facts, "origins", dict) or {}

    def words(self, key: str, url: str | None) -> str | None:
        """Return what the user wrote for it."""
        for one in self._asked:
            if one.name == key or (url is not None and one.url == url):
                return one.words
        return None

    def release(self, one: Reported) -> Release:
        words = self.words(one.key, one.url)
        if one.directory or one.vcs is not None:
            return releases.unlisted(one, asked=words)
        if urlsplit(one.url).scheme == "file":
            return self._on_disk(one, words)
        if one.direct:
            self.urls.append(one.url)
            return releases.unlisted(one, asked=words)
        file = self._gateway.file(one.url)
        if file is None:
            raise CannotResolve(f"pip chose {printable(one.name)} {printable(one.version)}, which no index page lists")
        if (one.key, canonicalize_version(one.version)) != (file.project, canonicalize_version(file.version)):
            # Judged is what the file's name says.
            shown = f"{printable(one.name)} {printable(one.version)}"
            raise CannotResolve(f"pip takes `{printable(file.filename)}` for {shown}, which is not what its name says")
        self.files.append(file)
        return replace(
            releases.listed(file, self._known, build=self._gateway.build_need(file.url), asked=words), name=one.name
        )

    def _on_disk(self, one: Reported, words: str | None) -> Release:
        path = unquote(urlsplit(one.url).path)
        archive = next((archive for archive in self.archives if archive.path == path), None)
        if archive is None:
            raise CannotResolve(f"pip chose `{printable(path)}`, but did not say what it read there")
        page = self._origins.get(one.url)
        return releases.on_disk(
            one.name,
            one.version,
            one.url,
            archive,
            page=None if one.direct else page if isinstance(page, str) else one.url.rpartition("/")[0],
            registries=self._known,
            twin=releases.twin(self._gateway.files_of(one.key), archive.sha256),
            asked=words,
        )


def _roots(asked: Sequence[Asked], found: Sequence[Reported]) -> tuple[edges.Root, ...]:
    by_url = {one.url: one.key for one in found}
    roots = []
    for one in asked:
        name = one.name or by_url.get(one.url or "")
        if name is not None:
            roots.append(edges.Root(name=name, extras=one.extras, requirement=one.text))
    return tuple(roots)
