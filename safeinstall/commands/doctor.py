"""`safeinstall doctor`: what is guarded here and what is not, by trying it; and whether what judges is fit to judge."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from safeinstall.commands.arguments import Parser
from safeinstall.commands.common import settings_of
from safeinstall.commands.standings import lines
from safeinstall.config import Settings
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.model import Artifact, ArtifactKind, EcosystemName, Registry, Release, Visibility
from safeinstall.outside import Outside
from safeinstall.places import Places, places
from safeinstall.purl import make
from safeinstall.settings import Layer, shown
from safeinstall.sources.embedded import AS_OF
from safeinstall.text import printable
from safeinstall.ways import coverage, registries, selftest
from safeinstall.ways.coverage import State, Way

OPEN = 41
"""The exit code where something that should be covered is not: as for whatever was not judged."""
_FAILED = 43
_ASK = timedelta(seconds=6)


def run(outside: Outside, words: Sequence[str]) -> int:
    """Tell what is covered; 0: all that should be, 41: not all of it, 43: the self-test was not blocked."""
    parser = Parser("doctor", "Tell what is guarded in this shell and on this machine, and what is not.")
    parser.add_argument("paths", nargs="*", type=Path, metavar="ENVIRONMENT", help="further environments to look at")
    parser.add_argument("--json", action="store_true", help="one JSON object, format `doctor` 1")
    parser.add_argument("--self-test", action="store_true", help="ask for a name that is always blocked; no network")
    given = parser.parse_args(words)
    if given.self_test:
        return _self_test(outside)
    where = places(outside.env)
    settings = settings_of(outside, where)
    ways = [
        *coverage.commands(outside),
        *coverage.environments(outside, [outside.cwd / path for path in given.paths]),
        *coverage.interpreters(outside),
        *coverage.others(outside),
    ]
    health = {
        "sources": [*_asked(outside, settings, where)],
        "registries": [*registries.rows(outside)] if not settings.offline else ["not asked: offline"],
        "kept": [*lines(outside.sources(settings, where.cache), settings, where.cache, now=outside.now())],
        "clock": [_clock(outside)],
        "keyring": [_keyring()],
        "policy": [*_policy(settings)],
    }
    left = [way for way in ways if way.state is State.OPEN]
    if given.json:
        outside.data(json.dumps(_document(ways, health), indent=2, ensure_ascii=True) + "\n")
    else:
        outside.data("\n".join(_told(ways, health)) + "\n")
    return OPEN if left else 0


def _document(ways: Sequence[Way], health: dict[str, list[str]]) -> dict[str, object]:
    rows = [{"name": way.name, "state": way.state.value, "where": printable(way.where), "fix": way.fix} for way in ways]
    covered = all(way.state is not State.OPEN for way in ways)
    return {"doctor": 1, "covered": covered, "ways": rows, "unreached": list(coverage.UNREACHED), **health}


def _told(ways: Sequence[Way], health: dict[str, list[str]]) -> Iterator[str]:
    for way in ways:
        yield f"{way.state.value:<15} {way.name}: {printable(way.where, limit=400)}"
        if way.state is State.OPEN:
            yield f"{'':<15} hint: {printable(way.fix, limit=400)}"
    for title, rows in {**health, "what no guard reaches": list(coverage.UNREACHED)}.items():
        yield f"\n{title}:"
        yield from (f"  {printable(row, limit=400)}" for row in rows)
    left = sum(way.state is State.OPEN for way in ways)
    yield f"\n{len(ways) - left} of {len(ways)} need nothing, {left} should be covered and are not"


def _asked(outside: Outside, settings: Settings, where: Places) -> Iterator[str]:
    """Yield what each advisory source answers about a release that is on no registry."""
    reserved = Release(
        purl=make(EcosystemName.PYPI, selftest.NAME, "1.0"),
        name=selftest.NAME,
        version="1.0",
        artifact=Artifact(kind=ArtifactKind.WHEEL, filename="", url=""),
        registry=Registry(url="", visibility=Visibility.PUBLIC),
    )
    for source in outside.sources(settings, where.cache):
        try:
            answer = source.ask([reserved], now=outside.now(), deadline=_ASK)
        except (SourceUnavailable, MalformedAnswer) as error:
            yield f"{source.ident}: no answer: {printable(error.message)}"
        else:
            silent = "".join(f"; {printable(reason)}" for reason in answer.silent.values() if not source.supplement)
            yield f"{source.ident}: answers{silent}"


def _clock(outside: Outside) -> str:
    now = outside.now()
    if now < AS_OF:
        return f"{now:%Y-%m-%d %H:%M} UTC is before this version was made: ages, end dates and certificates go wrong"
    return f"{now:%Y-%m-%d %H:%M} UTC"


def _keyring() -> str:
    import keyring  # noqa: PLC0415 - costly
    import keyring.errors  # noqa: PLC0415

    try:
        backend = keyring.get_keyring()
    except (keyring.errors.KeyringError, RuntimeError) as error:
        return f"fails: {printable(str(error))}"
    usable = float(backend.priority) >= 1
    return f"{backend.name}{'' if usable else ': no token can be kept in it'}"


def _policy(settings: Settings) -> Iterator[str]:
    yield from (str(path) for path in settings.files)
    for key, one in settings.values.items():
        if one.layer is not Layer.DEFAULT:
            yield f"{key} = {shown(one.value)}  ({one.origin})"
    yield from (f"{key} is locked by {path}" for key, path in settings.locked.items())
    yield from (f"left out: {notice}" for notice in settings.notices)
    if not settings.files:
        yield "no settings file: every policy is the default"


def _self_test(outside: Outside) -> int:
    """Ask for the reserved name through the pip and the npm that are there, as a person would."""
    ways = [way for way in coverage.commands(outside) if way.name in ("pip", "npm") and not way.idle]
    failed = not ways
    for way in ways:
        with tempfile.TemporaryDirectory(prefix="safeinstall-self-test-") as folder:
            blocked, told = selftest.passes(outside, [way.where.partition(",")[0]], Path(folder))
        failed = failed or not blocked
        outside.data(f"{'blocked' if blocked else 'NOT BLOCKED'}: {way.name} install {selftest.NAME}\n")
        if not blocked:
            outside.data(f"  {way.where}: {printable(told, limit=400)}\n  hint: {way.fix}\n")
    return _FAILED if failed else 0
