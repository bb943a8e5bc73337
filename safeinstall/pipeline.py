"""The story of one guarded command, once: resolve, gather, inspect, judge, install; it prints nothing."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from safeinstall.contracts import Check, Conditions, Ecosystem, Session, Source, World
from safeinstall.errors import CannotResolve, FactMissing
from safeinstall.facts import Facts
from safeinstall.fixes import first_fixes
from safeinstall.gather import gather
from safeinstall.model import Finding, Gap, Intent, Override, Plan, Purl, Release, Verdict
from safeinstall.nearest import nearest
from safeinstall.origin import Origin
from safeinstall.policy import Policy, judge
from safeinstall.runs import Installed, Run


def _as_it_is(plan: Plan) -> Plan:
    return plan


def _nobody(_: Plan) -> Mapping[Purl, Origin]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Everything that one guarded command is judged by, wired once in `cli`."""

    world: World
    sources: Sequence[Source]
    checks: Sequence[Check]
    policy: Policy
    overrides: Sequence[Override]
    conditions: Conditions
    deadline: timedelta
    """For all advisory sources together."""
    announce: Callable[[Run], None]
    """Hears the verdict before anything is installed."""
    consent: Callable[[Run], Sequence[Override]]
    """Asks a person about what blocks; no person, no override."""
    settings: tuple[tuple[str, str], ...] = ()
    origins: Callable[[Plan], Mapping[Purl, Origin]] = _nobody
    """Asks where releases come from whose claims are in doubt, or that must come from somewhere."""
    beyond: Callable[[Plan], Plan] = _as_it_is
    """Adds to the plan what its registries' pages do not tell."""

    def known(self, plan: Plan) -> Facts:
        """Return what all sources know about *plan*."""
        now, offline = self.world.now(), self.conditions.offline
        return gather(plan, self.sources, now=now, deadline=self.deadline, offline=offline)


def guard(intent: Intent, ecosystem: Ecosystem, real_tool: Path, by: Guard, *, plan_only: bool = False) -> Run:
    """
    Return what became of *intent*: judged, and installed if the verdict allows it and *plan_only* is False.

    (0) Nothing foreign is fetched or run before step (5). Raises `CannotResolve` when there is no plan to judge and
    nothing that was judged on the way blocks.
    """
    started = by.world.now()
    vetting = Vetting(by, intent)
    with ecosystem.open(intent, real_tool, by.world, by.conditions, vetting.vet) as session:
        # (1) The whole set, from metadata alone.
        by.world.reporter.step("resolving")
        try:
            plan = session.resolve()
        except CannotResolve:
            if vetting.verdict(()).allowed:
                raise
            # The manager failed because the gateway refused what it asked for: the refusal is the answer.
            plan = Plan(ecosystem=intent.ecosystem, releases=tuple(vetting.releases))
        plan = ruled(plan, by.conditions)
        # (2) What registries and sources tell, (3) what the checks say to it.
        by.world.reporter.step(f"judging {len(plan.releases)} releases")
        plan = by.beyond(plan)
        facts = by.known(plan)
        facts = replace(facts, origins={} if by.conditions.offline else by.origins(plan))
        fixes = first_fixes(plan, facts) if not by.conditions.fixes else ()
        # Where something is known, what else there is: nobody should have to look for the version to take instead.
        if not fixes:
            facts = replace(facts, betters=nearest(facts, session.choices, by.known, by.conditions.cooldown))
        results = inspect(plan.releases, facts, by.checks)
        by.world.reporter.done()
        # (4) The verdict, and the person's word on what blocks.
        run = Run(
            intent=intent,
            plan=plan,
            verdict=vetting.verdict(results),
            sources=facts.sources,
            started=started,
            took=by.world.now() - started,
            accesses=session.accesses(),
            environment=session.environment(),
            offline=by.conditions.offline,
            settings=by.settings,
        )
        decided: tuple[Override, ...] = () if fixes or run.verdict.allowed else tuple(by.consent(run))
        if not (decided or fixes):
            by.announce(run)
            if run.verdict.allowed and not plan_only:
                # (5) Exactly the judged set, from the frozen view.
                return _install(run, session, results, vetting, by)
            return run
    # What is let through only now, a source or a first fixed version, changes what can be resolved: once more, then.
    again = replace(by, conditions=replace(by.conditions, fixes=fixes or by.conditions.fixes))
    if decided:
        again = replace(again, overrides=(*by.overrides, *decided), consent=lambda _: ())
    return guard(intent, ecosystem, real_tool, replace(again, conditions=conditions(again)), plan_only=plan_only)


