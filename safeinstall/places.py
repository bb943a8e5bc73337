"""Where our own files lie on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safeinstall.errors import Misconfigured

FILE = "safeinstall.toml"
"""The name of a settings file, wherever it lies."""

SYSTEM_FILE = Path("/etc/safeinstall") / FILE
"""Not moved by `SAFEINSTALL_HOME`: what the machine's owner locks stays locked."""

HOME = "SAFEINSTALL_HOME"
MOVE = f"set `{HOME}` to a folder that can be written, such as /tmp/safeinstall"
"""What to do where the user's own folders are no place for ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The folders and files of one user."""

    user_file: Path
    cache: Path
    ledger: Path
    """The default; a setting moves it."""


def places(env: Mapping[str, str]) -> Places:
    """Return the places for *env*; `SAFEINSTALL_HOME` moves all of them below one folder."""
    moved = env.get(HOME, "")
    if moved:
        home = Path(moved)
        if not home.is_absolute():
            raise Misconfigured(f"`{HOME}` must be an absolute path")
        return Places(user_file=home / "config" / FILE, cache=home / "cache", ledger=home / "data" / "ledger.jsonl")
    import platformdirs  # noqa: PLC0415 - only where the folders are not given

    dirs = platformdirs.PlatformDirs("safeinstall", appauthor=False)
    try:
        found = Places(
            user_file=dirs.user_config_path / FILE,
            cache=dirs.user_cache_path,
            ledger=dirs.user_data_path / "ledger.jsonl",
        )
    except RuntimeError as error:
        raise no_home() from error
    if not found.ledger.is_absolute():  # older ones of platformdirs leave the `~` where it is
        raise no_home()
    return found


def no_home() -> Misconfigured:
    """Return what to say where there is no HOME, and nobody knows this user's number."""
    hint = "set `HOME` to a folder that can be written, such as /tmp; pip and npm do not run without one either"
    return Misconfigured("this user has no home folder", hint=hint)
