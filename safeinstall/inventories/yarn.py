"""`yarn.lock`: yarn 1's own form, and the YAML of yarn 2 and later."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import mapping, optional
from safeinstall.gateway.npm_packument import digests
from safeinstall.inventories.documents import yaml_of
from safeinstall.inventories.draft import Draft, digest, is_web, text_of
from safeinstall.inventories.npm_names import locked, tarball
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import ArtifactKind, EcosystemName, Release
from safeinstall.text import printable

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s",]+)')
_SHA1 = re.compile(r"#([0-9a-f]{40})$")
_OWN = ("workspace", "link", "portal")
_KEYS = ("dependencies", "optionalDependencies")


@dataclass(slots=True)
class _Entry:
    """One block of yarn 1's lockfile."""

    descriptors: tuple[str, ...]
    values: dict[str, str] = field(default_factory=dict)
    requires: list[tuple[str, str]] = field(default_factory=list)


class YarnLock:
    """See `InventoryReader`."""

    ident: ClassVar[str] = "yarn.lock"
    names: ClassVar[tuple[str, ...]] = ("yarn.lock",)

    def fits(self, path: Path) -> bool:
        """See `InventoryReader.fits`."""
        return path.name == "yarn.lock" and path.is_file()

    def read(self, path: Path, label: str, origins: Origins) -> Inventory:
        """See `InventoryReader.read`."""
        draft = Draft(kind=self.ident, label=label, origins=origins, ecosystem=EcosystemName.NPM)
        text = text_of(path)
        if "__metadata:" in text:
            _berry(draft, yaml_of(text))
        else:
            _classic(draft, text)
        return draft.finish()


def _classic(draft: Draft, text: str) -> None:
    found: dict[str, Release] = {}
    entries = list(_blocks(text))
    for entry in entries:
        name, alias = _name(entry.descriptors[0])
        version = entry.values.get("version")
        if version is None:
            raise MalformedAnswer(f"`{printable(entry.descriptors[0])}` has no version")
        source = entry.values.get("resolved", "") or _folder(entry.descriptors[0])
        if source.startswith("link:"):
            continue  # a folder of the user's own, where it is
        sha1 = _SHA1.search(source)
        hashes = (*digests(entry.values.get("integrity")), *(digest("sha1", sha1[1]) if sha1 else ()))
        release = locked(draft, name, version, source.partition("#")[0] if sha1 else source, hashes, alias=alias)
        found.update(dict.fromkeys(entry.descriptors, release))
    for entry in entries:
        parent = found.get(entry.descriptors[0])
        for name, requirement in entry.requires:
            child = found.get(f"{name}@{requirement}")
            if child is not None:
                draft.edge(None if parent is None else parent.purl, child.purl, f"{name}@{requirement}")


def _blocks(text: str) -> Iterator[_Entry]:
    entry: _Entry | None = None
    inner = False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" "))
        words = _words(line)
        if indent == 0:
            if entry is not None:
                yield entry
            entry, inner = _Entry(descriptors=_heads(line, number)), False
        elif entry is None:
            raise MalformedAnswer(f"line {number} belongs to nothing")
        elif indent == 2:  # noqa: PLR2004 - yarn's own step
            inner = line.strip() in ("dependencies:", "optionalDependencies:")
            if len(words) > 1:
                entry.values[words[0]] = words[1]
        elif inner and len(words) > 1:
            entry.requires.append((words[0], words[1]))
    if entry is not None:
        yield entry


def _words(line: str) -> list[str]:
    return [found[1] if found[1] is not None else found[2] for found in _WORD.finditer(line)]


def _heads(line: str, number: int) -> tuple[str, ...]:
    """Return the descriptors that a block stands for: `"a@^1.0.0", a@^1.1.0:`."""
    whole = line.rstrip()
    words = _words(whole.removesuffix(":"))
    if not words or not whole.endswith(":"):
        raise MalformedAnswer(f"line {number} is none of yarn's")
    return tuple(words)


