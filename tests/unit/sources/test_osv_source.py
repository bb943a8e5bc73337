"""`safeinstall.sources.osv`: what is asked, what is believed, what the cache may stand in for."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from safeinstall.contracts import Answer
from safeinstall.errors import MalformedAnswer, NotThere, SourceUnavailable
from safeinstall.fields import field, items
from safeinstall.model import ArtifactKind, Registry, Release, Visibility
from safeinstall.sources.cache import Cache
from safeinstall.sources.osv import OsvSource
from safeinstall.sources.remembered import Limits
from tests.fakes import NOW, PRIVATE, FakeHttp, release

BASE = "https://osv.example"
BATCH = f"{BASE}/v1/querybatch"
EVIL = release("pkg:pypi/evil@1.0")
FINE = release("pkg:pypi/fine@2.0")
MAL: dict[str, object] = {
    "id": "MAL-2026-1",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "Malicious code in evil (PyPI)",
    "affected": [{"package": {"ecosystem": "PyPI", "name": "evil"}, "versions": ["1.0"]}],
}
FAULT: dict[str, object] = {
    "id": "GHSA-0000-0000-0001",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "A fault in evil",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "evil"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.9"}]}],
        }
    ],
}


def api(*records: Mapping[str, object]) -> FakeHttp:
    """Return an API that says every one of *records* hits `evil`, whatever they say themselves."""

    def batch(body: object) -> object:
        hits = [{"id": one["id"], "modified": one.get("modified", "")} for one in records]
        return {
            "results": [
                {"vulns": hits} if field(query, "package.name", str) == "evil" else {}
                for query in items(body, "queries", dict)
            ]
        }

    return FakeHttp(answers={BATCH: batch, **{f"{BASE}/v1/vulns/{one['id']}": one for one in records}})


def ask(
    http: FakeHttp, folder: Path, *asked: Release, now: datetime = NOW, offline: bool = False, base: str = BASE
) -> Answer:
    """Return what the source says about *asked* at *now*."""
    source = OsvSource(http, base, Cache(folder), Limits(offline=offline))
    return source.ask(asked or (EVIL, FINE), now=now, deadline=timedelta(seconds=10))


def ids(answer: Answer) -> dict[str, list[str]]:
    """Return the ids told for each release that was answered."""
    return {purl: [one.ident for one in found] for purl, found in answer.advisories.items()}


ALL_TOLD = {EVIL.purl: ["MAL-2026-1"], FINE.purl: []}


def test_a_hit_and_a_miss(tmp_path: Path) -> None:
    """What the API names is read and told, what it does not name is clean, as of now."""
    answer = ask(api(MAL), tmp_path)

    assert ids(answer) == ALL_TOLD
    assert (answer.state.as_of, answer.state.detail) == (NOW, "")


def test_private_names_never_leave(tmp_path: Path) -> None:
    """Names from private and local registries, and from none at all, are not in any request."""
    local = Registry(url="file:///wheels", visibility=Visibility.LOCAL)
    secret = release("pkg:pypi/acme-secret@1.0", registry=PRIVATE)
    disk = release("pkg:pypi/acme-disk@1.0", registry=local)
    source = release("pkg:pypi/acme-source@1.0", registry=None, kind=ArtifactKind.VCS)
    http = api(MAL)

    answer = ask(http, tmp_path, EVIL, secret, disk, source)

    assert "acme" not in json.dumps(http.asked)
    assert (answer.advisories[secret.purl], answer.advisories[disk.purl]) == ((), ())
    assert source.purl in answer.silent
    assert "2 private names not asked" in answer.state.detail


def test_nothing_is_asked_about_private_names_alone(tmp_path: Path) -> None:
    """A plan of private names causes no traffic."""
    http = api()

    ask(http, tmp_path, release("pkg:pypi/acme-secret@1.0", registry=PRIVATE))

    assert http.asked == []


def test_a_public_copy_of_a_private_name_is_asked(tmp_path: Path) -> None:
    """When one purl comes from a public registry too, its name is public already."""
    answer = ask(api(MAL), tmp_path, replace(EVIL, registry=PRIVATE), EVIL)

    assert ids(answer) == {EVIL.purl: ["MAL-2026-1"]}


@pytest.mark.parametrize(
    ("asked", "spellings"),
    [
        (release("pkg:pypi/evil@6.6.6"), {"6.6.6"}),
        (replace(release("pkg:pypi/evil@6.6.6.0"), version="v6.6.6.0"), {"6.6.6", "6.6.6.0", "v6.6.6.0"}),
        (release("pkg:pypi/evil@odd-one"), {"odd-one"}),
        (replace(release("pkg:npm/evil@6.6.6"), version="v6.6.6"), {"6.6.6", "v6.6.6"}),
    ],
)
def test_a_version_is_asked_for_in_every_spelling(asked: Release, spellings: set[str], tmp_path: Path) -> None:
    """`v6.6.6` and `6.6.6.0` are asked as `6.6.6` too, and the answers count as one."""
    http = api(MAL)

    ask(http, tmp_path, asked)

    queries = items(http.asked[0][1], "queries", dict)
    assert {field(query, "version", str) for query in queries} == spellings


def test_names_are_sent_in_their_normal_form(tmp_path: Path) -> None:
    """PyPI names are folded, npm names keep scope and case."""
    http = api()

    ask(http, tmp_path, release("pkg:pypi/Evil_Pkg@1"), release("pkg:npm/%40a/JSONStream@1.0.0"))

    packages = [field(query, "package", dict) for query in items(http.asked[0][1], "queries", dict)]
    assert packages == [
        {"ecosystem": "PyPI", "name": "evil-pkg"},
        {"ecosystem": "npm", "name": "@a/JSONStream"},
    ]


def test_malware_that_the_api_names_counts_though_the_record_disagrees(tmp_path: Path) -> None:
    """For malware the API's word or the record's is enough; for a fault the record's own rules decide."""
    other = {**MAL, "affected": [{"package": {"ecosystem": "PyPI", "name": "evil"}, "versions": ["9.9"]}]}

    assert ids(ask(api(other, FAULT), tmp_path)) == ALL_TOLD


