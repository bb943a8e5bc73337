"""What is added to a plan from beyond its registries' pages."""

import multiprocessing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.beyond import Beyond, owned, owners_of
from safeinstall.domains import Domains, registration
from safeinstall.errors import MalformedAnswer, NotThere, SourceUnavailable
from safeinstall.history import Domain, History, Maintainer, Publication
from safeinstall.model import Plan, Purl
from safeinstall.owners import Owners
from tests import fakes
from tests.fakes import NOW, FakeHttp

THING = Purl("pkg:pypi/thing")
EARLIER = NOW - timedelta(days=100)
RDAP = "https://rdap.example"
PERSON = Maintainer(name="amy", mail="amy@mail.team.example")


def planned(**fields: object) -> Plan:
    """Return the plan of one release that the user named."""
    release = fakes.release("pkg:pypi/thing@1.1", asked="thing")
    history = History(name="thing", planned=Publication(version="1.1", uploaded=NOW), **fields)  # type: ignore[arg-type]
    return fakes.plan(release, histories={release.purl: history})


def beyond(folder: Path, now: datetime = NOW, **more: object) -> Beyond:
    """Return what adds to plans, with its memory in *folder*."""
    made = Beyond(owners=Owners(folder / "data" / "owners.sqlite"), now=lambda: now, demands={})
    return replace(made, **more)  # type: ignore[arg-type]


# --- owners ---------------------------------------------------------------------------------------------------------


def test_this_machine_remembers_who_owned_a_project(tmp_path: Path) -> None:
    """A registry tells only today's owners; the first time that each was seen stays."""
    beyond(tmp_path, EARLIER)(planned(owners=("amy",)))
    beyond(tmp_path, EARLIER + timedelta(days=9))(planned(owners=("amy",)))

    (told,) = beyond(tmp_path)(planned(owners=("ben",))).histories.values()

    assert told.seen == (("amy", EARLIER),)
    assert told.owners == ("ben",)


def test_owners_of_another_registry_are_other_owners(tmp_path: Path) -> None:
    """A name means something else on another index."""
    store = Owners(tmp_path / "owners.sqlite")
    store.keep("https://one.example", {THING: ("amy",)}, now=EARLIER)

    assert store.seen("https://other.example", (THING,)) == {}


@pytest.mark.parametrize("content", [b"", b"nonsense" * 200, None])
def test_a_broken_memory_costs_knowledge_alone(tmp_path: Path, content: bytes | None) -> None:
    """An empty, a broken and an unreachable file: nobody was seen, and the plan goes on."""
    path = tmp_path / "owners.sqlite"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    store = Owners(path)

    assert store.seen("https://one.example", (THING,)) == {}
    store.keep("https://one.example", {THING: ("amy",)}, now=NOW)


def _keep(path: Path, start: int) -> None:
    store = Owners(path)
    for number in range(start, start + 20):
        store.keep("https://one.example", {THING: (f"owner-{number}",)}, now=EARLIER)


def test_many_processes_share_the_memory(tmp_path: Path) -> None:
    """Nothing that one of them keeps is lost."""
    path = tmp_path / "owners.sqlite"
    some = [multiprocessing.get_context("spawn").Process(target=_keep, args=(path, 20 * one)) for one in range(3)]
    for one in some:
        one.start()
    for one in some:
        one.join()

    assert len(Owners(path).seen("https://one.example", (THING,))[THING]) == 60


@pytest.mark.parametrize(
    ("document", "owners"),
    [
        ({"ownership": {"roles": [{"role": "Owner", "user": "b"}, {"role": "Maintainer", "user": "a"}]}}, ("a", "b")),
        ({"ownership": {"roles": []}}, ()),
        ({"ownership": None}, None),
        ({}, None),
    ],
)
def test_the_owners_that_an_index_tells(document: object, owners: tuple[str, ...] | None) -> None:
    """No roles is not the same as nothing told."""
    assert owned(document) == owners


