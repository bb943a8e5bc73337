"""Tokens come out of a real keyring, through its own interface, and only for the hosts that a setting names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BACKEND = """
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

class Kept(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        if username == "locked.example":
            raise KeyringLocked("locked")
        return {("safeinstall", "api.example"): "secret"}.get((service, username))

    def set_password(self, service, username, password):
        raise NotImplementedError

    def delete_password(self, service, username):
        raise NotImplementedError
"""
READ = """
import sys
from safeinstall.errors import SourceUnavailable
from safeinstall.tokens import KeyringTokens

tokens = KeyringTokens(["API.example", "none.example", "locked.example"])
try:
    print(tokens(sys.argv[1]))
except SourceUnavailable as error:
    print(error.message)
"""


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("api.example", "secret"),
        ("none.example", "None"),
        ("other.example", "None"),
        ("locked.example", "the token for locked.example could not be read from the keyring (KeyringLocked)"),
    ],
)
def test_a_token_is_read_from_the_keyring(tmp_path: Path, host: str, told: str) -> None:
    """What the keyring holds under our name for that host is the token; a locked one is a silence, not "no token"."""
    (tmp_path / "kept.py").write_text(BACKEND)
    env = {**os.environ, "PYTHON_KEYRING_BACKEND": "kept.Kept", "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", READ, host], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == told