def test_what_only_the_api_can_compare_counts(tmp_path: Path) -> None:
    """A version that we cannot compare with the record's range is a hit when the API says so."""
    odd = release("pkg:pypi/evil@odd-one")

    assert ids(ask(api(FAULT), tmp_path, odd)) == {odd.purl: ["GHSA-0000-0000-0001"]}


def test_a_withdrawn_record_is_dropped(tmp_path: Path) -> None:
    """The API may name a record that was taken back a moment ago."""
    assert ids(ask(api({**MAL, "withdrawn": "2026-02-01T00:00:00Z"}), tmp_path)) == {EVIL.purl: [], FINE.purl: []}


def test_pages_are_followed_to_the_end(tmp_path: Path) -> None:
    """A token is no end: only what has one is asked again, until nothing has."""
    pages = iter(
        [
            {"results": [{"next_page_token": "a"}, {}]},
            {"results": [{"vulns": [{"id": "MAL-2026-1"}], "next_page_token": "b"}]},
            {"results": [{}]},
        ]
    )
    http = FakeHttp(answers={BATCH: lambda _: next(pages), f"{BASE}/v1/vulns/MAL-2026-1": MAL})

    assert ids(ask(http, tmp_path)) == ALL_TOLD
    bodies = [items(body, "queries", dict) for url, body in http.asked if url == BATCH]
    assert [len(body) for body in bodies] == [2, 1, 1]
    assert [body[0].get("page_token") for body in bodies] == [None, "a", "b"]


def test_more_than_a_thousand_queries_are_split(tmp_path: Path) -> None:
    """The API takes a thousand queries a call; each call stands or falls alone."""
    many = [release(f"pkg:npm/name-{number}@1.0.0") for number in range(1500)]
    calls: list[int] = []

    def batch(body: object) -> object:
        queries = items(body, "queries", dict)
        calls.append(len(queries))
        return SourceUnavailable("no") if len(queries) < 1000 else {"results": [{}] * len(queries)}

    answer = ask(FakeHttp(answers={BATCH: batch}), tmp_path, *many)

    assert set(calls) == {500, 1000}
    assert (len(answer.advisories), len(answer.silent)) == (1000, 500)


@pytest.mark.parametrize(
    "result",
    [
        {"results": [{"error": "internal"}, {}]},
        {"results": [None, {}]},
        {"results": [{"vulns": None, "code": 3}, {}, {}]},
        {"results": [{"vulns": ["MAL-1"]}, {}]},
        {"results": [{"vulns": [{"modified": "x"}]}, {}]},
        {"results": [{"vulns": [{"id": ""}]}, {}]},
        {"results": [{"vulns": {}}, {}]},
        {"results": [{"next_page_token": 7}, {}]},
        {"results": {}},
        [],
        None,
    ],
)
def test_a_batch_that_is_not_the_documents_we_know_is_silence(result: object, tmp_path: Path) -> None:
    """An object in an unknown form is not read as an empty list of hits."""
    answer = ask(FakeHttp(answers={BATCH: result}), tmp_path)

    assert answer.advisories == {}
    assert set(answer.silent) == {EVIL.purl, FINE.purl}


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(NotThere("404"), id="not-there"),
        pytest.param({**MAL, "id": "MAL-2026-2"}, id="another-record"),
        pytest.param({"id": "MAL-2026-1"}, id="without-affected"),
        pytest.param({"code": 5, "message": "Bug not found."}, id="error-document"),
    ],
)
def test_a_record_that_cannot_be_had_is_silence_for_its_release(record: object, tmp_path: Path) -> None:
    """The release it is said to hit is not answered; others are."""
    http = api(MAL)
    answer = ask(replace(http, answers={**http.answers, f"{BASE}/v1/vulns/MAL-2026-1": record}), tmp_path)

    assert ids(answer) == {FINE.purl: []}
    assert "MAL-2026-1" in answer.silent[EVIL.purl]


