"""What every builder returns, and archives whose bytes are the same in every run."""

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """One artifact, made in memory."""

    name: str
    """As its author spells it."""
    version: str
    filename: str
    data: bytes
    metadata: bytes = b""
    """Its METADATA or PKG-INFO (npm: its package.json)."""

    @property
    def sha256(self) -> str:
        """The digest of the whole file, lower-case hexadecimal."""
        return _sha256(self.data)


@lru_cache(maxsize=1024)
def _sha256(data: bytes) -> str:
    # An index is asked for the same files over and over.
    return hashlib.sha256(data).hexdigest()


def from_disk(path: Path) -> Built:
    """Return the wheel at *path*, for an index that needs a real one (a build back end, an old pip)."""
    data = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inside = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(inside)
    name, version = path.name.split("-")[:2]
    return Built(name=name, version=version, filename=path.name, data=data, metadata=metadata)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of *files*, in their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    """Return a gzipped tar archive of *files*, in their order."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            # npm keeps only what the owner may read; and no file of an archive may come from the future.
            entry.mode = 0o755 if path.endswith((".sh", "/cli.js")) else 0o644
            entry.mtime = 499_162_500
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def encoded(content: str | bytes) -> bytes:
    """Return *content* as bytes."""
    return content.encode() if isinstance(content, str) else content
