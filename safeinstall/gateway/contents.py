"""What a wheel holds that acts by itself: files that Python runs when it starts, and commands that go onto PATH."""

import configparser
import json
import posixpath
import re
import zipfile
from dataclasses import dataclass
from typing import IO

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, items, optional
from safeinstall.gateway import metadata
from safeinstall.text import printable

_VERSION = 3
_MAX_ENTRY_POINTS = 1_000_000
_MAX_WHEEL_FILE = 64_000
_DATA = re.compile(r"[^/]+\.data/(?:purelib|platlib|data/lib(?:64)?/python[^/]*/site-packages|data/Lib/site-packages)/")
_STARTUP = re.compile(r"[^/]*\.pth|(?:site|user)customize(?:\.py|\.so|\.pyd|\.abi3\.so|/__init__\.py)", re.IGNORECASE)
_ENTRY_POINTS = re.compile(r"[^/]+\.dist-info/entry_points\.txt")
_SCRIPTS = re.compile(r"[^/]+\.data/scripts/([^/]+)")
_WHEEL_FILE = re.compile(r"[^/]+\.dist-info/WHEEL")
_GENERATOR = re.compile(rb"^Generator:[ \t]*([A-Za-z0-9._-]{1,100})", re.MULTILINE | re.IGNORECASE)
_BUILDERS = {"bdist_wheel": "setuptools", "bdist-wheel": "setuptools"}
"""What older releases of a builder called themselves."""
_GROUPS = ("console_scripts", "gui_scripts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What was read of one wheel without unpacking it."""

    metadata: bytes
    startup: tuple[str, ...]
    """Files that Python runs when it starts, as they will be named in site-packages; sorted."""
    commands: tuple[str, ...]
    files: int
    builder: str | None = None
    """The build backend that made it, by the wheel's own word, without its version; None: it does not tell."""


def of_wheel(file: IO[bytes], filename: str) -> Contents:
    """Return the contents of the seekable wheel *file*; raises `MalformedAnswer`."""
    inside = metadata.of_wheel(file, filename)
    file.seek(0)
    with metadata.opened(file, filename) as archive:
        names = archive.namelist()
        points = [name for name in names if _ENTRY_POINTS.fullmatch(name)]
        # `x/../evil.pth` is another file in the zip, and the same one in site-packages.
        places = [posixpath.normpath(name) for name in names if not name.endswith("/")]
        commands = {found[1] for place in places if (found := _SCRIPTS.fullmatch(place)) is not None}
        for name in points:
            if archive.getinfo(name).file_size > _MAX_ENTRY_POINTS:
                raise MalformedAnswer(f"`{printable(name)}` in `{printable(filename)}` is too large")
            commands |= _commands(archive.read(name))
        builder = next((_builder(archive, name) for name in names if _WHEEL_FILE.fullmatch(name)), None)
    startup = {placed for place in places if _STARTUP.fullmatch(placed := _DATA.sub("", place, count=1)) is not None}
    return Contents(
        metadata=inside,
        startup=tuple(sorted(startup)),
        commands=tuple(sorted(commands)),
        files=len(names),
        builder=builder,
    )


def _builder(archive: zipfile.ZipFile, name: str) -> str | None:
    if archive.getinfo(name).file_size > _MAX_WHEEL_FILE:
        return None
    found = _GENERATOR.search(archive.read(name))
    said = found[1].decode().lower() if found is not None else None
    return _BUILDERS.get(said, said) if said is not None else None


def _commands(data: bytes) -> set[str]:
    reader = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    reader.optionxform = str  # type: ignore[assignment, method-assign] # names of commands keep their case
    try:
        reader.read_string(data.decode("utf-8", "replace"))
    except configparser.Error:
        # pip reads them with the same parser, and would not install it either.
        return set()
    return {name.strip() for group in _GROUPS if reader.has_section(group) for name in reader.options(group)}


def differences(planned: Contents, found: Contents) -> tuple[str, ...]:
    """Return which of the things that act by themselves are not what the plan was judged by."""
    pairs = (("startup files", planned.startup, found.startup), ("commands", planned.commands, found.commands))
    return tuple(name for name, one, other in pairs if one != other)


def stored(contents: Contents) -> bytes:
    """Return *contents* as bytes for the disk."""
    document = {
        "version": _VERSION,
        "metadata": contents.metadata.decode("latin-1"),
        "startup": contents.startup,
        "commands": contents.commands,
        "files": contents.files,
        "builder": contents.builder,
    }
    return json.dumps(document).encode()


def restored(data: bytes) -> Contents | None:
    """Return what `stored` wrote; None: another version of ours wrote it."""
    try:
        document: object = json.loads(data)
        if field(document, "version", int) != _VERSION:
            return None
        return Contents(
            metadata=field(document, "metadata", str).encode("latin-1"),
            startup=items(document, "startup", str),
            commands=items(document, "commands", str),
            files=field(document, "files", int),
            builder=optional(document, "builder", str),
        )
    except (ValueError, MalformedAnswer):
        return None