def test_ids_cannot_leave_their_place_in_the_url(tmp_path: Path) -> None:
    """An id with slashes asks for no other document."""
    answers = {BATCH: {"results": [{"vulns": [{"id": "../../x?y#z"}]}]}}
    http = FakeHttp(answers=answers)

    ask(http, tmp_path, EVIL)

    assert http.asked[-1][0] == f"{BASE}/v1/vulns/..%2F..%2Fx%3Fy%23z"


# --- the cache ------------------------------------------------------------------------------------------------------

DEAD = FakeHttp()


def later(**age: float) -> datetime:
    """Return the moment so much after `NOW`."""
    return NOW + timedelta(**age)


def test_a_fresh_answer_is_not_asked_again(tmp_path: Path) -> None:
    """Within the hour the cache answers alone, and says so."""
    ask(api(MAL), tmp_path)
    http = api(MAL)

    answer = ask(http, tmp_path, now=later(minutes=59))

    assert http.asked == []
    assert ids(answer) == ALL_TOLD
    assert (answer.state.as_of, answer.state.detail) == (NOW, "2 from the cache")


def test_a_clean_answer_does_not_outlive_its_hour(tmp_path: Path) -> None:
    """A release that was clean an hour ago is asked again: it may have been reported since."""
    ask(api(), tmp_path)

    assert ids(ask(api(MAL), tmp_path, now=later(minutes=61))) == ALL_TOLD


def test_bad_news_of_another_kind_is_not_missed(tmp_path: Path) -> None:
    """A release with a known fault is asked again after an hour as well: it may be malware by now."""
    ask(api({**FAULT, "affected": MAL["affected"]}), tmp_path)

    assert ids(ask(api(MAL), tmp_path, now=later(minutes=61))) == ALL_TOLD


def test_an_unmodified_record_is_read_once(tmp_path: Path) -> None:
    """The API tells when a record was changed; an unchanged one is taken from the cache."""
    ask(api(MAL), tmp_path)
    http = api(MAL)

    ask(http, tmp_path, now=later(days=3))

    assert [url for url, _ in http.asked] == [BATCH]


def test_a_modified_record_is_read_again(tmp_path: Path) -> None:
    """What changed counts as it is now."""
    ask(api(MAL), tmp_path)
    changed = {**MAL, "modified": "2026-11-24T00:00:00Z", "withdrawn": "2026-11-24T00:00:00Z"}

    assert ids(ask(api(changed), tmp_path, now=later(days=1)))[EVIL.purl] == []


def test_an_outage_is_bridged_for_a_day(tmp_path: Path) -> None:
    """Yesterday's answers stand in, with their age; older ones are silence that says how old, and bad news is told."""
    ask(api(MAL), tmp_path)

    bridged = ask(DEAD, tmp_path, now=later(hours=23))
    ended = ask(DEAD, tmp_path, now=later(hours=25))

    assert ids(bridged) == ALL_TOLD
    assert bridged.state.as_of == NOW
    assert ids(ended) == {EVIL.purl: ["MAL-2026-1"]}
    assert "25 h old and reported MAL-2026-1" in ended.silent[EVIL.purl]
    assert "25 h old" in ended.silent[FINE.purl]


def test_offline_nothing_is_asked_and_what_is_kept_counts(tmp_path: Path) -> None:
    """The user chose to judge by what is here: of any age, which the state tells; the rest is silent."""
    ask(api(MAL), tmp_path)
    http = api(MAL)

    answer = ask(http, tmp_path, EVIL, FINE, release("pkg:pypi/new@1"), now=later(days=9), offline=True)

    assert http.asked == []
    assert ids(answer) == ALL_TOLD
    assert answer.state.as_of == NOW
    assert set(answer.silent) == {"pkg:pypi/new@1"}


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    """After an outage the service is asked again at once."""
    ask(DEAD, tmp_path)

    assert ids(ask(api(MAL), tmp_path)) == ALL_TOLD


