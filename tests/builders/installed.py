"""Wheels of what runs the tests: this safeinstall and all that it needs, so that a loopback index can serve them."""

import base64
import hashlib
import importlib.metadata
import io
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.builders.built import Built

_ROOT = Path(__file__).parents[2]
_REWRITTEN = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def everything() -> Iterator[Built]:
    """Yield a wheel of safeinstall as it lies here, and of each distribution that it needs in this environment."""
    seen: set[str] = set()
    wanted = [Requirement("safeinstall")]
    while wanted:
        asked = wanted.pop()
        name = canonicalize_name(asked.name)
        if name in seen:
            continue
        seen.add(name)
        found = importlib.metadata.distribution(name)
        yield _packed(found, dict(_ours() if name == "safeinstall" else _files(found)))
        needed = [Requirement(one) for one in found.requires or ()]
        extras = asked.extras or {""}
        wanted += [
            one for one in needed if one.marker is None or any(one.marker.evaluate({"extra": e}) for e in extras)
        ]


def _ours() -> Iterator[tuple[str, bytes]]:
    """Yield the files of our own wheel, as `pyproject.toml` says it."""
    for path in sorted((_ROOT / "safeinstall").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(_ROOT).as_posix(), path.read_bytes()
    for path in sorted((_ROOT / "shims").iterdir()):
        yield f"safeinstall/_shims/{path.name}", path.read_bytes()
    found = importlib.metadata.distribution("safeinstall")
    for name in ("METADATA", "WHEEL", "entry_points.txt"):
        yield f"{_info(found)}/{name}", (found.read_text(name) or "").encode()


def _files(found: Distribution) -> Iterator[tuple[str, bytes]]:
    for path in found.files or ():
        if ".." not in path.parts and path.suffix != ".pyc" and path.name not in _REWRITTEN:
            yield path.as_posix(), path.read_binary()


def _info(found: Distribution) -> str:
    return f"{canonicalize_name(found.name).replace('-', '_')}-{found.version}.dist-info"


def _packed(found: Distribution, files: Mapping[str, bytes]) -> Built:
    """Return a wheel of *files*; nothing is compressed, as nobody keeps it."""
    info = next(path.partition("/")[0] for path in files if path.endswith(".dist-info/METADATA"))
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}\n"
        for path, data in files.items()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()}.items():
            archive.writestr(zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0)), data)
    tags = [line[5:].split("-") for line in (found.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: ")]
    tag = "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*tags, strict=True))
    stem = info.removesuffix(".dist-info")
    metadata = files[f"{info}/METADATA"]
    return Built(
        name=found.name, version=found.version, filename=f"{stem}-{tag}.whl", data=buffer.getvalue(), metadata=metadata
    )
