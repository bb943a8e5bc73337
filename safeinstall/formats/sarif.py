"""SARIF 2.1.0: findings and gaps as results, at the lines of manifests and lockfiles that brought the releases in."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import ClassVar
from urllib.parse import quote

from safeinstall import __version__
from safeinstall.commandline import shown
from safeinstall.formats.json_v1 import moment, override_of
from safeinstall.locations import at
from safeinstall.model import Decision, Finding, Purl, Release, Ruling, Severity
from safeinstall.paths import ways, why
from safeinstall.runs import Location, Run, exit_code
from safeinstall.text import printable

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "PROJECT"
"""What relative paths begin at: the folder of the command."""
_LEVELS = {Decision.BLOCK: "error", Decision.WARN: "warning", Decision.NOTE: "note", Decision.OVERRIDDEN: "note"}
_SCORES = {Severity.NOTE: "0.1", Severity.LOW: "3.0", Severity.MEDIUM: "5.5", Severity.HIGH: "8.0",
           Severity.CRITICAL: "9.5"}  # fmt: skip
"""Numbers by which code hosts sort; they stand for our words and are no CVSS scores."""
_LONG = 2000


class Sarif:
    """One SARIF log with one run."""

    ident: ClassVar[str] = "sarif"

    def render(self, run: Run) -> str:
        """See `Format.render`."""
        document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(run)]}
        return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _run(run: Run) -> dict[str, object]:
    rules = sorted({_rule(one) for one in run.verdict.rulings})
    found = ways(run.plan)
    by_purl = {release.purl: release for release in run.plan.releases}
    return {
        "tool": {
            "driver": {
                "name": "safeinstall",
                "version": __version__,
                "rules": [_described(rule, run.verdict.rulings) for rule in rules],
            }
        },
        "automationDetails": {"id": f"safeinstall/{run.intent.tool}"},
        "invocations": [_invocation(run)],
        "originalUriBaseIds": {_ROOT: {"uri": f"file://{quote(str(run.intent.cwd).rstrip('/'))}/"}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(
                ruling, run, rules.index(_rule(ruling)), why(ruling.result.purl, found, by_purl, run.intent), by_purl
            )
            for ruling in run.verdict.rulings
        ],
        "properties": {
            "allowed": run.verdict.allowed,
            "releases": len(run.plan.releases),
            "offline": run.offline,
            "notes": [printable(note) for note in run.plan.notes],
        },
    }


def _invocation(run: Run) -> dict[str, object]:
    return {
        "commandLine": " ".join((run.intent.tool, *shown(run.intent.argv))),
        "executionSuccessful": True,
        "exitCode": exit_code(run),
        "startTimeUtc": moment(run.started),
        "endTimeUtc": moment(run.started + run.took),
        "workingDirectory": {"uriBaseId": _ROOT, "uri": ""},
    }


def _rule(ruling: Ruling) -> str:
    result = ruling.result
    return f"{result.check}/{result.kind if isinstance(result, Finding) else 'not-judged'}"


def _described(rule: str, rulings: Iterable[Ruling]) -> dict[str, object]:
    check, _, kind = rule.partition("/")
    mine = [one.result for one in rulings if _rule(one) == rule]
    worst = max((one.severity for one in mine if isinstance(one, Finding)), default=Severity.HIGH)
    gap = kind == "not-judged"
    text = f"what `{check}` asks could not be answered: it is never read as clean" if gap else f"{check}: {kind}"
    return {
        "id": rule,
        "shortDescription": {"text": text},
        "help": {"text": f"docs/checks/{check}.md tells what is asked, how it is decided, and what to do"},
        "properties": {"tags": ["security", "supply-chain"], "security-severity": _SCORES[worst]},
    }


def _result(
    ruling: Ruling, run: Run, index: int, because: tuple[str, ...], releases: Mapping[Purl, Release]
) -> dict[str, object]:
    result = ruling.result
    text = result.title if isinstance(result, Finding) else f"not judged: {result.reason}"
    lines = [text, f"{result.purl}, {', '.join(because)}"]
    if isinstance(result, Finding):
        lines += [f"evidence: {one}" for one in result.evidence]
    if result.hint is not None:
        lines.append(f"hint: {result.hint}")
    places = [_physical(one) for one in at(run, result.purl)]
    first: dict[str, object] = places[0] if places else {}
    made: dict[str, object] = {
        "ruleId": _rule(ruling),
        "ruleIndex": index,
        "level": _LEVELS[ruling.decision],
        "message": {"text": "\n".join(printable(line, limit=_LONG) for line in lines)},
        "locations": [{**first, "logicalLocations": [_logical(result.purl, releases, because)]}],
        "partialFingerprints": {"safeinstall/v1": _fingerprint(ruling)},
        "properties": {
            "purl": result.purl,
            "decision": ruling.decision.value,
            "because": printable(ruling.because),
            "why": list(because),
            "advisories": [printable(one) for one in result.ids] if isinstance(result, Finding) else [],
        },
    }
    if places[1:]:
        made["relatedLocations"] = places[1:]
    if ruling.override is not None:
        made["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": printable(ruling.override.reason),
                "properties": override_of(ruling.override),
            }
        ]
    return made


def _physical(place: Location) -> dict[str, object]:
    absolute = place.path.startswith("/")
    where = {"uri": f"file://{quote(place.path)}"} if absolute else {"uri": quote(place.path), "uriBaseId": _ROOT}
    region: dict[str, object] = {"startLine": place.line}
    if place.text:
        region["snippet"] = {"text": printable(place.text)}
    return {"physicalLocation": {"artifactLocation": where, "region": region}}


def _logical(purl: Purl, releases: Mapping[Purl, Release], because: tuple[str, ...]) -> dict[str, object]:
    """Return where it is when no file says so: in the set that the command line asked for."""
    release = releases.get(purl)
    name = printable(release.name) if release is not None else purl
    return {"name": name, "fullyQualifiedName": f"{because[-1]}: {purl}", "kind": "package"}


def _fingerprint(ruling: Ruling) -> str:
    """Return what stays the same from run to run, so that a code host knows an old result again."""
    result = ruling.result
    ids = sorted(result.ids) if isinstance(result, Finding) else []
    return hashlib.sha256(json.dumps([_rule(ruling), result.purl, ids]).encode()).hexdigest()
