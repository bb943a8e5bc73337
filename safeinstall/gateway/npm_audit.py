"""npm's own audit: the list of names that it sends, without those that nobody else is to learn."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
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
    """Passes npm's audit on; what was answered while planning is answered again, so that both come to the same."""

    upstream: Upstream
    while_planning: bool = False
    """`npm audit fix` plans with what it is told; no other command asks before it installs."""
    hides: Callable[[str], bool] = lambda _: False
    """Whether a name must not be told, as far as is known before there is a plan."""
    unspoken: frozenset[str] = frozenset()
    """The names of the plan that must not be told."""
    _told: dict[tuple[str, bytes], tuple[int, bytes]] = field(default_factory=dict)

    def ask(self, request: Request) -> tuple[int, bytes]:
        """Return status and body of the answer; raises `SourceUnavailable` or `MalformedAnswer`."""
        key = (request.url, hashlib.sha256(_listed(request.body)).digest())
        if key not in self._told:
            headers = {name: value for name, value in request.headers.items() if name != "accept-encoding"}
            asked = request.body
            hidden = self.unspoken | {name for name in _names(asked) if self.hides(name)}
            if hidden:
                headers.pop("content-encoding", None)
                asked = without(asked, hidden)
            answer = self.upstream.open(
                request.url, method=request.method, headers=headers, transport=request.transport, body=asked
            )
            told = (answer.status, answer.read(_MOST))
            if not self.while_planning:
                return told
            self._told[key] = told
        return self._told[key]


def _listed(body: bytes) -> bytes:
    """Return *body* uncompressed: two compressions of one list may differ."""
    try:
        return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
    except (OSError, EOFError, zlib.error):
        return body


def _names(body: bytes) -> Collection[str]:
    try:
        listed: object = json.loads(_listed(body))
    except (ValueError, RecursionError):
        return ()
    return listed.keys() if isinstance(listed, dict) else ()


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
