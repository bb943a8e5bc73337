"""What services that are asked by name said, and how long it counts: `remembered` under GitHub and npm audit."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from safeinstall.contracts import Answer, Source
from safeinstall.sources.cache import Cache
from safeinstall.sources.github import GithubSource
from safeinstall.sources.npm_audit import NpmAuditSource
from safeinstall.sources.remembered import Limits
from tests.fakes import NOW, PRIVATE, FakeHttp, release

ROOT = "https://advice.example"
GHSA = "GHSA-1111-2222-3333"
EVIL = release("pkg:npm/evil@1.0.0")
FINE = release("pkg:npm/fine@1.0.0")
AFFECTS = f"{ROOT}/advisories?type=malware&ecosystem=npm&per_page=100&affects="
MALWARE = {
    "ghsa_id": GHSA,
    "type": "malware",
    "summary": "Malware in evil",
    "severity": "critical",
    "vulnerabilities": [{"package": {"ecosystem": "npm", "name": "evil"}, "vulnerable_version_range": "<= 2.0"}],
}
AUDITED = {
    "id": 1,
    "url": f"https://advisories.example/{GHSA}",
    "title": "Malware in evil",
    "severity": "critical",
    "vulnerable_versions": "<=2.0.0",
    "cwe": ["CWE-506"],
}


class Hub(FakeHttp):
    """Both services in one; `known` says whether they know of the malware."""

    def __init__(self, *, known: bool = True) -> None:
        """Answer every question."""
        super().__init__()
        self.known = known

    def _answer(self, url: str, body: object) -> object:
        self.asked.append((url, body))
        if url.startswith(AFFECTS):
            return [MALWARE] if self.known else []
        return {"evil": [AUDITED]} if self.known and isinstance(body, dict) and "evil" in body else {}


def github(http: FakeHttp, folder: Path, limits: Limits) -> Source:
    """Return GitHub's source."""
    return GithubSource(http, ROOT, Cache(folder), limits)


def audit(http: FakeHttp, folder: Path, limits: Limits) -> Source:
    """Return the source of npm's bulk endpoint."""
    return NpmAuditSource(http, Cache(folder), ROOT, limits)


pytestmark = pytest.mark.parametrize("make", [github, audit])


def ask(
    make: Callable[[FakeHttp, Path, Limits], Source],
    http: FakeHttp,
    folder: Path,
    *,
    after: timedelta = timedelta(0),
    offline: bool = False,
) -> Answer:
    """Return what is told about both releases so long *after* the first time."""
    source = make(http, folder, Limits(offline=offline))
    return source.ask((EVIL, FINE), now=NOW + after, deadline=timedelta(seconds=10))


def ids(answer: Answer) -> dict[str, list[str]]:
    """Return the ids told for each release that was answered."""
    return {purl: [one.ident for one in found] for purl, found in answer.advisories.items()}


TOLD = {EVIL.purl: [GHSA], FINE.purl: []}


def test_within_the_hour_nobody_is_asked_again(make: Callable[..., Source], tmp_path: Path) -> None:
    """The second answer is the first, with its time."""
    first = ask(make, Hub(), tmp_path)
    http = Hub(known=False)
    again = ask(make, http, tmp_path, after=timedelta(minutes=59))

    assert ids(first) == ids(again) == TOLD
    assert again.advisories == first.advisories
    assert (again.state.as_of, http.asked) == (NOW, [])


def test_after_the_hour_the_answer_is_the_service_s(make: Callable[..., Source], tmp_path: Path) -> None:
    """What was clean is asked about again, and so is what was not: news of either kind counts."""
    ask(make, Hub(known=False), tmp_path)
    bad = ask(make, Hub(), tmp_path, after=timedelta(minutes=61))
    over = ask(make, Hub(known=False), tmp_path, after=timedelta(hours=3))

    assert ids(bad) == TOLD
    assert ids(over) == {EVIL.purl: [], FINE.purl: []}
    assert over.state.as_of == NOW + timedelta(hours=3)


def test_an_outage_is_bridged_for_a_day_and_bad_news_for_longer(make: Callable[..., Source], tmp_path: Path) -> None:
    """Yesterday's clean answer stands in, an older one does not; malware stays malware, with silence beside it."""
    ask(make, Hub(), tmp_path)

    bridged = ask(make, FakeHttp(), tmp_path, after=timedelta(hours=23))
    ended = ask(make, FakeHttp(), tmp_path, after=timedelta(days=3))

    assert ids(bridged) == TOLD
    assert (bridged.state.as_of, bridged.silent) == (NOW, {})
    assert ids(ended) == {EVIL.purl: [GHSA]}
    assert set(ended.silent) == {EVIL.purl, FINE.purl}
    assert f"72 h old and reported {GHSA}" in ended.silent[EVIL.purl]
    assert (ended.state.answered, ended.state.as_of) == (0, None)


def test_offline_what_is_kept_counts(make: Callable[..., Source], tmp_path: Path) -> None:
    """Of any age, which the state tells; nobody is asked, and what is not kept is silent."""
    nothing = ask(make, Hub(), tmp_path / "empty", offline=True)
    ask(make, Hub(), tmp_path)
    http = Hub()

    answer = ask(make, http, tmp_path, after=timedelta(days=9), offline=True)

    assert (ids(answer), answer.state.as_of, http.asked) == (TOLD, NOW, [])
    assert set(nothing.silent) == {EVIL.purl, FINE.purl}


def test_a_failure_is_not_kept(make: Callable[..., Source], tmp_path: Path) -> None:
    """The service is asked again at once when it answers again."""
    failed = ask(make, FakeHttp(), tmp_path)

    assert ids(failed) == {}
    assert ids(ask(make, Hub(), tmp_path)) == TOLD


def test_rows_that_we_no_longer_understand_are_asked_for_again(make: Callable[..., Source], tmp_path: Path) -> None:
    """What another version of ours kept is no answer, and no crash."""
    spaces = (f"github {ROOT}", f"npm_audit {ROOT}")
    for space in spaces:
        Cache(tmp_path).put(space, {EVIL.purl: {"hits": 7}, FINE.purl: ["fine"]}, at=NOW)

    assert ids(ask(make, Hub(), tmp_path)) == TOLD
    assert set(ask(make, FakeHttp(), tmp_path / "x").silent) == {EVIL.purl, FINE.purl}


def test_private_names_stay_here(make: Callable[..., Source], tmp_path: Path) -> None:
    """They are answered without asking, also where nobody could be asked."""
    ours = release("pkg:npm/ours@1.0.0", registry=PRIVATE)
    http = FakeHttp()

    answer = make(http, tmp_path, Limits()).ask([ours], now=NOW, deadline=timedelta(seconds=1))

    assert (answer.advisories, http.asked) == ({ours.purl: ()}, [])
