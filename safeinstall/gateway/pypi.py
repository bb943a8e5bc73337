"""The PyPI side of the gateway: metadata only while pip plans, exactly the judged files while it installs."""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path

from packaging.utils import canonicalize_name

from safeinstall.errors import MalformedAnswer, SafeinstallError, SourceUnavailable
from safeinstall.gateway import metadata
from safeinstall.gateway.contents import Contents
from safeinstall.gateway.pages import Channel, IndexFile, Page, filename_of, is_archive, key, newest, project_of_page
from safeinstall.gateway.prefetch import Prefetcher
from safeinstall.gateway.pypi_ahead import Wanted
from safeinstall.gateway.pypi_artifacts import Artifacts
from safeinstall.gateway.pypi_cooling import CoolPages
from safeinstall.gateway.pypi_index import Index, served, told, written
from safeinstall.gateway.pypi_known import Known
from safeinstall.gateway.pypi_other import Others
from safeinstall.gateway.pypi_remote import MetadataReader, Told, for_host
from safeinstall.gateway.pypi_target import Fit, Target
from safeinstall.gateway.server import Refusal, Request, Response
from safeinstall.gateway.stream import Expected
from safeinstall.gateway.upstream import Upstream
from safeinstall.gateway.withholding import Withholding
from safeinstall.model import BuildNeed, Digest, Project
from safeinstall.runs import AccessKind, Phase
from safeinstall.text import printable, redacted

__all__ = ["IndexFile", "PypiGateway", "Target"]

_METADATA = ".metadata"
# How an index says "I do not have it"; some say 403 for that, and pip takes it so.
_ABSENT = frozenset({403, 404, 410})
# pip would ask five times more after a 502; we have tried again already, and a malformed page stays malformed.
_OUTAGE, _MALFORMED = HTTPStatus.GATEWAY_TIMEOUT, HTTPStatus.FAILED_DEPENDENCY


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frozen:
    files: Mapping[str, IndexFile]
    projects: frozenset[str]
    adverts: Mapping[str, str]
    """The sha256 of the metadata of those files that pip may resolve by metadata alone."""
    vet_unplanned: bool


