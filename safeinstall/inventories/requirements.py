"""`requirements.txt`: only exact pins can be judged, everything else is a gap."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from packaging.requirements import InvalidRequirement, Requirement

from safeinstall.errors import MalformedAnswer
from safeinstall.inventories.draft import Draft, hashed, text_of
from safeinstall.inventory import Inventory, Origins
from safeinstall.model import ArtifactKind, Digest, EcosystemName
from safeinstall.text import counted, printable, redacted

_COMMENT = re.compile(r"(^|\s+)#.*$")
_HASH = re.compile(r"\s--hash[= ]\s*(\S+)")
_OPTION = re.compile(r"\s--[a-z].*$")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")


def _spellings(option: str, shortest: str) -> tuple[str, ...]:
    """Return *option* and its beginnings from *shortest* on: pip takes what can be no other option."""
    return tuple(option[:end] for end in range(len(option), len(shortest) - 1, -1))


_INDEX = (
    *("-i", "--pypi-url"),
    *_spellings("--index-url", "--i"),
    *_spellings("--extra-index-url", "--ex"),
)
_FILES = ("-r", *_spellings("--requirement", "--requirem"))
_EDITABLE = ("-e", *_spellings("--editable", "--ed"))
_DEEPEST = 20
_LARGEST = 5_000_000
_HINT = "pin it as `NAME==VERSION`, or audit the environment that it was installed into"


@dataclass(frozen=True, slots=True)
class _Line:
    """One requirement or option, joined from the lines that it was written on."""

    file: str
    number: int
    text: str


class Requirements:
    """See `InventoryReader`."""

    ident: ClassVar[str] = "requirements.txt"
    names: ClassVar[tuple[str, ...]] = ("requirements.txt", "requirements-*.txt", "requirements/*.txt")

    def fits(self, path: Path) -> bool:
        """See `InventoryReader.fits`; any other text file has to be named `requirements` somewhere, as people do."""
        return path.suffix in (".txt", ".in") and path.is_file()

    def read(self, path: Path, label: str, origins: Origins) -> Inventory:
        """See `InventoryReader.read`."""
        draft = Draft(kind=self.ident, label=label, origins=origins, ecosystem=EcosystemName.PYPI)
        lines = list(_lines(path, label, depth=0, seen=set()))
        indexes = [url for line in lines if (url := _index(line)) is not None]
        # pip takes the best version of all indexes: one that nobody vouches for could serve each of them.
        registry = next((url for url in indexes if not origins.declared(url)), next(iter(indexes), None))
        unhashed = 0
        for line in lines:
            if not line.text.startswith("-") or _value(line.text, _EDITABLE) is not None:
                unhashed += _requirement(draft, line, registry)
        if unhashed:
            pins = counted(unhashed, "pin")
            draft.notes.append(f"{label}: {pins} without a hash, so what is installed may be other bytes")
        return draft.finish()


def _lines(path: Path, label: str, *, depth: int, seen: set[Path]) -> Iterator[_Line]:
    if depth > _DEEPEST or path.resolve() in seen:
        return
    seen.add(path.resolve())
    text, begun = "", 0
    for number, raw in enumerate(text_of(path, most=_LARGEST).splitlines(), 1):
        begun = begun or number
        if raw.rstrip().endswith("\\") and not raw.lstrip().startswith("#"):
            text += raw.rstrip()[:-1] + " "
            continue
        whole, text = _COMMENT.sub("", text + raw).strip(), ""
        line, begun = _Line(label, begun, whole), 0
        if not whole:
            continue
        other = _value(whole, _FILES)
        if other is None:
            yield line
        elif "://" in other:
            raise MalformedAnswer(f"line {line.number} reads requirements from {redacted(other)}, which was not asked")
        else:
            inner = path.parent / other
            yield from _lines(inner, f"{Path(label).parent / other}", depth=depth + 1, seen=seen)
    if text.strip():
        yield _Line(label, begun, text.strip())


def _value(text: str, options: tuple[str, ...]) -> str | None:
    """Return the value of one of *options* in *text*, which may stand behind other options."""
    words = text.split() if text.startswith("-") else []
    found = (_begun(" ".join(words[at:]), options) for at in range(len(words)))
    return next((value for value in found if value is not None), None)


def _begun(text: str, options: tuple[str, ...]) -> str | None:
    """Return the value of one of *options* when *text* begins with it."""
    for option in options:
        if text.startswith((f"{option} ", f"{option}=")):
            return text[len(option) + 1 :].strip().strip("\"'")
        if len(option) == 2 and text.startswith(option) and len(text) > 2:  # noqa: PLR2004 - `-rFILE`
            return text[2:].strip()
    return None


def _index(line: _Line) -> str | None:
    return (_value(line.text, _INDEX) or "").partition(" ")[0] or None


def _requirement(draft: Draft, line: _Line, registry: str | None) -> bool:
    """Add what *line* asks for; returns whether it is a pin without a hash."""
    digests = tuple(one for found in _HASH.findall(line.text) for one in hashed(found))
    editable = _value(line.text, _EDITABLE)
    text = _OPTION.sub("", editable if editable is not None else line.text).strip()
    if editable is None:
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            wanted = None
        if wanted is not None and wanted.url is None:
            return _pinned(draft, line, wanted, digests, registry)
        if wanted is not None and wanted.url is not None:
            _direct(draft, wanted.name, wanted.url, digests)
            return False
    egg = _EGG.search(text)
    name = egg[1] if egg else Path(text.partition("#")[0].rstrip("/")).name.partition("-")[0] or "."
    _direct(draft, name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) else "local-project", text, digests)
    return False


def _pinned(draft: Draft, line: _Line, wanted: Requirement, digests: tuple[Digest, ...], registry: str | None) -> bool:
    exact = [one for one in wanted.specifier if one.operator in ("==", "===") and not one.version.endswith(".*")]
    if len(exact) != 1:
        place = f"line {line.number}" if line.file == draft.label else f"line {line.number} of {line.file}"
        shown = printable(str(wanted.specifier)) or "any version"
        draft.gap(wanted.name, f"{place} is not pinned ({shown})", _HINT)
        return False
    release = draft.registered(wanted.name, exact[0].version, registry=registry, digests=digests)
    draft.edge(None, release.purl, printable(str(wanted)))
    return not digests


def _direct(draft: Draft, name: str, url: str, digests: tuple[Digest, ...]) -> None:
    if re.match(r"(git|hg|svn|bzr)\+", url):
        kind = ArtifactKind.VCS
    elif re.match(r"[a-z][a-z0-9+.-]*://", url) and not url.startswith("file:"):
        kind = ArtifactKind.URL
    else:
        archive = url.partition("#")[0].endswith((".whl", ".tar.gz", ".zip", ".tar.bz2"))
        kind = ArtifactKind.LOCAL_FILE if archive else ArtifactKind.LOCAL_PROJECT
        url = url if url.startswith("file:") else f"file:{url}"
    draft.unvouched(name, "", kind, url, digests=digests)
