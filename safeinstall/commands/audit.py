"""`safeinstall audit`: judges what is installed or locked; nothing is installed, changed or run."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from safeinstall.auditing import Auditor, audit
from safeinstall.commands.arguments import Parser
from safeinstall.commands.common import settings_of, written
from safeinstall.config import Settings
from safeinstall.contracts import InventoryReader
from safeinstall.cooldowns import cooldown, scripts
from safeinstall.errors import CannotAudit, MalformedAnswer, Misconfigured
from safeinstall.formats import NAMES, named
from safeinstall.formats.text import Text
from safeinstall.inventories import INVENTORIES
from safeinstall.inventory import Inventory, Origins
from safeinstall.outside import Outside
from safeinstall.places import places
from safeinstall.runs import exit_code
from safeinstall.text import printable


def run(outside: Outside, words: Sequence[str]) -> int:
    """Judge what *words* name, or what is found here; returns 0, 40 or 41 as a guarded command does."""
    if "--claimable" in words:
        from safeinstall.commands import claimable  # noqa: PLC0415 - another command in all but its name

        return claimable.run(outside, words)
    parser = Parser("audit", "Judge what is installed or locked; nothing is installed, changed or run.")
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help="an environment, a node_modules, a lockfile, a requirements file, a CycloneDX SBOM, or a folder that "
        "holds some of these; default: the current folder",
    )
    parser.add_argument("--format", choices=NAMES, default="text", help="default: text")
    parser.add_argument("--output", metavar="FILE", help="write the document into FILE instead of stdout")
    parser.add_argument("--offline", action="store_true", help="judge with what is on this machine")
    parser.add_argument(
        "--cross-check", action="store_true", help="compare the metadata of environments with what pip lists"
    )
    given = parser.parse_args(words)
    where = places(outside.env)
    settings = settings_of(outside, where, {"offline": True} if given.offline else {})
    for notice in settings.notices:
        outside.say(f"warning: {printable(notice, limit=400)}\n")
    origins = replace(origins_of(outside, settings), compared=given.cross_check)
    found = [_read(reader, path, outside.cwd, origins) for reader, path in _chosen(outside.cwd, given.paths)]
    where.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    by = Auditor(
        sources=outside.sources(settings, where.cache),
        checks=outside.checks(),
        policy=settings.policy,
        overrides=settings.overrides,
        deadline=settings.deadline,
        offline=settings.offline,
        cooldown=cooldown(settings),
        scripts=scripts(settings),
        settings=settings.changed,
    )
    done = audit(found, by, cwd=outside.cwd, now=outside.now)
    outside.stage.judged = True
    document = given.format != "text"
    if document:
        written(outside, named(given.format).render(done), given.output)
    if not document or given.output is not None:
        outside.say(Text(colour=outside.colour, planning=True).verdict(done))
    return exit_code(done)


def origins_of(outside: Outside, settings: Settings) -> Origins:
    """Return what the settings say about registries, for readers of inventories."""
    return Origins(
        private_registries=settings.private_registries,
        public_registries=settings.public_registries,
        private=settings.private,
        defaults=outside.own_registries,
        listed=outside.listed,
    )


def _chosen(cwd: Path, paths: Sequence[str]) -> tuple[tuple[InventoryReader, Path], ...]:
    """Return what is to be read, each with its reader."""
    chosen: dict[Path, InventoryReader] = {}
    for text in paths or (".",):
        path = cwd / text
        if not path.exists():
            raise Misconfigured(f"{printable(text)} does not exist")
        one = next((reader for reader in INVENTORIES if reader.fits(path)), None)
        if one is not None:
            chosen[path] = one
            continue
        inside = dict(_within(path)) if path.is_dir() else {}
        if not inside:
            kinds = ", ".join(reader.ident for reader in INVENTORIES)
            what = "holds nothing" if path.is_dir() else "is nothing"
            raise CannotAudit(f"{printable(text)} {what} that can be audited", hint=f"known here: {kinds}")
        chosen.update(inside)
    return tuple((reader, path) for path, reader in chosen.items())


def _within(folder: Path) -> Iterator[tuple[Path, InventoryReader]]:
    for reader in INVENTORIES:
        for path in sorted({path for pattern in reader.names for path in folder.glob(pattern)}):
            if reader.fits(path):
                yield path, reader


def _read(reader: InventoryReader, path: Path, cwd: Path, origins: Origins) -> Inventory:
    label = printable(os.path.relpath(path, cwd))
    try:
        return reader.read(path, label, origins)
    except MalformedAnswer as error:
        raise CannotAudit(f"{label} could not be read as {reader.ident}: {error.message}") from error
