"""Pages and metadata that pip will ask for next, fetched while it still works on the first ones."""

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from safeinstall.errors import SafeinstallError
from safeinstall.gateway import metadata
from safeinstall.gateway.pages import Channel, IndexFile, Page
from safeinstall.gateway.pypi_remote import Told, for_host
from safeinstall.gateway.pypi_target import Fit

THREADS = 12
MAX_PROJECTS = 1000
"""Names that one run guesses at; a closure is rarely larger than 300."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Guess:
    name: str
    extra: str = ""
    specifier: SpecifierSet


class Prefetcher:
    """
    Walks ahead of the resolver: the best file of each page, its metadata, and what that requires.

    It asks only the index that the client itself asks, with the client's own headers, and nobody once the client
    uses a second one: whether a name is the one's or the other's is not ours to guess. Its results lie where the
    answering path finds them; its failures are nobody's.
    """

    def __init__(
        self,
        *,
        fit: Fit,
        environment: Mapping[str, str],
        page: Callable[[str, Channel], Page],
        read: Callable[[IndexFile, Channel], bytes],
    ) -> None:
        """Start no thread yet; *page* and *read* share their results with the answering path."""
        self._fit = fit
        self._environment = environment
        self._page = page
        self._read = read
        self._queue: queue.SimpleQueue[_Guess | None] = queue.SimpleQueue()
        self._guessed: set[tuple[str, str]] = set()
        self._index: tuple[str, Channel] | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def saw(self, url: str, channel: Channel, page: Page) -> None:
        """Hear that the client was given the project page *url*, over *channel*."""
        if page.entries and all(entry.file.project != page.project for entry in page.entries):
            return  # a page of `--find-links`
        base = url.partition("?")[0].rstrip("/").rpartition("/")[0]
        with self._lock:
            if self._stopped:
                return
            if self._index is None:
                self._index = base, channel
                for number in range(THREADS):
                    threading.Thread(target=self._work, name=f"prefetch-{number}", daemon=True).start()
            elif self._index[0] != base:
                self._stop()
                return
        self._guess(_Guess(name=page.project, specifier=SpecifierSet()))

    def close(self) -> None:
        """Ask for nothing new; what is under way ends by itself."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            for _ in range(THREADS):
                self._queue.put(None)

    def _guess(self, guess: _Guess) -> None:
        with self._lock:
            if self._stopped or (guess.name, guess.extra) in self._guessed or len(self._guessed) >= MAX_PROJECTS:
                return
            self._guessed.add((guess.name, guess.extra))
        self._queue.put(guess)

    def _work(self) -> None:
        while (guess := self._queue.get()) is not None and not self._stopped:
            try:
                self._follow(guess)
            except SafeinstallError:
                continue  # the client will ask for it, and be told
            except Told as asked:
                asked.answer.close()

    def _follow(self, guess: _Guess) -> None:
        assert self._index is not None
        base, channel = self._index
        page = self._page(f"{base}/{guess.name}/", channel)
        file = self._best(page, guess.specifier)
        if file is None or self._stopped:
            return
        raw = metadata.parsed(self._read(file, for_host(channel, base, file.url)))
        for text in raw.get("requires_dist", ()):
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            if requirement.url is None and self._applies(requirement.marker, guess.extra):
                name = canonicalize_name(requirement.name)
                for extra in ("", *requirement.extras):
                    self._guess(_Guess(name=name, extra=extra, specifier=requirement.specifier))

    def _applies(self, marker: Marker | None, extra: str) -> bool:
        try:
            return marker is None or marker.evaluate({**self._environment, "extra": extra})
        except (UndefinedComparison, UndefinedEnvironmentName):
            return False

    def _best(self, page: Page, specifier: SpecifierSet) -> IndexFile | None:
        versions: dict[str, Version | None] = {}
        best: tuple[tuple[bool, Version, int], IndexFile] | None = None
        for entry in page.entries:
            file = entry.file
            rank = self._fit.rank(file.filename)
            if (
                (file.is_wheel and rank is None)
                or file.yanked is not None
                or not self._fit.python(file.requires_python)
            ):
                continue
            if file.version not in versions:
                versions[file.version] = _within(file.version, specifier)
            version = versions[file.version]
            if version is None or file.project != page.project:
                continue
            order = (not version.is_prerelease, version, -(rank if rank is not None else 1_000_000))
            if best is None or order > best[0]:
                best = order, file
        return best[1] if best is not None else None


def _within(text: str, specifier: SpecifierSet) -> Version | None:
    try:
        version = Version(text)
    except InvalidVersion:
        return None
    return version if specifier.contains(version, prereleases=True) else None
