"""What readers of inventories share: reading a file within limits, and collecting releases, edges and gaps."""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import mapping
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import (
    Artifact,
    ArtifactKind,
    Digest,
    EcosystemName,
    Edge,
    Gap,
    Project,
    Purl,
    Registry,
    Release,
)
from safeinstall.purl import make, project
from safeinstall.text import printable

LARGEST = 100_000_000
"""Bytes of a file; the largest lockfiles that are known have 10 MB."""

_HEX = re.compile(r"[0-9a-fA-F]{32,128}")
_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
_WEB = ("http://", "https://")


def text_of(path: Path, *, most: int = LARGEST) -> str:
    """Return the text of *path*; raises `MalformedAnswer` when it is too large, no text or cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise MalformedAnswer(f"it cannot be read: {error.strerror}") from error
    if len(data) > most:
        raise MalformedAnswer(f"it has more than {most:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedAnswer("it is no UTF-8 text") from error


def json_of(path: Path, *, most: int = LARGEST) -> Mapping[str, object]:
    """Return the JSON object in *path*; raises `MalformedAnswer`."""
    try:
        document: object = json.loads(text_of(path, most=most))
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer("it is no JSON") from error
    return mapping(document, "")


def toml_of(path: Path) -> Mapping[str, object]:
    """Return the TOML document in *path*; raises `MalformedAnswer`."""
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415 - only where there is a file to read
    else:
        import tomli as tomllib  # noqa: PLC0415
    try:
        return mapping(tomllib.loads(text_of(path)), "")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MalformedAnswer("it is no TOML") from error


def hashed(text: str) -> tuple[Digest, ...]:
    """Return the digest in *text*, as Python's lockfiles spell it (`sha256:0f...`); empty for anything else."""
    algorithm, _, value = text.partition(":")
    return digest(algorithm, value)


def digest(algorithm: str, value: str) -> tuple[Digest, ...]:
    """Return the digest *value* by *algorithm*; empty when it cannot be one."""
    spelled = algorithm.lower().replace("-", "")
    if _LENGTHS.get(spelled) != len(value) or _HEX.fullmatch(value) is None:
        return ()
    return (Digest(algorithm=spelled, value=value.lower()),)


def is_web(url: str) -> bool:
    """Whether *url* is one of the web."""
    return url.startswith(_WEB)


def bare(url: str) -> str:
    """Return *url* without credentials, query and fragment; raises `MalformedAnswer` when it is none."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise MalformedAnswer(f"`{printable(url, limit=80)}` is no URL") from error
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def moment(value: object) -> datetime | None:
    """Return the moment that a lockfile wrote down, in TOML or as text; None when it is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        return value.astimezone(timezone.utc) if value.tzinfo else value.replace(tzinfo=timezone.utc)
    except OverflowError:
        return None


