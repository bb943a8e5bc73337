"""npm's own audit without names that nobody else is to learn."""

import gzip
import json

import pytest

from safeinstall.errors import MalformedAnswer
from safeinstall.gateway.npm_audit import without

LISTED = json.dumps({"@acme/utils": ["1.2.0"], "express": ["4.0.0"]}).encode()


@pytest.mark.parametrize("body", [LISTED, gzip.compress(LISTED)], ids=["plain", "compressed"])
def test_private_names_are_taken_out(body: bytes) -> None:
    """What is left is asked about as ever."""
    assert json.loads(without(body, {"@acme/utils"})) == {"express": ["4.0.0"]}


@pytest.mark.parametrize("body", [b"", b"\x1f\x8bno", b"[]", b'{"requires": {"@acme/utils": "^1"}}', b"\xff"])
def test_what_cannot_be_read_is_not_sent(body: bytes) -> None:
    """The older audit holds names in another form; nobody is told it."""
    with pytest.raises(MalformedAnswer):
        without(body, {"@acme/utils"})
