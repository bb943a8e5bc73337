"""npm's own audit: the list of names that it sends, without those that nobody else is to learn."""

import gzip
import json
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from safeinstall.errors import MalformedAnswer
from safeinstall.gateway.server import Request
from safeinstall.gateway.upstream import Upstream

_MOST: Final = 300_000_000


def is_audit(request: Request) -> bool:
    """Whether *request* is a question of npm's own audit."""
    return "/-/npm/v1/security/" in urlsplit(request.url).path


@dataclass(slots=True)
class Audits:
    """Passes npm's audit on, without the names that nobody else is to learn."""

    upstream: Upstream
    unspoken: frozenset[str] = frozenset()
    """The names of the plan that must not be told."""

    def ask(self, request: Request) -> tuple[int, bytes]:
        """Return status and body of the answer; raises `SourceUnavailable` or `MalformedAnswer`."""
        headers = {name: value for name, value in request.headers.items() if name != "accept-encoding"}
        asked = request.body
        if self.unspoken:
            headers.pop("content-encoding", None)
            asked = without(asked, self.unspoken)
        answer = self.upstream.open(
            request.url, method=request.method, headers=headers, transport=request.transport, body=asked
        )
        return answer.status, answer.read(_MOST)


def without(body: bytes, unspoken: Collection[str]) -> bytes:
    """
    Return the list of npm's bulk audit without the names in *unspoken*, uncompressed.

    Raises `MalformedAnswer` for a body of any other form: what cannot be read cannot be told to be free of them.
    """
    try:
        text = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
        listed: object = json.loads(text)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise MalformedAnswer("npm's audit names packages in a way that cannot be read") from error
    if not isinstance(listed, dict) or not all(isinstance(versions, list) for versions in listed.values()):
        raise MalformedAnswer("npm's audit would tell private names")
    return json.dumps({name: versions for name, versions in listed.items() if name not in unspoken}).encode()
