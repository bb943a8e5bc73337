"""What index pages, and a look into few wheels, tell of the past of the planned releases."""

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import getaddresses
from typing import cast

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from safeinstall.ecosystems.pypi import claims
from safeinstall.errors import MalformedAnswer
from safeinstall.gateway import metadata
from safeinstall.gateway.contents import Contents
from safeinstall.gateway.pages import IndexFile
from safeinstall.gateway.pypi import PypiGateway
from safeinstall.history import History, Maintainer, Provenance, Publication
from safeinstall.model import Purl, Release
from safeinstall.past import Dated, Past, past
from safeinstall.purl import parts
from safeinstall.versions import Ordered

YOUNG = timedelta(days=30)
"""A file that the world had less time to look at is looked into, whoever asked for it."""

_THREADS = 8
_EXTRA = re.compile(r"\bextra\s*==")
_DIGITS = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pages:
    """The files of one project on the page that lists the planned one."""

    planned: IndexFile
    by_version: Mapping[str, tuple[IndexFile, ...]]
    found: Past


def histories(
    releases: Iterable[Release], gateway: PypiGateway, present: Mapping[str, str], now: datetime
) -> Mapping[Purl, History]:
    """
    Return the past of *releases*; *present* are the installed versions by canonical name.

    What pages tell costs nothing. Wheels are looked into only for releases that the user named or that are younger
    than `YOUNG`: two of them each, the planned one and the one that it is compared with.
    """
    made: dict[Purl, History] = {}
    closer: list[tuple[Purl, _Pages, str]] = []
    for release in releases:
        file = gateway.file(release.artifact.url) if release.registry is not None and not release.kept else None
        if file is None:
            continue
        pages = _pages(file, gateway)
        history = made[release.purl] = _told_by_pages(release, pages, gateway, present.get(file.project))
        base = history.base()
        young = file.uploaded is not None and now - file.uploaded < YOUNG
        if base is not None and (release.asked is not None or young) and _wheels(pages, base.version):
            closer.append((release.purl, pages, base.version))
    with ThreadPoolExecutor(_THREADS) as pool:
        looks = pool.map(lambda one: (one[0], one[2], _look(one[1], one[2], gateway)), closer)
        for purl, version, held in looks:
            made[purl] = _closer(made[purl], version, held)
    return made


def _pages(file: IndexFile, gateway: PypiGateway) -> _Pages:
    by_version: dict[str, list[IndexFile]] = {}
    for other in gateway.files_of(file.project):
        if other.page == file.page:
            by_version.setdefault(other.version, []).append(other)
    dated = [_dated(version, files) for version, files in by_version.items()]
    own = _dated(file.version, by_version.get(file.version, [file]))
    return _Pages(
        planned=file,
        by_version={version: tuple(files) for version, files in by_version.items()},
        # A file that came later than its release is as old as it is itself.
        found=past(dated, replace(own, uploaded=file.uploaded)),
    )


def _dated(version: str, files: Iterable[IndexFile]) -> Dated:
    order, prerelease = _order(version)
    times = [one.uploaded for one in files if one.uploaded is not None]
    return Dated(version=version, order=order, prerelease=prerelease, uploaded=min(times, default=None))


def _order(version: str) -> tuple[Ordered | None, bool]:
    try:
        known = Version(version)
    except InvalidVersion:
        return None, False
    return cast("Ordered", known), known.is_prerelease


def _told_by_pages(release: Release, pages: _Pages, gateway: PypiGateway, present: str | None) -> History:
    file = pages.planned
    made: dict[str, Publication] = {}

    def publication(version: str | None) -> Publication | None:
        if version is None or version not in pages.by_version:
            return None
        if version not in made:
            made[version] = _publication(version, pages.by_version[version], file)
        return made[version]

    planned = publication(file.version) or _publication(file.version, (file,), file)
    served = gateway.metadata(file.url)
    earlier = (publication(version) for version in pages.found.earlier)
    return History(
        name=parts(release.purl)[1],
        planned=planned if served is None else _described(planned, served),
        previous=publication(pages.found.previous),
        settled=publication(pages.found.settled),
        present=publication(present) if present != file.version else None,
        earlier=tuple(one for one in earlier if one is not None),
        versions=len(pages.found.before),
        dated=file.uploaded is not None,
    )