def _folder(descriptor: str) -> str:
    """Return the folder that *descriptor* names (`a@file:./a`), which yarn resolves to nothing; empty: none."""
    wanted = descriptor[descriptor.find("@", 1) + 1 :]
    return wanted if wanted.startswith(("file:", "link:", "./", "../", "/", "~/")) else ""


def _name(descriptor: str) -> tuple[str, str | None]:
    """Return the package of `name@range` and, when it is installed under another name, that name."""
    at = descriptor.find("@", 1)
    if at < 0:
        raise MalformedAnswer(f"`{printable(descriptor)}` has no range")
    name, wanted = descriptor[:at], descriptor[at + 1 :]
    real = name
    if wanted.startswith("npm:"):
        # The range is left out where any will do: `sb@npm:@s/b`.
        until = wanted.find("@", 5)
        real = wanted[4:until] if until > 0 else wanted[4:] if wanted[4:5].isalpha() or wanted[4:5] == "@" else name
    elif is_web(wanted):
        # Whoever asked for the tarball of another name by its URL knew what it is.
        told = tarball(wanted)
        real = name if told is None else told.name
    return real, name if real != name else None


def _berry(draft: Draft, document: Mapping[str, object]) -> None:
    found: dict[str, Release] = {}
    own: list[Mapping[str, object]] = []
    entries: list[tuple[str, Mapping[str, object]]] = []
    for key in document:
        if key == "__metadata":
            continue
        entry = mapping({"entry": document[key]}, "entry")
        resolution = optional(entry, "resolution", str)
        if resolution is None:
            raise MalformedAnswer(f"`{printable(key)}` has no resolution")
        release = _resolution(draft, key, entry, resolution)
        if release is None:
            own.append(entry)
            continue
        entries.append((key, entry))
        found.update(dict.fromkeys((one.strip() for one in key.split(",")), release))
    for key, entry in entries:
        _below(draft, entry, found, found[key.split(",")[0].strip()])
    for entry in own:
        _below(draft, entry, found, None)


def _below(draft: Draft, entry: object, found: Mapping[str, Release], parent: Release | None) -> None:
    for key in _KEYS:
        for name, requirement in (optional(entry, key, dict) or {}).items():
            child = found.get(f"{name}@{requirement}") or found.get(f"{name}@npm:{requirement}")
            if child is not None:
                words = f"{name}@{str(requirement).removeprefix('npm:')}"
                draft.edge(parent.purl if parent is not None else None, child.purl, printable(words))


def _resolution(draft: Draft, key: str, entry: object, resolution: str) -> Release | None:
    """Add the release that *resolution* (`name@npm:1.0.0`) names; None: it is the user's own workspace."""
    at = resolution.find("@", 1)
    name, source = resolution[:at], resolution[at + 1 :]
    protocol, _, rest = source.partition(":")
    if at < 1 or protocol in _OWN:
        return None
    if protocol == "patch":
        # `patch:` lays the user's own changes over a release: what it is made from is judged.
        return _patched(draft, key, name, rest)
    version = optional(entry, "version", str) or ""
    asked = key.split(",", maxsplit=1)[0].strip()
    alias = asked[: asked.find("@", 1)]
    if protocol == "npm":
        version, _, query = rest.partition("::")
        archive = query.partition("__archiveUrl=")[2]
        # Berry's checksum is of the archive that it packs anew, and no registry knows that one.
        return locked(draft, name, version, unquote(archive) or None, (), alias=alias if alias != name else None)
    told = tarball(source) if is_web(source) else None
    if told is not None:
        # Whoever asked for the tarball of another name by its URL knew what it is.
        return locked(draft, told.name, told.version, source, (), alias=name if name != told.name else None)
    if is_web(source) and not source.partition("#")[0].endswith(".git"):
        return draft.unvouched(name, version, ArtifactKind.URL, source)
    return locked(draft, name, version, source, ())


def _patched(draft: Draft, key: str, name: str, rest: str) -> Release | None:
    inner = unquote(rest.partition("#")[0])
    if not inner.startswith(f"{name}@npm:"):
        draft.gap(name, f"`{printable(key)}` is a patch of something that cannot be judged")
        return None
    return draft.registered(name, inner.removeprefix(f"{name}@npm:"))
