"""
Reading npm's packuments: facts on one version, the abbreviated form, and the frozen view of planned versions.

The forms are those of npm's registry documentation, "package metadata"
(https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md).
"""

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from safeinstall.choices import Choice
from safeinstall.errors import MalformedAnswer
from safeinstall.fields import mapping, optional
from safeinstall.gateway.licences import npm_licences
from safeinstall.model import Digest
from safeinstall.placeholders import is_holder
from safeinstall.text import printable

ABBREVIATED = "application/vnd.npm.install-v1+json"
"""The media type by which npm asks for the form without times, scripts and descriptions."""

_ABBREVIATED_FIELDS = (
    *("name", "version", "deprecated", "dependencies", "optionalDependencies", "devDependencies"),
    *("bundleDependencies", "bundledDependencies", "peerDependencies", "peerDependenciesMeta", "acceptDependencies"),
    *("bin", "directories", "dist", "engines", "cpu", "os", "libc", "funding", "_hasShrinkwrap", "hasInstallScript"),
)
_NO_VERSIONS = frozenset({"created", "modified", "unpublished"})
_INSTALL_SCRIPTS = frozenset({"preinstall", "install", "postinstall"})
_STRENGTH = ("sha512", "sha384", "sha256", "sha1")


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionFacts:
    """What a packument tells on one version."""

    tarball: str
    digests: tuple[Digest, ...]
    uploaded: datetime | None
    deprecated: str | None
    """The publisher's words; None: it is not deprecated."""
    install_script: bool
    repositories: tuple[str, ...] = ()
    """What the manifest calls its repository and its home page, as it stands there."""
    licences: tuple[str, ...] = ()
    """What the manifest calls its licence, as it stands there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageFacts:
    """What a packument tells on all versions together."""

    first_uploaded: datetime | None
    releases: int
    versions: tuple[str, ...] = ()
    holder: bool = False
    """The newest version is the one that npm's people put where something bad was."""
    unpublished: tuple[str, ...] = ()
    """Versions that have a time and are not listed any more."""
    choices: tuple[Choice, ...] = ()


def parsed(body: bytes) -> Mapping[str, object]:
    """Return the packument that *body* holds; raises `MalformedAnswer` when it is none."""
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer("the registry's answer is no JSON") from error
    packument = mapping(document, "")
    mapping(packument, "versions")
    return packument


def version_facts(packument: Mapping[str, object], version: str) -> VersionFacts | None:
    """Return the facts on *version*; None when the packument does not list it."""
    # A version holds dots, which `fields` reads as steps of a path: so each step is taken by itself.
    found = mapping(packument, "versions").get(version)
    if found is None:
        return None
    manifest = mapping(found, "")
    dist = mapping(manifest, "dist")
    deprecated = optional(manifest, "deprecated", object)
    return VersionFacts(
        tarball=optional(dist, "tarball", str) or "",
        digests=digests(optional(dist, "integrity", str), optional(dist, "shasum", str)),
        uploaded=moment(_times(packument).get(version)),
        deprecated=deprecated if isinstance(deprecated, str) and deprecated else None,
        install_script=has_install_script(manifest),
        repositories=named_repositories(manifest),
        licences=npm_licences(manifest),
    )


def named_repositories(manifest: Mapping[str, object]) -> tuple[str, ...]:
    """Return what *manifest* calls its repository and its home page; of another type than npm's: nothing."""
    told = manifest.get("repository")
    texts = (told.get("url") if isinstance(told, Mapping) else told, manifest.get("homepage"))
    return tuple(text for text in texts if isinstance(text, str) and text)


def page_facts(packument: Mapping[str, object]) -> PageFacts:
    """Return the facts on all versions together."""
    times = _times(packument)
    uploads = {key: moment(value) for key, value in times.items() if key not in {"modified", "unpublished"}}
    versions = mapping(packument, "versions")
    return PageFacts(
        first_uploaded=min((moment for moment in uploads.values() if moment is not None), default=None),
        choices=tuple(
            Choice(
                version=version,
                uploaded=uploads.get(version),
                withdrawn=isinstance(manifest, Mapping) and bool(manifest.get("deprecated")),
            )
            for version, manifest in versions.items()
        ),
        releases=len(versions),
        versions=tuple(versions),
        holder=_held(packument, versions),
        unpublished=tuple(one for one in times if one not in versions and one not in _NO_VERSIONS),
    )


