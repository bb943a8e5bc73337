"""
The index in one file, for machines without a network: a tar of the index files, popularity data and a manifest.

The manifest comes first and holds the hash of everything else, so what was cut or damaged on its way is refused as a
whole. The dates in it are those of the index: loading makes nothing younger.
"""

import hashlib
import io
import json
import os
import secrets
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO

from safeinstall.advisories import building
from safeinstall.advisories.store import (
    Standing,
    digest_of,
    opened,
    put_pointer,
    read_standing,
    standing,
    whole,
    written,
)
from safeinstall.errors import MalformedAnswer, SafeinstallError, SourceUnavailable
from safeinstall.fields import field, mapping
from safeinstall.model import EcosystemName
from safeinstall.names.index import NamesDamaged
from safeinstall.names.popular import checked, name_of
from safeinstall.names.soundness import sound
from safeinstall.text import printable

FORMAT = 1
POPULAR = "popular"
"""The folder beside the index files into which popularity data is loaded."""

_MANIFEST = "manifest.json"
_PART = ".part"
_LARGEST_MANIFEST = 1_000_000
_COPIED_AT_ONCE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundled:
    """What a bundle holds."""

    standings: Mapping[EcosystemName, Standing]
    popular: tuple[str, ...]
    """Names of the files of popularity data."""
    made: str


def write(folder: Path, target: Path, popular: Sequence[Path], *, now: datetime) -> Bundled:
    """Write the index of *folder* and the files of *popular* into *target*; raises when there is nothing whole."""
    with building.alone(folder):
        held = {one: found for one in EcosystemName if (found := standing(folder, one)) is not None}
        if not held:
            raise SourceUnavailable("there is no index to bundle", hint="`safeinstall update` fetches one")
        for ecosystem, one in held.items():
            if not whole(folder, one):
                raise MalformedAnswer(f"the index of {ecosystem.value} is damaged", hint="`safeinstall update --full`")
        files = {f"{POPULAR}/{path.name}": path for path in popular}
        document = {
            "format": FORMAT,
            "made": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "index": {ecosystem.value: json.loads(written(one, ecosystem)) for ecosystem, one in held.items()},
            "popular": {
                name: {"size": path.stat().st_size, "blake2b": digest_of(path)} for name, path in files.items()
            },
        }
        files |= {f"index/{one.file}": folder / one.file for one in held.values()}
        _write(target, json.dumps(document, indent=1).encode(), files)
    return Bundled(standings=held, popular=tuple(path.name for path in popular), made=str(document["made"]))


def load(source: Path, folder: Path, *, older: bool = False) -> Bundled:
    """
    Put what the bundle *source* holds into *folder*, all of it or nothing.

    Raises `MalformedAnswer` when it is damaged, and, unless *older*, `SourceUnavailable` when the index here is newer.
    """
    with _reading(source) as archive:
        document, found = _manifest(archive)
        with building.alone(folder):
            for ecosystem, one in found.standings.items():
                _refuse_older(folder, ecosystem, one, older=older)
            placed = _unpacked(archive, document, found, folder)
            for ecosystem, one in placed.items():
                put_pointer(folder, ecosystem, one)
                with opened(folder, ecosystem) as index:
                    index.about(["any"])
                building.clean(folder, ecosystem, one.file)
    return replace(found, standings=placed)


