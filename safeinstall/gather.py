"""Asks every advisory source once, all at the same time; what fails becomes a silence, and checks make gaps of it."""

import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from safeinstall.contracts import Answer, Source
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.facts import Facts
from safeinstall.model import Advisory, Plan, Purl, Release, SourceState

_SLACK = timedelta(seconds=1)
"""A source keeps its own deadline; one that does not is given up this much later."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What became of one source."""

    source: Source
    answer: Answer | None
    why: str = ""
    """Why there is no answer at all."""
    crash: BaseException | None = None


def gather(
    plan: Plan, sources: Sequence[Source], *, now: datetime, deadline: timedelta, offline: bool = False
) -> Facts:
    """
    Return the facts about *plan*, asking every source once, within *deadline*.

    A release is known only if every source that is no supplement answered for it, and there was one to ask: one silent
    source, or no source at all, is "no answer" and not "nothing known". When the user chose *offline*, what lies on
    the machine is the answer, and the report says how old it is.
    """
    heard = _ask_all(plan.releases, sources, now, deadline)
    told: dict[Purl, tuple[Advisory, ...]] = {}
    silent: dict[Purl, tuple[str, ...]] = {}
    required = any(not one.source.supplement for one in heard)
    for release in plan.releases:
        told[release.purl] = tuple(
            advisory
            for one in heard
            if one.answer is not None
            for advisory in one.answer.advisories.get(release.purl, ())
        )
        reasons = tuple(_silence(one, release.purl) for one in heard if _is_silent(one, release.purl))
        silent[release.purl] = reasons if required else (*reasons, "no advisory source is switched on")
    known = {purl: found for purl, found in told.items() if offline or not silent[purl]}
    return Facts(
        plan=plan,
        now=now,
        known=known,
        partial={purl: found for purl, found in told.items() if purl not in known},
        silent={purl: reasons for purl, reasons in silent.items() if purl not in known},
        sources=tuple(_state(one, len(plan.releases)) for one in heard),
    )


def _is_silent(heard: _Heard, purl: Purl) -> bool:
    if heard.source.supplement:
        return False
    # Old bad news is told and silent: it counts, and what became known since is missing.
    return heard.answer is None or purl in heard.answer.silent or purl not in heard.answer.advisories


def _silence(heard: _Heard, purl: Purl) -> str:
    name = heard.source.ident
    if heard.answer is None:
        return f"{name}: {heard.why}"
    return f"{name}: {heard.answer.silent.get(purl, 'it did not say anything about this release')}"


def _state(heard: _Heard, asked: int) -> SourceState:
    if heard.answer is not None:
        return heard.answer.state
    return SourceState(source=heard.source.ident, asked=asked, detail=heard.why)


def _ask_all(
    releases: Sequence[Release], sources: Sequence[Source], now: datetime, deadline: timedelta
) -> tuple[_Heard, ...]:
    answers: queue.SimpleQueue[_Heard] = queue.SimpleQueue()
    for source in sources:
        # Daemon threads: a source that hangs must neither hold the verdict up nor the end of the process.
        threading.Thread(target=_ask, args=(source, releases, now, deadline, answers), daemon=True).start()
    # By object, not by ident: two folders of records are two sources of one name, and both must be heard.
    heard: dict[int, _Heard] = {}
    ends = threading.Event()
    timer = threading.Timer((deadline + _SLACK).total_seconds(), ends.set)
    timer.daemon = True
    timer.start()
    try:
        while len(heard) < len(sources) and not ends.is_set():
            try:
                one = answers.get(timeout=0.1)
            except queue.Empty:
                continue
            if one.crash is not None:
                raise one.crash
            heard[id(one.source)] = one
    finally:
        timer.cancel()
    late = f"did not answer within {deadline.total_seconds():g} s"
    return tuple(heard.get(id(source)) or _Heard(source, None, late) for source in sources)


def _ask(
    source: Source,
    releases: Sequence[Release],
    now: datetime,
    deadline: timedelta,
    answers: "queue.SimpleQueue[_Heard]",
) -> None:
    try:
        answers.put(_Heard(source, source.ask(releases, now=now, deadline=deadline)))
    except (SourceUnavailable, MalformedAnswer) as error:
        answers.put(_Heard(source, None, error.message))
    except BaseException as error:  # noqa: BLE001 - carried over to the asking thread, which raises it there
        answers.put(_Heard(source, None, crash=error))


def silences(facts: Facts) -> Mapping[str, int]:
    """Return for each reason of silence how many releases it concerns, for messages that group them."""
    counts: dict[str, int] = {}
    for reasons in facts.silent.values():
        for reason in reasons:
            counts[reason] = counts.get(reason, 0) + 1
    return counts
