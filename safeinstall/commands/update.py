"""`safeinstall update`: fetches the local advisory index, or carries it to machines without a network."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from safeinstall.advisories import bundle
from safeinstall.advisories.popularity import fetch
from safeinstall.advisories.store import Standing, standing
from safeinstall.advisories.update import Export, Updated, update
from safeinstall.commands.arguments import Parser
from safeinstall.commands.common import settings_of, use_popular
from safeinstall.commands.watch import watch
from safeinstall.config import Settings
from safeinstall.errors import MalformedAnswer, Misconfigured, SafeinstallError
from safeinstall.feeds import index_folder, index_url, popular_url
from safeinstall.formats.text import age
from safeinstall.model import EcosystemName
from safeinstall.names import popular
from safeinstall.names.known import known_file
from safeinstall.outside import Outside
from safeinstall.places import places
from safeinstall.progress import Quiet, Terminal
from safeinstall.runs import BLOCKED_BY_FINDING
from safeinstall.text import printable

FAILED = 43
"""At least one index could not be brought up to date; it counts as before, and gets older."""


def run(outside: Outside, words: Sequence[str]) -> int:
    """Bring the index up to date, or write or load a bundle; returns 0, 43 when some failed, or what `watch` says."""
    parser = Parser("update", "Fetch the advisory index of this machine, or what has changed since.")
    names = [one.value for one in EcosystemName]
    parser.add_argument("--ecosystem", choices=names, action="append", help="only this one (repeatable)")
    parser.add_argument("--full", action="store_true", help="fetch everything anew")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--bundle", metavar="FILE", help="write the index that is here into FILE, for other machines")
    way.add_argument("--from", dest="source", metavar="FILE", help="load the index from the bundle FILE")
    given = parser.parse_args(words)
    if given.ecosystem and (given.bundle or given.source):
        raise Misconfigured("safeinstall update: a bundle is of all ecosystems: leave out --ecosystem")
    where = places(outside.env)
    settings = settings_of(outside, where)
    folder = index_folder(settings, where.cache)
    use_popular(outside, settings, where)
    if given.bundle is not None:
        made = bundle.write(folder, outside.cwd / given.bundle, [*_popular()], now=outside.now())
        outside.say(f"safeinstall: {_listed(outside, made.standings)}; written to {given.bundle}\n")
        return 0
    if given.source is not None:
        loaded = bundle.load(outside.cwd / given.source, folder, older=given.full)
        outside.say(f"safeinstall: {_listed(outside, loaded.standings)}; loaded from {given.source}\n")
        return 0
    wanted = [EcosystemName(name) for name in dict.fromkeys(given.ecosystem or names)]
    code = _update(outside, settings, folder, wanted, full=given.full)
    code = max(code, _update_popular(outside, settings, folder, wanted))
    # New records may speak of what was installed in good faith: whoever fetches them is told at once. One index that
    # failed does not keep silent what another one, or the one that was here before, knows.
    if (settings.ledger or where.ledger).exists():
        seen = watch(outside, settings, where)
        return seen if seen == BLOCKED_BY_FINDING or code == 0 else code
    return code


def _update(outside: Outside, settings: Settings, folder: Path, wanted: Sequence[EcosystemName], *, full: bool) -> int:
    reporter = Terminal(outside.stderr) if outside.stderr.isatty() else Quiet()
    export = Export(http=outside.bulk(), base_url=index_url(settings), reporter=reporter)
    done: list[Updated] = []
    failed: list[str] = []
    for ecosystem in wanted:
        try:
            done.append(update(export, folder, ecosystem, now=outside.now(), full=full))
        except SafeinstallError as error:
            hint = f"\n\nhint: {printable(error.hint)}" if error.hint is not None else ""
            failed.append(
                f"error: the index of {ecosystem.value} could not be updated: {printable(error.message, limit=400)}"
                f"; {_left(outside, folder, ecosystem)}{hint}\n"
            )
        finally:
            reporter.done()
    for text in failed:
        outside.say(text)
    if done:
        outside.say(f"safeinstall: {'; '.join(_told(one) for one in done)}\n")
    return FAILED if failed else 0


def _update_popular(outside: Outside, settings: Settings, folder: Path, wanted: Sequence[EcosystemName]) -> int:
    url = popular_url(settings)
    if url is None:
        return 0
    code = 0
    for ecosystem in wanted:
        try:
            found = fetch(outside.bulk(), url, folder, ecosystem, today=outside.now().date())
        except SafeinstallError as error:
            held = popular.popular(ecosystem).as_of
            outside.say(
                f"error: the popular names of {ecosystem.value} could not be updated: "
                f"{printable(error.message, limit=400)}; those of {held} are used\n"
            )
            code = FAILED
        else:
            what = (
                f"{found.names:,} of them, as of {found.as_of}" if found.changed else f"as of {found.as_of}, unchanged"
            )
            outside.say(f"safeinstall: popular names of {ecosystem.value}: {what}\n")
    return code


def _told(one: Updated) -> str:
    held = one.standing
    what = "imported" if one.whole else f"{one.changes:,} changes" if one.changes else "nothing new"
    unreadable = f", {held.unreadable:,} of them unreadable" if held.unreadable else ""
    newest = held.newest[:10] or "unknown"
    return f"index of {one.ecosystem.value}: {what}, {held.records:,} records{unreadable}, newest of {newest}"


def _left(outside: Outside, folder: Path, ecosystem: EcosystemName) -> str:
    try:
        held = standing(folder, ecosystem)
    except MalformedAnswer:
        return "what is there is damaged and not used"
    if held is None:
        return "there is none yet"
    return f"what is there was checked {age(held.age(outside.now()))} and is used until it is too old"


def _listed(outside: Outside, standings: Mapping[EcosystemName, Standing]) -> str:
    return "; ".join(
        f"index of {ecosystem.value}, {held.records:,} records, checked {age(held.age(outside.now()))}"
        for ecosystem, held in standings.items()
    )


def _popular() -> Iterator[Path]:
    for ecosystem in EcosystemName:
        yield from (path for path in (popular.names_file(ecosystem), known_file(ecosystem)) if path.is_file())
