"""Files of the user's that we change: whole or not at all, through links, with their mode and owner kept."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

_NEW_FILE = 0o644


def read(path: Path) -> bytes | None:
    """Return the bytes of *path*, wherever links lead; None: there is no such file. Raises `OSError`."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def write(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Replace what *path* holds in one step; a link stays a link. Raises `OSError` that names *path*."""
    try:
        _write(path.resolve(), data, mode)
    except OSError as error:
        # The file beside it is ours: its name would tell nobody anything.
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write(real: Path, data: bytes, mode: int | None) -> None:
    beside = real.with_name(f".{real.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            _dress(stream.fileno(), real, mode)
        beside.replace(real)
    finally:
        # Gone already where all went well.
        beside.unlink(missing_ok=True)


def _dress(handle: int, real: Path, mode: int | None) -> None:
    """Give the new file the mode and owner of the one that it replaces."""
    try:
        old = real.stat()
    except FileNotFoundError:
        os.fchmod(handle, _NEW_FILE if mode is None else mode)
        return
    with suppress(PermissionError):  # only root can keep another's file another's
        os.fchown(handle, old.st_uid, old.st_gid)
    os.fchmod(handle, old.st_mode & 0o7777 if mode is None else mode)


def make_parents(path: Path) -> int:
    """Make the folders above *path* that are missing, and return how many; raises `OSError`."""
    missing = [folder for folder in path.resolve().parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir()
    return len(missing)


def remove(path: Path, *, folders: int = 0) -> None:
    """Remove the file *path*, and that many *folders* above it where they are empty; raises `OSError`."""
    real = path.resolve()
    real.unlink(missing_ok=True)
    for folder in real.parents[:folders]:
        try:
            folder.rmdir()
        except OSError:  # somebody else put something there
            return
