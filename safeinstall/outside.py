"""Everything outside this process that the commands touch, in one record, so that tests can stand in for it."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from safeinstall.places import SYSTEM_FILE

if TYPE_CHECKING:
    from safeinstall.config import Settings
    from safeinstall.contracts import Bulk, Check, Ecosystem, Runner, Source
    from safeinstall.model import EcosystemName


@dataclass(slots=True)
class Stage:
    """How far this process has come, for the last line of a failure: it must not say what is not so."""

    judged: bool = False
    installing: bool = False


def _bulk() -> "Bulk":
    from safeinstall import wiring  # noqa: PLC0415 - `--version` needs none of it

    return wiring.bulk()


def _own_registries(ecosystem: "EcosystemName") -> tuple[str, ...]:
    from safeinstall import wiring  # noqa: PLC0415 - see `_bulk`

    return wiring.own_registries(ecosystem)


def _listed(place: Path) -> Mapping[str, str]:
    from safeinstall import wiring  # noqa: PLC0415 - see `_bulk`

    return wiring.listed(place)


def _registry(url: str, accept: str) -> tuple[str, bytes]:
    from safeinstall import wiring  # noqa: PLC0415 - see `_bulk`

    return wiring.registry(url, accept)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """The user's world and the shelves; what is costly to import is behind a function."""

    env: Mapping[str, str]
    cwd: Path
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    now: Callable[[], datetime]
    runner: Callable[[], "Runner"]
    become: Callable[[Sequence[str], Mapping[str, str]], int]
    """Become another process; returns an exit code only when that fails."""
    ecosystem: Callable[[str], "Ecosystem"]
    """The ecosystem whose tool has that name; raises `KeyError`."""
    checks: Callable[[], Sequence["Check"]]
    sources: Callable[["Settings", Path], Sequence["Source"]]
    """The advisory sources that the settings switch on; the path is our cache folder."""
    bulk: Callable[[], "Bulk"] = _bulk
    """Where the bulk exports come from."""
    own_registries: Callable[["EcosystemName"], tuple[str, ...]] = _own_registries
    """The URLs of an ecosystem's own public registry."""
    listed: Callable[[Path], Mapping[str, str]] = _listed
    """What pip lists in a folder of distributions: name -> version."""
    registry: Callable[[str, str], tuple[str, bytes]] = _registry
    """What a registry answers to a URL in the form of an Accept header: content type and body; the doctor asks it."""
    system_file: Path = SYSTEM_FILE
    stage: Stage = field(default_factory=Stage)

    @property
    def colour(self) -> bool:
        """Whether messages may be coloured: only at a terminal, never against `NO_COLOR`."""
        return not self.env.get("NO_COLOR") and self.env.get("TERM") != "dumb" and self.stderr.isatty()

    def say(self, text: str) -> None:
        """Write *text*, which ends in a newline, for a person to read."""
        self.stderr.write(text)
        self.stderr.flush()

    def data(self, text: str) -> None:
        """Write *text* for whoever asked for data."""
        self.stdout.write(text)
        self.stdout.flush()


def real() -> Outside:
    """Return the real world."""
    from safeinstall import wiring  # noqa: PLC0415 - `--version` needs none of it

    return Outside(
        env=dict(os.environ),
        cwd=_here(),
        stdin=_stream(sys.stdin, "r"),
        stdout=_stream(sys.stdout, "w"),
        stderr=_stream(sys.stderr, "w"),
        now=wiring.now,
        runner=wiring.runner,
        become=wiring.become,
        ecosystem=wiring.ecosystem,
        checks=wiring.checks,
        sources=wiring.sources,
    )


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:  # The folder was deleted below us: the manager itself will say what it thinks of it.
        return Path("/")


def _stream(stream: TextIO | None, mode: str) -> TextIO:
    # A closed descriptor (`2>&-`) leaves None in sys.
    return stream if stream is not None else cast("TextIO", Path(os.devnull).open(mode))
