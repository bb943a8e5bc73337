"""
Files, environment and flags to `Settings`, keeping where each value came from.

Flags win over the environment, that over the project's file, that over the user's, that over the system's. The project
and the environment may tighten and never loosen: a looser value is left out, and `Settings.notices` says so.
"""

import difflib
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

from safeinstall import overrides
from safeinstall.errors import Misconfigured
from safeinstall.model import Override
from safeinstall.places import FILE, SYSTEM_FILE, Places
from safeinstall.policy import DEFAULT_ROWS, MALWARE, Policy, Row
from safeinstall.private import Private
from safeinstall.setting_rows import table
from safeinstall.settings import Layer, Setting, shown
from safeinstall.text import printable

PYPROJECT = "pyproject.toml"
OVERRIDES = "overrides"
"""What a lock calls all overrides of later layers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """What one key is set to, and by whom."""

    value: object
    origin: str
    """`default`, a file's path, `environment (SAFEINSTALL_OSV_URL)`, `command line`."""
    layer: Layer


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsFile:
    """One settings file that exists."""

    path: Path
    layer: Layer
    content: Mapping[str, object]
    below: tuple[str, ...] = ()
    """Where the settings begin in it: `("tool", "safeinstall")` in a pyproject.toml."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of one run."""

    values: Mapping[str, Value]
    policy: Policy
    overrides: tuple[Override, ...]
    locked: Mapping[str, str]
    """Key (or table, or `overrides`) to the file that locks it."""
    files: tuple[Path, ...]
    notices: tuple[str, ...]
    """What was left out, and why."""

    @property
    def osv_url(self) -> str | None:
        """Where the OSV API is asked; None: it is switched off."""
        return cast("str", self.values["osv.url"].value) if self.values["osv.enabled"].value else None

    @property
    def records(self) -> tuple[str, ...]:
        """Folders and URLs of OSV records of the user's own."""
        return cast("tuple[str, ...]", self.values["records"].value)

    @property
    def deadline(self) -> timedelta:
        """For all advisory sources together."""
        return timedelta(seconds=cast("float", self.values["deadline"].value))

    @property
    def cache_age(self) -> timedelta:
        """How old a stored answer may be and still stand in for a source that is down."""
        return timedelta(hours=cast("float", self.values["cache.hours"].value))

    @property
    def offline(self) -> bool:
        """Whether to judge with what is on the machine."""
        return cast("bool", self.values["offline"].value)

    @property
    def prompt(self) -> bool:
        """Whether a person at a terminal may be asked."""
        return cast("bool", self.values["prompt"].value)

    @property
    def private_registries(self) -> tuple[str, ...]:
        """URL prefixes of registries that the user declared private."""
        return cast("tuple[str, ...]", self.values["registries.private"].value)

    @property
    def public_registries(self) -> tuple[str, ...]:
        """URL prefixes of registries that the user declared public."""
        return cast("tuple[str, ...]", self.values["registries.public"].value)

    @property
    def private(self) -> Private:
        """The names that the user declared private."""
        names, prefixes, scopes, owners = (
            cast("tuple[str, ...]", self.values[f"private.{key}"].value)
            for key in ("names", "prefixes", "scopes", "registries")
        )
        return Private(names=names, prefixes=prefixes, scopes=scopes, registries=owners)

    @property
    def pin(self) -> bool:
        """Whether names that a declared private registry lists are taken from there alone."""
        return self.values["private.conflicts"].value == "pin"

    @property
    def ledger(self) -> Path | None:
        """Where the ledger is kept; None: the default place."""
        path = cast("str | None", self.values["ledger.path"].value)
        return Path(path).expanduser() if path else None

    @property
    def changed(self) -> tuple[tuple[str, str], ...]:
        """Every setting that is not at its default, each with its origin."""
        return tuple(
            (f"{key} = {shown(value.value)}", value.origin)
            for key, value in self.values.items()
            if value.layer is not Layer.DEFAULT
        )

    def locked_by(self, key: str) -> str | None:
        """Return the file that locks *key* or its table."""
        return self.locked.get(key) or self.locked.get(key.partition(".")[0])


def load(
    *,
    env: Mapping[str, str],
    cwd: Path,
    places: Places,
    checks: Collection[str],
    flags: Mapping[str, object],
    system_file: Path = SYSTEM_FILE,
) -> Settings:
    """
    Return the settings of a run in *cwd*; *flags* are values by key, *checks* the idents that rows may name.

    Raises `Misconfigured`, with file and key, for whatever is not understood: a misspelt setting protects nobody.
    """
    known = table(checks)
    found = [
        _read(system_file, Layer.SYSTEM),
        _read(places.user_file, Layer.USER),
        project_file(cwd, own=places.user_file),
    ]
    files = [file for file in found if file is not None]
    merge = _Merge(known)
    for file in files:
        merge.add_file(file)
    merge.add_environment(env)
    merge.add_flags(flags)
    decided, notices = _overrides(files, merge.locked, {*checks, MALWARE})
    return Settings(
        values=merge.values,
        policy=_policy(merge.values),
        overrides=decided,
        locked=merge.locked_paths,
        files=tuple(file.path for file in files),
        notices=(*merge.notices, *notices),
    )


