"""Tarballs on their way to npm: small ones when all of them is verified, large ones with their end held back."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

from safeinstall.gateway.server import Refusal
from safeinstall.model import Digest
from safeinstall.text import printable

WHOLE: Final = 32_000_000
"""Bytes up to which a tarball is read before npm sees any; npm waits five minutes for the head of a longer one."""

_HELD_BACK: Final = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """One tarball of the plan."""

    url: str
    digests: tuple[Digest, ...]
    name: str
    """For messages: `express@4.18.2`."""
    inside: Callable[[bytes], str | None] | None = None
    """Looks into the verified bytes and returns why npm must not have them; None: nothing comes inside."""


def verified(
    chunks: Iterator[bytes],
    planned: Collection[Planned],
    shown: str,
    refuse: Callable[[str], None],
    *,
    whole: int = WHOLE,
) -> tuple[bytes, Iterator[bytes]]:
    """
    Return what may be given of *chunks* now, and an iterator over the rest.

    Up to *whole* bytes, and where something is to be looked at inside, everything is verified here, before anything is
    given. Of a longer file the end is given only when the hash is right. Raises `Refusal`, here or in mid-stream;
    *refuse* hears the reason in both cases.
    """
    running = _Running(planned, shown, refuse)
    look = [item.inside for item in planned if item.inside is not None]
    taken = bytearray()
    for chunk in chunks:
        taken += chunk
        running.update(chunk)
        if len(taken) > whole and not look:
            return b"", _held_back(taken, chunks, running)
    running.check()
    data = bytes(taken)
    for inside in look:
        reason = inside(data)
        if reason is not None:
            refuse(reason)
            raise Refusal(reason)
    return data, iter(())


def _held_back(taken: bytearray, chunks: Iterator[bytes], running: "_Running") -> Iterator[bytes]:
    held = taken
    yield bytes(held[:-_HELD_BACK])
    del held[:-_HELD_BACK]
    for chunk in chunks:
        running.update(chunk)
        held += chunk
        if len(held) > _HELD_BACK * 2:
            yield bytes(held[:-_HELD_BACK])
            del held[:-_HELD_BACK]
    running.check()
    yield bytes(held)


class _Running:
    """The hashes of what has come so far."""

    def __init__(self, planned: Collection[Planned], shown: str, refuse: Callable[[str], None]) -> None:
        self._planned = planned
        self._shown = shown
        self._refuse = refuse
        algorithms = {digest.algorithm for item in planned for digest in item.digests}
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}

    def update(self, chunk: bytes) -> None:
        for one in self._hashes.values():
            one.update(chunk)

    def check(self) -> None:
        found = {Digest(algorithm=name, value=one.hexdigest()) for name, one in self._hashes.items()}
        if any(_matches(item, found) for item in self._planned):
            return
        names = printable(", ".join(sorted({item.name for item in self._planned})))
        reason = f"{self._shown} is not the file of {names} that was judged: its hash differs"
        self._refuse(reason)
        raise Refusal(reason)


def _matches(planned: Planned, found: Collection[Digest]) -> bool:
    """
    Whether *found* holds a planned digest of every kind, or nothing binds the planned file at all.

    Not of the strongest alone: of an old file the registry knows a sha1, and the sha512 is a lockfile's own word.
    """
    right = {digest.algorithm for digest in planned.digests if digest in found}
    return right == {digest.algorithm for digest in planned.digests}
