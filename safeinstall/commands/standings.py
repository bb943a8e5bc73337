"""How old what judges here is: one line for each source, for `safeinstall status`."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from safeinstall.advisories.store import Standing, standing
from safeinstall.config import Settings
from safeinstall.contracts import Source
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.feeds import index_age, index_folder, index_frozen
from safeinstall.formats.text import age
from safeinstall.model import EcosystemName
from safeinstall.sources.cache import Cache
from safeinstall.text import printable, redacted


def lines(sources: Sequence[Source], settings: Settings, cache: Path, *, now: datetime) -> Iterator[str]:
    """Yield for each source its records, the newest of them, the last success, its age and the limit of that."""
    for source in sources:
        supplement = ", a supplement: its silence proves nothing" if source.supplement else ""
        if source.ident == "index":
            yield from _index(settings, cache, now)
        else:
            yield f"{source.ident}{supplement}: {_told(source, settings, cache, now)}"
    if not any(source.ident == "index" for source in sources):
        yield from _index(settings, cache, now)
    elif settings.osv_url is not None:
        yield f"osv, where the index is too old: {_kept('osv', cache, now)}; {_limit(settings.cache_age)}"


def _index(settings: Settings, cache: Path, now: datetime) -> Iterator[str]:
    limit = index_age(settings)
    if limit is None:
        yield "index: switched off"
        return
    folder = index_folder(settings, cache)
    for ecosystem in EcosystemName:
        try:
            held = standing(folder, ecosystem)
        except MalformedAnswer as error:
            yield f"index of {ecosystem.value}: not used, {printable(error.message)}"
            continue
        if held is None:
            yield f"index of {ecosystem.value}: none; `safeinstall update` fetches it"
        else:
            frozen = index_frozen(settings)
            cold = frozen.at(held.newest, held.checked) is not None
            used = ", not used but offline" if frozen.silent else ""
            said = f"; FROZEN{used}: nothing new has come into its export for long" if cold else ""
            yield f"index of {ecosystem.value}: {_standing(held, limit, now)}{said}"


def _standing(held: Standing, limit: timedelta, now: datetime) -> str:
    old = held.age(now)
    records = f"{held.records:,} record{'' if held.records == 1 else 's'}"
    unreadable = f" ({held.unreadable:,} of them unreadable)" if held.unreadable else ""
    late = "; TOO OLD, not used but offline: run `safeinstall update`" if old > limit else ""
    when = "in the future" if old == timedelta.max else age(old)
    return (
        f"{records}{unreadable}, newest {held.newest[:10] or 'unknown'}, last success"
        f" {held.checked:%Y-%m-%d %H:%M} UTC, {when}, {_limit(limit)}, from {redacted(held.origin)}{late}"
    )


def _told(source: Source, settings: Settings, cache: Path, now: datetime) -> str:
    if source.live:
        return f"{_kept(source.ident, cache, now)}; {_limit(settings.cache_age)}"
    try:
        state = source.ask((), now=now, deadline=timedelta(seconds=30)).state
    except (SourceUnavailable, MalformedAnswer) as error:
        return f"no answer: {printable(error.message)}"
    when = f", as of {state.as_of:%Y-%m-%d}, {age(max(now - state.as_of, timedelta(0)))}" if state.as_of else ""
    return f"{printable(state.detail) or 'nothing is kept'}{when}"


def _kept(ident: str, cache: Path, now: datetime) -> str:
    number, newest = Cache(cache).tally(ident)
    if newest is None:
        return "nothing asked yet"
    return f"{number:,} answers kept, last success {newest:%Y-%m-%d %H:%M} UTC, {age(max(now - newest, timedelta(0)))}"


def _limit(limit: timedelta) -> str:
    return f"limit {limit.total_seconds() / 3600:g} h"
