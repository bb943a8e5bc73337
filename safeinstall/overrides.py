"""Overrides as people write them, in files and flags; who may write which, and how one is added to a file."""

import fcntl
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path

from safeinstall.errors import MalformedAnswer, Misconfigured
from safeinstall.model import Override, Purl
from safeinstall.policy import COMMAND_LINE, MALWARE
from safeinstall.purl import parse, parts
from safeinstall.text import printable

LONGEST = timedelta(days=366)
"""How far away the end of a new override may lie: a decision for ever is nobody's decision any more."""

_KEYS = frozenset({"purl", "check", "reason", "until", "by"})
_TABLE = "override"


def read(table: object, place: str, origin: str, checks: Collection[str]) -> Override:
    """
    Return the override that one `[[override]]` *table* of a settings file holds.

    *place* (`FILE: override 2`) opens every message; *checks* are the idents that an override may name.
    """
    if not isinstance(table, Mapping):
        raise Misconfigured(f"{place}: expected a table")
    for key in table:
        if key not in _KEYS:
            hint = f"the keys are {', '.join(sorted(_KEYS))}"
            raise Misconfigured(f"{place}: unknown key `{printable(str(key))}`", hint=hint)
    override = Override(
        purl=_release(_text(table, "purl", place), place),
        check=_check(_text(table, "check", place), place, checks),
        reason=_text(table, "reason", place),
        until=_moment(table["until"], place) if "until" in table else None,
        by=_text(table, "by", place) if "by" in table else "somebody",
        origin=origin,
    )
    if override.check == MALWARE and override.until is None:
        raise Misconfigured(f"{place}: an override for malware needs an end date, `until`")
    return override


def from_flag(
    text: str, reason: str | None, until: str | None, *, by: str, checks: Collection[str], now: datetime
) -> Override:
    """Return the override that `--safeinstall-allow CHECK:PURL` asks for; without *until* for this run only."""
    place = "--safeinstall-allow"
    check, colon, release = text.partition(":")
    if not colon or not release.startswith("pkg:"):
        hint = f'for example {place} typosquat:pkg:pypi/leftpadd@1.0 --safeinstall-reason "ours"'
        raise Misconfigured(f"{place}: expected CHECK:PURL, got `{printable(text)}`", hint=hint)
    return made(
        check=check, release=release, reason=reason, until=until, by=by, origin=COMMAND_LINE, checks=checks, now=now,
        place=place,
    )  # fmt: skip


def made(  # noqa: PLR0913 - an override has that many parts, and each is checked here alone
    *,
    check: str,
    release: str,
    reason: str | None,
    until: str | None,
    by: str,
    origin: str,
    checks: Collection[str],
    now: datetime,
    place: str,
) -> Override:
    """Return a new override; raises `Misconfigured` for one that says too little or lasts too long."""
    purl = _release(release, place)
    check = _check(check, place, checks)
    if reason is None or not reason.strip():
        raise Misconfigured(f"{place}: an override needs a reason")
    end = None
    if until is not None:
        end = _moment(until, place)
        if end <= now:
            raise Misconfigured(f"{place}: the end date, {end:%Y-%m-%d}, is over")
        if end - now > LONGEST:
            hint = f"the last possible day is {now + LONGEST:%Y-%m-%d}"
            raise Misconfigured(f"{place}: the end date lies more than a year away", hint=hint)
    elif check == MALWARE:
        raise Misconfigured(f"{place}: an override for malware needs an end date")
    return Override(purl=purl, check=check, reason=reason.strip(), until=end, by=by, origin=origin)


def write(override: Override, path: Path, *, below: tuple[str, ...] = ()) -> None:
    """
    Add *override* to the settings file at *path*, keeping every comment in it.

    *below* is where the settings begin in that file: `("tool", "safeinstall")` in a `pyproject.toml`.
    """
    import tomlkit  # noqa: PLC0415 - only `safeinstall allow` writes
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    entry = tomlkit.table()
    entry["purl"] = str(override.purl)
    entry["check"] = override.check
    entry["reason"] = override.reason
    if override.until is not None:
        entry["until"] = override.until
    entry["by"] = override.by
    path = path.resolve()  # A link into a folder of dotfiles stays one.
    with _alone(path.parent):
        try:
            document = tomlkit.parse(path.read_text(encoding="utf-8") if path.exists() else "")
        except (TOMLKitError, UnicodeDecodeError, OSError) as error:
            raise Misconfigured(f"{path}: {printable(str(error))}") from error
        inner: object = document
        for key in below:
            inner = inner.setdefault(key, tomlkit.table()) if isinstance(inner, dict) else None
        if not isinstance(inner, dict) or not isinstance(inner.get(_TABLE, []), list):
            raise Misconfigured(f"{path}: `{_TABLE}` is no list of tables")
        if _TABLE not in inner:
            inner[_TABLE] = tomlkit.aot()
        inner[_TABLE].append(entry)
        _replace(path, tomlkit.dumps(document))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold *folder* so that two `safeinstall allow` at once do not lose one of their overrides."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise Misconfigured(f"{folder}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            file.write(text)
        Path(file.name).chmod(mode)
        Path(file.name).replace(path)
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from error


def _text(table: Mapping[object, object], key: str, place: str) -> str:
    if key not in table:
        raise Misconfigured(f"{place}: `{key}` is missing")
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise Misconfigured(f"{place}: `{key}` must be text that is not empty")
    return value.strip()


def _release(text: str, place: str) -> Purl:
    try:
        purl = parse(text)
    except MalformedAnswer as error:
        raise Misconfigured(f"{place}: {error.message}") from error
    # What comes from no registry has its origin for a version.
    if parts(purl)[2] is None and "?" not in purl:
        raise Misconfigured(f"{place}: `{printable(text)}` needs an exact version, as in `{printable(purl)}@1.0`")
    return purl


def _check(ident: str, place: str, checks: Collection[str]) -> str:
    if ident not in checks:
        hint = f"the checks are {', '.join(sorted(checks))}"
        raise Misconfigured(f"{place}: there is no check `{printable(ident)}`", hint=hint)
    return ident


def _moment(value: object, place: str) -> datetime:
    """Return the aware moment at which *value* begins: a bare day is its first moment in UTC."""
    if isinstance(value, str):
        try:
            # Python 3.10 does not read the Z of RFC 3339.
            value = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError as error:
            message = f"{place}: `{printable(str(value))}` is no date such as 2027-03-01 or 2027-03-01T12:00:00Z"
            raise Misconfigured(message) from error
    if isinstance(value, datetime):
        try:
            return value.astimezone(timezone.utc) if value.tzinfo else value.replace(tzinfo=timezone.utc)
        except OverflowError as error:
            raise Misconfigured(f"{place}: `{printable(str(value))}` is no date that counts in UTC") from error
    if isinstance(value, date):
        return datetime.combine(value, time.min, timezone.utc)
    raise Misconfigured(f"{place}: `until` must be a date such as 2027-03-01")
