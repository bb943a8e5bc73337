"""Running pip with our hook: the settings it is given, and how what it told is read back."""

import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from safeinstall.contracts import Finished, World
from safeinstall.ecosystems.pypi.target import HOOK, planner_root
from safeinstall.errors import CannotResolve, MalformedAnswer
from safeinstall.fields import field as field_of
from safeinstall.fields import items, mapping, optional
from safeinstall.gateway.pages import normal_version
from safeinstall.text import printable
from safeinstall.tools import Interpreter

UNTRIMMED = 75
"""See `hook/planner.py`."""
UNVERIFIED = 76

_RUNNER = HOOK / "runner.py"
# The longest backtracking that was measured took three minutes; a planner that hangs must not hang for ever.
_TIMEOUT = timedelta(minutes=60)
_NET = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "PIP_PROXY")
_NO_NET = ("NO_PROXY", "no_proxy")
_LAST_LINES = 40
_MISSED = re.compile(r"No matching distribution found for ([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """What one run of the planner left behind."""

    exit_code: int
    report: Mapping[str, object]
    """pip's installation report (`--report`); empty unless the exit code is 0."""
    facts: Mapping[str, object]
    """What `hook/planner.py` told besides; empty when it stopped before."""
    output: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooked:
    """A pip in one interpreter, its way to one gateway, and a private folder for what they hand each other."""

    interpreter: Interpreter
    """The one that the called pip runs in."""
    elsewhere: Interpreter | None
    """The one that `--python` names, into which is installed instead."""
    called: Path
    """The pip that the user called, for its own messages."""
    base: str
    """The gateway, with its secret."""
    folder: Path
    world: World
    _places: list[Path] = field(default_factory=list)
    _pinned: dict[Path, Mapping[str, frozenset[str]]] = field(default_factory=dict)

    def plan(self, argv: Sequence[str], *, trim: bool, unverified: Sequence[str] = ()) -> Planned:
        """Run our own pip's resolver on *argv* as a dry run; *unverified* are URLs that may be asked for."""
        place = self.folder / secrets.token_hex(4)
        (place / "tmp").mkdir(parents=True)
        self._places.append(place)
        settings = {
            "phase": "plan",
            "planner": str(planner_root()),
            "report": str(place / "report.json"),
            "facts": str(place / "facts.json"),
            "trim": trim,
            "unverified": list(unverified),
        }
        # What a planner that stops half way leaves behind goes with our own folder.
        env = {**self._env(place, settings), "TMPDIR": str(place / "tmp")}
        command = [*(self.elsewhere or self.interpreter).command, str(_RUNNER), *argv]
        done = self.world.runner.capture(command, cwd=self.world.cwd, env=env, timeout=_TIMEOUT)
        return Planned(
            exit_code=done.exit_code,
            report=_document(place / "report.json") if done.exit_code == 0 else {},
            facts=_document(place / "facts.json"),
            output=self._cleaned(done),
        )

    def facts(self) -> Mapping[str, object]:
        """Return what the last planner has told so far; it may still run."""
        return _document(self._places[-1] / "facts.json") if self._places else {}

    def pins(self) -> Mapping[str, frozenset[str]]:
        """Return by canonical name the versions that the commands planned so far ask for exactly."""
        place = self._places[-1] if self._places else None
        if place is not None and place not in self._pinned:
            told = self.facts()
            if "pinned" in told:
                self._pinned[place] = pins_of(told)
        found: dict[str, frozenset[str]] = {}
        for pins in self._pinned.values():
            for name, versions in pins.items():
                found[name] = found.get(name, frozenset()) | versions
        return found

    def prereleases(self) -> bool:
        """Return whether the command asks for prereleases."""
        return optional(self.facts(), "options.prereleases", bool) or False

    def install(self, argv: Sequence[str], *, frozen: Sequence[str], planned: Sequence[str]) -> int:
        """Run the user's own pip on *argv*, on the user's terminal; *frozen* are the sha256 of local archives."""
        place = self.folder / secrets.token_hex(4)
        place.mkdir()
        env = self._env(place, {"phase": "install", "frozen": list(frozen), "planned": list(planned)})
        command = [*self.interpreter.command, str(_RUNNER), *argv]
        return self.world.runner.attached(command, cwd=self.world.cwd, env=env)

    def _env(self, place: Path, more: Mapping[str, object]) -> dict[str, str]:
        parts = urlsplit(self.base)
        proxy = f"http://{parts.hostname}:{parts.port}"
        settings = {
            "gateway": {"host": parts.hostname, "port": parts.port, "secret": parts.path.strip("/")},
            "called": str(self.called),
            "elsewhere": self.elsewhere is not None,
            "folder": str(place),
            "restore": {name: self.world.env.get(name) for name in (*_NET, *_NO_NET)},
            "frozen": [],
            "planned": [],
            **more,
        }
        path = place / "settings.json"
        path.write_text(json.dumps(settings), encoding="utf-8")
        path.chmod(0o600)
        # A hook that never gets to run leaves these in force: everything is then sent where it is refused.
        net = {**dict.fromkeys(_NET, proxy), **dict.fromkeys(_NO_NET, "")}
        return {**self.world.env, **net, "SAFEINSTALL_HOOK": str(path)}

    def _cleaned(self, done: Finished) -> str:
        text = "\n".join(part.strip("\n") for part in (done.stdout, done.stderr) if part.strip())
        # What urllib3 says of a failed connection names our own address; it means nothing to the user.
        parts = urlsplit(self.base)
        text = re.sub(rf"(?:{re.escape(self.base)}|{re.escape(parts.path)})/[^/\s]*/", "", text)
        text = re.sub(rf"HTTPConnectionPool\(host='{parts.hostname}', port={parts.port}\): ", "", text)
        lines = [printable(line, limit=400) for line in text.splitlines() if line.strip()]
        return "\n".join(lines[-_LAST_LINES:])


def pins_of(facts: Mapping[str, object]) -> Mapping[str, frozenset[str]]:
    """Return by canonical name the versions that *facts* say are asked for exactly."""
    found: dict[str, frozenset[str]] = {}
    for pair in items(facts, "pinned", list):
        name, version = canonicalize_name(field_of(pair, "0", str)), normal_version(field_of(pair, "1", str))
        found[name] = found.get(name, frozenset()) | {version}
    return found


def checked(planned: Planned) -> Planned:
    """Return *planned* if it is a whole plan; raises `CannotResolve` with pip's own words."""
    if planned.exit_code != 0:
        errors = [line for line in planned.output.splitlines() if line.startswith("ERROR")]
        message = errors[-1].removeprefix("ERROR:").strip() if errors else f"pip ended with {planned.exit_code}"
        raise CannotResolve(f"pip could not resolve this: {message}", output=planned.output)
    if not planned.report or not planned.facts:
        raise CannotResolve("pip resolved this but left no report", output=planned.output)
    return planned


def gone(error: CannotResolve, empty: Mapping[str, str]) -> CannotResolve | None:
    """Return what to say instead of *error* where it is about a project that its registry emptied; None: it is not."""
    said = {canonicalize_name(name) for name in _MISSED.findall(error.output or error.message)}
    why = next((empty[name] for name in sorted(said & empty.keys())), None)
    if why is None:
        return None
    hint = "do not look for it elsewhere; read what its registry says, and find out who asks for it"
    return CannotResolve(why, hint=hint, output=error.output)


def _document(path: Path) -> Mapping[str, object]:
    try:
        return mapping(json.loads(path.read_text(encoding="utf-8")), "")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise MalformedAnswer(f"{os.path.basename(path)} of the planner cannot be read") from error  # noqa: PTH119
