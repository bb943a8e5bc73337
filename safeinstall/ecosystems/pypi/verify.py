"""What is installed afterwards, compared with the plan."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name, canonicalize_version

from safeinstall.model import ArtifactKind, Release
from safeinstall.text import printable

_FILES: Final = frozenset({ArtifactKind.WHEEL, ArtifactKind.SDIST})


def inventory(folders: Sequence[str]) -> Mapping[str, str]:
    """Return name (canonical) and version of everything that is installed in *folders*; the first of a name counts."""
    found: dict[str, str] = {}
    for dist in distributions(path=list(folders)):
        # A broken dist-info has neither; pip does not see it either. Where keyring has imported `importlib_metadata`,
        # its own reader answers here, and raises where Python's gives an empty document.
        with suppress(FileNotFoundError):
            told = dist.metadata
            if "Name" in told and "Version" in told:
                found.setdefault(canonicalize_name(told["Name"]), told["Version"])
    return found


def collected(planned: Iterable[Release], folder: Path, *, all_of_them: bool) -> tuple[str, ...]:
    """
    Return in words where the files in *folder*, of `pip download` or `pip wheel`, are not what was *planned*.

    Not *all_of_them*: what is built on the way is there as a wheel of another name.
    """
    said = []
    for release in planned:
        digests = {one.value for one in release.artifact.digests if one.algorithm == "sha256"}
        path = folder / release.artifact.filename
        if release.artifact.kind not in _FILES or not digests:
            continue
        if not path.is_file():
            if all_of_them or release.artifact.kind is ArtifactKind.WHEEL:
                said.append(f"`{printable(release.artifact.filename)}` was planned but is not there")
        elif hashlib.sha256(path.read_bytes()).hexdigest() not in digests:
            said.append(f"`{printable(release.artifact.filename)}` is not the file that was planned")
    return tuple(said)


def differences(
    planned: Iterable[Release],
    before: Mapping[str, str],
    after: Mapping[str, str],
    *,
    judged: frozenset[tuple[str, str]] = frozenset(),
) -> tuple[str, ...]:
    """
    Return in words where *after* is not what was *planned*; empty when it is.

    *judged* are canonical names and versions that were judged just in time: what only a build told may be there too.
    """
    said = []
    names = set()
    for release in planned:
        name = canonicalize_name(release.name)
        names.add(name)
        have = after.get(name)
        if have is None:
            # An old pip's editable install is a link file, not a dist-info.
            if not release.kept and release.artifact.kind is not ArtifactKind.LOCAL_PROJECT:
                said.append(
                    f"`{printable(release.name)}` {printable(release.version)} was planned but is not installed"
                )
        elif not _same(have, release.version):
            planned_as = f"planned was {printable(release.version)}"
            said.append(f"`{printable(release.name)}` is installed as {printable(have)}, {planned_as}")
    said += [
        f"`{printable(name)}` {printable(version)} was installed though it was not planned"
        for name, version in after.items()
        if name not in names and before.get(name) != version and (name, canonicalize_version(version)) not in judged
    ]
    return tuple(said)


def _same(one: str, other: str) -> bool:
    return canonicalize_version(one) == canonicalize_version(other)
