"""
Judge the newest releases of popular packages against their previous ones, by metadata alone.

    python bench/gone_bad.py [--count 60] [--markdown FILE]

Asks the registries that pip and npm are configured for: one page or packument for each name, one for each dependency
that is new in a release, and for pip two range reads of wheels. Prints how many releases the default policy would block
and how many it would warn of; the limits are 2 % and 15 %.
"""

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

from packaging.markers import default_environment
from packaging.tags import sys_tags
from packaging.version import InvalidVersion, Version

from safeinstall.checks.changed_release import ChangedRelease
from safeinstall.checks.combination import Combination
from safeinstall.checks.ownership import Ownership
from safeinstall.checks.provenance import Provenance
from safeinstall.contracts import Conditions
from safeinstall.ecosystems.pypi import releases as python
from safeinstall.ecosystems.pypi.history import histories
from safeinstall.ecosystems.pypi.registries import registries
from safeinstall.errors import SafeinstallError
from safeinstall.facts import Facts
from safeinstall.gateway.npm_history import history as npm_history
from safeinstall.gateway.npm_packument import page_facts, parsed
from safeinstall.gateway.pages import IndexFile
from safeinstall.gateway.pypi import PypiGateway
from safeinstall.gateway.pypi_target import Target
from safeinstall.gateway.server import Refusal, Request, Transport
from safeinstall.gateway.upstream import Upstream
from safeinstall.model import (
    Artifact,
    ArtifactKind,
    BuildNeed,
    Decision,
    EcosystemName,
    Plan,
    Project,
    Registry,
    Release,
    Ruling,
    Visibility,
)
from safeinstall.names.popular import popular
from safeinstall.pipeline import inspect
from safeinstall.policy import Policy, judge
from safeinstall.purl import make

