"""The HTML report: self-contained, harmless whatever foreign text says, the way to what is flagged drawn strong."""

import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from safeinstall.formats.graph import drawn
from safeinstall.formats.html import Html
from safeinstall.model import Decision, EcosystemName, Gap, Ruling, Verdict
from safeinstall.purl import make
from safeinstall.runs import AUDIT, Installed, Run
from tests.builders.reports import HOSTILE, found, purls_of, report, varied
from tests.fakes import NOW, intent, plan, release

MARKUP = st.text(st.sampled_from("<>&\"'`=/! \t\n\u202eabc-;#")) | st.text()


class Skeleton(HTMLParser):
    """A page without its text: the tags and the names of their attributes, in order."""

    def __init__(self, page: str) -> None:
        """Read *page*."""
        super().__init__()
        self.parts: list[tuple[str, ...]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what opens; `code` is what our own backticks become."""
        if tag != "code" or attrs:
            self.parts.append((tag, *(name for name, _ in attrs)))

    def handle_comment(self, data: str) -> None:
        """Keep that there was one: there is none of ours."""
        self.parts.append(("comment",))


def test_foreign_text_stays_text() -> None:
    """Neither a title nor a command line can bring markup of its own."""
    page = Html().render(varied())

    assert page.count("<script") == 1
    assert "<img" not in page
    assert "&lt;/script&gt;" in page


@given(MARKUP)
@example(HOSTILE)
@example("`<b>`")
@example("--><!--")
def test_no_text_makes_a_tag(text: str) -> None:
    """Whatever stands in titles, evidence, reasons, notes, paths: the page has the same tags as with harmless text."""
    assert Skeleton(Html().render(varied(9, text))).parts == Skeleton(Html().render(varied(9, "harmless"))).parts


@given(st.from_regex(r"[^/@\s][^/@]{0,80}", fullmatch=True).filter(str.strip))
def test_no_name_makes_a_tag(name: str) -> None:
    """A registry that takes any name, and one that lies about it: it is shown, and does nothing."""
    pages = []
    for one in (name, "harmless"):
        purl = make(EcosystemName.NPM, one, "1.0")
        run = report(3, "title")
        bad = Ruling(result=found(purl, "title"), decision=Decision.BLOCK, because="")
        lone = replace(release("pkg:npm/a@1"), purl=purl, name=one)
        pages.append(Html().render(replace(run, plan=plan(lone), verdict=Verdict(rulings=(bad,)))))

    assert Skeleton(pages[0]).parts == Skeleton(pages[1]).parts


def test_the_page_forbids_itself_everything_from_elsewhere() -> None:
    """It opens without a network, and a fault in it could load nothing."""
    page = Html().render(varied())

    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    assert "http" not in re.sub(r"<meta http-equiv", "", page)
    assert not any(name.startswith("on") or name == "style" for _, *names in Skeleton(page).parts for name in names)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (report(), "Blocked</p>"),
        (replace(report(), intent=replace(intent("x"), verb=AUDIT)), "Affected</p>"),
        (replace(report(), verdict=Verdict(rulings=())), "Clean</p>"),
        (replace(report(), verdict=Verdict(rulings=varied().verdict.rulings[2:])), "Allowed</p>"),
        (replace(report(), verdict=Verdict(rulings=varied().verdict.rulings[1:2])), "Not judged</p>"),
        (replace(report(), verdict=Verdict(rulings=()), installed=Installed(exit_code=0, differences=("one more",))),
         "Not what was judged</p>"),
    ],
    ids=["blocked", "affected", "clean", "allowed", "gaps", "differences"],
)  # fmt: skip
def test_the_first_word_is_the_verdict(run: Run, said: str) -> None:
    """What is not judged is not called allowed, and what differs from the judged is told first."""
    assert said in Html().render(run)


def test_counts_are_said_as_people_say_them() -> None:
    """One is one; what there is none of is not listed."""
    assert "<p>1 blocking finding in 30 releases. Nothing was installed.</p>" in Html().render(report())
    page = Html().render(varied())

    assert "<p>1 blocking finding, 1 blocking gap, 1 warning, 1 override in 60 releases." in page
    assert "1 note and 60 open questions, which decide nothing" in page


def test_a_silence_about_many_is_one_card() -> None:
    """A thousand releases that nobody answers for are one line to read, and each is named in it."""
    page = Html().render(varied(1000))

    assert page.count('class="finding') == 6
    assert "1000 releases could not be judged" in page
    assert "pkg-998 1.998" in page


def test_a_card_tells_the_way_and_who_else_requires_it() -> None:
    """From what was asked for down to it, then the others: removing the first parent may not be enough."""
    page = Html().render(varied(title="word"))

    assert "asked for by the project → pkg-0 1.0 → pkg-1 1.1 → <b>pkg-59 1.59</b>" in page
    assert "also required by pkg-19 1.19" in page
    assert "<code>requirements.txt</code> line 3" in page


def test_the_way_to_what_is_flagged_is_drawn_strong() -> None:
    """From what was asked for down to it, each release and each line of the way, and all of it in the first row."""
    graph = drawn(report(40))

    assert [node.label for node in graph.nodes if node.state == "bad"] == ["✕ pkg-39 1.39"]
    way = [node for node in graph.nodes if node.state == "way"]
    assert [node.label for node in way] == ["pkg-0 1.0", "pkg-1 1.1", "pkg-4 1.4", "pkg-13 1.13"]
    assert {node.y for node in way} == {graph.nodes[0].y}
    assert [edge.towards for edge in graph.edges].count("bad") == 4


def test_the_worst_decides_how_a_way_is_drawn() -> None:
    """Where a warning and a block share a way, it is the way to the block, in whatever order they were ruled."""
    run = varied()
    graph = drawn(replace(run, verdict=Verdict(rulings=run.verdict.rulings[::-1])))

    assert {node.state for node in graph.nodes} == {"bad", "warn", "over", "way", "plain"}
    assert graph.nodes[0].towards == "bad"


@pytest.mark.parametrize("run", [report(1000), varied(1000)], ids=["tree", "graph"])
def test_no_two_releases_lie_on_each_other(run: Run) -> None:
    """Each has a place of its own, inside the picture."""
    graph = drawn(run)
    rows: dict[int, list[tuple[int, int]]] = {}
    for node in graph.nodes:
        rows.setdefault(node.y, []).append((node.x, node.x + node.width))

    assert len(graph.nodes) == 1000
    for row in rows.values():
        row.sort()
        assert all(one[1] < other[0] for one, other in itertools.pairwise(row))
    assert all(node.x + node.width <= graph.width and node.y + 18 <= graph.height for node in graph.nodes)


def test_a_long_chain_and_a_circle_are_drawn() -> None:
    """Deeper than Python would go by itself; and what requires itself hangs on the first that brought it."""
    purls = purls_of(3000)
    edges = [(None, purls[0], ""), *((one, other, "") for one, other in itertools.pairwise(purls))]
    made = plan(*(release(one) for one in purls), edges=[*edges, (purls[-1], purls[0], "")])

    graph = drawn(replace(report(), plan=made, verdict=Verdict(rulings=())))

    assert len(graph.nodes) == 3000
    assert sum(edge.beside for edge in graph.edges) == 1


def test_too_many_other_requirements_are_counted() -> None:
    """What is not drawn is said; the tree, and who else requires what is flagged, always is."""
    purls = purls_of(100)
    every = [(one, other, "") for one in purls for other in purls if one != other]
    made = plan(*(release(one) for one in purls), edges=[(None, purls[0], ""), *every])
    run = replace(report(100), plan=made)

    graph = drawn(run)

    assert graph.left_out == 99 * 100 - 99 - 98 - 3000
    assert "are too many to draw" in Html().render(run)
    assert sum(edge.towards == "bad" for edge in graph.edges) == 99


def test_an_open_question_about_what_is_not_planned_is_shown() -> None:
    """A card needs no place in the graph."""
    gap = Gap(check="advisory", purl=purls_of(99)[98], reason="silent", hint="ask again")
    run = replace(report(), verdict=Verdict(rulings=(Ruling(result=gap, decision=Decision.BLOCK, because=""),)))

    page = Html().render(replace(run, started=NOW))

    assert "</span> could not be judged: silent" in page
    assert "in the graph" not in page
