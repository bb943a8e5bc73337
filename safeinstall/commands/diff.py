"""`safeinstall diff`: two releases side by side, from their registry's documents alone; nothing is installed."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from packaging.utils import canonicalize_name

from safeinstall.commands.arguments import Parser
from safeinstall.commands.common import settings_of
from safeinstall.commands.guarded import ready, world_of
from safeinstall.config import Settings
from safeinstall.contracts import Conditions, World
from safeinstall.cooldown import OFF
from safeinstall.errors import CannotResolve, Misconfigured
from safeinstall.facts import Facts
from safeinstall.gateway.pages import normal_version
from safeinstall.history import History, Publication
from safeinstall.model import Plan, Release
from safeinstall.outside import Outside
from safeinstall.places import places
from safeinstall.realtool import guarding, real_tool
from safeinstall.signals.combinations import Combination, combined
from safeinstall.signals.comparison import Fact, compared
from safeinstall.signals.gathered import signals, told_score
from safeinstall.signals.signal import Kind, Signal, score
from safeinstall.text import printable

_VERSION = 1


def run(outside: Outside, words: Sequence[str]) -> int:
    """Tell what differs between two releases; returns 0, whatever differs."""
    parser = Parser("diff", "Two releases side by side, from metadata and lists of files alone.")
    parser.add_argument("tool", choices=("pip", "npm"), help="whose configured registry is asked")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("old", metavar="OLD", help="the version to compare with")
    parser.add_argument("new", metavar="NEW")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args(words)
    for text in (given.name, given.old, given.new):
        if not text or text.startswith("-") or any(sign in text for sign in " \t\n;,@<>=~^*|" if text != given.name):
            raise Misconfigured(
                f"`{printable(text)}` is no exact name or version", hint="safeinstall diff npm chalk 5.6.0 5.6.2"
            )
    settings = settings_of(outside, places(outside.env))
    plan, release = _planned(outside, settings, given.tool, given.name, given.old, given.new)
    history = plan.histories[release.purl]
    assert history.present is not None
    facts = Facts(plan=plan, now=outside.now())
    found = signals(release, history, facts)
    rows = tuple(compared(history.present, history.planned))
    if given.format == "json":
        document = _document(given.tool, history, history.present, rows, found)
        outside.data(json.dumps(document, indent=2, ensure_ascii=True) + "\n")
    else:
        outside.data("\n".join(_lines(history, history.present, rows, found)) + "\n")
    return 0


def _planned(outside: Outside, settings: Settings, tool: str, name: str, old: str, new: str) -> tuple[Plan, Release]:
    """Return the plan that holds *name* at *new*, with its past against *old*."""
    ecosystem = outside.ecosystem(tool)
    against = {str(canonicalize_name(name)): normal_version(old)} if tool == "pip" else {name: old}
    conditions = Conditions(
        private_registries=settings.private_registries,
        public_registries=settings.public_registries,
        private=settings.private,
        cooldown=OFF,
        against=against,
    )
    wanted = ("install", "--ignore-installed", f"{name}=={new}") if tool == "pip" else ("install", f"{name}@{new}")
    with tempfile.TemporaryDirectory(prefix="safeinstall-diff-") as folder:
        world = _world(outside, tool, Path(folder))
        intent = ecosystem.parse(tool, wanted, world)
        real = real_tool(tool, outside.env, outside.cwd)
        world = ready(replace(world, env=guarding(real, world.env)))
        with ecosystem.open(intent, real, world, conditions, lambda _: False) as session:
            plan = session.resolve()
    release = next((one for one in plan.releases if one.asked is not None), None)
    history = plan.histories.get(release.purl) if release is not None else None
    if release is None or history is None or history.present is None:
        which = old if release is not None else new
        raise CannotResolve(
            f"the registry lists no `{printable(name)}` {printable(which, limit=60)} to compare with",
            hint="give two different versions that it lists",
        )
    return plan, release


def _world(outside: Outside, tool: str, folder: Path) -> World:
    """Return the world for planning in a folder of its own: the project here has nothing to do with it."""
    world = world_of(outside, places(outside.env))
    if tool == "pip":
        return world
    (folder / "package.json").write_text("{}")
    own = outside.cwd / ".npmrc"
    if own.is_file():  # it may name the registry
        shutil.copyfile(own, folder / ".npmrc")
    return replace(world, cwd=folder)


def _lines(history: History, old: Publication, rows: Sequence[Fact], found: tuple[Signal, ...]) -> Iterator[str]:
    name = printable(history.name)
    yield f"{name} {printable(old.version, limit=60)} -> {printable(history.planned.version, limit=60)}"
    width = max(len(row.what) for row in rows)
    for row in rows:
        what = row.what.ljust(width)
        yield f"  {what}  {row.old}" if row.same else f"* {what}  {row.old} -> {row.new}"
    told = tuple(one for one in found if one.kind is not Kind.PATCH)
    yield ""
    if not told:
        yield "nothing about it is odd beside its past"
        return
    yield from (f"{one.kind.value}: {one.told}" for one in told)
    row_found = combined(found)
    yield told_score(found) + (f"; together: {_row(row_found)}" if row_found is not None else "")


def _row(row: Combination) -> str:
    return f"{row.ident}, {row.means} ({row.incident})"


def _document(
    tool: str, history: History, old: Publication, rows: Sequence[Fact], found: tuple[Signal, ...]
) -> Mapping[str, object]:
    row = combined(found)
    return {
        "format": "safeinstall-diff",
        "version": _VERSION,
        "tool": tool,
        "name": printable(history.name),
        "old": printable(old.version),
        "new": printable(history.planned.version),
        "facts": [{"what": one.what, "old": one.old, "new": one.new, "same": one.same} for one in rows],
        "signals": [{"kind": one.kind.value, "weight": one.weight, "told": one.told} for one in found],
        "score": score(found),
        "combination": None if row is None else row.ident,
    }
