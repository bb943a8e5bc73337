"""
Version 1 of our JSON: a frozen format of its own, published as `json_v1.schema.json`.

Nothing here is a dump of `model.py`: records may change, this document may not. A further version is a further file.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from safeinstall import __version__
from safeinstall.commandline import shown
from safeinstall.formats.cooling import let_through_of, withheld_of
from safeinstall.model import Artifact, Finding, Gap, Override, Plan, Purl, Release, Ruling, SourceState
from safeinstall.paths import ways, why
from safeinstall.runs import AccessKind, Phase, Run, exit_code
from safeinstall.text import printable, redacted

SCHEMA = Path(__file__).with_name("json_v1.schema.json")
"""The JSON Schema (draft 2020-12) of what `render` returns."""


class JsonV1:
    """The whole run as one JSON object."""

    ident: ClassVar[str] = "json"

    def render(self, run: Run) -> str:
        """See `Format.render`."""
        # ASCII only: whatever a terminal or a log makes of foreign characters, the document stays one.
        return json.dumps(document(run), indent=2, ensure_ascii=True) + "\n"


def document(run: Run) -> dict[str, object]:
    """Return the document of *run* as plain JSON values."""
    done = run.installed
    return {
        "format": "safeinstall",
        "version": 1,
        "safeinstall": __version__,
        "command": {
            "ecosystem": run.intent.ecosystem.value,
            "tool": run.intent.tool,
            "argv": list(shown(run.intent.argv)),
            "cwd": str(run.intent.cwd),
        },
        "started": moment(run.started),
        "seconds": round(run.took.total_seconds(), 3),
        "offline": run.offline,
        "allowed": run.verdict.allowed,
        "exit_code": exit_code(run),
        "releases": releases(run),
        "rulings": [ruling_of(one) for one in run.verdict.rulings],
        "sources": [source_of(one) for one in run.sources],
        "unused_overrides": [override_of(one) for one in run.verdict.unused],
        "expired_overrides": [override_of(one) for one in run.verdict.expired],
        "notes": [printable(note) for note in run.plan.notes],
        "withheld": withheld_of(run.plan),
        "let_through": let_through_of(run.plan),
        "settings": [{"setting": setting, "origin": origin} for setting, origin in run.settings],
        "gateway": gateway(run),
        "installed": None
        if done is None
        else {
            "exit_code": done.exit_code,
            "differences": [printable(one) for one in done.differences],
            "refused": [printable(one) for one in done.blocked],
        },
    }


def releases(run: Run) -> list[dict[str, object]]:
    """Return every release of the plan, with why it is there."""
    found = ways(run.plan)
    by_purl = {release.purl: release for release in run.plan.releases}
    required = _requirements(run.plan)
    return [
        {
            "purl": release.purl,
            "name": printable(release.name),
            "version": printable(release.version),
            "alias": None if release.alias is None else printable(release.alias),
            "asked": None if release.asked is None else " ".join(shown([release.asked])),
            "why": list(why(release.purl, found, by_purl, run.intent)),
            "required_by": required.get(release.purl, []),
            "kept": release.kept,
            "build": release.build.value,
            "install_script": release.install_script,
            "yanked": None if release.yanked is None else printable(release.yanked),
            "registry": _registry(release),
            "artifact": _artifact(release.artifact),
        }
        for release in run.plan.releases
    ]


def ruling_of(ruling: Ruling) -> dict[str, object]:
    """Return one finding or gap with what became of it."""
    result = ruling.result
    said: dict[str, object] = {
        "check": result.check,
        "purl": result.purl,
        "decision": ruling.decision.value,
        "because": printable(ruling.because),
        "hint": None if result.hint is None else printable(result.hint),
        "override": None if ruling.override is None else override_of(ruling.override),
    }
    match result:
        case Finding():
            finding = {
                "kind": result.kind,
                "severity": result.severity.name.lower(),
                "confidence": result.confidence.name.lower(),
                "title": printable(result.title),
                "evidence": [printable(one) for one in result.evidence],
                "advisories": [printable(one) for one in result.ids],
            }
            return {"type": "finding", **said, **finding}
        case Gap():
            return {"type": "gap", **said, "reason": printable(result.reason)}


def override_of(override: Override) -> dict[str, object]:
    """Return a person's decision."""
    return {
        "purl": override.purl,
        "check": override.check,
        "reason": printable(override.reason),
        "until": None if override.until is None else moment(override.until),
        "by": printable(override.by),
        "origin": printable(override.origin),
    }


def source_of(state: SourceState) -> dict[str, object]:
    """Return how far one source was heard."""
    return {
        "source": state.source,
        "asked": state.asked,
        "answered": state.answered,
        "as_of": None if state.as_of is None else moment(state.as_of),
        "detail": printable(state.detail),
    }


def gateway(run: Run) -> dict[str, dict[str, dict[str, int]]]:
    """Return by phase and kind how many requests the manager made and how many bytes it was given."""
    counts = {phase.value: {kind.value: {"requests": 0, "bytes": 0} for kind in AccessKind} for phase in Phase}
    for access in run.accesses:
        # What was refused is a request, too; no byte of an artifact goes with it, only the refusal's words.
        counted = counts[access.phase.value][access.kind.value]
        served = access.status < 400  # noqa: PLR2004 - HTTP's own line between answers and errors
        counted["requests"] += served
        counted["bytes"] += access.sent if served else 0
    return counts


def moment(when: datetime) -> str:
    """Return *when* as RFC 3339 in UTC, to the second."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _requirements(plan: Plan) -> Mapping[Purl, Sequence[Mapping[str, object]]]:
    required: dict[Purl, list[Mapping[str, object]]] = {}
    for edge in plan.edges:
        words = " ".join(shown([edge.requirement]))
        entry = {"purl": edge.parent, "requirement": words, "build": edge.build}
        required.setdefault(edge.child, []).append(entry)
    return required


def _registry(release: Release) -> dict[str, object] | None:
    if release.registry is None:
        return None
    return {"url": redacted(release.registry.url), "visibility": release.registry.visibility.value}


def _artifact(artifact: Artifact) -> dict[str, object]:
    return {
        "kind": artifact.kind.value,
        "filename": printable(artifact.filename),
        "url": redacted(artifact.url),
        "digests": {digest.algorithm: digest.value for digest in artifact.digests},
        "size": artifact.size,
        "uploaded": None if artifact.uploaded is None else moment(artifact.uploaded),
    }
