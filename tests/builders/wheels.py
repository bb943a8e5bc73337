"""Wheels made in memory (PEP 427), without any build tool."""

import base64
import hashlib
from collections.abc import Mapping, Sequence

from tests.builders.built import Built, encoded, zipped


def wheel(
    name: str,
    version: str = "1.0",
    *,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    requires_python: str | None = None,
    tag: str = "py3-none-any",
    files: Mapping[str, str | bytes] | None = None,
    entry_points: str | None = None,
    metadata_version: str = "2.1",
    headers: Sequence[str] = (),
    metadata: str | None = None,
    generator: str = "Generator: made-for-tests",
) -> Built:
    """
    Return the wheel of *name* at *version*; without *files* it holds one module that tells its version.

    *headers* are further METADATA lines; *metadata* replaces the whole METADATA, *generator* the line of
    WHEEL that tells who built it.
    """
    stem = f"{escaped(name)}-{version}"
    info = f"{stem}.dist-info"
    text = (
        metadata
        if metadata is not None
        else core_metadata(
            name,
            version,
            requires=requires,
            extras=extras,
            requires_python=requires_python,
            metadata_version=metadata_version,
            headers=headers,
        )
    )
    content: dict[str, bytes] = {}
    for path, source in (files if files is not None else {f"{module(name)}.py": f"VERSION = {version!r}\n"}).items():
        content[path] = encoded(source)
    content[f"{info}/METADATA"] = text.encode()
    lines = ["Wheel-Version: 1.0", generator, "Root-Is-Purelib: true"]
    lines += [f"Tag: {one}" for one in _tags(tag)]
    content[f"{info}/WHEEL"] = ("\n".join(lines) + "\n").encode()
    if entry_points is not None:
        content[f"{info}/entry_points.txt"] = entry_points.encode()
    content[f"{info}/RECORD"] = _record(content, f"{info}/RECORD")
    return Built(name=name, version=version, filename=f"{stem}-{tag}.whl", data=zipped(content), metadata=text.encode())


def core_metadata(
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    requires_python: str | None = None,
    metadata_version: str = "2.1",
    dynamic: Sequence[str] = (),
    headers: Sequence[str] = (),
) -> str:
    """Return a METADATA or PKG-INFO document."""
    lines = [f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}", "Summary: made for tests"]
    lines += [f"Dynamic: {field}" for field in dynamic]
    if requires_python is not None:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    for extra, needed in (extras or {}).items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {requirement}; extra == "{extra}"' for requirement in needed]
    lines += headers
    return "\n".join(lines) + "\n\nMade for tests.\n"


def escaped(name: str) -> str:
    """Return *name* as file names spell it (PEP 427)."""
    return name.replace("-", "_")


def module(name: str) -> str:
    """Return the name of the module that a built *name* holds."""
    return name.replace("-", "_").replace(".", "_").lower()


def _tags(tag: str) -> list[str]:
    pythons, abis, platforms = tag.split("-")
    return [
        f"{python}-{abi}-{platform}"
        for python in pythons.split(".")
        for abi in abis.split(".")
        for platform in platforms.split(".")
    ]


def _record(content: Mapping[str, bytes], own: str) -> bytes:
    lines = []
    for path, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(data)}")
    return ("\n".join([*lines, f"{own},,"]) + "\n").encode()
