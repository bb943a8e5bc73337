"""`safeinstall status`: what judges here, by whose setting, and which overrides are in force."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from safeinstall import __version__
from safeinstall.commands.arguments import Parser
from safeinstall.commands.common import settings_of, use_popular
from safeinstall.commands.standings import lines
from safeinstall.config import Settings
from safeinstall.contracts import Source
from safeinstall.model import EcosystemName, Override
from safeinstall.names import known
from safeinstall.names.popular import names_file, packaged, popular
from safeinstall.outside import Outside
from safeinstall.places import Places, places
from safeinstall.settings import Layer, shown
from safeinstall.text import printable


def run(outside: Outside, words: Sequence[str]) -> int:
    """Print the status."""
    Parser("status", "Tell settings with their origins, sources, and overrides in force.").parse_args(words)
    where = places(outside.env)
    settings = settings_of(outside, where)
    outside.data("\n".join([*_lines(outside, settings, where)]) + "\n")
    return 0


def _lines(outside: Outside, settings: Settings, where: Places) -> Iterator[str]:
    yield f"safeinstall {__version__}"
    yield from _section("settings files", [str(path) for path in settings.files] or ["none: every setting is default"])
    yield from _section("left out", [printable(one, limit=400) for one in settings.notices])
    values = settings.values.items()
    rows = [f"{key} = {shown(one.value)}" + _origin(one.origin, one.layer) for key, one in values]
    yield from _section("settings", rows)
    yield from _section("locked", [f"{key} by {path}" for key, path in settings.locked.items()])
    now = outside.now()
    told = lines(_sources(outside, settings), settings, where.cache, now=now)
    yield from _section("advisory sources", list(told))
    use_popular(outside, settings, where)
    yield from _section("popular names", [_popular(one) for one in EcosystemName])
    yield from _section("known names", [_known(one) for one in EcosystemName])
    for title, ended in (("overrides in force", False), ("overrides that ended", True)):
        found = [one for one in settings.overrides if (one.until is not None and one.until <= now) is ended]
        yield from _section(title, [_override(one) for one in found])
    ledger = settings.ledger or where.ledger
    yield from _section("ledger", [f"{ledger}, {_size(ledger)}"])


def _sources(outside: Outside, settings: Settings) -> Sequence[Source]:
    return outside.sources(settings, places(outside.env).cache)


def _popular(ecosystem: EcosystemName) -> str:
    index = popular(ecosystem)
    origin = "came with safeinstall" if names_file(ecosystem) == packaged(ecosystem) else str(names_file(ecosystem))
    return f"{ecosystem.value}: {index.size:,} names as of {index.as_of}, {origin}"


def _known(ecosystem: EcosystemName) -> str:
    table, path = known.known(ecosystem), known.known_file(ecosystem)
    origin = "came with safeinstall" if path == known.packaged(ecosystem) else str(path)
    return f"{ecosystem.value}: {table.size:,} names as of {table.as_of}, {origin}"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"{title}:"
        yield from (f"  {line}" for line in lines)


def _origin(origin: str, layer: Layer) -> str:
    return "" if layer is Layer.DEFAULT else f"  ({origin})"


def _override(override: Override) -> str:
    end = "for ever" if override.until is None else f"until {override.until:%Y-%m-%d}"
    who = f"by {printable(override.by)} in {printable(override.origin)}"
    return f"{printable(override.purl)} for `{override.check}` {end}, {who}: {printable(override.reason)}"


def _size(path: Path) -> str:
    try:
        return f"{path.stat().st_size:,} bytes"
    except OSError:
        return "nothing written yet"