class PypiGateway:
    """A `Handler` for pip, for one run: `PLAN` until `freeze` is called, `INSTALL` from then on."""

    phase: Phase

    def __init__(
        self,
        *,
        upstream: Upstream,
        target: Target,
        vet_file: Callable[[IndexFile], bool],
        vet_url: Callable[[str], bool],
        cache: Path | None,
        keeps: Callable[[str], bool] = lambda _: False,
        withholding: Withholding | None = None,
    ) -> None:
        """
        Begin in `PLAN`; *cache* (a folder, made when missing) keeps the metadata of files with a sha256.

        *vet_file* and *vet_url* are asked from the server's threads, for artifacts that pip wants although it could
        plan from metadata: build requirements, direct URLs. True: their bytes may be handed out now. *keeps* is asked
        about the URL of each project page. True: that index must not learn the name, and nothing of it is used.
        *withholding* leaves young files out of pages; None: none is.
        """
        self.phase = Phase.PLAN
        self._upstream = upstream
        self._trim = target.trim
        self._fit = Fit(target)
        self._vet_file = vet_file
        self._vet_url = vet_url
        self._keeps = keeps
        self.cool = CoolPages(withholding)
        self._known = Known()
        self._index = Index(upstream, self._known)
        self._reader = MetadataReader(upstream, cache)
        self._artifacts = Artifacts(upstream)
        self._others = Others(upstream)
        self._prefetcher = Prefetcher(
            fit=self._fit, environment=target.environment, page=self._page_ahead, read=self._reader.get
        )
        self._frozen: _Frozen | None = None
        self._failed: dict[str, str] = {}
        self._unplanned: dict[str, str] = {}
        self._channels: dict[str, Channel] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Response:
        """See `Handler.answer`."""
        if request.method not in {"GET", "HEAD"}:
            method = printable(request.method, limit=20)
            raise Refusal(f"{method} is not for package indexes", status=HTTPStatus.METHOD_NOT_ALLOWED)
        where = key(request.url)
        try:
            return self._route(request, where)
        except Told as asked:
            return told(asked.answer, AccessKind.OTHER)

    def _route(self, request: Request, where: str) -> Response:
        described = self._known.file(where.removesuffix(_METADATA)) if where.endswith(_METADATA) else None
        if described is not None:
            return self._answer_metadata(request, described)
        file = self._known.file(where)
        if file is not None:
            return self._answer_file(request, file)
        if is_archive(filename_of(where)):
            return self._answer_url(request, where)
        accept = request.headers.get("accept", "")
        if "application/vnd.pypi.simple" in accept or "text/html" in accept:
            return self._answer_page(request, where)
        return self._others.answer(request, where) or self._answer_url(request, where)

    def _page_ahead(self, url: str, channel: Channel) -> Page:
        if self._keeps(url):
            raise SourceUnavailable("kept from this index")
        return self.cool(self._index.page(url, channel))

    def _answer_page(self, request: Request, where: str) -> Response:
        frozen = self._frozen
        if self._keeps(where):
            raise Refusal("kept from this index", status=HTTPStatus.NOT_FOUND, kind=AccessKind.PAGE)
        if frozen is not None:
            page = self._index.seen(where)
            if page is not None:
                entries = [
                    replace(entry, file=frozen.files[entry.file.url])
                    for entry in page.entries
                    if entry.file.url in frozen.files
                ]
                if entries:
                    return written(request, page, entries, lambda file: frozen.adverts.get(key(file.url), False))
            self._let_unplanned(where, frozen)
        page = self.cool(self._page(request, where))
        if frozen is None:
            self._prefetcher.saw(request.url, _channel(request), page)
        entries = [entry for entry in page.entries if not self._trim or self._fit.listed(entry.file)]
        return written(request, page, entries, lambda _: True)

    def _let_unplanned(self, where: str, frozen: _Frozen) -> None:
        project = project_of_page(where)
        if frozen.vet_unplanned and project not in frozen.projects:
            return
        reason = f"`{printable(project)}` was asked for while installing, but is not in the plan"
        if project not in frozen.projects:  # a planned one is simply listed on another page
            with self._lock:
                self._unplanned[project] = reason
        raise Refusal(reason, status=HTTPStatus.NOT_FOUND, kind=AccessKind.PAGE)

    def _page(self, request: Request, where: str) -> Page:
        try:
            page = self._index.page(request.url, _channel(request))
        except Told as asked:
            status = asked.answer.status
            # With credentials a 403 means that they are not good, and not that the project is missing.
            absent = status in _ABSENT and not (status == HTTPStatus.FORBIDDEN and "authorization" in request.headers)
            self._note(where, None if absent else f"{redacted(request.url)} answered {status}")
            raise
        except SafeinstallError as error:
            self._note(where, error.message)
            raise Refusal(error.message, status=_status(error), kind=AccessKind.PAGE) from error
        self._note(where, None)
        return page

    def _answer_metadata(self, request: Request, file: IndexFile) -> Response:
        frozen = self._frozen
        name = printable(file.filename)
        if frozen is not None:
            known = self._reader.known(file.url) if file.url in frozen.adverts else None
            if known is not None:
                return served(known)
            if file.url in frozen.files or not frozen.vet_unplanned:
                reason = f"the metadata of `{name}` is not for resolving"
                raise Refusal(reason, status=HTTPStatus.NOT_FOUND, kind=AccessKind.METADATA)
        where = f"{file.url}{_METADATA}"
        channel = self._channels[file.url] = _channel(request)
        try:
            data = self._reader.get(file, channel)
        except SafeinstallError as error:
            reason = f"the metadata of `{name}` cannot be had: {error.message}"
            self._note(where, reason)
            raise Refusal(reason, status=_status(error), kind=AccessKind.METADATA) from error
        self._note(where, None)
        return served(data)

    def _answer_file(self, request: Request, file: IndexFile) -> Response:
        frozen = self._frozen
        name = printable(file.filename)
        if frozen is not None and file.url in frozen.files:
            file = frozen.files[file.url]
        elif frozen is not None and not frozen.vet_unplanned:
            raise self._artifacts.refuse(file.url, f"`{name}` was asked for while installing, but is not in the plan")
        elif request.method != "HEAD" and not self._vet_file(file):
            reason = f"`{name}` is not in the plan" if frozen is not None else f"`{name}` may not be fetched to plan"
            raise _no(reason) if frozen is None else self._artifacts.refuse(file.url, reason)
        expected = self._expected(file)
        return self._artifacts.send(request, file.url, expected, named=False, spoiled=lambda: self._reader.forget(file))

    def _expected(self, file: IndexFile) -> Expected:
        return Expected(
            filename=file.filename,
            digests=file.digests if file.sha256 is not None else (*file.digests, *self._before(file.url)),
            metadata=self._reader.known(file.url) if file.is_wheel else None,
            contents=self._reader.known_contents(file.url),
        )

    def _answer_url(self, request: Request, where: str) -> Response:
        frozen = self._frozen
        before = self._before(where)
        shown = redacted(request.url)
        if frozen is not None and not before and not frozen.vet_unplanned:
            raise self._artifacts.refuse(where, f"{shown} was asked for while installing, but is not in the plan")
        if request.method != "HEAD" and not (frozen is not None and before) and not self._vet_url(where):
            raise _no(f"{shown} may not be fetched: no index vouches for it")
        expected = Expected(filename=filename_of(where), digests=before)
        return self._artifacts.send(request, where, expected, named=True, spoiled=lambda: None)

    def _before(self, where: str) -> tuple[Digest, ...]:
        # Bytes that no index vouches for must at least be those that were seen before.
        computed = self._artifacts.computed(where)
        return () if computed is None else (Digest(algorithm="sha256", value=computed),)

    def _note(self, where: str, failure: str | None) -> None:
        with self._lock:
            self._failed.pop(where, None)
            if failure is not None:
                self._failed[where] = failure

    # --- what was learned

    def file(self, url: str) -> IndexFile | None:
        """Return the file that some page listed under *url* (credentials and fragment do not count)."""
        return self._known.file(url)

    def files_of(self, project: str) -> tuple[IndexFile, ...]:
        """Return every file of *project* that any page listed, before trimming."""
        return self._known.files_of(canonicalize_name(project))

    def listed(self, project: str) -> tuple[IndexFile, ...]:
        """Return every file of *project* that any page listed, once for each page that lists it."""
        return self._known.listed(canonicalize_name(project))

    def empty(self) -> Mapping[str, str]:
        """Return by name why no index has a file of it, for projects that some index knows."""
        return self._known.empty()

    def project(self, name: str) -> Project | None:
        """Return what all pages seen for *name* tell together; None when no page was seen."""
        return self._known.project(canonicalize_name(name))

    def fits(self, file: IndexFile) -> bool:
        """Whether a page for this target lists *file*; always, where nothing is known of the target."""
        return not self._trim or self._fit.listed(file)

    def prefers(self, file: IndexFile, filename: str) -> bool:
        """Whether pip would rather have *file* than the one called *filename*, of the same version."""
        mine, other = self._fit.rank(file.filename), self._fit.rank(filename)
        return file.filename != filename and mine is not None and (other is None or mine < other)

    def metadata(self, url: str) -> bytes | None:
        """Return the METADATA (sdist: PKG-INFO) that the planner was given for the file at *url*."""
        return self._reader.known(key(url))

    def newest_metadata(self, project: str, like: str) -> bytes | None:
        """Return the metadata of the newest file of *project* at the index that lists *like*; None: unknown."""
        known = self._known.file(like)
        if known is None:
            return None
        url = f"{known.page.rstrip('/').rpartition('/')[0]}/{project}/"
        try:
            page = self._page_ahead(url, known.channel)
            file = newest(page)
            return None if file is None else self._reader.get(file, for_host(known.channel, url, file.url))
        except SafeinstallError:
            return None
        except Told as asked:
            asked.answer.close()
            return None

    def contents(self, file: IndexFile) -> Contents | None:
        """Return what the wheel *file* holds, by range requests; None: it is none, or its server does not tell."""
        if not file.is_wheel:
            return None
        try:
            return self._reader.contents(file, for_host(file.channel, file.page, file.url))
        except SafeinstallError:
            return None
        except Told as asked:
            asked.answer.close()
            return None

    def build_need(self, url: str) -> BuildNeed:
        """Return what installing the known file at *url* runs, by the metadata that was served (PEP 643)."""
        if filename_of(url).endswith(".whl"):
            return BuildNeed.NONE
        served = self.metadata(url)
        return BuildNeed.DYNAMIC if served is None else metadata.build_need(served)

    def build_requires(self, file: IndexFile) -> tuple[str, ...] | None:
        """
        Return `build-system.requires` of the sdist *file*, read by streaming it up to a cap; None: could not be told.

        Nothing of the archive is executed or kept. A backend may ask for more when it runs.
        """
        try:
            return metadata.build_requires(self._reader.pyproject(file))
        except SafeinstallError:
            return None
        except Told as asked:
            asked.answer.close()
            return None

    def computed(self, url: str) -> str | None:
        """Return the sha256 of the bytes that were streamed from *url* to their end, in either phase."""
        return self._artifacts.computed(key(url))

    def refusals(self) -> tuple[str, ...]:
        """Return what was refused while installing and why, one sentence for each, for the user."""
        return (*self._artifacts.refusals(), *self._unplanned.values()) if self._frozen is not None else ()

    def failures(self) -> tuple[str, ...]:
        """
        Return which pages and metadata could not be had, and why, unless they could later.

        pip goes on without an index that fails: a plan that was made so is not the plan that was asked for.
        """
        return tuple(self._failed.values())

    def freeze(
        self,
        files: Sequence[IndexFile],
        *,
        advertise: Callable[[IndexFile], bool],
        vet_unplanned: bool,
        ahead: bool = False,
    ) -> None:
        """
        Go over to `INSTALL`: from now on pages list only *files*, and only their bytes are served.

        *advertise* says for which of them pip may resolve by metadata alone (not for an sdist that is built
        dynamically). With *vet_unplanned* other projects get their pages, and each artifact of them is vetted. With
        *ahead* the files are fetched before pip asks for them, in the order of *files*.
        """
        self._prefetcher.close()
        self._artifacts.reset()
        adverts = {}
        for file in files:
            served = self.metadata(file.url)
            if served is not None and advertise(file):
                adverts[key(file.url)] = hashlib.sha256(served).hexdigest()
        self._frozen = _Frozen(
            files={key(file.url): file for file in files},
            projects=frozenset(file.project for file in files),
            adverts=adverts,
            vet_unplanned=vet_unplanned,
        )
        self.phase = Phase.INSTALL
        if ahead:
            self._artifacts.begin(
                [self._wanted(file, self._channels[file.url]) for file in files if file.url in self._channels]
            )

    def _wanted(self, file: IndexFile, channel: Channel) -> Wanted:
        return Wanted(url=file.url, channel=channel, expected=self._expected(file), size=file.size)

    def close(self) -> None:
        """Stop what still runs in the background."""
        self._prefetcher.close()
        self._artifacts.close()


def _channel(request: Request) -> Channel:
    return Channel(headers=request.headers, transport=request.transport)


def _no(reason: str) -> Refusal:
    return Refusal(reason, kind=AccessKind.ARTIFACT)


def _status(error: SafeinstallError) -> int:
    return _MALFORMED if isinstance(error, MalformedAnswer) else _OUTAGE
