"""Archives in the local folders of `--find-links`: they are offers as well, and no gateway sees them."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from safeinstall.gateway.pages import is_archive, name_and_version

_MOST_FILES = 10_000
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFile:
    """One archive on the user's disk that pip could have taken."""

    project: str
    version: str
    path: Path

    def sha256(self) -> str | None:
        """Return the hash of its bytes; None when it cannot be read."""
        digest = hashlib.sha256()
        try:
            with self.path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        except OSError:
            return None
        return digest.hexdigest()


def local_files(places: Iterable[str], projects: Collection[str], cwd: Path) -> tuple[LocalFile, ...]:
    """Return the archives of *projects* (canonical) in those of *places* that are folders."""
    found: list[LocalFile] = []
    for place in places:
        folder = _folder(place, cwd)
        if folder is None:
            continue
        try:
            names = sorted(path.name for path in folder.iterdir())[:_MOST_FILES]
        except OSError:
            continue
        for name in names:
            project, version = name_and_version(name, "") if is_archive(name) else ("", "")
            if project in projects:
                found.append(LocalFile(project=project, version=version, path=folder / name))
    return tuple(found)


def _folder(place: str, cwd: Path) -> Path | None:
    if "://" in place and not place.startswith("file:"):
        return None
    path = Path(unquote(urlsplit(place).path)) if place.startswith("file:") else cwd / Path(place).expanduser()
    return path if path.is_dir() else None
