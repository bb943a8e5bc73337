"""What several commands need."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from safeinstall.config import Settings, load
from safeinstall.errors import Misconfigured
from safeinstall.outside import Outside
from safeinstall.places import Places
from safeinstall.policy import MALWARE
from safeinstall.text import printable

_NONE: Mapping[str, object] = MappingProxyType({})


def idents(outside: Outside) -> frozenset[str]:
    """Return what an override may name: every check, and malware, whichever check tells of it."""
    return frozenset({MALWARE, *(check.ident for check in outside.checks())})


def settings_of(outside: Outside, where: Places, flags: Mapping[str, object] = _NONE) -> Settings:
    """Return the settings that hold here."""
    return load(
        env=outside.env,
        cwd=outside.cwd,
        places=where,
        checks=idents(outside),
        flags=flags,
        system_file=outside.system_file,
    )


def written(outside: Outside, document: str, file: str | None) -> None:
    """
    Write *document* to *file*, relative to the working folder, or to stdout.

    The file appears whole or not at all; raises `Misconfigured` when it cannot be written.
    """
    if file is None:
        outside.data(document)
        return
    path = outside.cwd / Path(file).expanduser()
    try:
        replaced(path, document)
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be written: {error.strerror}") from error


def replaced(path: Path, text: str) -> None:
    """Make *text* the content of the file *path*, at once; raises `OSError`."""
    if path.exists() and not path.is_file():
        # A pipe or a device, such as /dev/stdout, is written to and not replaced.
        path.write_text(text, encoding="utf-8")
        return
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        try:
            file.write(text)
            file.flush()
            Path(file.name).chmod(0o666 & ~_umask())
            Path(file.name).replace(path)
        finally:
            # Gone already when all went well.
            Path(file.name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def use_popular(outside: Outside, settings: Settings, where: Places) -> None:
    """Let newer lists of popular and known names count, where a bundle has brought some; say what is not used."""
    from safeinstall.advisories.bundle import POPULAR  # noqa: PLC0415 - not for commands that install nothing
    from safeinstall.feeds import index_folder  # noqa: PLC0415
    from safeinstall.names import known, popular  # noqa: PLC0415

    folder = index_folder(settings, where.cache) / POPULAR
    for notice in (*popular.look_in(folder), *known.look_in(folder)):
        outside.say(f"warning: {printable(notice, limit=400)}\n")
