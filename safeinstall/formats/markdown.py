"""Markdown for a comment on a pull request or the summary of a step: the verdict, then what to act on."""

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from safeinstall.ages import span
from safeinstall.commandline import shown
from safeinstall.locations import at
from safeinstall.model import Decision, Gap, Ruling
from safeinstall.paths import ways, why
from safeinstall.runs import Run
from safeinstall.text import printable

_ESCAPED = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~@&$:=^])")
_SHOWN = 30
"""Rows of a table: a code host cuts long comments, and the first rows are the worst."""
_HEADS = {Decision.BLOCK: "Blocked", Decision.WARN: "Warnings", Decision.OVERRIDDEN: "Accepted by a person",
          Decision.NOTE: "Notes"}  # fmt: skip


class Markdown:
    """GitHub's flavour, without HTML of foreign making: every foreign character that means something is escaped."""

    ident: ClassVar[str] = "markdown"

    def render(self, run: Run) -> str:
        """See `Format.render`."""
        return "\n".join(_document(run)) + "\n"


def escaped(text: str) -> str:
    """Return foreign *text* so that Markdown shows it as it is: no link, mention, table cell or tag comes of it."""
    return _ESCAPED.sub(r"\\\1", printable(text))


def code(text: str) -> str:
    """Return foreign *text* as a span of code."""
    # A pipe ends a cell even inside code; a backtick would end the code.
    clean = printable(text, limit=400).replace("`", "'").replace("|", "\\|")
    return f"`{clean}`" if clean else ""


def _document(run: Run) -> Iterator[str]:
    rulings = run.verdict.rulings
    yield f"### safeinstall: {_verdict(run)}"
    yield ""
    yield code(" ".join((run.intent.tool, *shown(run.intent.argv))))
    for decision, head in _HEADS.items():
        mine = [one for one in rulings if one.decision is decision]
        if mine:
            yield from ("", f"#### {head} ({len(mine)})", "", *_table(mine, run))
    notes = [escaped(note) for note in run.plan.notes]
    if notes:
        yield from ("", "#### How it was resolved", "", *(f"- {note}" for note in notes))
    yield from ("", _foot(run))


def _verdict(run: Run) -> str:
    count = f"{len(run.plan.releases)} release{'' if len(run.plan.releases) == 1 else 's'}"
    blocking = [one.result for one in run.verdict.rulings if one.decision is Decision.BLOCK]
    if blocking:
        gaps = sum(isinstance(one, Gap) for one in blocking)
        return f"**blocked** by {len(blocking) - gaps} findings and {gaps} gaps in {count}; nothing was installed"
    done = run.installed
    if done is not None and (done.blocked or done.differences):
        return f"**what was installed is not what was judged**, in {count}"
    rest = "nothing known against any" if not run.verdict.rulings else "nothing blocks"
    offline = ", judged offline" if run.offline else ""
    return f"{count} judged{offline}: {rest}"


def _table(rulings: Sequence[Ruling], run: Run) -> Iterator[str]:
    found = ways(run.plan)
    by_purl = {release.purl: release for release in run.plan.releases}
    yield "| release | what | why it is here | where |"
    yield "|---|---|---|---|"
    for ruling in rulings[:_SHOWN]:
        result = ruling.result
        because = "; ".join(escaped(one) for one in why(result.purl, found, by_purl, run.intent))
        places = ", ".join(code(f"{one.path}:{one.line}") for one in at(run, result.purl)[:2])
        yield f"| {code(result.purl)} | {_what(ruling)} | {because} | {places} |"
    if len(rulings) > _SHOWN:
        yield f"| and {len(rulings) - _SHOWN} more | | | |"


def _what(ruling: Ruling) -> str:
    result = ruling.result
    if isinstance(result, Gap):
        said = [f"**not judged** \\({code(result.check)}\\): {escaped(result.reason)}"]
    else:
        said = [f"{code(result.check)} {escaped(result.title)}"]
        said += [escaped(one) for one in result.evidence[:3]]
        if result.ids:
            said.append(escaped(", ".join(result.ids)))
    if ruling.override is not None:
        over = ruling.override
        end = "for this run" if over.until is None else f"until {over.until:%Y-%m-%d}"
        said.append(f"accepted by {escaped(over.by)} {end}: {escaped(over.reason)}")
    elif result.hint is not None:
        said.append(f"**next:** {escaped(result.hint)}")
    return "<br>".join(said)


def _foot(run: Run) -> str:
    ages = [
        f"{escaped(one.source)} {'of unknown age' if one.as_of is None else span(run.started - one.as_of) + ' old'}"
        for one in run.sources
        if one.answered
    ]
    return f"Sources: {', '.join(ages) or 'none answered'}. A gap is never read as clean."
