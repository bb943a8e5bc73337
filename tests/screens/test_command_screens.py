"""
What `audit`, `watch`, `log`, `why` and `status` print, to the letter; each in a file of `commands/` beside this one.

`SAFEINSTALL_UPDATE_SCREENS=1 python -m pytest tests/screens` writes them anew; read the difference before you keep it.
"""

# ruff: noqa: D401 - the docstring of a scene tells what happens in it

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from safeinstall.advisories.store import Standing, pointer, written
from safeinstall.contracts import Finished
from safeinstall.errors import SourceUnavailable
from safeinstall.ledger import user
from safeinstall.model import AdvisoryKind, EcosystemName, Purl, Severity
from tests.fakes import NOW, FakeRunner, FakeSource, advisory
from tests.outsides import Machine
from tests.unit.test_log_command import machine as recorded
from tests.unit.test_watch_command import monday

UPDATE = "SAFEINSTALL_UPDATE_SCREENS" in os.environ
HERE = Path(__file__).parent / "commands"
EVIL = Purl("pkg:pypi/evil@6.6.6")
HASH = "sha256:" + "ab" * 32
MILD = advisory("GHSA-aaaa-bbbb-cccc", kind=AdvisoryKind.VULNERABILITY, severity=Severity.HIGH, summary="it is slow")
MASKS = (
    (re.compile(r"\b[0-9,]+ names as of [0-9-]+"), "N names as of DATE"),
    (re.compile(r"\b[0-9,]+ bytes"), "N bytes"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"(?:^  [a-z.-]+ = .*[^)\n]\n)+", re.MULTILINE), "  ... (defaults)\n"),
)
"""What differs from run to run, from one list of names to the next, and with every setting that is added."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A machine, and what is typed on it."""

    here: Machine
    words: tuple[str, ...]


# --- audit ----------------------------------------------------------------------------------------------------------


def _audited(folder: Path, files: dict[str, str], *words: str, source: FakeSource | None = None) -> Scene:
    here = Machine(folder, sources=(source or FakeSource(),))
    for name, text in files.items():
        (here.project / name).write_text(text)
    return Scene(here, ("audit", *words))


def audit_clean(folder: Path) -> Scene:
    """Everything is pinned, hashed and clean."""
    return _audited(folder, {"requirements.txt": f"flask==3.0.0 --hash={HASH}\nclick==8.1.0 --hash={HASH}\n"})


def audit_affected(folder: Path) -> Scene:
    """A lockfile holds what is malware by now; the way ends at the file."""
    lock = (
        'version = 1\n[[package]]\nname = "app"\nversion = "1.0"\n'
        'source = { registry = "https://pypi.example/simple" }\n'
        'dependencies = [{ name = "evil" }]\n[[package]]\nname = "evil"\nversion = "6.6.6"\n'
        'source = { registry = "https://pypi.example/simple" }\n'
    )
    return _audited(folder, {"uv.lock": lock}, "uv.lock", source=FakeSource(known={EVIL: (advisory(),)}))


def audit_warned(folder: Path) -> Scene:
    """What the policy lets pass with a word."""
    text = f"evil==6.6.6 --hash={HASH}\n"
    return _audited(folder, {"requirements.txt": text}, source=FakeSource(known={EVIL: (MILD,)}))


def audit_not_pinned(folder: Path) -> Scene:
    """A range says nothing of what somebody will get, and without a hash nobody knows which bytes."""
    return _audited(
        folder, {"requirements.txt": "flask==3.0.0\nrequests>=2\n-e git+https://git.example/own.git#egg=own\n"}
    )


def audit_not_answered(folder: Path) -> Scene:
    """Silence is not clean."""
    silent = FakeSource(failure=SourceUnavailable("the index is 9 days old", hint="run `safeinstall update`"))
    return _audited(folder, {"requirements.txt": f"flask==3.0.0 --hash={HASH}\n"}, source=silent)