def test_an_index_is_asked_about_what_the_user_named(tmp_path: Path) -> None:
    """One document beside its pages; an index that has none leaves it unknown."""
    url = "https://pypi.example/pypi/thing/json"
    http = FakeHttp({url: {"ownership": {"roles": [{"user": "amy"}]}}})
    ask = owners_of(lambda: http)

    (told,) = beyond(tmp_path, ask_owners=ask)(planned()).histories.values()

    assert told.owners == ("amy",)
    assert http.asked == [(url, None)]
    assert owners_of(FakeHttp)("https://pypi.example/simple", "thing") is None
    assert ask("file:///srv/simple", "thing") is None
    assert ask("https://other.example/index", "thing") is None


# --- mail domains ---------------------------------------------------------------------------------------------------


def record(at: datetime) -> dict[str, object]:
    """Return an RDAP record."""
    return {"events": [{"eventAction": "expiration"}, {"eventAction": "registration", "eventDate": at.isoformat()}]}


def test_the_registration_of_a_mail_domain(tmp_path: Path) -> None:
    """A host below the registered name leads to it."""
    answers = {f"{RDAP}/domain/mail.team.example": NotThere("404"), f"{RDAP}/domain/team.example": record(EARLIER)}
    asker = Domains(knows=lambda _: True, http=lambda: FakeHttp(answers), rdap=RDAP)
    plan = planned()
    history = next(iter(plan.histories.values()))
    named = replace(history, planned=replace(history.planned, maintainers=(PERSON,)))
    plan = replace(plan, histories={plan.releases[0].purl: named})

    assert beyond(tmp_path)(plan).domains == {}
    assert beyond(tmp_path, domains=asker)(plan).domains == {
        "mail.team.example": Domain(resolves=True, registered=EARLIER)
    }


def test_domains_of_private_packages_are_told_to_nobody(tmp_path: Path) -> None:
    """Neither the DNS nor RDAP hears of them."""
    heard: list[str] = []

    def knows(name: str) -> bool | None:
        heard.append(name)
        return None

    asker = Domains(knows=knows, http=FakeHttp, rdap=RDAP)
    release = fakes.release("pkg:pypi/thing@1.1", asked="thing", registry=fakes.PRIVATE)
    history = History(name="thing", planned=Publication(version="1.1", uploaded=NOW, maintainers=(PERSON,)))

    beyond(tmp_path, domains=asker)(fakes.plan(release, histories={release.purl: history}))

    assert heard == []


@pytest.mark.parametrize("answer", [SourceUnavailable("down"), {"events": 3}, {}])
def test_what_nobody_tells_of_a_domain_is_unknown(answer: object) -> None:
    """A service that is down is no suspicion."""
    asker = Domains(knows=lambda _: None, http=lambda: FakeHttp({f"{RDAP}/domain/a.example": answer}), rdap=RDAP)

    assert asker.ask(["a.example"]) == {"a.example": Domain()}


def test_a_domain_that_is_gone() -> None:
    """The DNS says so, and no registration is found."""
    asker = Domains(knows=lambda _: False, http=FakeHttp, rdap=RDAP)

    assert asker.ask(["a.example"]) == {"a.example": Domain(resolves=False)}


ANY = st.recursive(st.none() | st.text(max_size=5), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.dictionaries(st.sampled_from(["events", "ownership"]), ANY))
def test_foreign_records_are_read_or_refused(document: dict[str, object]) -> None:
    """Nothing else comes of them."""
    for read in (registration, owned):
        try:
            read(document)
        except MalformedAnswer:
            continue


def test_the_last_registration_counts() -> None:
    """A time without a zone is UTC, and one that is none is left out."""
    events = [
        {"eventAction": "registration", "eventDate": "2001-01-01T00:00:00"},
        {"eventAction": "reregistration", "eventDate": "2022-05-14T00:00:00Z"},
        {"eventAction": "registration", "eventDate": "long ago"},
    ]

    assert registration({"events": events}) == datetime(2022, 5, 14, tzinfo=timezone.utc)


def test_demanded_origins(tmp_path: Path) -> None:
    """Every release of the name is held to them."""
    demands = {THING: "github.com/amy/thing", Purl("pkg:pypi/other"): "github.com/amy/other"}

    plan = beyond(tmp_path, demands=demands)(planned())

    assert plan.demanded == {plan.releases[0].purl: "github.com/amy/thing"}
