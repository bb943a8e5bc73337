"""How npm, yarn and pnpm spell where a release comes from, read without asking anybody."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from safeinstall.errors import MalformedAnswer
from safeinstall.inventories.draft import Draft, bare, is_web
from safeinstall.model import ArtifactKind, Digest, Release
from safeinstall.text import printable

_TARBALL = re.compile(r"^(?P<base>.*?)/(?P<name>(?:@[^/@]+/)?[^/@]+)/-/(?:@[^/@]+/)?(?P<file>[^/]+)\.(?:tgz|tar\.gz)$")
_GIT = re.compile(r"^(?:git[+:@]|github:|gitlab:|bitbucket:|gist:|ssh:)|^https?://[^#?]+\.git(?:[#?]|$)")
_HOSTED = re.compile(r"^[\w.-]+/[\w.-]+(?:#.*)?$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tarball:
    """What the URL of a registry's tarball tells by itself."""

    registry: str
    name: str
    version: str


def tarball(url: str) -> Tarball | None:
    """Return what *url* tells if it has the form of a registry's tarball, `BASE/NAME/-/NAME-VERSION.tgz`."""
    parts = urlsplit(bare(url))
    found = _TARBALL.fullmatch(unquote(parts.path))
    if found is None:
        return None
    unscoped = found["name"].rpartition("/")[2]
    if not found["file"].startswith(f"{unscoped}-"):
        return None
    return Tarball(
        registry=f"{parts.scheme}://{parts.netloc}{found['base']}/",
        name=found["name"],
        version=found["file"].removeprefix(f"{unscoped}-"),
    )


def is_git(source: str) -> bool:
    """Whether *source* names version control, in any of npm's spellings."""
    return _GIT.match(source) is not None or _HOSTED.fullmatch(source) is not None


def locked(  # noqa: PLR0913 - an entry of a lockfile has that many parts
    draft: Draft,
    name: str,
    version: str,
    source: str | None,
    digests: tuple[Digest, ...],
    *,
    alias: str | None = None,
    script: bool = False,
    deprecated: str | None = None,
) -> Release:
    """Add the entry of a lockfile that calls *source* the place of *name* at *version*, and return its release."""
    if source is None or source == "":
        return draft.registered(name, version, digests=digests, alias=alias, script=script, deprecated=deprecated)
    if source.startswith(("file:", "link:", "portal:", "workspace:", ".", "/")):
        folder = not source.partition("#")[0].endswith((".tgz", ".tar.gz"))
        kind = ArtifactKind.LOCAL_PROJECT if folder else ArtifactKind.LOCAL_FILE
        return draft.unvouched(name, version, kind, source, digests=digests)
    if is_git(source):
        return draft.unvouched(name, version, ArtifactKind.VCS, source, digests=digests)
    if not is_web(source):
        raise MalformedAnswer(f"`{printable(source, limit=80)}` is no place that npm takes `{printable(name)}` from")
    told = tarball(source)
    if told is None and not draft.origins.declared(bare(source)):
        return draft.unvouched(name, version, ArtifactKind.URL, source, digests=digests)
    registry = told.registry if told is not None else source
    if told is not None and (told.name, told.version) != (name, version):
        # What is installed is what the URL gives, whatever the lockfile calls it.
        shown = f"`{printable(told.name)}` {printable(told.version)}"
        draft.gap(name, f"`{printable(name)}` {printable(version)} is taken from the tarball of {shown}",
                  "a lockfile that was edited by hand or by a stranger: let npm write it anew")  # fmt: skip
        name, version = told.name, told.version
    return draft.registered(
        name,
        version,
        registry=registry,
        url=source,
        digests=digests,
        alias=alias,
        script=script,
        deprecated=deprecated,
    )