def audit_taken_from_elsewhere(folder: Path) -> Scene:
    """A lockfile that takes one name from another name's tarball."""
    entry = '{"version": "1.0.0", "resolved": "https://npm.example/evil/-/evil-6.6.6.tgz"}'
    lock = f'{{"lockfileVersion": 3, "packages": {{"node_modules/lodash": {entry}}}}}'
    return _audited(folder, {"package-lock.json": lock})


def audit_nothing_here(folder: Path) -> Scene:
    """A folder without anything that is known."""
    return _audited(folder, {"notes.md": "nothing\n"})


def audit_unreadable(folder: Path) -> Scene:
    """A lockfile of a form that nobody knows is not clean."""
    return _audited(folder, {"pnpm-lock.yaml": "lockfileVersion: '12.0'\n"})


def audit_missing(folder: Path) -> Scene:
    """A path that is not there."""
    return _audited(folder, {}, "elsewhere/uv.lock")


# --- watch ----------------------------------------------------------------------------------------------------------


def watch_nobody(folder: Path) -> Scene:
    """Nothing new is known."""
    return Scene(monday(folder), ("watch", "--once"))


def watch_no_ledger(folder: Path) -> Scene:
    """Nothing was installed."""
    return Scene(Machine(folder), ("watch", "--once"))


def watch_alert(folder: Path) -> Scene:
    """Installed on Monday, reported on Wednesday."""
    return Scene(monday(folder, advisory()), ("watch", "--once"))


def watch_told_before(folder: Path) -> Scene:
    """The second look says no more than that it stands."""
    here = monday(folder, advisory())
    here.main("watch", "--once")
    return Scene(here, ("watch", "--once"))


def watch_warning(folder: Path) -> Scene:
    """A vulnerability that the policy warns of."""
    return Scene(monday(folder, MILD), ("watch", "--once"))


def watch_not_notified(folder: Path) -> Scene:
    """The notification command failed, so it is told again."""
    here = monday(folder, advisory())
    here.settings('[watch]\nnotify = ["/usr/local/bin/page"]\n')
    here.runner = FakeRunner(answers={"page": Finished(exit_code=1)})
    return Scene(here, ("watch", "--once"))


def watch_not_answered(folder: Path) -> Scene:
    """What could not be judged is said."""
    here = monday(folder)
    here.sources = (FakeSource(failure=SourceUnavailable("the index is 9 days old")),)
    return Scene(here, ("watch", "--once"))


# --- log and why ----------------------------------------------------------------------------------------------------


def log_runs(folder: Path) -> Scene:
    """Installed, blocked, planned, and one that never ended."""
    return Scene(recorded(folder), ("log",))


def log_empty(folder: Path) -> Scene:
    """No guarded command has run."""
    return Scene(Machine(folder), ("log",))


def log_no_time(folder: Path) -> Scene:
    """A time that is none."""
    return Scene(recorded(folder), ("log", "--since", "yesterday"))


def log_verified(folder: Path) -> Scene:
    """The chain holds."""
    return Scene(recorded(folder), ("log", "--verify"))


def log_tampered(folder: Path) -> Scene:
    """A line was edited."""
    here = recorded(folder)
    path = here.home / "data/ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"allowed":false', b'"allowed":true', 1))
    return Scene(here, ("log", "--verify"))


def log_cut(folder: Path) -> Scene:
    """The end was cut, and a killed writer left half a line."""
    here = recorded(folder)
    path = here.home / "data/ledger.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]) + b'{"ledger":2,"num\n')
    return Scene(here, ("log", "--verify"))


def why_recorded(folder: Path) -> Scene:
    """The ways by which it came in."""
    return Scene(recorded(folder), ("why", "evil"))


def why_not_in(folder: Path) -> Scene:
    """Nothing is called so."""
    return Scene(recorded(folder), ("why", "flask"))


def why_no_run(folder: Path) -> Scene:
    """Nothing was run here."""
    return Scene(Machine(folder), ("why", "flask"))


