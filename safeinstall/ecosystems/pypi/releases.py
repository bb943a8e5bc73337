"""Releases out of what pip reported, what the index listed and what lies on the user's disk."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from packageurl import PackageURL
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from safeinstall import purl
from safeinstall.ecosystems.pypi.registries import Registries
from safeinstall.ecosystems.pypi.reported import Foreign, Present, Reported
from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, items, optional
from safeinstall.gateway.metadata import build_need, build_requires
from safeinstall.gateway.pages import STRONG, IndexFile
from safeinstall.model import Artifact, ArtifactKind, BuildNeed, Digest, EcosystemName, Purl, Release
from safeinstall.text import redacted

PYPI = EcosystemName.PYPI


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalArchive:
    """One archive on the user's disk that planning used."""

    path: str
    sha256: str
    pkg_info: bytes | None = None
    """None: it is a wheel."""
    pyproject: bytes | None = None

    @property
    def build(self) -> BuildNeed:
        """What installing it runs."""
        return BuildNeed.NONE if self.pkg_info is None else build_need(self.pkg_info)


def local_archives(facts: Mapping[str, object]) -> tuple[LocalArchive, ...]:
    """Return the archives on disk that planning used."""
    found = []
    for item in items(facts, "local", object):
        pkg_info, pyproject = optional(item, "pkg_info", str), optional(item, "pyproject", str)
        found.append(
            LocalArchive(
                path=field(item, "path", str),
                sha256=field(item, "sha256", str),
                pkg_info=pkg_info.encode() if pkg_info is not None else None,
                pyproject=pyproject.encode() if pyproject is not None else None,
            )
        )
    return tuple(found)


def listed(file: IndexFile, registries: Registries, *, build: BuildNeed, asked: str | None = None) -> Release:
    """Return the release of a file that some index page lists."""
    return Release(
        purl=purl.make(PYPI, file.project, file.version),
        name=file.project,
        version=file.version,
        artifact=Artifact(
            kind=ArtifactKind.WHEEL if file.is_wheel else ArtifactKind.SDIST,
            filename=file.filename,
            url=file.url,
            # A weak digest binds nothing that an attacker made: such a file is unpinned.
            digests=tuple(digest for digest in file.digests if digest.algorithm in STRONG),
            size=file.size,
            uploaded=file.uploaded,
        ),
        registry=registries.of_page(file.page),
        asked=asked,
        build=build,
        yanked=file.yanked,
    )


def on_disk(  # noqa: PLR0913 - what is known of a local archive comes from three places
    name: str,
    version: str,
    url: str,
    archive: LocalArchive,
    *,
    page: str | None,
    registries: Registries,
    twin: IndexFile | None = None,
    asked: str | None = None,
) -> Release:
    """
    Return the release of an archive on the user's disk.

    *page*: the local index or folder that it was found in; *twin*: the file of some index with the same bytes.
    """
    origin = twin.page if twin is not None else page
    return Release(
        purl=purl.make(PYPI, name, version),
        name=name,
        version=version,
        artifact=Artifact(
            kind=ArtifactKind.LOCAL_FILE,
            filename=_filename(url),
            url=url,
            digests=(Digest(algorithm="sha256", value=archive.sha256),),
            size=twin.size if twin is not None else None,
            uploaded=twin.uploaded if twin is not None else None,
        ),
        registry=registries.of_page(origin) if origin is not None else None,
        asked=asked,
        build=archive.build,
        yanked=twin.yanked if twin is not None else None,
    )


def twin(files: Iterable[IndexFile], sha256: str) -> IndexFile | None:
    """Return the file among *files* with these bytes: what an index lists is its release, wherever pip took it from."""
    return next((file for file in files if file.sha256 == sha256), None)


def unlisted(found: Reported, *, asked: str | None) -> Release:
    """Return the release of what no index lists: a directory of the user's, a repository, a URL."""
    if found.directory:
        kind, identity = ArtifactKind.LOCAL_PROJECT, purl.make(PYPI, found.name, found.version)
    elif found.vcs is not None:
        kind, identity = ArtifactKind.VCS, purl.make(PYPI, found.name, found.version, vcs_url=found.vcs)
    else:
        kind = ArtifactKind.URL
        identity = purl.make(PYPI, found.name, found.version, download_url=redacted(found.url))
    source = found.directory or found.vcs is not None or not found.url.endswith(".whl")
    return Release(
        purl=identity,
        name=found.name,
        version=found.version,
        artifact=Artifact(
            kind=kind,
            filename="" if found.directory or found.vcs else _filename(found.url),
            url=found.url if found.directory else redacted(found.url),
            digests=found.digests,
        ),
        asked=asked,
        build=_build(kind) if source else BuildNeed.NONE,
    )


def unresolved(source: Foreign) -> Release:
    """Return the release that stands for a source which was not even asked, so that a check can name it."""
    name, version = _told(source)
    shown = redacted(source.url)
    qualifiers = {"vcs_url" if source.vcs else "download_url": shown}
    return Release(
        purl=purl.make(PYPI, name, version, **qualifiers),
        name=name,
        version=version or "",
        artifact=Artifact(
            kind=ArtifactKind.VCS if source.vcs else ArtifactKind.URL,
            filename="" if source.vcs else source.filename,
            url=shown,
        ),
        asked=f"{source.asked} ({source.comes_from})" if source.comes_from else source.asked,
        build=BuildNeed.NONE if source.filename.endswith(".whl") else BuildNeed.DYNAMIC,
    )


def kept(one: Present, registries: Registries, *, asked: str | None) -> Release:
    """Return the release that is installed already and would stay."""
    return Release(
        purl=purl.make(PYPI, one.name, one.version),
        name=one.name,
        version=one.version,
        artifact=Artifact(kind=ArtifactKind.WHEEL, filename="", url=""),
        registry=registries.primary() if one.direct_url is None else None,
        asked=asked,
        kept=True,
    )


def from_url(url: str) -> Release:
    """Return the release of the archive at *url*, as the URL alone tells it."""
    return unresolved(
        Foreign(url=url, vcs=False, name=None, filename=_filename(url), asked=redacted(url), comes_from=None)
    )


def url_of(override: Purl) -> str | None:
    """Return the URL of the archive that the purl of an override names; None when it names another thing."""
    return PackageURL.from_string(override).qualifiers.get("download_url")


def build_requires_of(archive: LocalArchive) -> tuple[str, ...] | None:
    """Return what building *archive* needs; None when its own files do not tell."""
    try:
        return build_requires(archive.pyproject)
    except MalformedAnswer:
        return None


def _build(kind: ArtifactKind) -> BuildNeed:
    # The user's own directories were built while planning, their backend being the user's: nothing is left to guess.
    return BuildNeed.STATIC if kind is ArtifactKind.LOCAL_PROJECT else BuildNeed.DYNAMIC


def _told(source: Foreign) -> tuple[str, str | None]:
    """Return name and version, as far as the requirement itself or the file's name tells them."""
    if not source.vcs:
        try:
            if source.filename.endswith(".whl"):
                name, version, _, _ = parse_wheel_filename(source.filename)
                return source.name or name, str(version)
            sdist, version = parse_sdist_filename(source.filename)
            return source.name or sdist, str(version)
        except (InvalidWheelFilename, InvalidSdistFilename):
            return source.name or source.filename or "unnamed", None
    last = PurePosixPath(unquote(urlsplit(source.url).path)).name.partition("@")[0].removesuffix(".git")
    return source.name or last or "unnamed", None


def _filename(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])
