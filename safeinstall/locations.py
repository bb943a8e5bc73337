"""The lines of manifests and lockfiles that brought releases in, for reports that people read beside their files."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from safeinstall.commandline import revealed
from safeinstall.model import EcosystemName, Edge, Purl, Release
from safeinstall.paths import ways
from safeinstall.purl import parts
from safeinstall.runs import Location, Run
from safeinstall.text import printable

_MOST = 50_000_000
"""Bytes of a file that is read."""
_NEAR = 3
"""Lines, from the one with the name, in which its version stands in lockfiles."""
_WORD = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9@_./+-]*")
_FROM = re.compile(r"\(-[rc] (?P<file>.+) \(line (?P<line>[0-9]{1,9})\)\)$")
_NODE_FILES = ("package-lock.json", "npm-shrinkwrap.json", "package.json")


def located(run: Run, files: Iterable[Path] = ()) -> Run:
    """
    Return *run* with the lines that name what was ruled on, and what asked for that.

    *files* are read besides the manifests that the command itself used; what cannot be read has no lines.
    """
    wanted = {ruling.result.purl for ruling in run.verdict.rulings}
    found = ways(run.plan)
    # A release that no file names came through one that is: the line of that one is where to act.
    wanted |= {found[purl][-1].child for purl in tuple(wanted) if found.get(purl)}
    read = [_File(path, text) for path in (*files, *_own(run)) if (text := _text(path)) is not None]
    places = [
        place
        for release in run.plan.releases
        if release.purl in wanted
        for place in (*_named(release, run.intent.cwd), *(one for file in read for one in file.places(release, run)))
    ]
    return replace(run, locations=tuple(dict.fromkeys(places)))


def at(run: Run, purl: Purl, found: Mapping[Purl, tuple[Edge, ...]] | None = None) -> tuple[Location, ...]:
    """
    Return the lines that brought *purl* in: its own, else those of what the user asked for.

    *found* is what `ways` told, for callers who ask about many.
    """
    own = tuple(one for one in run.locations if one.purl == purl)
    if own or not run.locations:
        return own
    edges = (ways(run.plan) if found is None else found).get(purl, ())
    return tuple(one for one in run.locations if edges and one.purl == edges[-1].child)


@dataclass(slots=True)
class _File:
    """A file, and on which lines names stand in it."""

    path: Path
    lines: Sequence[str]
    names: Mapping[str, list[int]]

    def __init__(self, path: Path, text: str) -> None:
        """Read every word of *text* once."""
        self.path = path
        self.lines = text.splitlines()
        names: dict[str, list[int]] = {}
        for number, line in enumerate(self.lines):
            for word in _WORD.findall(line):
                for name in _spellings(word):
                    names.setdefault(name, []).append(number)
        self.names = names

    def places(self, release: Release, run: Run) -> Iterator[Location]:
        ecosystem, name, version = parts(release.purl)
        numbers = self.names.get(canonicalize_name(name) if ecosystem is EcosystemName.PYPI else name, ())
        near = [one for one in numbers if version and version in "\n".join(self.lines[one : one + _NEAR])]
        for number in near[:1] or list(numbers)[:1]:
            text = printable(self.lines[number])
            yield Location(purl=release.purl, path=_shown(self.path, run.intent.cwd), line=number + 1, text=text)


def _spellings(word: str) -> Iterator[str]:
    """Yield the names that *word* may be: `node_modules/a/node_modules/@b/c`, `@b/c@1.0`, `Flask`."""
    bare = word.rpartition("node_modules/")[2].strip("/")
    cut = bare.find("@", 1)
    name = bare[:cut] if cut > 0 else bare
    yield name
    normal = canonicalize_name(name)
    if normal != name:
        yield normal


def _own(run: Run) -> Iterator[Path]:
    if run.intent.ecosystem is EcosystemName.NPM:
        folder = Path(run.environment.path) if run.environment is not None else run.intent.cwd
        yield from (folder / one for one in _NODE_FILES)


def _named(release: Release, cwd: Path) -> Iterator[Location]:
    """Yield the line that pip itself told of."""
    match = _FROM.search(release.asked or "")
    if match is not None and "://" not in match["file"]:
        text = printable(revealed((release.asked or "")[: match.start()].strip()))
        yield Location(
            purl=release.purl, path=_shown(cwd / match["file"], cwd), line=max(int(match["line"]), 1), text=text
        )


def _shown(path: Path, cwd: Path) -> str:
    return path.relative_to(cwd).as_posix() if path.is_relative_to(cwd) else str(path)


def _text(path: Path) -> str | None:
    try:
        if path.is_file() and path.stat().st_size <= _MOST:
            return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return None
