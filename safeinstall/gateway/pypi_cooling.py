"""The cooldown on index pages: young files are left out, and what was left out is remembered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from packaging.version import InvalidVersion, Version

from safeinstall.gateway.pages import Entry, IndexFile, Page
from safeinstall.gateway.withholding import Withholding


class CoolPages:
    """Leaves young files out of pages."""

    def __init__(self, withholding: Withholding | None) -> None:
        """*withholding* None: every page stays as it is."""
        self._withholding = withholding
        self._left_out: dict[str, dict[str, tuple[IndexFile, timedelta]]] = {}

    def __call__(self, page: Page) -> Page:
        """Return *page* without its young files."""
        held = self._withholding
        if held is None:
            return page
        gone: dict[str, tuple[IndexFile, timedelta]] = {}
        for entry in page.entries:
            file = entry.file
            minimum = held.young(file.project, page.url, file.uploaded)
            if minimum is not None and held.hides(file.project, file.version):
                gone[file.url] = file, minimum
        if not gone:
            return page
        for file, minimum in gone.values():
            self._left_out.setdefault(file.project, {})[file.url] = file, minimum
        left = [entry for entry in page.entries if entry.file.url not in gone]
        if not held.prereleases():
            left = _without_stand_ins(left, [file for file, _ in gone.values()])
        return replace(page, entries=tuple(left))

    def left_out(self, project: str) -> Mapping[str, tuple[IndexFile, timedelta]]:
        """Return the files of *project* that were left out, by URL, each with the age that it would need."""
        return self._left_out.get(project, {})

    def names(self) -> frozenset[str]:
        """Return the projects of which files were left out."""
        return frozenset(self._left_out)


def _without_stand_ins(left: Sequence[Entry], gone: Iterable[IndexFile]) -> list[Entry]:
    """
    Return *left* without prereleases that only count because a final release was left out.

    pip takes a prerelease where it finds no final one; nobody asked for one just by asking for patience.
    """
    finals = [one for file in gone if (one := _version(file)) is not None and not one.is_prerelease]
    if not finals:
        return list(left)
    newest = max((one for entry in left if (one := _final(entry.file)) is not None), default=None)
    return [entry for entry in left if not _stands_in(entry.file, newest)]


def _stands_in(file: IndexFile, newest: Version | None) -> bool:
    version = _version(file)
    return version is not None and version.is_prerelease and (newest is None or version > newest)


def _final(file: IndexFile) -> Version | None:
    version = _version(file)
    return version if version is not None and not version.is_prerelease and file.yanked is None else None


def _version(file: IndexFile) -> Version | None:
    try:
        return Version(file.version)
    except InvalidVersion:
        return None
