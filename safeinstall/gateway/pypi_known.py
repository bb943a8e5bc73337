"""What the gateway has learned from index pages, of whatever index, in one run."""

import threading
from dataclasses import replace
from datetime import datetime

from safeinstall import purl
from safeinstall.errors import MalformedAnswer
from safeinstall.gateway.pages import IndexFile, Page, key
from safeinstall.gateway.pypi_status import status, why_empty
from safeinstall.model import Digest, EcosystemName, Project


class Known:
    """Files by URL and by project; safe to share between threads."""

    def __init__(self) -> None:
        """Begin empty."""
        self._files: dict[str, IndexFile] = {}
        self._projects: dict[str, dict[str, IndexFile]] = {}
        self._pages: dict[str, list[Page]] = {}
        self._lock = threading.Lock()

    def add(self, page: Page) -> None:
        """Take in all files of *page*."""
        with self._lock:
            self._pages.setdefault(page.project, []).append(page)
            for entry in page.entries:
                file = entry.file
                before = self._files.get(file.url)
                if before is not None:
                    file = replace(before, digests=_both(before.digests, file.digests))
                self._files[file.url] = file
                self._projects.setdefault(file.project, {})[file.url] = file

    def file(self, url: str) -> IndexFile | None:
        """Return the file that some page listed under *url*."""
        try:
            return self._files.get(key(url))
        except MalformedAnswer:
            return None

    def files_of(self, project: str) -> tuple[IndexFile, ...]:
        """Return every file of *project* (canonical)."""
        with self._lock:
            return tuple(self._projects.get(project, {}).values())

    def listed(self, project: str) -> tuple[IndexFile, ...]:
        """Return every file of *project* (canonical), once for each page that lists it."""
        with self._lock:
            pages = tuple(self._pages.get(project, ()))
            others = tuple(self._projects.get(project, {}).values())
        own = tuple(entry.file for page in pages for entry in page.entries if entry.file.project == project)
        told = {page.url for page in pages}
        return (*own, *(file for file in others if file.page not in told))

    def empty(self) -> dict[str, str]:
        """Return by name why no index has a file of it, for the projects of which only empty pages were read."""
        with self._lock:
            names = [name for name in self._pages if not self._projects.get(name)]
            return {name: why for name in names if (why := why_empty(self._pages[name])) is not None}

    def project(self, name: str) -> Project | None:
        """Return what all pages tell of *name* (canonical)."""
        files = self.files_of(name)
        with self._lock:
            pages = tuple(self._pages.get(name, ()))
        if not files and not pages:
            return None
        moments: list[datetime | None] = [page.first_uploaded for page in pages]
        moments += [file.uploaded for file in files]
        versions = {file.version for file in files}
        for page in pages:
            versions.update(page.versions)
        word, reason = status(pages)
        return Project(
            purl=purl.make(EcosystemName.PYPI, name),
            status=word if word != "active" else None,
            reason=reason,
            first_uploaded=min((at for at in moments if at is not None), default=None),
            releases=len(versions),
        )


def _both(one: tuple[Digest, ...], other: tuple[Digest, ...]) -> tuple[Digest, ...]:
    # Where two pages contradict each other about one URL both digests stay, and no bytes can satisfy them.
    found = {*one, *other}
    return tuple(sorted(found, key=lambda digest: (digest.algorithm != "sha256", digest.algorithm, digest.value)))
