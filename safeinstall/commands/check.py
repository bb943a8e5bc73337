"""`safeinstall check`: judges names alone, for whoever writes them into a package.json or a requirements file."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from safeinstall.commands.arguments import Parser
from safeinstall.commands.common import settings_of, use_popular
from safeinstall.config import Settings
from safeinstall.errors import MalformedAnswer, Misconfigured
from safeinstall.facts import Facts
from safeinstall.formats.json_v1 import ruling_of
from safeinstall.gather import gather
from safeinstall.model import (
    AdvisoryKind,
    Artifact,
    ArtifactKind,
    Decision,
    EcosystemName,
    Finding,
    Plan,
    Registry,
    Release,
    Ruling,
    Visibility,
)
from safeinstall.outside import Outside
from safeinstall.places import places
from safeinstall.policy import judge
from safeinstall.purl import make
from safeinstall.runs import BLOCKED_BY_FINDING
from safeinstall.text import printable

BY_NAME = frozenset({"typosquat", "advisory"})
"""The checks that can say something about a name alone."""

_WORDS = {Decision.BLOCK: "error", Decision.WARN: "warning", Decision.NOTE: "note", Decision.OVERRIDDEN: "override"}
_DEADLINE = timedelta(seconds=5)
_ANY = {EcosystemName.PYPI: "0", EcosystemName.NPM: "0.0.0"}
"""A version that only records on every version of a name speak of."""
_NPM_NAME = re.compile(r"(@[^/@\s]+/)?[^@/\s]+")
_PYPI_NAME = re.compile(r"[^\s\[<>=!~;@()]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Name:
    """One name that was asked about."""

    text: str
    release: Release
    claim: str | None
    """The setting that declares it private."""


def run(outside: Outside, words: Sequence[str]) -> int:
    """Judge the names in *words*; returns 0, or 40 when one of them blocks."""
    parser = Parser("check", "Judge names alone: look-alikes of popular ones, known malware, your private names.")
    parser.add_argument(
        "names", metavar="NAME", nargs="+", help="a name or a requirement: flask, flask>=3, @types/node@20"
    )
    parser.add_argument("--ecosystem", choices=[one.value for one in EcosystemName], help="default: by NAME and folder")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: one object for all names")
    given = parser.parse_args(words)
    settings = settings_of(outside, places(outside.env))
    use_popular(outside, settings, places(outside.env))
    names = [_read(text, _ecosystem(text, given.ecosystem, outside.cwd), settings) for text in given.names]
    rulings = _judged(outside, settings, names)
    if given.format == "json":
        outside.data(json.dumps(_document(names, rulings), indent=2, ensure_ascii=True) + "\n")
    else:
        outside.data("\n\n".join("\n".join(block) for block in _blocks(names, rulings)) + "\n")
    return BLOCKED_BY_FINDING if any(one.decision is Decision.BLOCK for one in rulings) else 0


def _ecosystem(text: str, told: str | None, cwd: Path) -> EcosystemName:
    if told is not None:
        return EcosystemName(told)
    if text.startswith("@") or (cwd / "package.json").exists():
        return EcosystemName.NPM
    return EcosystemName.PYPI


def _read(text: str, ecosystem: EcosystemName, settings: Settings) -> _Name:
    found = (_PYPI_NAME if ecosystem is EcosystemName.PYPI else _NPM_NAME).match(text.strip())
    if found is None:
        raise Misconfigured(f"`{printable(text)}` is no {ecosystem.value} name")
    name = found[0]
    try:
        purl = make(ecosystem, name)
    except MalformedAnswer as error:
        raise Misconfigured(error.message, hint="safeinstall check --ecosystem npm @types/node") from error
    claim = settings.private.claim(ecosystem, name)
    release = Release(
        purl=purl,
        name=name,
        version=_ANY[ecosystem],
        artifact=Artifact(
            kind=ArtifactKind.WHEEL if ecosystem is EcosystemName.PYPI else ArtifactKind.TARBALL, filename="", url=""
        ),
        # Records speak of names on public registries; a private name is none of them.
        registry=Registry(url="", visibility=Visibility.PUBLIC if claim is None else Visibility.PRIVATE),
        asked=text,
    )
    return _Name(text=text, release=release, claim=claim)


def _judged(outside: Outside, settings: Settings, names: Sequence[_Name]) -> tuple[Ruling, ...]:
    """Return what the checks that need no more than a name say, by what lies on this machine."""
    offline = replace(settings, values={**settings.values, "offline": replace(settings.values["offline"], value=True)})
    sources = outside.sources(offline, places(outside.env).cache)
    results: list[Finding] = []
    checks = [one for one in outside.checks() if one.ident in BY_NAME]
    for ecosystem in EcosystemName:
        some = tuple({one.release.purl: one.release for one in names if _of(one) is ecosystem}.values())
        facts = _malware(gather(Plan(ecosystem=ecosystem, releases=some), sources, now=outside.now(),
                                deadline=_DEADLINE, offline=True))  # fmt: skip
        for release in some:
            for check in checks:
                results += [_alone(finding, release) for finding in check.run(release, facts)]
    return judge(results, settings.policy, (), now=outside.now()).rulings


def _malware(facts: Facts) -> Facts:
    """Return *facts* without what is said about single versions: the one that is asked about is none."""
    told = {**facts.partial, **facts.known}
    kept = {purl: tuple(one for one in found if one.kind is AdvisoryKind.MALWARE) for purl, found in told.items()}
    return replace(facts, known=kept, partial={})


def _alone(finding: Finding, release: Release) -> Finding:
    """Return *finding* without what it says of a version and of an age: nobody was asked for either."""
    evidence = tuple(one for one in finding.evidence if not one.startswith("unknown age"))
    return replace(finding, title=finding.title.replace(f"` {release.version} ", "` ", 1), evidence=evidence)


def _of(name: _Name) -> EcosystemName:
    return EcosystemName(name.release.purl[4:].partition("/")[0])


def _blocks(names: Sequence[_Name], rulings: Sequence[Ruling]) -> Iterator[Sequence[str]]:
    for ruling in rulings:
        yield list(_lines(ruling))
    for name in names:
        if name.claim is not None:
            yield [f"note: `{printable(name.text)}` is private ({name.claim}): only its own registry is asked for it"]
    blocked = len({one.result.purl for one in rulings if one.decision is Decision.BLOCK})
    told = len({one.result.purl for one in rulings if one.decision is not Decision.BLOCK})
    of = "1 name" if len(names) == 1 else f"{len(names)} names"
    what = f"{blocked} blocked, {told} with a warning or note" if rulings else "nothing against any"
    yield [f"safeinstall: {of} judged by name alone, with what is on this machine: {what}; nothing was installed"]


def _lines(ruling: Ruling) -> Iterator[str]:
    finding = ruling.result
    assert isinstance(finding, Finding)
    yield f"{_WORDS[ruling.decision]}[{finding.check}]: {printable(finding.title)}"
    yield f"  --> {printable(finding.purl)}"
    yield from (f"   = evidence: {printable(one)}" for one in finding.evidence)
    yield f"   = severity: {finding.severity.name.lower()}; confidence: {finding.confidence.name.lower()}"
    if finding.hint is not None:
        yield f"   = hint: {printable(finding.hint)}"


def _document(names: Sequence[_Name], rulings: Sequence[Ruling]) -> dict[str, object]:
    return {
        "format": "safeinstall-check",
        "version": 1,
        "allowed": not any(one.decision is Decision.BLOCK for one in rulings),
        "names": [
            {
                "asked": printable(name.text),
                "purl": name.release.purl,
                "private": name.claim,
                "rulings": [ruling_of(one) for one in rulings if one.result.purl == name.release.purl],
            }
            for name in names
        ],
    }
