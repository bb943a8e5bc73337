"""Artifacts on their way to the manager: nothing whole arrives before it is what it should be."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from safeinstall.errors import SafeinstallError
from safeinstall.gateway import contents, metadata
from safeinstall.gateway.contents import Contents
from safeinstall.gateway.server import Refusal
from safeinstall.model import Digest
from safeinstall.text import printable

HELD_BACK = 131_072
"""Bytes at the end that are given only when all is well: a zip's directory and a tar's last members are in them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What the bytes must be."""

    filename: str
    digests: tuple[Digest, ...] = ()
    metadata: bytes | None = None
    """The METADATA that the plan was made with; None: the file is no wheel, or its metadata was never asked for."""
    contents: Contents | None = None
    """What the plan was judged by; None: nobody looked into it."""


def verified(chunks: Iterable[bytes], expected: Expected, done: Callable[[str], None]) -> Iterator[bytes]:
    """
    Yield *chunks* but their end, and the end only when all digests and the metadata are as *expected*.

    *done* is told the sha256 of what was given whole. Raises `Refusal`; what was yielded until then is no archive.
    """
    checking = Checking(expected)
    with tempfile.TemporaryFile(prefix="safeinstall-") as copy:
        held = bytearray()
        for chunk in chunks:
            checking.take(chunk)
            if expected.metadata is not None:
                copy.write(chunk)
            held += chunk
            if len(held) > HELD_BACK * 2:
                yield bytes(held[:-HELD_BACK])
                del held[:-HELD_BACK]
        digest = checking.conclude(copy)
    done(digest)
    yield bytes(held)


class Checking:
    """Hashes one file as it comes, and compares it with what is expected at its end."""

    def __init__(self, expected: Expected) -> None:
        """Begin with no bytes."""
        self._expected = expected
        algorithms = {digest.algorithm for digest in expected.digests} | {"sha256"}
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}

    def take(self, chunk: bytes) -> None:
        """Hear the next bytes."""
        for one in self._hashes.values():
            one.update(chunk)

    def conclude(self, copy: IO[bytes]) -> str:
        """Return the sha256; raises `Refusal`. *copy* holds the same bytes, if metadata is expected."""
        found = {name: one.hexdigest() for name, one in self._hashes.items()}
        _check_digests(self._expected, found)
        _check_metadata(self._expected, copy)
        return found["sha256"]


def _check_digests(expected: Expected, found: dict[str, str]) -> None:
    for digest in expected.digests:
        if found[digest.algorithm] != digest.value:
            raise Refusal(
                f"`{printable(expected.filename)}`: {digest.algorithm} is {found[digest.algorithm]}, "
                f"planned was {digest.value}"
            )


def _check_metadata(expected: Expected, copy: IO[bytes]) -> None:
    if expected.metadata is None:
        return
    name = printable(expected.filename)
    try:
        inside = metadata.of_wheel(copy, expected.filename)
        differing = metadata.differences(expected.metadata, inside)
    except SafeinstallError as error:
        raise Refusal(f"`{name}`: its metadata cannot be compared with the plan's: {error.message}") from error
    if differing:
        fields = ", ".join(differing)
        raise Refusal(f"`{name}`: {fields} in its METADATA differs from the metadata that the plan was made with")
    _check_contents(expected, copy)


def _check_contents(expected: Expected, copy: IO[bytes]) -> None:
    if expected.contents is None:
        return
    name = printable(expected.filename)
    copy.seek(0)
    try:
        differing = contents.differences(expected.contents, contents.of_wheel(copy, expected.filename))
    except SafeinstallError as error:
        raise Refusal(f"`{name}`: what it holds cannot be compared with the plan's: {error.message}") from error
    if differing:
        what = " and ".join(differing)
        raise Refusal(f"`{name}`: its {what} are not those that were judged")
