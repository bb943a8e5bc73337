"""The list of names that npm sends for its own audit, without those that nobody else is to learn."""

import gzip
import json
import zlib
from collections.abc import Collection

from safeinstall.errors import MalformedAnswer


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
