"""
Guessing which packuments npm will ask for next, so that they are here when it does.

A guess is only a name: a wrong one costs a request, never a wrong answer. npm walks its tree level by level and waits
for each; the guesses run ahead of it.
"""

import re
from collections.abc import Iterator, Mapping

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import mapping, optional

_RANGE = re.compile(r"^[\^~=v\s]*(\d+)(?:\.(\d+))?")
_VERSION = re.compile(r"^(\d+)\.(\d+)\.(\d+)$")
_NAME = re.compile(r"^(@[a-z0-9._~-]+/)?[a-z0-9_~-][a-z0-9._~-]*$", re.IGNORECASE)
_KINDS = ("dependencies", "optionalDependencies", "peerDependencies")


def guesses(packument: Mapping[str, object], wanted: str | None) -> Iterator[tuple[str, str]]:
    """Yield name and range of what the version that npm likely picks for *wanted* depends on."""
    try:
        manifest = _likely(packument, wanted)
        unneeded = _optional_peers(manifest)
        for kind in _KINDS:
            for name, spec in (optional(manifest, kind, dict) or {}).items():
                if name in unneeded and kind == "peerDependencies":
                    continue
                if isinstance(name, str) and isinstance(spec, str) and _NAME.match(name) and ":" not in spec:
                    yield name, spec
    except MalformedAnswer:
        return  # npm itself will say what is wrong with it


def _optional_peers(manifest: Mapping[str, object]) -> frozenset[str]:
    told = optional(manifest, "peerDependenciesMeta", dict) or {}
    return frozenset(name for name, rule in told.items() if isinstance(rule, dict) and rule.get("optional") is True)


def _likely(packument: Mapping[str, object], wanted: str | None) -> Mapping[str, object]:
    versions = mapping(packument, "versions")
    latest = optional(packument, "dist-tags.latest", str) or ""
    asked = _RANGE.match(wanted or "")
    if asked is not None and not latest.startswith(f"{asked[1]}."):
        latest = _highest(versions, int(asked[1]), int(asked[2]) if asked[1] == "0" and asked[2] else None) or latest
    return mapping(versions.get(latest) or {}, "")


def _highest(versions: Mapping[str, object], major: int, minor: int | None) -> str | None:
    found = [
        (tuple(map(int, match.groups())), version)
        for version in versions
        if (match := _VERSION.match(version)) is not None
    ]
    fitting = [pair for pair in found if pair[0][0] == major and (minor is None or pair[0][1] == minor)]
    return max(fitting, default=(None, None))[1]
