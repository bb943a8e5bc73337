"""What comes inside a tarball: `bundleDependencies`, which no packument describes and npm installs all the same."""

import gzip
import io
import json
import posixpath
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import IO, Final

from safeinstall.contracts import Vet
from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field
from safeinstall.model import ArtifactKind, EcosystemName, Release
from safeinstall.purl import make
from safeinstall.text import printable

_MANIFEST: Final = re.compile(r"(?:^|/)node_modules/(?:@[^/]+/)?[^/@][^/]*/package\.json$")
_AT_ONCE: Final = 8
_MAX_MANIFEST: Final = 5_000_000
_MAX_UNPACKED: Final = 2_000_000_000
_IN_MEMORY: Final = 64_000_000
_BLOCK: Final = 512
_OCTAL: Final = re.compile(rb" *[0-7]*[ \0]*")
_KINDS: Final = frozenset({b"\0", b"0", b"1", b"2", b"5", b"x", b"g", b"L", b"K"})
_BODILESS: Final = frozenset({b"1", b"2", b"5"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Inside:
    """Judges what *outer* brings along, when its verified bytes are here and npm has not seen them yet."""

    outer: Release
    vet: Vet

    def __call__(self, data: bytes) -> str | None:
        """Return why *data* must not be handed to npm; None: all that is inside was judged and is allowed."""
        shown = f"`{printable(self.outer.name)}@{printable(self.outer.version)}`"
        try:
            releases = [self._release(name, version) for name, version in sorted(set(_packages(data)))]
        except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, RecursionError, MalformedAnswer) as error:
            return f"what comes inside {shown} cannot be read ({printable(str(error), limit=80)})"
        # npm itself brings 200 packages along: one after the other they would take longer than npm waits.
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            for release, allowed in zip(releases, pool.map(self.vet, releases), strict=True):
                if not allowed:
                    inner = f"`{printable(release.name)}@{printable(release.version)}`"
                    return f"{inner}, which comes inside {shown}, is not allowed"
        return None

    def _release(self, name: str, version: str) -> Release:
        artifact = replace(self.outer.artifact, kind=ArtifactKind.BUNDLED, size=None, uploaded=None)
        return Release(
            purl=make(EcosystemName.NPM, name, version),
            name=name,
            version=version,
            artifact=artifact,
            registry=self.outer.registry,
        )


def _packages(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield name and version of every package below a `node_modules` of the tarball."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as whole:
        _unpack(data, whole)
        _refuse_odd(whole)
        whole.seek(0)
        with tarfile.open(fileobj=whole, mode="r:") as archive:
            for member in archive:
                _refuse_extended(member)
                if not member.isfile() or not _MANIFEST.search(posixpath.normpath(member.name)):
                    continue
                file = archive.extractfile(member)
                if file is None or member.size > _MAX_MANIFEST:
                    raise MalformedAnswer(f"{printable(member.name)} is no manifest")
                document: object = json.loads(file.read())
                yield field(document, "name", str), field(document, "version", str)


def _unpack(data: bytes, whole: IO[bytes]) -> None:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
        while chunk := packed.read(1 << 20):
            whole.write(chunk)
            if whole.tell() > _MAX_UNPACKED:
                raise MalformedAnswer(f"more than {_MAX_UNPACKED:,} bytes unpacked")


def _refuse_odd(whole: IO[bytes]) -> None:
    """
    Raise `MalformedAnswer` where npm's reader of tars could go another way than ours: there a package could hide.

    Whoever packs for npm writes none of it: bodies of what is no file, sizes and sums that are not octal, something
    after the end.
    """
    whole.seek(0)
    while block := whole.read(_BLOCK):
        if not block.strip(b"\0"):
            while rest := whole.read(1 << 20):
                if rest.strip(b"\0"):
                    raise MalformedAnswer("something follows its end")
            return
        kind, size = block[156:157], _octal(block[124:136])
        if _octal(block[148:156]) != sum(block[:148] + b" " * 8 + block[156:]):
            raise MalformedAnswer("a header has a wrong sum")
        if kind not in _KINDS or (size and kind in _BODILESS):
            raise MalformedAnswer("it holds something that is neither file nor folder")
        whole.seek(size + -size % _BLOCK, io.SEEK_CUR)


def _octal(text: bytes) -> int:
    if not _OCTAL.fullmatch(text):
        raise MalformedAnswer("a header has a number that is none")
    return int(text.strip(b" \0") or b"0", 8)


def _refuse_extended(member: tarfile.TarInfo) -> None:
    """Raise `MalformedAnswer` where *member* may be a folder, or has a name or size that npm could read otherwise."""
    told = member.pax_headers
    folder = member.isdir() or member.name.endswith("/") or told.get("path", "").endswith("/")
    odd = any(key == "size" or key.startswith("GNU.") or "\n" in text for key, text in told.items())
    if odd or (member.size and folder):
        raise MalformedAnswer(f"{printable(member.name)} is not told in the usual way")
