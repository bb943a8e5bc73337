"""One finding, or one question left open, as a card of the HTML report: what, where, why it is there, what next."""

from collections.abc import Iterator, Mapping, Sequence

from safeinstall.formats.grouping import grouped
from safeinstall.formats.markup import prose, text
from safeinstall.locations import at
from safeinstall.model import Decision, Finding, Purl, Ruling
from safeinstall.paths import ways, why
from safeinstall.purl import parts
from safeinstall.runs import Run

_PURL = 2000
"""Characters of a purl: one that names a URL or a commit is of no use when it is cut."""
_OTHERS = 8
"""How many others that require it are named."""
_WORDS = {
    Decision.BLOCK: "blocks",
    Decision.WARN: "warning",
    Decision.OVERRIDDEN: "overridden",
    Decision.NOTE: "note",
}


class Cards:
    """Writes the cards of one run."""

    def __init__(self, run: Run, idents: Mapping[Purl, str]) -> None:
        """*idents* are the names of the graph's nodes."""
        self._run = run
        self._idents = idents
        self._ways = ways(run.plan)
        self._releases = {one.purl: one for one in run.plan.releases}
        self._parents: dict[Purl, dict[Purl, None]] = {}
        for edge in run.plan.edges:
            if edge.parent is not None:
                self._parents.setdefault(edge.child, {})[edge.parent] = None

    def of(self, rulings: Sequence[Ruling]) -> Iterator[str]:
        """Yield the cards of *rulings*: one for each, and one for all releases that one reason left unjudged."""
        for group in grouped(rulings):
            first = group[0]
            result = first.result
            yield f'<li class="finding {first.decision.value}" data-checks="{text(result.check)}">'
            title = prose(result.title) if isinstance(result, Finding) else _open(result.reason, len(group))
            yield f'<h3><span class="tag">{_WORDS[first.decision]}: {text(result.check)}</span> {title}</h3>'
            if len(group) == 1:
                yield from self._one(first)
            else:
                yield from self._many([one.result.purl for one in group])
            if first.override is not None:
                yield f"<p>{prose(first.because)}</p>"
            elif result.hint is not None:
                yield f'<p class="hint">{prose(result.hint)}</p>'
            yield "</li>"

    def _one(self, ruling: Ruling) -> Iterator[str]:
        result = ruling.result
        link = f' <a href="#{self._idents[result.purl]}">in the graph</a>' if result.purl in self._idents else ""
        yield f"<p><code>{text(result.purl, limit=_PURL)}</code>{link}</p>"
        yield f'<p class="way">{" → ".join(self._way(result.purl))}</p>'
        yield from self._besides(result.purl)
        if not isinstance(result, Finding):
            return
        if result.evidence:
            yield "<ul>" + "".join(f"<li>{prose(one)}</li>" for one in result.evidence) + "</ul>"
        known = f"; {text(', '.join(result.ids), limit=600)}" if result.ids else ""
        yield (
            f'<p class="grade">severity: {result.severity.name.lower()}; '
            f"confidence: {result.confidence.name.lower()}{known}</p>"
        )

    def _way(self, purl: Purl) -> Iterator[str]:
        """Yield the steps from what was asked for to *purl*."""
        reasons = why(purl, self._ways, self._releases, self._run.intent)
        yield prose(reasons[-1])
        for edge in reversed(self._ways.get(purl, ())):
            step = text(_named(edge.child))
            yield f"{'to build it ' if edge.build else ''}{f'<b>{step}</b>' if edge.child == purl else step}"

    def _besides(self, purl: Purl) -> Iterator[str]:
        """Yield who else requires *purl*, and the lines of the user's files that brought it in."""
        way = self._ways.get(purl, ())
        others = [_named(one) for one in self._parents.get(purl, {}) if not way or one != way[0].parent]
        if others:
            rest = f" and {len(others) - _OTHERS} more" if len(others) > _OTHERS else ""
            yield f'<p class="grade">also required by {text(", ".join(others[:_OTHERS]), limit=600)}{rest}</p>'
        places = at(self._run, purl, self._ways)
        if places:
            said = ", ".join(f"<code>{text(one.path)}</code> line {one.line}" for one in places[:3])
            yield f'<p class="grade">in {said}</p>'

    def _many(self, purls: Sequence[Purl]) -> Iterator[str]:
        names = ", ".join(text(_named(one)) for one in purls)
        yield f"<details><summary>which</summary><p>{names}</p></details>"


def _open(reason: str, number: int) -> str:
    return f"{f'{number} releases ' if number > 1 else ''}could not be judged: {prose(reason)}"


def _named(purl: Purl) -> str:
    _, name, version = parts(purl)
    return f"{name} {version}" if version else name