def _publication(version: str, files: tuple[IndexFile, ...], planned: IndexFile) -> Publication:
    times = [one.uploaded for one in files if one.uploaded is not None]
    twin = _twin(files, planned)
    return Publication(
        version=version,
        uploaded=min(times, default=None),
        provenance=_provenance(files),
        size=twin.size if twin is not None and _tail(twin) == _tail(planned) else None,
        kinds=tuple(sorted({"wheel" if one.is_wheel else "sdist" for one in files})),
    )


def _provenance(files: Iterable[IndexFile]) -> Provenance | None:
    told = [one.provenance for one in files]
    if any(one is None for one in told):
        return None
    # A release is attested when each of its files is: the one without is the one that somebody added.
    url = next((one for one in told if one), None)
    return Provenance(present=all(told), url=url)


def _twin(files: Iterable[IndexFile], planned: IndexFile) -> IndexFile | None:
    """Return the file among *files* that is most like *planned*: its tags, else its kind."""
    alike = sorted(
        (one for one in files if one.is_wheel == planned.is_wheel), key=lambda one: _tail(one) != _tail(planned)
    )
    return alike[0] if alike else None


def _tail(file: IndexFile) -> str:
    """Return what stands behind the version in a file name: the tags, or the ending."""
    return file.filename.split("-", 2)[-1] if file.is_wheel else file.filename[-7:]


def _look(pages: _Pages, base: str, gateway: PypiGateway) -> tuple[Contents, Contents] | None:
    """Return what the planned wheel and the one before it hold; None: a server did not let us look."""
    before = _twin(pages.by_version[base], pages.planned)
    assert before is not None
    theirs = gateway.contents(before)
    mine = gateway.contents(pages.planned) if theirs is not None else None
    return None if mine is None or theirs is None else (mine, theirs)


def _wheels(pages: _Pages, base: str) -> bool:
    """Whether both are wheels: without something to compare it with, what the planned one holds says nothing."""
    before = _twin(pages.by_version[base], pages.planned)
    return pages.planned.is_wheel and before is not None and before.is_wheel


def _closer(history: History, base: str, held: tuple[Contents, Contents] | None) -> History:
    if held is None:
        return replace(history, unread=True)
    mine, theirs = held

    def looked(one: Publication | None) -> Publication | None:
        return _held(_described(one, theirs.metadata), theirs) if one is not None and one.version == base else one

    return replace(
        history,
        planned=_held(_described(history.planned, mine.metadata), mine),
        previous=looked(history.previous),
        settled=looked(history.settled),
        present=looked(history.present),
    )


def _held(one: Publication, contents: Contents) -> Publication:
    # The names of such files carry versions: `protobuf-3.20.3-py3.7-nspkg.pth`.
    startup = sorted({_DIGITS.sub("*", name) for name in contents.startup})
    return replace(
        one, startup=tuple(startup), commands=contents.commands, files=contents.files, builder=contents.builder
    )


def _described(one: Publication, served: bytes) -> Publication:
    try:
        raw = metadata.parsed(served)
    except MalformedAnswer:
        return one
    people = getaddresses([raw.get("author_email", ""), raw.get("maintainer_email", "")])
    named = [raw.get("author", ""), raw.get("maintainer", "")]
    found = [Maintainer(name=name or mail, mail=mail) for name, mail in people if "@" in mail]
    found += [Maintainer(name=name.strip()) for name in named if name.strip()]
    return replace(
        one,
        dependencies=tuple(sorted(set(_dependencies(raw.get("requires_dist", []))))),
        maintainers=tuple(dict.fromkeys(found)),
        repositories=claims.of(served),
    )


def _dependencies(requires: Iterable[str]) -> Iterable[str]:
    for text in requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or not _EXTRA.search(str(requirement.marker)):
            yield canonicalize_name(requirement.name)
