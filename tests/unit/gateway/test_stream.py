"""Nothing whole leaves the stream before it is what it should be."""

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.gateway.server import Refusal
from safeinstall.gateway.stream import HELD_BACK, Expected, verified
from safeinstall.model import Digest
from tests.builders.wheels import wheel

CHUNK = 50_000


def chunks(data: bytes) -> Iterator[bytes]:
    """Yield *data* as a network would."""
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def taken(data: bytes, expected: Expected) -> tuple[bytes, str | None, str | None]:
    """Return what came through, the sha256 that was told, and why it was refused."""
    told: list[str] = []
    got = bytearray()
    try:
        for chunk in verified(chunks(data), expected, told.append):
            got += chunk
    except Refusal as refusal:
        return bytes(got), None, refusal.reason
    return bytes(got), told[0], None


@given(st.integers(min_value=0, max_value=HELD_BACK * 5))
def test_what_is_as_expected_comes_through_whole(size: int) -> None:
    """Every length arrives unchanged, and its sha256 is told."""
    data = bytes(size)
    digest = hashlib.sha256(data).hexdigest()
    md5 = hashlib.md5(data).hexdigest()
    digests = (Digest(algorithm="sha256", value=digest), Digest(algorithm="md5", value=md5))

    assert taken(data, Expected(filename="a.zip", digests=digests)) == (data, digest, None)


@given(st.integers(min_value=1, max_value=HELD_BACK * 5))
def test_the_end_of_other_bytes_never_comes(size: int) -> None:
    """A zip's directory is at its end: what is refused is missing at least that."""
    got, _, reason = taken(
        bytes(size), Expected(filename="a.zip", digests=(Digest(algorithm="sha256", value="0" * 64),))
    )

    assert reason is not None
    assert len(got) <= max(size - HELD_BACK, 0)


@pytest.mark.parametrize("right", ["sha256", "md5"])
def test_every_digest_counts(right: str) -> None:
    """One that fits does not make up for another that does not."""
    digests = tuple(
        Digest(algorithm=name, value=hashlib.new(name, b"x" if name == right else b"y").hexdigest())
        for name in ("sha256", "md5")
    )

    assert taken(b"x", Expected(filename="a.zip", digests=digests))[2] is not None


def test_metadata_is_compared_with_the_plan() -> None:
    """The same METADATA passes, another one or none at all does not."""
    built = wheel("flask", requires=["werkzeug"])

    assert taken(built.data, Expected(filename=built.filename, metadata=built.metadata))[2] is None
    assert taken(built.data, Expected(filename=built.filename, metadata=wheel("flask").metadata))[2] is not None
    assert taken(b"no wheel", Expected(filename=built.filename, metadata=built.metadata))[2] is not None