def ruled(plan: Plan, of: Conditions) -> Plan:
    """Return *plan* under the rules of *of*: no session can leave them out."""
    return replace(plan, cooling=replace(plan.cooling, cooldown=of.cooldown, fixes=of.fixes), scripts=of.scripts)


def conditions(by: Guard) -> Conditions:
    """Return the conditions of *by* with what its overrides let through at this moment."""
    now = by.world.now()
    live = [one for one in by.overrides if one.until is None or one.until > now]
    return replace(
        by.conditions,
        source_builds=frozenset(one.purl for one in live if one.check == "source-build"),
        unverified=frozenset(one.purl for one in live if one.check == "unverified-source"),
        fresh=frozenset(one.purl for one in live if one.check == "fresh-release"),
        scripts=replace(
            by.conditions.scripts, overridden=frozenset(one.purl for one in live if one.check == "install-script")
        ),
    )


def inspect(releases: Iterable[Release], facts: Facts, checks: Sequence[Check]) -> tuple[Finding | Gap, ...]:
    """Return what every check says about every release; a missing fact is a gap, and nothing else makes gaps."""
    results: list[Finding | Gap] = []
    for release in releases:
        for check in checks:
            # A generator that raises half way has told the truth so far: what it yielded counts, and so does the gap.
            try:
                for finding in check.run(release, facts):
                    results.append(finding)  # noqa: PERF402 - a comprehension would lose them
            except FactMissing as missing:
                results.append(Gap(check=check.ident, purl=release.purl, reason=missing.message, hint=missing.hint))
    return tuple(results)


class Vetting:
    """Judges single releases just in time, and keeps what was found for the verdict of the run."""

    def __init__(self, by: Guard, intent: Intent) -> None:
        """Judge by the same sources, checks, policy and overrides as the whole."""
        self._by = by
        self._intent = intent
        self._lock = threading.Lock()
        self._judged: dict[Release, tuple[Finding | Gap, ...]] = {}

    @property
    def releases(self) -> tuple[Release, ...]:
        """What was asked for just in time, in that order."""
        with self._lock:
            return tuple(self._judged)

    def vet(self, release: Release) -> bool:
        """See `contracts.Vet`."""
        with self._lock:
            known = self._judged.get(release)
        if known is None:
            now = self._by.world.now()
            plan = ruled(Plan(ecosystem=self._intent.ecosystem, releases=(release,)), self._by.conditions)
            offline = self._by.conditions.offline
            facts = gather(plan, self._by.sources, now=now, deadline=self._by.deadline, offline=offline)
            known = inspect(plan.releases, facts, self._by.checks)
            with self._lock:
                self._judged[release] = known
        return self._judge(known).allowed

    def verdict(self, results: Sequence[Finding | Gap]) -> Verdict:
        """Return the verdict on *results* and on all that was judged just in time."""
        with self._lock:
            more = [one for found in self._judged.values() for one in found]
        return self._judge([*results, *(one for one in more if one not in results)])

    def _judge(self, results: Sequence[Finding | Gap]) -> Verdict:
        return judge(results, self._by.policy, self._by.overrides, now=self._by.world.now())


def _install(run: Run, session: Session, results: Sequence[Finding | Gap], vetting: Vetting, by: Guard) -> Run:
    installed: Installed = session.install(run.plan)
    # What a build backend asked for while it ran was judged then; it belongs to the verdict.
    return replace(
        run,
        installed=installed,
        verdict=vetting.verdict(results),
        accesses=session.accesses(),
        took=_since(run.started, by),
    )


def _since(started: datetime, by: Guard) -> timedelta:
    return by.world.now() - started