@contextmanager
def _reading(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(source, "r:") as archive:
            yield archive
    except tarfile.TarError as error:
        raise MalformedAnswer(f"{source} is no bundle, or cut short ({printable(str(error), limit=60)})") from error
    except OSError as error:
        raise SafeinstallError(f"the bundle {source} could not be loaded ({error.strerror})") from error


def _manifest(archive: tarfile.TarFile) -> tuple[object, Bundled]:
    first = archive.next()
    if first is None or first.name != _MANIFEST or not first.isreg() or first.size > _LARGEST_MANIFEST:
        raise MalformedAnswer("this is no bundle of safeinstall: it does not begin with a manifest")
    stream = archive.extractfile(first)
    assert stream is not None
    try:
        document = json.loads(stream.read())
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer("the manifest of the bundle is damaged") from error
    if field(document, "format", int) != FORMAT:
        raise MalformedAnswer("the bundle was made by another version")
    known = {one.value: one for one in EcosystemName}
    held = {known[name]: one for name, one in mapping(document, "index").items() if name in known}
    if not held:
        raise MalformedAnswer("the bundle holds no index")
    standings = {ecosystem: read_standing(json.dumps(one), ecosystem) for ecosystem, one in held.items()}
    names = tuple(Path(name).name for name in mapping(document, "popular"))
    return document, Bundled(standings=standings, popular=names, made=field(document, "made", str))


def _refuse_older(folder: Path, ecosystem: EcosystemName, new: Standing, *, older: bool) -> None:
    with suppress(MalformedAnswer):
        held = standing(folder, ecosystem)
        if held is not None and held.checked > new.checked and not older:
            raise SourceUnavailable(
                f"the index of {ecosystem.value} here is newer ({held.checked:%Y-%m-%d %H:%M}) than the bundle's"
                f" ({new.checked:%Y-%m-%d %H:%M})",
                hint="`--full` loads it all the same",
            )


def _unpacked(
    archive: tarfile.TarFile, document: object, found: Bundled, folder: Path
) -> Mapping[EcosystemName, Standing]:
    """Write every file of the bundle below *folder* under a name that nobody reads yet, then give them their own."""
    wanted: dict[str, tuple[Path, int, str]] = {}
    placed: dict[EcosystemName, Standing] = {}
    for ecosystem, one in found.standings.items():
        placed[ecosystem] = replace(one, file=f"{ecosystem.value}-{secrets.token_hex(6)}.sqlite")
        wanted[f"index/{one.file}"] = (folder / placed[ecosystem].file, one.size, one.digest)
    (folder / POPULAR).mkdir(exist_ok=True)
    told = mapping(document, "popular")
    for path, entry in told.items():
        target = folder / POPULAR / f"{Path(path).name}.part"
        wanted[path] = (target, field(entry, "size", int), field(entry, "blake2b", str))
    targets = [target for target, _, _ in wanted.values()]
    whole = False
    try:
        for member in iter(archive.next, None):
            _take(archive, member, wanted)
        if wanted:
            raise _damaged(f"it lacks {', '.join(sorted(wanted))}")
        _look_through(folder / POPULAR)
        whole = True
    finally:
        for target in targets:
            if not whole:
                target.unlink(missing_ok=True)
            elif target.suffix == _PART:
                final = target.with_suffix("")
                # The list that the tag speaks of goes.
                final.with_suffix(".etag").unlink(missing_ok=True)
                target.replace(final)
    return placed


def _look_through(folder: Path) -> None:
    """Raise `MalformedAnswer` for a list of popular names that was just unpacked and cannot be relied upon."""
    for ecosystem in EcosystemName:
        path = folder / f"{name_of(ecosystem)}{_PART}"
        if not path.exists():
            continue
        try:
            fit = sound(checked(path, ecosystem))
        except NamesDamaged:
            fit = False
        if not fit:
            raise _damaged(f"`{POPULAR}/{name_of(ecosystem)}` is no whole list of popular names")


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, wanted: dict[str, tuple[Path, int, str]]) -> None:
    """Write *member* where it is *wanted*, and take it off the list."""
    shown = printable(member.name, limit=80)
    if member.name not in wanted or not member.isreg():
        raise _damaged(f"it holds `{shown}`, which it does not list")
    target, size, digest = wanted.pop(member.name)
    stream = archive.extractfile(member)
    assert stream is not None
    if member.size != size or _copied(stream, target) != digest:
        raise _damaged(f"`{shown}` is not what was put in")


def _damaged(why: str) -> MalformedAnswer:
    return MalformedAnswer(f"the bundle is damaged: {why}")


def _copied(stream: IO[bytes], target: Path) -> str:
    state = hashlib.blake2b(digest_size=32)
    with target.open("wb") as out:
        while chunk := stream.read(_COPIED_AT_ONCE):
            state.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return state.hexdigest()


def _write(target: Path, manifest: bytes, files: Mapping[str, Path]) -> None:
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with tarfile.open(beside, "w", format=tarfile.PAX_FORMAT) as archive:
            entry = tarfile.TarInfo(_MANIFEST)
            entry.size = len(manifest)
            archive.addfile(entry, io.BytesIO(manifest))
            for name, path in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = path.stat().st_size
                entry.mode = 0o644
                with path.open("rb") as stream:
                    archive.addfile(entry, stream)
        beside.replace(target)
    except OSError as error:
        raise SafeinstallError(f"the bundle {target} could not be written ({error.strerror})") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
