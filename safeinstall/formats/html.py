"""A report to look at: one self-contained HTML file with the findings and the dependency graph."""

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import ClassVar

from safeinstall import __version__
from safeinstall.commandline import shown
from safeinstall.formats.graph import Drawn, drawn
from safeinstall.formats.json_v1 import moment
from safeinstall.model import Decision, Finding, Ruling
from safeinstall.paths import ways, why
from safeinstall.runs import AUDIT, Run
from safeinstall.text import printable

_FOLDER = Path(__file__).parent
_PURL = 2000
_WORDS = {
    Decision.BLOCK: "blocks",
    Decision.WARN: "warning",
    Decision.OVERRIDDEN: "overridden",
    Decision.NOTE: "note",
}


class Html:
    """See `Format`; no script, style, font or picture comes from elsewhere, and the page's own policy forbids it."""

    ident: ClassVar[str] = "html"

    def render(self, run: Run) -> str:
        """See `Format.render`."""
        style = (_FOLDER / "report.css").read_text(encoding="utf-8")
        script = (_FOLDER / "report.js").read_text(encoding="utf-8")
        policy = (
            f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
            "base-uri 'none'; form-action 'none'"
        )
        title = f"safeinstall: {_text(' '.join((run.intent.tool, *shown(run.intent.argv))))}"
        return "\n".join(
            [
                "<!DOCTYPE html>",
                '<html lang="en">',
                "<head>",
                '<meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                '<meta name="color-scheme" content="light dark">',
                f"<title>{title}</title>",
                f"<style>{style}</style>",
                "</head>",
                "<body>",
                *_head(run),
                "<main>",
                *_findings(run),
                *_graph(drawn(run)),
                *_sources(run),
                "</main>",
                f"<footer>safeinstall {_text(__version__)}, {moment(run.started)}</footer>",
                f"<script>{script}</script>",
                "</body>",
                "</html>",
                "",
            ]
        )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _text(text: str, *, limit: int = 200) -> str:
    """Return foreign *text* as HTML."""
    return escape(printable(text, limit=limit))


def _head(run: Run) -> Iterator[str]:
    rulings = run.verdict.rulings
    blocking = [one for one in rulings if one.decision is Decision.BLOCK]
    findings = sum(isinstance(one.result, Finding) for one in blocking)
    word = "Clean" if not rulings else "Allowed"
    if blocking:
        word = ("Affected" if run.intent.verb == AUDIT else "Blocked") if findings else "Not judged"
    state = "bad" if findings else "gap" if blocking else "good"
    warnings = sum(one.decision is Decision.WARN for one in rulings)
    done = run.installed
    fate = "nothing was installed" if done is None else f"the manager ended with {done.exit_code}"
    yield "<header>"
    yield f'<p class="state {state}">{word}</p>'
    yield f"<h1><code>{_text(' '.join((run.intent.tool, *shown(run.intent.argv))), limit=400)}</code></h1>"
    yield (
        f"<p>{findings} blocking findings, {len(blocking) - findings} gaps and {warnings} warnings in "
        f"{len(run.plan.releases)} releases; {fate}.</p>"
    )
    yield "</header>"


def _findings(run: Run) -> Iterator[str]:
    found = ways(run.plan)
    releases = {one.purl: one for one in run.plan.releases}
    checks = sorted({one.result.check for one in run.verdict.rulings})
    yield '<section aria-labelledby="findings"><h2 id="findings">Findings</h2>'
    if not checks:
        yield "<p>Nothing is known against any of the releases.</p>"
    else:
        yield '<label for="check">Show</label> <select id="check"><option value="">all checks</option>'
        yield from (f'<option value="{_text(one)}">{_text(one)}</option>' for one in checks)
        yield "</select>"
        yield "<ol>"
        for ruling in run.verdict.rulings:
            reason = " ← ".join(why(ruling.result.purl, found, releases, run.intent))
            yield from _finding(ruling, reason)
        yield "</ol>"
    yield from (f"<p>{_text(note)}</p>" for note in run.plan.notes)
    yield "</section>"


def _finding(ruling: Ruling, reason: str) -> Iterator[str]:
    result = ruling.result
    decision = _WORDS[ruling.decision]
    yield f'<li class="finding {ruling.decision.value}" data-check="{_text(result.check)}">'
    title = result.title if isinstance(result, Finding) else f"could not be judged: {result.reason}"
    yield f'<h3><span class="tag">{decision}</span> {_text(title)}</h3>'
    yield f"<p><code>{_text(result.purl, limit=_PURL)}</code></p><p>{_text(reason, limit=600)}</p>"
    if isinstance(result, Finding) and result.evidence:
        yield "<ul>" + "".join(f"<li>{_text(one)}</li>" for one in result.evidence) + "</ul>"
    if ruling.override is not None:
        yield f"<p>{_text(ruling.because)}</p>"
    if result.hint is not None:
        yield f'<p class="hint">{_text(result.hint)}</p>'
    yield "</li>"


def _graph(graph: Drawn) -> Iterator[str]:
    yield '<section aria-labelledby="graph"><h2 id="graph">Who requires whom</h2>'
    yield (
        "<p>From what was asked for, on the left, to what it brings. What is flagged, and the way to it, is drawn "
        "strong; the list above says the same in words.</p>"
    )
    yield '<div class="graph" tabindex="0" role="region" aria-label="Dependency graph">'
    yield (
        f'<svg width="{graph.width}" height="{graph.height}" viewBox="0 0 {graph.width} {graph.height}" '
        f'role="img" aria-label="{len(graph.nodes)} releases, {graph.flagged} of them flagged">'
    )
    # What is drawn last lies on top: the ways to what is flagged.
    for on_way in (False, True):
        yield from (
            f'<path class="edge{" way" if on_way else ""}" d="{edge.path}"/>'
            for edge in graph.edges
            if edge.on_way is on_way
        )
    for node in graph.nodes:
        checks = " ".join(node.checks)
        yield (
            f'<g class="node {node.state}" data-checks="{_text(checks)}">'
            f'<rect x="{node.x}" y="{node.y}" width="{node.width}" height="18" rx="4"/>'
            f'<text x="{node.x + 6}" y="{node.y + 13}">{_text(node.label, limit=28)}</text>'
            f"<title>{_text(node.title, limit=300)}</title></g>"
        )
    yield "</svg></div></section>"


def _sources(run: Run) -> Iterator[str]:
    yield '<section aria-labelledby="sources"><h2 id="sources">Who was asked</h2><ul>'
    for state in run.sources:
        when = f", as of {moment(state.as_of)}" if state.as_of is not None else ""
        detail = f" ({_text(state.detail)})" if state.detail else ""
        yield f"<li>{_text(state.source)}: {state.answered} of {state.asked} releases{when}{detail}</li>"
    yield "</ul></section>"
