"""npm tarballs made in memory, as `npm pack` lays them out."""

import json
from collections.abc import Mapping
from typing import TypeAlias

from tests.builders.built import Built, encoded, tarred
from tests.builders.markers import Marker

Json: TypeAlias = Mapping[str, object]

LIFECYCLE = ("preinstall", "install", "postinstall", "prepare", "prepublish")
"""The scripts of a package that some install runs."""


def tarball(
    name: str,
    version: str = "1.0.0",
    *,
    dependencies: Mapping[str, str] | None = None,
    scripts: Mapping[str, str] | None = None,
    files: Mapping[str, str | bytes] | None = None,
    **manifest: object,
) -> Built:
    """
    Return the tarball of *name* (with its scope) at *version*; *manifest* holds further keys of its package.json.

    Names of package.json that are no Python names are given by `**{"peerDependencies": ...}`.
    """
    document: dict[str, object] = {
        "name": name,
        "version": version,
        "description": "made for tests",
        "main": "index.js",
    }
    if dependencies is not None:
        document["dependencies"] = dict(dependencies)
    if scripts is not None:
        document["scripts"] = dict(scripts)
    document.update(manifest)
    return pack(document, files)


def pack(document: Json, files: Mapping[str, str | bytes] | None = None) -> Built:
    """Return the tarball of a package.json and *files*."""
    name, version = str(document["name"]), str(document["version"])
    text = json.dumps(document, indent=2).encode()
    content = {"package/package.json": text}
    for path, source in (files if files is not None else {"index.js": f"module.exports = {version!r}\n"}).items():
        content[f"package/{path}"] = encoded(source)
    filename = f"{name.rpartition('/')[2]}-{version}.tgz"
    return Built(name=name, version=version, filename=filename, data=tarred(content), metadata=text)


def marking_scripts(marker: Marker, name: str) -> dict[str, str]:
    """Return lifecycle scripts that each leave `NAME:SCRIPT`."""
    return {script: marker.shell(f"{name}:{script}") for script in LIFECYCLE}