def test_answers_of_one_service_are_not_those_of_another(tmp_path: Path) -> None:
    """Another base URL is another service."""
    ask(api(MAL), tmp_path)

    answer = ask(DEAD, tmp_path, base="https://other.example")

    assert answer.advisories == {}


def test_an_answer_from_the_future_is_none(tmp_path: Path) -> None:
    """A clock that was wrong does not keep a release clean until it is right."""
    ask(api(), tmp_path, now=later(days=400))

    assert ids(ask(api(MAL), tmp_path)) == ALL_TOLD


@pytest.mark.parametrize("spoil", [b"", b"not a database", b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_spoiled_cache_changes_no_answer(spoil: bytes, tmp_path: Path) -> None:
    """Whatever lies where the cache should be, the service is asked and the answer is right."""
    ask(api(), tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(spoil)

    assert ids(ask(api(MAL), tmp_path)) == ALL_TOLD


def test_a_row_that_was_changed_is_no_answer(tmp_path: Path) -> None:
    """A kept hit that was overwritten by the empty answer of another release is not believed."""
    ask(api(MAL), tmp_path)
    with sqlite3.connect(next(tmp_path.glob("*.sqlite"))) as base:
        clean = "SELECT body, digest FROM kept WHERE key = ?"
        body, digest = base.execute(clean, (FINE.purl,)).fetchone()
        base.execute("UPDATE kept SET body = ?, digest = ? WHERE key = ?", (body, digest, EVIL.purl))
    base.close()

    assert EVIL.purl not in ask(DEAD, tmp_path).advisories


def test_one_hiccup_of_the_service_is_no_gap(tmp_path: Path) -> None:
    """A dropped connection is tried again once, for questions and for records; a second one is an outage."""
    right = api(MAL)
    failed: set[str] = set()

    def once(url: str) -> object:
        def answer(body: object) -> object:
            if url not in failed:
                failed.add(url)
                return SourceUnavailable("connection reset")
            known = right.answers[url]
            return known(body) if callable(known) else known

        return answer

    http = FakeHttp(answers={url: once(url) for url in right.answers})

    assert ids(ask(http, tmp_path)) == ALL_TOLD
    assert len(http.asked) == 4


def test_a_bug_of_ours_is_not_swallowed(tmp_path: Path) -> None:
    """Only the two errors of foreign services make silence; any other stops the run."""
    with pytest.raises(ZeroDivisionError):
        ask(FakeHttp(answers={BATCH: ZeroDivisionError("bug")}), tmp_path)


def test_the_errors_of_services_are_known() -> None:
    """A missing document is a failure of the service like others, for everybody who does not ask closer."""
    assert issubclass(NotThere, SourceUnavailable)
    assert not issubclass(MalformedAnswer, SourceUnavailable)


def test_pages_without_end_are_given_up(tmp_path: Path) -> None:
    """A service that promises a new page each time does not hold us until the deadline."""
    tokens = iter(range(10_000))
    http = FakeHttp(answers={BATCH: lambda _: {"results": [{"next_page_token": str(next(tokens))}]}})

    assert "more than 200 pages" in ask(http, tmp_path, FINE).silent[FINE.purl]


def test_no_time_is_no_answer(tmp_path: Path) -> None:
    """A deadline that is over already asks nobody."""
    http = api(MAL)

    answer = OsvSource(http, BASE, Cache(tmp_path)).ask([EVIL], now=NOW, deadline=timedelta(0))

    assert (answer.advisories, http.asked) == ({}, [])


def test_rows_that_we_no_longer_understand_are_asked_for_again(tmp_path: Path) -> None:
    """A cache that another version filled with other forms is no answer and no crash."""
    cache = Cache(tmp_path)
    cache.put(f"osv-query {BASE}", {EVIL.purl: ["MAL-2026-1"], FINE.purl: {"a": 1}}, at=NOW)
    cache.put(f"osv-record {BASE}", {"MAL-2026-1": {"id": "MAL-2026-1"}}, at=NOW)

    assert ids(ask(api(MAL), tmp_path)) == ALL_TOLD


def test_a_kept_record_stands_in_for_one_that_cannot_be_had(tmp_path: Path) -> None:
    """Yesterday's text of a record that was changed since is better than none, last week's is not."""
    ask(api(MAL), tmp_path)
    changed = api({**MAL, "modified": "2026-11-24T00:00:00Z"})
    broken = replace(changed, answers={BATCH: changed.answers[BATCH]})

    assert ids(ask(broken, tmp_path, now=later(hours=20))) == ALL_TOLD
    assert EVIL.purl in ask(broken, tmp_path, now=later(days=7)).silent
