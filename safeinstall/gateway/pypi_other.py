"""Whatever else pip asks for: requirement and constraint files on the web, which are small and no archives."""

import io
import tarfile
import zipfile
from dataclasses import dataclass

from safeinstall.errors import SourceUnavailable
from safeinstall.gateway.pages import Channel
from safeinstall.gateway.pypi_index import told
from safeinstall.gateway.pypi_remote import passing_on
from safeinstall.gateway.server import Request, Response
from safeinstall.gateway.upstream import Upstream
from safeinstall.runs import AccessKind

MAX_OTHER = 5_000_000
"""Bytes of one such file."""

_OK = 200
_ARCHIVE_TYPES = ("zip", "gzip", "x-tar", "bzip", "x-xz", "x-lzma", "compress", "zstd")
_ARCHIVE_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"]\x00\x00", b"\x28\xb5\x2f\xfd")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    kind: str
    body: bytes


class Others:
    """Passes such files on; what planning read, installing is given again."""

    def __init__(self, upstream: Upstream) -> None:
        """Begin with nothing kept."""
        self._upstream = upstream
        self._kept: dict[str, _Kept] = {}

    def answer(self, request: Request, where: str) -> Response | None:
        """Return the answer to *request*; None: what is there is an archive, or as large as one."""
        kept = self._kept.get(where)
        if kept is None:
            channel = Channel(headers=request.headers, transport=request.transport)
            headers = passing_on(channel, accept=request.headers.get("accept", "*/*"), accept_encoding="gzip, deflate")
            answer = self._upstream.open(request.url, headers=headers, transport=request.transport)
            if answer.status != _OK:
                return told(answer, AccessKind.OTHER)
            kind = answer.headers.get("content-type", "text/plain")
            length = answer.headers.get("content-length", "0")
            if _says_archive(kind) or not length.isdigit() or int(length) > MAX_OTHER:
                answer.close()
                return None
            try:
                body = answer.read(MAX_OTHER)
            except SourceUnavailable:
                return None
            if looks_like_archive(body):
                return None
            kept = self._kept[where] = _Kept(kind=kind, body=body)
        headers = {"Content-Type": kept.kind, "Content-Length": str(len(kept.body)), "Cache-Control": "no-store"}
        return Response(_OK, headers, (kept.body,), AccessKind.OTHER)


def _says_archive(kind: str) -> bool:
    return any(word in kind.lower() for word in _ARCHIVE_TYPES)


def looks_like_archive(body: bytes) -> bool:
    """Whether pip could unpack *body*; it asks zipfile and tarfile too, and a zip may begin with any text."""
    if body.startswith(_ARCHIVE_STARTS) or zipfile.is_zipfile(io.BytesIO(body)):
        return True
    try:
        return tarfile.is_tarfile(io.BytesIO(body))
    except (ValueError, OSError, EOFError):
        return True
