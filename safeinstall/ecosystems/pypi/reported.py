"""pip's installation report and the planner's facts, read into records."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urldefrag

from packaging.utils import canonicalize_name

from safeinstall.fields import field, items, mapping, optional
from safeinstall.model import Digest


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """One release that pip would install, as its report tells it."""

    name: str
    version: str
    url: str
    """Of the archive, the repository or the directory; without a fragment."""
    direct: bool
    requested: bool
    requires: tuple[str, ...]
    digests: tuple[Digest, ...]
    vcs: str | None = None
    """`git+URL@commit` for what comes from version control."""
    directory: bool = False

    @property
    def key(self) -> str:
        """The canonical name."""
        return canonicalize_name(self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One requirement of the user's, from the command line, a file or a group."""

    name: str | None
    """Canonical; None: only building it would tell."""
    extras: tuple[str, ...]
    text: str
    comes_from: str | None
    """`-r dev.txt (line 3)`."""
    url: str | None

    @property
    def words(self) -> str:
        """What to show the user: where it stands, or what was typed."""
        return f"{self.text} ({self.comes_from})" if self.comes_from else self.text


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """One release that is installed already."""

    name: str
    version: str
    requires: tuple[str, ...]
    direct_url: str | None

    @property
    def key(self) -> str:
        """The canonical name."""
        return canonicalize_name(self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Foreign:
    """A requirement that no registry vouches for, met before it could be resolved."""

    url: str
    vcs: bool
    name: str | None
    filename: str
    asked: str
    comes_from: str | None


def reported(report: Mapping[str, object]) -> tuple[Reported, ...]:
    """Return what *report* would install; raises `MalformedAnswer`."""
    return tuple(_one(item) for item in items(report, "install", object))


def environment(report: Mapping[str, object]) -> Mapping[str, str]:
    """Return the markers of the interpreter that was planned for."""
    return {name: value for name, value in mapping(report, "environment").items() if isinstance(value, str)}


def asked(facts: Mapping[str, object]) -> tuple[Asked, ...]:
    """Return the user's requirements whose markers hold, in their order."""
    found = []
    for item in items(facts, "asked", object):
        name = optional(item, "name", str)
        found.append(
            Asked(
                name=canonicalize_name(name) if name else None,
                extras=items(item, "extras", str),
                text=field(item, "text", str),
                comes_from=optional(item, "comes_from", str),
                url=optional(item, "url", str),
            )
        )
    return tuple(found)


def present(facts: Mapping[str, object]) -> tuple[Present, ...]:
    """Return what the target has already, as far as pip looks at it."""
    return tuple(
        Present(
            name=field(item, "name", str),
            version=field(item, "version", str),
            requires=items(item, "requires", str),
            direct_url=optional(item, "direct_url", str),
        )
        for item in items(facts, "installed", object)
    )


def foreign(facts: Mapping[str, object]) -> tuple[Foreign, ...]:
    """Return the sources at which planning stopped."""
    return tuple(
        Foreign(
            url=field(item, "url", str),
            vcs=field(item, "vcs", bool),
            name=optional(item, "name", str),
            filename=field(item, "filename", str),
            asked=field(item, "asked", str),
            comes_from=optional(item, "comes_from", str),
        )
        for item in items(facts, "unverified", object)
    )


def _one(item: object) -> Reported:
    vcs = optional(item, "download_info.vcs_info", dict)
    url = urldefrag(field(item, "download_info.url", str)).url
    source = None
    if vcs is not None:
        kind = field(item, "download_info.vcs_info.vcs", str)
        source = f"{kind}+{url}@{field(item, 'download_info.vcs_info.commit_id', str)}"
    hashes = optional(item, "download_info.archive_info.hashes", dict) or {}
    return Reported(
        name=field(item, "metadata.name", str),
        version=field(item, "metadata.version", str),
        url=url,
        direct=field(item, "is_direct", bool),
        requested=field(item, "requested", bool),
        requires=items(item, "metadata.requires_dist", str),
        digests=tuple(
            Digest(algorithm=name.lower(), value=value.lower())
            for name, value in sorted(hashes.items(), key=lambda pair: pair[0] != "sha256")
            if isinstance(name, str) and isinstance(value, str)
        ),
        vcs=source,
        directory=optional(item, "download_info.dir_info", dict) is not None,
    )