def why_gone(shown: str, body: bytes) -> str | None:
    """Return in words that all of the package at *shown* was unpublished, if *body* says so in place of versions."""
    try:
        document: object = json.loads(body)
        told = optional(document, "time.unpublished.time", str)
        versions = optional(document, "versions", dict)
        if not told or versions:
            return None
        return f"{shown} was unpublished on {printable(told[:10])}: its registry has no version of it any more"
    except (ValueError, RecursionError, MalformedAnswer):
        return None


def _held(packument: Mapping[str, object], versions: Mapping[str, object]) -> bool:
    """Whether the newest version is a placeholder: by its repository or its description, as npm's people write them."""
    tags = packument.get("dist-tags")
    latest = tags.get("latest") if isinstance(tags, Mapping) else None
    manifest = versions.get(latest) if isinstance(latest, str) else None
    if not isinstance(manifest, Mapping):
        return False
    said = manifest.get("description")
    described = isinstance(said, str) and said.strip().lower() == "security holding package"
    return described or any(is_holder(one) for one in named_repositories(manifest))


def has_install_script(manifest: Mapping[str, object]) -> bool:
    """Whether installing the version runs a script of its, as far as its manifest tells."""
    if optional(manifest, "hasInstallScript", object) is True:
        return True
    scripts = optional(manifest, "scripts", object)
    return isinstance(scripts, Mapping) and any(scripts.get(name) for name in _INSTALL_SCRIPTS)


def abbreviated(packument: Mapping[str, object]) -> dict[str, object]:
    """Return the packument in the form of `ABBREVIATED`."""
    times = _times(packument)
    short: dict[str, object] = {key: packument[key] for key in ("name", "dist-tags") if key in packument}
    modified = times.get("modified") or optional(packument, "modified", object)
    if modified is not None:
        short["modified"] = modified
    short["versions"] = {
        version: _abbreviated_manifest(mapping(manifest, ""))
        for version, manifest in mapping(packument, "versions").items()
    }
    return short


def frozen(packument: Mapping[str, object], versions: Collection[str]) -> dict[str, object]:
    """Return the packument as if the registry held nothing but *versions*."""
    kept = {version: manifest for version, manifest in mapping(packument, "versions").items() if version in versions}
    view = {**packument, "versions": kept}
    tags = optional(packument, "dist-tags", dict)
    if tags is not None:
        view["dist-tags"] = {
            tag: version for tag, version in tags.items() if isinstance(version, str) and version in kept
        }
    times = optional(packument, "time", dict)
    if times is not None:
        view["time"] = {key: value for key, value in times.items() if key in kept or key in {"created", "modified"}}
    return view


def digests(integrity: str | None, shasum: str | None = None) -> tuple[Digest, ...]:
    """Return the hashes of a Subresource Integrity string and of npm's older hexadecimal `shasum`."""
    found = {digest for part in (integrity or "").split() if (digest := _sri(part)) is not None}
    if shasum and len(shasum) == 40 and all(char in "0123456789abcdefABCDEF" for char in shasum):  # noqa: PLR2004 - sha1
        found.add(Digest(algorithm="sha1", value=shasum.lower()))
    return tuple(sorted(found, key=lambda digest: (_STRENGTH.index(digest.algorithm), digest.value)))


def strongest(found: Collection[Digest]) -> str | None:
    """Return the strongest algorithm among *found*, by which the bytes are then judged."""
    return next((name for name in _STRENGTH if any(digest.algorithm == name for digest in found)), None)


def _abbreviated_manifest(manifest: Mapping[str, object]) -> dict[str, object]:
    short = {key: manifest[key] for key in _ABBREVIATED_FIELDS if key in manifest}
    if has_install_script(manifest):
        short["hasInstallScript"] = True
    return short


def _times(packument: Mapping[str, object]) -> Mapping[str, object]:
    return optional(packument, "time", dict) or {}


def moment(value: object) -> datetime | None:
    """Return the time that *value* spells; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)


def _sri(part: str) -> Digest | None:
    algorithm, _, value = part.partition("-")
    try:
        raw = base64.b64decode(value.partition("?")[0], validate=True)
    except (ValueError, binascii.Error):
        return None
    return Digest(algorithm=algorithm, value=raw.hex()) if algorithm in _STRENGTH and raw else None
