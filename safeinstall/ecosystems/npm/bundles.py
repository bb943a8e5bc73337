"""What comes inside a tarball: `bundleDependencies`, which no packument describes and npm installs all the same."""

import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from safeinstall.contracts import Vet
from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field
from safeinstall.model import ArtifactKind, EcosystemName, Release
from safeinstall.purl import make
from safeinstall.text import printable

_MANIFEST: Final = re.compile(r"(?:^|/)node_modules/(?:@[^/]+/)?[^/@][^/]*/package\.json$")
_AT_ONCE: Final = 8
_MAX_MANIFEST: Final = 5_000_000


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
        except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, MalformedAnswer) as error:
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
    with tarfile.open(fileobj=io.BytesIO(data), mode="r|gz") as archive:
        for member in archive:
            if not member.isfile() or not _MANIFEST.search(member.name):
                continue
            file = archive.extractfile(member)
            if file is None or member.size > _MAX_MANIFEST:
                raise MalformedAnswer(f"{printable(member.name)} is no manifest")
            document: object = json.loads(file.read())
            yield field(document, "name", str), field(document, "version", str)
