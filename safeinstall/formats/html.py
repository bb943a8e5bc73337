"""A report to look at: one self-contained HTML file with the findings and the dependency graph."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from safeinstall import __version__
from safeinstall.commandline import shown
from safeinstall.formats import cooling
from safeinstall.formats.cards import Cards
from safeinstall.formats.graph import MARKS, Drawn, drawn
from safeinstall.formats.json_v1 import moment
from safeinstall.formats.markup import prose, text
from safeinstall.model import Decision, Gap, Ruling
from safeinstall.runs import AUDIT, Run
from safeinstall.text import counted

_FOLDER = Path(__file__).parent
_LEGEND = {"bad": "blocks", "warn": "warning", "over": "overridden"}


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
        graph = drawn(run)
        return "\n".join(
            [
                "<!DOCTYPE html>",
                '<html lang="en">',
                "<head>",
                '<meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                '<meta name="color-scheme" content="light dark">',
                f"<title>safeinstall: {text(_command(run))}</title>",
                f"<style>{style}</style>",
                "</head>",
                "<body>",
                *_head(run),
                "<main>",
                *_changed(run),
                *_findings(run, Cards(run, graph.idents)),
                *_graph(graph),
                *_resolved(run),
                *_sources(run),
                "</main>",
                f"<footer>safeinstall {text(__version__)}, {moment(run.started)}</footer>",
                f"<script>{script}</script>",
                "</body>",
                "</html>",
                "",
            ]
        )


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _command(run: Run) -> str:
    return " ".join((run.intent.tool, *shown(run.intent.argv)))


def _head(run: Run) -> Iterator[str]:
    gaps = [isinstance(one.result, Gap) for one in run.verdict.rulings if one.decision is Decision.BLOCK]
    done = run.installed
    audit = run.intent.verb == AUDIT
    if gaps:
        state, word = ("gap", "Not judged") if all(gaps) else ("bad", "Affected" if audit else "Blocked")
    elif done is not None and (done.blocked or done.differences):
        state, word = "bad", "Not what was judged"
    else:
        state, word = "good", "Allowed" if run.verdict.rulings else "Clean"
    by = {decision: sum(one.decision is decision for one in run.verdict.rulings) for decision in Decision}
    said = [
        counted(len(gaps) - sum(gaps), "blocking finding"),
        counted(sum(gaps), "blocking gap"),
        counted(by[Decision.WARN], "warning"),
        counted(by[Decision.OVERRIDDEN], "override"),
    ]
    loud = ", ".join(one for one in said if not one.startswith("0 ")) or "nothing to act on"
    fate = "Nothing was installed"
    if done is not None:
        fate = "Installed" if done.exit_code == 0 else f"The manager ended with {done.exit_code}"
    elif audit:
        fate = "Only read: nothing was installed or changed"
    yield "<header>"
    yield f'<p class="state {state}">{word}</p>'
    yield f"<h1><code>{text(_command(run), limit=400)}</code></h1>"
    yield f"<p>{loud[0].upper()}{loud[1:]} in {counted(len(run.plan.releases), 'release')}. {fate}.</p>"
    yield "</header>"


def _changed(run: Run) -> Iterator[str]:
    done = run.installed
    if done is None or not (done.blocked or done.differences):
        return
    yield '<section aria-labelledby="changed"><h2 id="changed">What the registry served is not what was judged</h2><ul>'
    yield from (f"<li>refused: {text(one)}</li>" for one in done.blocked)
    yield from (f"<li>differs: {text(one)}</li>" for one in done.differences)
    yield "</ul></section>"


def _findings(run: Run, cards: Cards) -> Iterator[str]:
    checks = sorted({one.result.check for one in run.verdict.rulings})
    notes = [one for one in run.verdict.rulings if one.decision is Decision.NOTE]
    loud = [one for one in run.verdict.rulings if one.decision is not Decision.NOTE]
    yield '<section aria-labelledby="findings"><h2 id="findings">Findings</h2>'
    if checks:
        # Without its script the page shows everything, so the script brings the filter out.
        yield '<p class="controls" hidden><label for="check">Show</label>'
        yield '<select id="check"><option value="">all checks</option>'
        yield from (f'<option value="{text(one)}">{text(one)}</option>' for one in checks)
        yield '</select> <output id="shown" for="check"></output></p>'
    if loud:
        yield from ('<ol class="cards">', *cards.of(loud), "</ol>")
    else:
        yield f"<p>{'Nothing to act on.' if notes else 'Nothing is known against any of the releases.'}</p>"
    if notes:
        yield f"<details><summary>{_noted(notes)}, which decide nothing</summary>"
        yield from ('<ol class="cards">', *cards.of(notes), "</ol></details>")
    yield "</section>"


def _noted(notes: list[Ruling]) -> str:
    gaps = sum(isinstance(one.result, Gap) for one in notes)
    said = (counted(len(notes) - gaps, "note"), counted(gaps, "open question"))
    return " and ".join(one for one in said if not one.startswith("0 "))


def _graph(graph: Drawn) -> Iterator[str]:
    yield '<section aria-labelledby="graph"><h2 id="graph">Who requires whom</h2>'
    yield (
        "<p>From what was asked for to what it brings: each release hangs on the first that requires it. What is "
        "flagged, and the way to it, is drawn strong and comes first; the findings say the same in words.</p>"
    )
    yield '<ul class="legend">'
    here = {node.state for node in graph.nodes}
    yield from (f'<li class="{state}">{MARKS[state]} {word}</li>' for state, word in _LEGEND.items() if state in here)
    yield from ('<li class="way">the way to it</li>',) if "way" in here else ()
    yield "</ul>"
    if {"way", "plain"} <= here:
        yield '<p class="controls" hidden><label><input type="checkbox" id="only"> '
        yield "Only what is flagged and the way to it</label></p>"
    hidden = sum(edge.beside and not edge.towards for edge in graph.edges)
    if hidden:
        rest = f" ({graph.left_out} more are too many to draw)" if graph.left_out else ""
        yield '<p class="controls wide" hidden><label><input type="checkbox" id="beside"> Draw the '
        yield f"{counted(hidden, 'other requirement')} too{rest}</label></p>"
    yield '<div class="graph" tabindex="0" role="region" aria-label="Dependency graph">'
    yield (
        f'<svg id="picture" width="{graph.width}" height="{graph.height}" viewBox="0 0 {graph.width} {graph.height}" '
        f'role="img" aria-label="{counted(len(graph.nodes), "release")}, {graph.flagged} of them flagged">'
    )
    # What is drawn last lies on top: the ways to what is flagged, the worst of them at the very top.
    order = ("", "over", "warn", "bad")
    for edge in sorted(graph.edges, key=lambda one: order.index(one.towards)):
        names = " ".join(("edge", *(("beside",) if edge.beside else ()), *((edge.towards,) if edge.towards else ())))
        checks = f' data-checks="{text(" ".join(edge.checks))}"' if edge.checks else ""
        yield f'<path class="{names}"{checks} data-to="{edge.child}" d="{edge.path}"/>'
    for node in graph.nodes:
        names = f"node {node.state} to-{node.towards}" if node.state == "way" else f"node {node.state}"
        checks = f' data-checks="{text(" ".join(node.checks))}"' if node.checks else ""
        yield (
            f'<g id="{node.ident}" class="{names}" data-up="{node.parent}"{checks}>'
            f'<rect x="{node.x}" y="{node.y}" width="{node.width}" height="18" rx="4"/>'
            f'<text x="{node.x + 6}" y="{node.y + 13}">{text(node.label)}</text>'
            f"<title>{text(node.title, limit=300)}</title></g>"
        )
    yield "</svg></div></section>"


def _resolved(run: Run) -> Iterator[str]:
    said = [*cooling.lines(run.plan, run.started), *run.plan.notes]
    if said:
        yield '<section aria-labelledby="resolved"><h2 id="resolved">How it was resolved</h2><ul>'
        yield from (f"<li>{prose(one)}</li>" for one in said)
        yield "</ul></section>"


def _sources(run: Run) -> Iterator[str]:
    yield '<section aria-labelledby="sources"><h2 id="sources">Who was asked</h2><ul>'
    for state in run.sources:
        when = f", as of {moment(state.as_of)}" if state.as_of is not None else ""
        detail = f" ({text(state.detail)})" if state.detail else ""
        yield f"<li>{text(state.source)}: {state.answered} of {state.asked} releases{when}{detail}</li>"
    if not run.sources:
        yield "<li>nobody</li>"
    yield "</ul></section>"
