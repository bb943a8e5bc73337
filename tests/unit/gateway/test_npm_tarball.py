"""No tarball of another hash reaches npm whole, however large it is."""

import hashlib
from collections.abc import Iterator

import pytest

from safeinstall.gateway.npm_tarball import Planned, verified
from safeinstall.gateway.server import Refusal
from safeinstall.model import Digest

DATA = bytes(range(256)) * 4_000
SHA1 = Digest(algorithm="sha1", value=hashlib.sha1(DATA).hexdigest())
SHA512 = Digest(algorithm="sha512", value=hashlib.sha512(DATA).hexdigest())
WRONG_SHA1 = Digest(algorithm="sha1", value="0" * 40)
WRONG = Digest(algorithm="sha512", value="0" * 128)


def planned(*digests: Digest) -> list[Planned]:
    """Return the plan of one tarball."""
    return [Planned(url="https://r.example/top.tgz", digests=digests, name="top@1.0.0")]


def chunks(data: bytes = DATA, size: int = 10_000) -> Iterator[bytes]:
    """Yield *data* as a network would."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("whole", [10, 100_000, len(DATA), 10_000_000])
def test_the_planned_bytes_arrive(whole: int) -> None:
    """At once or in pieces, all of them."""
    first, rest = verified(chunks(), planned(SHA1, SHA512), "top.tgz", print, whole=whole)

    assert first + b"".join(rest) == DATA


def test_a_short_file_of_another_hash_is_refused_before_anything_is_given() -> None:
    """And the reason is remembered."""
    said: list[str] = []

    with pytest.raises(Refusal, match=r"not the file of top@1\.0\.0"):
        verified(chunks(), planned(WRONG), "top.tgz", said.append)

    assert len(said) == 1


def test_a_long_file_of_another_hash_lacks_its_end() -> None:
    """The manager is given no whole archive."""
    said: list[str] = []
    given = bytearray()
    first, rest = verified(chunks(), planned(WRONG), "top.tgz", said.append, whole=100_000)
    with pytest.raises(Refusal):
        given.extend(byte for chunk in rest for byte in chunk)

    assert first == b""
    assert len(given) <= len(DATA) - 65_536
    assert len(said) == 1


@pytest.mark.parametrize("digests", [(SHA1, WRONG), (WRONG,), (WRONG_SHA1, SHA512)])
def test_no_right_hash_makes_up_for_a_wrong_one(digests: tuple[Digest, ...]) -> None:
    """The registry's may be a sha1 and a lockfile's own word the sha512."""
    with pytest.raises(Refusal):
        verified(chunks(), planned(*digests), "top.tgz", print)


def test_two_plans_for_one_path_each_fit() -> None:
    """The same path on two hosts may be two files, both of them judged."""
    both = [*planned(WRONG), *planned(SHA512)]

    first, _ = verified(chunks(), both, "top.tgz", print)

    assert first == DATA