CHECKS = (Combination(), ChangedRelease(), Ownership(), Provenance())
TRANSPORT = Transport(proxy=os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or "")
ACCEPT = {"accept": "application/vnd.pypi.simple.v1+json, text/html; q=0.1", "accept-encoding": "gzip"}
NOW = datetime.now(timezone.utc)
MAX = 300_000_000
MOST_BLOCKED, MOST_WARNED = 0.02, 0.15


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One release with what was said of it."""

    name: str
    version: str
    against: str
    rulings: tuple[Ruling, ...]

    @property
    def decision(self) -> str:
        """The hardest decision on it, gaps left out."""
        found = [one.decision for one in self.rulings if hasattr(one.result, "kind")]
        return next((one.value for one in (Decision.BLOCK, Decision.WARN, Decision.NOTE) if one in found), "clean")


def top(ecosystem: EcosystemName, count: int) -> list[str]:
    """Return the most downloaded names."""
    index = popular(ecosystem)
    ranked = sorted((index.name(place) for place in range(index.size)), key=lambda name: index.rank(name) or 10**9)
    return ranked[:count]


def judged(release: Release, plan: Plan) -> Judged:
    """Return what the checks and the default policy say of *release*."""
    results = inspect([release], Facts(plan=plan, now=NOW), CHECKS)
    history = plan.histories.get(release.purl)
    base = history.base() if history is not None else None
    against = base.version if base is not None else "nothing"
    verdict = judge(results, Policy(), (), now=NOW)
    return Judged(name=release.name, version=release.version, against=against, rulings=verdict.rulings)


def newest(files: Iterable[IndexFile]) -> IndexFile | None:
    """Return a file of the newest version that is no prerelease: a wheel, where there is one."""
    ranked = []
    for place, file in enumerate(files):
        with contextlib.suppress(InvalidVersion):
            version = Version(file.version)
            if not version.is_prerelease:
                ranked.append((version, file.is_wheel, -place, file))
    return max(ranked)[-1] if ranked else None


def new_dependencies(plan: Plan) -> Iterator[str]:
    """Yield the names that the planned release needs and its base did not."""
    for history in plan.histories.values():
        base = history.base()
        if base is not None and base.dependencies is not None:
            yield from sorted(set(history.planned.dependencies or ()) - set(base.dependencies))


def npm(names: Iterable[str]) -> Iterator[Judged]:
    """Yield the newest releases on npm."""
    root = subprocess.run(
        ["npm", "config", "get", "registry"], capture_output=True, text=True, check=True
    ).stdout.strip()
    upstream = Upstream()

    def packument(name: str) -> Mapping[str, object]:
        url = f"{root.rstrip('/')}/{quote(name, safe='@')}"
        headers = {"accept": "application/json", "accept-encoding": "gzip"}
        return parsed(upstream.open(url, headers=headers, transport=TRANSPORT).read(MAX))

    def project(name: str) -> Project | None:
        try:
            page = page_facts(packument(name))
        except SafeinstallError:
            return None
        return Project(purl=make(EcosystemName.NPM, name), first_uploaded=page.first_uploaded, releases=page.releases)

    for name in names:
        document = packument(name)
        tags = document.get("dist-tags")
        version = str(tags.get("latest")) if isinstance(tags, dict) else ""
        history = npm_history(document, name, version)
        if history is None:
            print(f"{name}: no newest version", file=sys.stderr)
            continue
        purl = make(EcosystemName.NPM, name, version)
        artifact = Artifact(kind=ArtifactKind.TARBALL, filename="", url="", uploaded=history.planned.uploaded)
        registry = Registry(url="", visibility=Visibility.PUBLIC)
        release = Release(purl=purl, name=name, version=version, artifact=artifact, registry=registry)
        plan = Plan(ecosystem=EcosystemName.NPM, releases=(release,), histories={purl: history})
        pages = [page for one in new_dependencies(plan) if (page := project(one)) is not None]
        yield judged(release, replace(plan, projects=tuple(pages)))


def pip(names: Iterable[str]) -> Iterator[Judged]:
    """Yield the newest releases on the Python index."""
    from pip._internal.models.index import PyPI  # noqa: PLC0415 - pip's own default, which we do not spell

    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    index = (os.environ.get("PIP_INDEX_URL") or told or PyPI.simple_url).rstrip("/")
    environment = {key: str(value) for key, value in default_environment().items()}
    target = Target(tags=tuple(map(str, sys_tags())), python_full_version="3.11.7", environment=environment, trim=False)
    gateway = PypiGateway(
        upstream=Upstream(), target=target, vet_file=lambda _: False, vet_url=lambda _: False, cache=None
    )
    gateway.close()  # nothing is fetched ahead
    known = registries((index,), Conditions())

    def ask(url: str) -> None:
        b"".join(gateway.answer(Request(method="GET", url=url, headers=ACCEPT, transport=TRANSPORT)).body)

    for name in names:
        ask(f"{index}/{name}/")
        file = newest(gateway.files_of(name))
        if file is None:
            print(f"{name}: no file", file=sys.stderr)
            continue
        try:
            ask(f"{file.url}.metadata")
        except Refusal as refusal:
            print(f"{name}: {refusal.reason}", file=sys.stderr)
        release = python.listed(file, known, build=BuildNeed.NONE, asked=name)
        plan = Plan(
            ecosystem=EcosystemName.PYPI,
            releases=(release,),
            histories=histories([release], gateway, {}, NOW),
        )
        pages = []
        for one in new_dependencies(plan):
            try:
                ask(f"{index}/{one}/")
            except Refusal:
                continue
            found = gateway.project(one)
            pages += [found] if found is not None else []
        yield judged(release, replace(plan, projects=tuple(pages)))


def table(title: str, found: list[Judged]) -> Iterator[str]:
    """Yield the lines of a Markdown section."""
    counts = {word: sum(one.decision == word for one in found) for word in ("block", "warn", "note", "clean")}
    yield f"\n## {title}: {len(found)} releases, {counts['block']} blocked, {counts['warn']} warned of\n"
    yield "| release | against | decision | why |\n|---|---|---|---|"
    for one in found:
        told = [
            f"{part}"
            for ruling in one.rulings
            for part in getattr(ruling.result, "evidence", ())
            if "score" not in part
        ]
        why = "; ".join(told).replace("|", "\\|")
        yield f"| {one.name} {one.version} | {one.against} | {one.decision} | {why} |"


def main() -> None:
    """Print the lists and what they come to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--markdown", type=Path, help="append the lists to this file")
    given = parser.parse_args()
    failed = False
    for title, ecosystem, read in (("npm", EcosystemName.NPM, npm), ("PyPI", EcosystemName.PYPI, pip)):
        found = list(read(top(ecosystem, given.count)))
        lines = list(table(title, found))
        print("\n".join(lines))
        blocked = sum(one.decision == "block" for one in found) / max(len(found), 1)
        warned = sum(one.decision == "warn" for one in found) / max(len(found), 1)
        failed = failed or blocked > MOST_BLOCKED or warned > MOST_WARNED
        if given.markdown is not None:
            with given.markdown.open("a", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
    sys.exit(failed)


if __name__ == "__main__":
    main()