# --- status ---------------------------------------------------------------------------------------------------------


def _standing(here: Machine, ecosystem: EcosystemName, *, newest: str, checked: timedelta, unreadable: int = 0) -> None:
    held = Standing(
        file=f"{ecosystem.value}-1.sqlite", size=1, digest="0" * 64, records=34_000, packages=30_000,
        unreadable=unreadable, newest=newest, checked=NOW - checked, built=NOW - checked,
        origin="https://me:secret@export.example/osv",
    )  # fmt: skip
    path = pointer(here.home / "cache/index", ecosystem)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written(held, ecosystem))


def status_default(folder: Path) -> Scene:
    """Nothing is set, nothing is fetched."""
    return Scene(Machine(folder), ("status",))


def status_frozen(folder: Path) -> Scene:
    """An export that nobody fills any more, and an index that is too old."""
    here = Machine(folder)
    _standing(here, EcosystemName.PYPI, newest="2026-09-01T00:00:00Z", checked=timedelta(hours=2), unreadable=3)
    _standing(here, EcosystemName.NPM, newest="2026-11-20T00:00:00Z", checked=timedelta(days=3))
    return Scene(here, ("status",))


def status_frozen_used(folder: Path) -> Scene:
    """By a setting, a frozen index is used all the same; the other one is damaged."""
    here = Machine(folder)
    here.settings('[index]\nfrozen = "say"\n')
    _standing(here, EcosystemName.PYPI, newest="2026-09-01T00:00:00Z", checked=timedelta(hours=2))
    pointer(here.home / "cache/index", EcosystemName.NPM).write_text("{")
    return Scene(here, ("status",))


def status_settings(folder: Path) -> Scene:
    """Settings with their origins, one that the project may not make, and overrides that count and that ended."""
    here = Machine(folder, env={"SAFEINSTALL_OFFLINE": "1"})
    override = '[[override]]\npurl = "{}"\ncheck = "malware"\nreason = "for the lab"\nuntil = {}\nby = "amy"\n'
    here.settings(
        "[cooldown]\nhours = 24\n"
        + override.format("pkg:pypi/evil@6.6.6", "2027-03-01")
        + override.format("pkg:pypi/old@1.0", "2026-01-01")
    )
    here.settings("[cooldown]\nhours = 1\n", project=True)
    return Scene(here, ("status",))


SCENES: tuple[Callable[[Path], Scene], ...] = (
    audit_clean, audit_affected, audit_warned, audit_not_pinned, audit_not_answered, audit_taken_from_elsewhere,
    audit_nothing_here, audit_unreadable, audit_missing,
    watch_nobody, watch_no_ledger, watch_alert, watch_told_before, watch_warning, watch_not_notified,
    watch_not_answered,
    log_runs, log_empty, log_no_time, log_verified, log_tampered, log_cut, why_recorded, why_not_in, why_no_run,
    status_default, status_frozen, status_frozen_used, status_settings,
)  # fmt: skip


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_command_screen(scene: Callable[[Path], Scene], tmp_path: Path) -> None:
    """What a person reads is what was agreed on, stdout first."""
    played = scene(tmp_path)
    code = played.here.main(*played.words)
    shown = played.here.stdout.getvalue() + played.here.stderr.getvalue()
    shown = re.sub(rf"\b{re.escape(user())}\b", "USER", shown.replace(str(tmp_path), "FOLDER"))
    for mask, instead in MASKS:
        shown = mask.sub(instead, shown)
    screen = f"$ safeinstall {' '.join(played.words)}\n{shown}[exit code {code}]\n"
    file = HERE / f"{scene.__name__}.txt"
    if UPDATE:
        file.write_text(screen)

    assert screen == file.read_text()


def test_every_command_screen_has_its_scene() -> None:
    """A file that no test compares would be a message that may change unseen."""
    assert {path.stem for path in HERE.glob("*.txt")} == {scene.__name__ for scene in SCENES}