def project_file(cwd: Path, *, own: Path) -> SettingsFile | None:
    """Return the nearest project's settings, from *cwd* upward; the user's *own* file is none of a project."""
    for folder in (cwd, *cwd.parents):
        file = _read(folder / FILE, Layer.PROJECT) if folder / FILE != own else None
        if file is not None:
            return file
        pyproject = folder / PYPROJECT
        if pyproject.is_file() and b"safeinstall" in _bytes(pyproject):
            tool = _parsed(pyproject).get("tool")
            inner = tool.get("safeinstall") if isinstance(tool, Mapping) else None
            if inner is not None:
                if not isinstance(inner, Mapping):
                    raise Misconfigured(f"{pyproject}: `tool.safeinstall` must be a table")
                return SettingsFile(path=pyproject, layer=Layer.PROJECT, content=inner, below=("tool", "safeinstall"))
    return None


class _Merge:
    """Lays one layer over the other."""

    def __init__(self, known: Mapping[str, Setting]) -> None:
        self._known = known
        self.values = {
            key: Value(value=setting.default, origin="default", layer=Layer.DEFAULT) for key, setting in known.items()
        }
        self.locked: dict[str, tuple[Layer, Path]] = {}
        self.notices: list[str] = []

    @property
    def locked_paths(self) -> Mapping[str, str]:
        return {key: str(path) for key, (_, path) in self.locked.items()}

    def add_file(self, file: SettingsFile) -> None:
        for key, raw in _flat(file.content):
            place = f"{file.path}: `{printable(key)}`"
            if key == "lock":
                self._lock(raw, file, place)
            elif key == "override":
                if not isinstance(raw, list):
                    raise Misconfigured(f"{place}: expected `[[override]]` tables")
            elif key not in self._known:
                raise Misconfigured(f"{place} is no setting", hint=self._hint(key))
            else:
                value = self._value(self._known[key], raw, place)
                if key == "records":
                    value = tuple(_place_of_records(one, file.path) for one in cast("tuple[str, ...]", value))
                self._lay(key, Value(value=value, origin=str(file.path), layer=file.layer))

    def add_environment(self, env: Mapping[str, str]) -> None:
        for key, setting in self._known.items():
            text = env.get(setting.variable, "")
            if text and setting.from_text is not None:
                value = self._value(setting, setting.from_text(text), setting.variable)
                origin = f"environment ({setting.variable})"
                self._lay(key, Value(value=value, origin=origin, layer=Layer.ENVIRONMENT))

        self._note_misspelt(env)

    def _note_misspelt(self, env: Mapping[str, str]) -> None:
        # Not an error: safeinstall's own children have variables of ours that are no settings.
        known = [setting.variable for setting in self._known.values()]
        for name in sorted(env):
            if name.startswith("SAFEINSTALL_") and name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
                if near:
                    self.notices.append(f"environment: `{printable(name)}` is no setting; did you mean `{near[0]}`?")

    def add_flags(self, flags: Mapping[str, object]) -> None:
        for key, raw in flags.items():
            value = self._value(self._known[key], raw, f"--safeinstall-{key}")
            locked = self._locked_below(key, Layer.FLAG)
            if locked is not None and value != self.values[key].value and not self._tightens(key, value):
                raise Misconfigured(f"`{key}` is locked by {locked} and cannot be changed by a flag")
            self.values[key] = Value(value=value, origin="command line", layer=Layer.FLAG)

    def _lay(self, key: str, value: Value) -> None:
        old = self.values[key]
        if self._known[key].adds and value.layer is not Layer.FLAG:
            # Further places to look into, further private names: they only add to what is known and kept.
            more = cast("tuple[str, ...]", value.value)
            value = replace(value, value=tuple(dict.fromkeys((*cast("tuple[str, ...]", old.value), *more))))
        if value.value == old.value:
            return
        why = self._refusal(key, value)
        if why is None:
            self.values[key] = value
        else:
            said = f"`{key} = {shown(value.value)}` is left out: {why}; it stays {shown(old.value)} ({old.origin})"
            self.notices.append(f"{value.origin}: {said}")

    def _refusal(self, key: str, value: Value) -> str | None:
        """Return why *value* does not count; None: it does."""
        guest = value.layer in (Layer.PROJECT, Layer.ENVIRONMENT)
        who = "a project" if value.layer is Layer.PROJECT else "the environment"
        if value.layer not in self._known[key].layers:
            return f"{who} may not set it"
        if self._tightens(key, value.value):
            return None
        locked = self._locked_below(key, value.layer)
        if locked is not None:
            return f"it is locked by {locked}"
        if guest and self._known[key].tightens is not None:
            return f"{who} may tighten and never loosen"
        return None

    def _tightens(self, key: str, value: object) -> bool:
        tightens = self._known[key].tightens
        return tightens is not None and tightens(value, self.values[key].value)

    def _locked_below(self, key: str, layer: Layer) -> Path | None:
        for name in (key, key.partition(".")[0]):
            if name in self.locked and self.locked[name][0] < layer:
                return self.locked[name][1]
        return None

    def _lock(self, raw: object, file: SettingsFile, place: str) -> None:
        if not isinstance(raw, list):
            raise Misconfigured(f"{place}: expected a list of settings")
        tables = {key.partition(".")[0] for key in self._known if "." in key}
        for name in raw:
            if not isinstance(name, str) or name not in {*self._known, *tables, OVERRIDES}:
                raise Misconfigured(f"{place}: `{printable(str(name))}` is no setting", hint=self._hint(str(name)))
        if file.layer is Layer.PROJECT:
            self.notices.append(f"{file.path}: `lock` is left out: a project may not lock settings")
            return
        for name in raw:
            self.locked.setdefault(name, (file.layer, file.path))

    def _value(self, setting: Setting, raw: object, place: str) -> object:
        try:
            return setting.read(raw)
        except ValueError as error:
            raise Misconfigured(f"{place}: {error}, got {printable(repr(raw), limit=60)}") from error

    def _hint(self, key: str) -> str:
        if key == f"policy.{MALWARE}":
            return "malware always blocks; `safeinstall allow` lets a single release through"
        near = difflib.get_close_matches(key, self._known, n=1)
        return f"did you mean `{near[0]}`?" if near else f"the settings are {', '.join(self._known)}"