@dataclass(slots=True)
class Draft:
    """An inventory while it is read."""

    kind: str
    label: str
    origins: Origins
    ecosystem: EcosystemName
    installed: bool = False
    """What is read lies there already; nothing would be fetched for it."""
    releases: dict[Release, None] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)
    uploads: dict[Purl, datetime] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def registered(  # noqa: PLR0913 - a release has that many parts
        self,
        name: str,
        version: str,
        *,
        registry: str | None = None,
        url: str = "",
        digests: Iterable[Digest] = (),
        kind: ArtifactKind | None = None,
        uploaded: datetime | None = None,
        alias: str | None = None,
        script: bool = False,
        deprecated: str | None = None,
    ) -> Release:
        """Add a release of a registry (None: the ecosystem's own) and return it."""
        origin: Registry = (
            self.origins.default(self.ecosystem, name)
            if registry is None
            else self.origins.registry(self.ecosystem, name, bare(registry), self.label)
        )
        claim = self.origins.private.claim(self.ecosystem, name)
        if claim is not None and registry is not None and self.origins.is_default(self.ecosystem, bare(registry)):
            self.gap(name, f"`{printable(name)}` is private ({claim}), and is taken from the public registry")
        usual = ArtifactKind.WHEEL if self.ecosystem is EcosystemName.PYPI else ArtifactKind.TARBALL
        shown = bare(url) if url else ""
        artifact = Artifact(
            kind=kind or usual,
            filename=PurePosixPath(urlsplit(shown).path).name,
            url=shown,
            digests=tuple(dict.fromkeys(digests)),
            uploaded=uploaded,
        )
        purl = make(self.ecosystem, name, version)
        if uploaded is not None:
            page = project(purl)
            self.uploads[page] = min(uploaded, self.uploads.get(page, uploaded))
        return self._add(
            Release(
                purl=purl,
                name=name,
                version=version,
                artifact=artifact,
                registry=origin,
                alias=alias,
                kept=self.installed,
                install_script=script,
                yanked=deprecated,
            )
        )

    def unvouched(
        self, name: str, version: str, kind: ArtifactKind, url: str, *, digests: Iterable[Digest] = ()
    ) -> Release:
        """Add a release that no registry vouches for (URL, version control, local) and return it."""
        shown = _without_credentials(url)
        origin = {"vcs_url": shown} if kind is ArtifactKind.VCS else {"download_url": shown}
        return self._add(
            Release(
                purl=make(self.ecosystem, name, version or None, **origin),
                name=name,
                version=version,
                artifact=Artifact(
                    kind=kind, filename=PurePosixPath(shown).name, url=shown, digests=tuple(dict.fromkeys(digests))
                ),
                kept=self.installed,
            )
        )

    def edge(self, parent: Purl | None, child: Purl, requirement: str) -> None:
        """Add who required what; None: whoever wrote the file."""
        self.edges[Edge(parent=parent, child=child, requirement=requirement)] = None

    def gap(self, name: str, reason: str, hint: str | None = None) -> None:
        """Add what is named and cannot be judged."""
        purl = make(self.ecosystem, name)
        self.gaps.append(Gap(check="advisory", purl=purl, reason=f"{self.label}: {reason}", hint=hint))

    def finish(self) -> Inventory:
        """Return what was read; what nobody requires is there because of the file itself."""
        required = {edge.child for edge in self.edges if edge.parent is not None and edge.parent != edge.child}
        asked = {edge.child for edge in self.edges if edge.parent is None}
        roots = {one.purl for one in self.releases if one.purl not in required} | asked
        reached = _reached(roots, self.edges)
        # A circle that nothing leads into is there because of the file, too.
        roots |= {one.purl for one in self.releases} - reached
        for purl in sorted(roots - asked):
            self.edge(None, purl, self.label)
        return Inventory(
            kind=self.kind,
            label=self.label,
            releases=tuple(_labelled(one, self.label) if one.purl in roots else one for one in self.releases),
            edges=tuple(self.edges),
            projects=tuple(Project(purl=page, first_uploaded=when) for page, when in self.uploads.items()),
            gaps=tuple(self.gaps),
            notes=tuple(self.notes),
        )

    def _add(self, release: Release) -> Release:
        self.releases[release] = None
        return release


def _labelled(release: Release, label: str) -> Release:

    return replace(release, asked=label)


def _reached(roots: Iterable[Purl], edges: Iterable[Edge]) -> set[Purl]:
    below: dict[Purl, list[Purl]] = {}
    for edge in edges:
        if edge.parent is not None:
            below.setdefault(edge.parent, []).append(edge.child)
    found = set(roots)
    queue = list(found)
    while queue:
        for child in below.get(queue.pop(), ()):
            if child not in found:
                found.add(child)
                queue.append(child)
    return found


def _without_credentials(url: str) -> str:
    """Return *url* without user and password; its fragment stays, which names a commit."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise MalformedAnswer(f"`{printable(url, limit=80)}` is no URL") from error
    # `git@host:owner/name.git` has no scheme, and its user is no secret.
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))
