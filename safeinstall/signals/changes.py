"""Signals in what a release is: scripts, startup files, dependencies, size, times."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from safeinstall.facts import Facts
from safeinstall.history import History, Publication
from safeinstall.model import Release
from safeinstall.names.popular import popular
from safeinstall.purl import make, parts
from safeinstall.signals.signal import RECENT, Kind, Signal
from safeinstall.text import printable
from safeinstall.versions import leaps

YOUNG = timedelta(days=60)
"""A project whose first release is not older than this, seen from the release that begins to need it, is young."""

ASLEEP = timedelta(days=365)
HOUR = timedelta(hours=1)

_GROWS = 3
_GROWTH = 100_000
_TOGETHER = 3
_SHOWN = 3


def changes(release: Release, history: History, facts: Facts) -> Iterator[Signal]:
    """Yield what is odd about the planned release beside the one that it is compared with."""
    base, planned = history.base(), history.planned
    yield from _times(history)
    if base is None:
        return
    yield from _scripts(planned, base)
    yield from _startup(planned, base)
    yield from _dependencies(release, planned, base, facts)
    yield from _shape(planned, base)
    if is_patch(release, base):
        yield Signal(kind=Kind.PATCH, told=f"only the last part of its version differs from {_named(base)}")
    yield from _together(history, base, facts)


def is_patch(release: Release, base: Publication) -> bool:
    """Whether by its version the planned release is only a small one after *base*."""
    one, other = _numbers(release.version), _numbers(base.version)
    return len(one) > 1 and one[:2] == other[:2]


def _numbers(version: str) -> list[str]:
    return version.partition("+")[0].partition("-")[0].split(".")


def _named(base: Publication) -> str:
    return printable(base.version, limit=60)


def _scripts(planned: Publication, base: Publication) -> Iterator[Signal]:
    if planned.install_scripts is None or base.install_scripts is None:
        return
    before = dict(base.install_scripts)
    for name, command in planned.install_scripts:
        runs = f"`{name}` runs `{printable(command, limit=120)}`" if command else f"it has an `{name}` script"
        if not before:
            yield Signal(kind=Kind.SCRIPT, told=f"{runs} on install; {_named(base)} had no install script")
        elif before.get(name) != command:
            kind = Kind.CHANGED_SCRIPT if name in before else Kind.SCRIPT
            yield Signal(kind=kind, told=f"{runs} on install, which {_named(base)} did not")


def _startup(planned: Publication, base: Publication) -> Iterator[Signal]:
    for name in _new(planned.startup, base.startup):
        told = f"Python runs `{printable(name)}` whenever it starts; {_named(base)} had no such file"
        yield Signal(kind=Kind.STARTUP, told=told)


def _dependencies(release: Release, planned: Publication, base: Publication, facts: Facts) -> Iterator[Signal]:
    ordinary = []
    for name in _new(planned.dependencies, base.dependencies):
        young = _young(release, planned, name, facts)
        if young is None:
            ordinary.append(name)
        else:
            told = f"it now needs `{printable(name)}`, which {_named(base)} did not: {young}"
            yield Signal(kind=Kind.YOUNG_DEPENDENCY, told=told)
    if ordinary:
        names = ", ".join(f"`{printable(name)}`" for name in ordinary[:_SHOWN])
        more = f" and {len(ordinary) - _SHOWN} more" if len(ordinary) > _SHOWN else ""
        yield Signal(kind=Kind.DEPENDENCY, told=f"it now needs {names}{more}, which {_named(base)} did not")


def _young(release: Release, planned: Publication, name: str, facts: Facts) -> str | None:
    """Return what speaks against the new dependency *name*; None: nothing, or its registry does not tell."""
    ecosystem, own, _ = parts(release.purl)
    dependency = make(ecosystem, name)
    page = facts.project(dependency)
    if page is None or page.first_uploaded is None or popular(ecosystem).rank(name) is not None:
        return None
    at = planned.uploaded or facts.now
    age = at - page.first_uploaded
    if age > YOUNG or _related(own, name):
        return None
    days = max(age.days, 0)
    when = "after this release" if age < timedelta(0) else f"{days} day{'' if days == 1 else 's'} before this release"
    count = "" if page.releases is None else f", {page.releases} release{'' if page.releases == 1 else 's'}"
    return f"first uploaded {when}{count}, not among the popular names"


def _related(one: str, other: str) -> bool:
    """
    Whether both names are of one npm scope, which only its owners can publish to.

    Like names and like claims of a repository prove nothing: whoever hides a dependency can have them too.
    """
    return one.startswith("@") and other.startswith(one.partition("/")[0] + "/")


def _shape(planned: Publication, base: Publication) -> Iterator[Signal]:
    commands = tuple(_new(planned.commands, base.commands))
    if commands:
        names = ", ".join(f"`{printable(name)}`" for name in commands[:_SHOWN])
        yield Signal(kind=Kind.COMMAND, told=f"new on PATH: {names}")
    if planned.size is not None and base.size is not None:
        grown = planned.size - base.size
        if grown >= _GROWTH and planned.size >= _GROWS * base.size:
            told = f"{planned.size // 1000:,} kB instead of {max(base.size // 1000, 1):,} kB in {_named(base)}"
            yield Signal(kind=Kind.SIZE, told=told)
    if planned.kinds == ("sdist",) and base.kinds is not None and "wheel" in base.kinds:
        yield Signal(kind=Kind.SOURCE_ONLY, told=f"a source distribution alone; {_named(base)} had wheels")
    if planned.builder is not None and base.builder is not None and planned.builder != base.builder:
        told = f"built by `{printable(planned.builder)}`; {_named(base)} was built by `{printable(base.builder)}`"
        yield Signal(kind=Kind.BUILDER, told=told)
    if planned.repositories == () and base.repositories:
        told = f"it names no repository; {_named(base)} named {printable(base.repositories[0])}"
        yield Signal(kind=Kind.REPOSITORY, told=told)


def _times(history: History) -> Iterator[Signal]:
    planned, previous = history.planned, history.previous
    times = [one.uploaded for one in history.publications() if one.uploaded is not None]
    if planned.uploaded is not None and times:
        slept = planned.uploaded - max(times)
        if slept >= ASLEEP:
            told = f"the first release after {slept.days // 30} months without one"
            yield Signal(kind=Kind.AWAKENED, told=told)
    if previous is not None and leaps(planned.version, previous.version):
        told = f"{printable(planned.version, limit=60)} comes right after {_named(previous)}"
        yield Signal(kind=Kind.JUMP, told=told)


def _together(history: History, base: Publication, facts: Facts) -> Iterator[Signal]:
    """Yield what only the whole plan shows: one hand that touched many packages at once."""
    burst = _touched(history, facts)
    if len(burst) >= _TOGETHER:
        who = printable(history.planned.publisher or "")
        yield Signal(kind=Kind.BURST, told=f"`{who}` published small releases of {_listed(burst)} within an hour")
    mine = history.planned.install_scripts
    if not mine or base.install_scripts:
        return
    same = {one.name for one in facts.plan.histories.values() if _got(one, mine)}
    if len(same) > 1:
        yield Signal(kind=Kind.SPREAD, told=f"{_listed(sorted(same))} have got the same new install script")


def _got(history: History, scripts: tuple[tuple[str, str], ...]) -> bool:
    base = history.base()
    return history.planned.install_scripts == scripts and base is not None and base.install_scripts == ()


def _touched(history: History, facts: Facts) -> list[str]:
    """Return the packages, one for each repository, that the publisher of this one changed within an hour of it."""
    planned = history.planned
    if planned.publisher is None or planned.uploaded is None or facts.now - planned.uploaded > RECENT:
        return []
    found: dict[object, str] = {}
    for purl, other in facts.plan.histories.items():
        at, base = other.planned.uploaded, other.base()
        if other.planned.publisher != planned.publisher or at is None or base is None:
            continue
        small = _numbers(other.planned.version)[:1] == _numbers(base.version)[:1]
        if small and abs(at - planned.uploaded) <= HOUR:
            found[facts.repositories(purl) or other.name] = other.name
    return sorted(found.values())


def _new(mine: tuple[str, ...] | None, theirs: tuple[str, ...] | None) -> Iterable[str]:
    """Return what is in *mine* and not in *theirs*; nothing where either is not known."""
    return () if mine is None or theirs is None else sorted(set(mine) - set(theirs))


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{printable(name)}`" for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
