"""Runs to be drawn: as many releases as wanted in a tree, with something of everything said about them."""

from dataclasses import replace
from datetime import timedelta

from safeinstall.model import (
    Confidence,
    Decision,
    Finding,
    Gap,
    Override,
    Purl,
    Ruling,
    Severity,
    SourceState,
    Verdict,
)
from safeinstall.runs import Location, Run
from tests.fakes import NOW, intent, plan, release

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def report(number: int = 30, title: str = HOSTILE) -> Run:
    """Return a run of *number* releases in a tree, the last of which is malware; *title* is all foreign text."""
    purls = purls_of(number)
    edges = [(None, purls[0], "pkg-0"), *((purls[one // 3], purls[one], title) for one in range(1, number))]
    return Run(
        intent=intent(title),
        plan=plan(*(release(one) for one in purls), edges=edges),
        verdict=Verdict(rulings=(Ruling(result=found(purls[-1], title), decision=Decision.BLOCK, because=title),)),
        sources=(SourceState(source="index", asked=number, answered=number, as_of=NOW, detail=title),),
        started=NOW,
        took=timedelta(seconds=2),
    )


def varied(number: int = 60, title: str = HOSTILE) -> Run:
    """Return such a run in which each decision was made, questions are open, and releases have several parents."""
    run = report(number, title)
    purls = purls_of(number)
    warned, allowed, noted = purls[number // 2], purls[number // 3], purls[number // 4]
    override = Override(purl=allowed, check="typosquat", reason=title, until=NOW, by="ann", origin="prompt")
    rulings = (
        *run.verdict.rulings,
        Ruling(result=Gap(check="advisory", purl=purls[5], reason=title), decision=Decision.BLOCK, because=title),
        Ruling(result=found(warned, title, "combination"), decision=Decision.WARN, because=title),
        Ruling(result=found(allowed, title, "typosquat"), decision=Decision.OVERRIDDEN, because=title,
               override=override),
        Ruling(result=found(noted, title, "changed-release"), decision=Decision.NOTE, because=title),
        *(Ruling(result=Gap(check="ownership", purl=one, reason=title, hint=title), decision=Decision.NOTE, because="")
          for one in purls),
    )  # fmt: skip
    tree = run.plan
    beside = plan(*tree.releases, edges=[(purls[one], purls[-one], "") for one in range(1, number // 3)]).edges
    return replace(
        run,
        plan=replace(tree, edges=(*tree.edges, *(one for one in beside if one.parent is not None)), notes=(title,)),
        verdict=Verdict(rulings=rulings),
        locations=(Location(purl=purls[0], path="requirements.txt", line=3, text=title),),
    )


def purls_of(number: int) -> list[Purl]:
    """Return the releases of a run of *number*, the root first."""
    return [Purl(f"pkg:pypi/pkg-{one}@1.{one}") for one in range(number)]


def found(purl: Purl, title: str, check: str = "advisory") -> Finding:
    """Return a finding against *purl* in which every word is *title*."""
    return Finding(
        check=check,
        purl=purl,
        kind="malware",
        severity=Severity.CRITICAL,
        confidence=Confidence.HIGH,
        title=title,
        evidence=(title, title),
        hint=title,
        ids=(title,),
    )