def _overrides(
    files: list[SettingsFile], locked: Mapping[str, tuple[Layer, Path]], checks: Collection[str]
) -> tuple[tuple[Override, ...], list[str]]:
    """Return the overrides of all *files*, and what was said instead of those that do not count."""
    kept: list[Override] = []
    notices: list[str] = []
    lock = locked.get(OVERRIDES)
    for file in files:
        tables = file.content.get("override", [])
        stranger = file.layer is Layer.PROJECT and _stranger(file.path)
        for number, raw in enumerate(cast("list[object]", tables), start=1):
            place = f"{file.path}: override {number}"
            override = overrides.read(raw, place, str(file.path), checks)
            if lock is not None and file.layer > lock[0]:
                notices.append(f"{place} is left out: overrides are locked by {lock[1]}")
            elif file.layer is Layer.PROJECT and override.check == MALWARE:
                notices.append(f"{place} is left out: a project's file cannot let malware through")
            elif stranger:
                notices.append(f"{place} is left out: the file belongs to another user")
            else:
                kept.append(override)
    return tuple(kept), notices


def _policy(values: Mapping[str, Value]) -> Policy:
    rows = dict(DEFAULT_ROWS)
    gaps: dict[str, Row] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        if section == "policy":
            rows[name] = replace(cast("Row", value.value), origin=value.origin)
        elif section == "gaps":
            gaps[name] = replace(cast("Row", value.value), origin=value.origin)
    return Policy(rows=rows, gaps=gaps)


def _flat(content: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield key and value, keys of tables joined by a dot."""
    for key, value in content.items():
        if isinstance(value, Mapping) and key != "override":
            yield from ((f"{key}.{inner}", held) for inner, held in value.items())
        else:
            yield key, value


def _place_of_records(text: str, file: Path) -> str:
    try:
        return text if "://" in text else str(file.parent / Path(text).expanduser())
    except RuntimeError as error:
        raise Misconfigured(f"{file}: `records`: there is no home for `{printable(text)}`") from error


def _read(path: Path, layer: Layer) -> SettingsFile | None:
    try:
        if not path.is_file():
            return None
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from error
    return SettingsFile(path=path, layer=layer, content=_parsed(path))


def _parsed(path: Path) -> Mapping[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415 - only where there is a file to read
    else:
        import tomli as tomllib  # noqa: PLC0415
    try:
        return cast("Mapping[str, object]", tomllib.loads(_bytes(path).decode("utf-8")))
    except ValueError as error:  # TOML or UTF-8
        raise Misconfigured(f"{path}: {printable(str(error))}") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from error


def _stranger(path: Path) -> bool:
    """Whether somebody else than this user and root could have written the file."""
    return path.stat().st_uid not in (0, os.geteuid())
