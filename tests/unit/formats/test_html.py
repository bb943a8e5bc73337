"""The HTML report: self-contained, harmless whatever foreign text says, the way to what is flagged drawn strong."""

import re
import subprocess
from datetime import timedelta
from pathlib import Path

from safeinstall.formats.graph import drawn
from safeinstall.formats.html import Html
from safeinstall.model import Confidence, Decision, Finding, Purl, Ruling, Severity, SourceState, Verdict
from safeinstall.runs import Run
from tests.environments import optional_tool
from tests.fakes import NOW, intent, plan, release

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def report(number: int = 30, title: str = HOSTILE) -> Run:
    """Return a run of *number* releases in a tree, the last of which is malware."""
    purls = [Purl(f"pkg:pypi/pkg-{one}@1.{one}") for one in range(number)]
    edges = [(None, purls[0], "pkg-0"), *((purls[one // 3], purls[one], "x") for one in range(1, number))]
    finding = Finding(
        check="advisory",
        purl=purls[-1],
        kind="malware",
        severity=Severity.CRITICAL,
        confidence=Confidence.HIGH,
        title=title,
        evidence=(title,),
        hint=title,
    )
    return Run(
        intent=intent(title),
        plan=plan(*(release(one) for one in purls), edges=edges),
        verdict=Verdict(rulings=(Ruling(result=finding, decision=Decision.BLOCK, because=title),)),
        sources=(SourceState(source="index", asked=number, answered=number, as_of=NOW, detail=title),),
        started=NOW,
        took=timedelta(seconds=2),
    )


def test_foreign_text_stays_text() -> None:
    """Neither a title nor a command line can bring markup of its own."""
    page = Html().render(report())

    assert page.count("<script") == 1
    assert "<img" not in page
    assert "&lt;/script&gt;" in page


def test_the_page_forbids_itself_everything_from_elsewhere() -> None:
    """It opens without a network, and a fault in it could load nothing."""
    page = Html().render(report())

    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    assert "http" not in re.sub(r"<meta http-equiv", "", page)
    assert " style=" not in page
    assert re.search(r"\son[a-z]+=", re.sub(r"&[^;]+;", "", page.replace("onerror=alert(1)", ""))) is None


def test_the_way_to_what_is_flagged_is_drawn_strong() -> None:
    """From what was asked for down to it, each release and each line of the way."""
    graph = drawn(report(40))

    assert [node.label for node in graph.nodes if node.state == "bad"] == ["pkg-39 1.39"]
    way = [node.label for node in graph.nodes if node.state == "way"]
    assert way == ["pkg-0 1.0", "pkg-1 1.1", "pkg-4 1.4", "pkg-13 1.13"]
    assert sum(edge.on_way for edge in graph.edges) == 4


def test_no_two_releases_lie_on_each_other() -> None:
    """Each has a place of its own, also in a wide tree."""
    graph = drawn(report(1000))

    assert len({(node.x, node.y) for node in graph.nodes}) == 1000


def test_a_thousand_releases_open_in_a_browser(tmp_path: Path) -> None:
    """The page runs under its own policy: the graph is there, and the browser refuses none of it."""
    chromium = optional_tool("chromium")
    page = tmp_path / "report.html"
    page.write_text(Html().render(report(1000)))
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}")  # fmt: skip
    shot = tmp_path / "shot.png"

    done = subprocess.run(
        [str(chromium), *flags, "--window-size=1280,1400", f"--screenshot={shot}", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert shot.stat().st_size > 50_000, done.stderr
    assert "Content Security Policy" not in done.stderr
