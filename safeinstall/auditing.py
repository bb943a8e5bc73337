"""Judging what is installed or locked: the same checks and the same policy, with what a file or folder tells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from safeinstall.contracts import Check, Source
from safeinstall.cooldown import Cooldown, Cooling
from safeinstall.gather import gather
from safeinstall.inventory import Inventory
from safeinstall.model import EcosystemName, Finding, Gap, Intent, Override, Plan, Project, Purl, Release
from safeinstall.pipeline import inspect
from safeinstall.policy import Policy, judge
from safeinstall.purl import parts
from safeinstall.runs import AUDIT, Run
from safeinstall.scripts import Scripts

AUDITED = frozenset(
    {
        "advisory",
        "typosquat",
        "unverified-source",
        "install-script",
        "fresh-release",
        "registry-choice",
        "registry-status",
    }
)
"""The checks that can be answered without asking a registry."""

_PAST = "needs what the registry tells of earlier releases"
ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "starjacking": "needs what the registry says of other projects",
        "confusion": "needs what several registries list; a private name from the public registry is told all the same",
        "transport": "is about how a registry is asked, and none is",
        "source-build": "is about what installing would run, and nothing is installed",
        "changed-release": _PAST,
        "combination": _PAST,
        "ownership": _PAST,
        "provenance": _PAST,
    }
)
"""The other checks, and why an audit does not run them; `docs/audit.md` tells the user."""

_BY_AGE = "fresh-release"
"""A file that does not tell when something was uploaded never had to: of that no gap is made."""
_REGISTRY = "registry"
"""The source that asks the registries themselves; an audit asks none unless a setting requires that one."""
_UNPINNED = "unpinned"
"""What a registry does not tell of hashes is no fault of a file that never had to name them."""


@dataclass(frozen=True, kw_only=True)
class Auditor:
    """What an audit judges by."""

    sources: Sequence[Source]
    checks: Sequence[Check]
    policy: Policy
    overrides: Sequence[Override]
    deadline: timedelta
    offline: bool
    cooldown: Cooldown = field(default_factory=Cooldown)
    scripts: Scripts = field(default_factory=Scripts)
    settings: tuple[tuple[str, str], ...] = ()


def audit(inventories: Sequence[Inventory], by: Auditor, *, cwd: Path, now: Callable[[], datetime]) -> Run:
    """Return what was found in *inventories*, all of them together; nothing is installed or run."""
    started = now()
    plan = replace(joined(inventories), cooling=Cooling(cooldown=by.cooldown), scripts=by.scripts)
    asked = [one for one in by.sources if one.ident != _REGISTRY or not one.supplement]
    facts = gather(plan, asked, now=started, deadline=by.deadline, offline=by.offline)
    results = [
        *inspect(plan.releases, facts, [one for one in by.checks if one.ident in AUDITED - {_BY_AGE}]),
        *inspect(
            [one for one in plan.releases if one.artifact.uploaded is not None],
            facts,
            [one for one in by.checks if one.ident == _BY_AGE],
        ),
        *(gap for inventory in inventories for gap in inventory.gaps),
    ]
    kept = [one for one in results if not (isinstance(one, Finding) and one.kind == _UNPINNED)]
    return Run(
        intent=Intent(
            ecosystem=plan.ecosystem,
            tool="safeinstall",
            argv=(AUDIT, *(one.label for one in inventories)),
            verb=AUDIT,
            installs=False,
            cwd=cwd,
        ),
        plan=plan,
        verdict=judge(_once(kept), by.policy, by.overrides, now=started),
        sources=facts.sources,
        started=started,
        took=now() - started,
        offline=by.offline,
        settings=by.settings,
    )


def joined(inventories: Sequence[Inventory]) -> Plan:
    """Return *inventories* as one plan; what stands in several of them is there once."""
    releases: dict[tuple[object, ...], Release] = {}
    pages: dict[Purl, Project] = {}
    for inventory in inventories:
        for release in inventory.releases:
            key = (release.purl, release.registry, release.artifact.kind)
            other = releases.get(key)
            releases[key] = release if other is None else _both(other, release)
        for page in inventory.projects:
            pages[page.purl] = _older(page, pages.get(page.purl))
    first = next(iter(releases.values()), None)
    return Plan(
        ecosystem=parts(first.purl)[0] if first is not None else EcosystemName.PYPI,
        releases=tuple(releases.values()),
        edges=tuple(dict.fromkeys(edge for one in inventories for edge in one.edges)),
        projects=tuple(pages.values()),
        notes=tuple(note for one in inventories for note in one.notes),
    )


def _both(one: Release, other: Release) -> Release:
    labels = dict.fromkeys(label for each in (one, other) if each.asked for label in each.asked.split(", "))
    digests = tuple(dict.fromkeys((*one.artifact.digests, *other.artifact.digests)))
    return replace(
        one,
        asked=", ".join(labels) or None,
        alias=one.alias or other.alias,
        kept=one.kept and other.kept,
        install_script=one.install_script or other.install_script,
        yanked=one.yanked if one.yanked is not None else other.yanked,
        artifact=replace(one.artifact, digests=digests),
    )


def _older(page: Project, other: Project | None) -> Project:
    if other is None or other.first_uploaded is None or page.first_uploaded is None:
        return page
    return replace(page, first_uploaded=min(page.first_uploaded, other.first_uploaded))


def _once(results: Sequence[Finding | Gap]) -> tuple[Finding | Gap, ...]:
    """Return *results* without what was said twice, because a release lies in one place and is locked in another."""
    return tuple(dict.fromkeys(results))
