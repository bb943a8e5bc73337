"""Where releases really come from: who is asked, about what, and what is made of the answers."""

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.errors import MalformedAnswer, NotThere
from safeinstall.history import History, Provenance, Publication
from safeinstall.model import Claim, EcosystemName, Plan, Registry, Visibility
from safeinstall.names import posing
from safeinstall.names.popular import popular
from safeinstall.origin import Origin
from safeinstall.origins import Origins, attested, manifest_name
from tests import fakes
from tests.fakes import FakeHttp

REGISTRY = "https://registry.example"
URL = f"{REGISTRY}/integrity/pampyio/provenance"
HOST = "https://host.example"
REPOSITORY = "github.com/owner/pampy"
THERE = f"{HOST}/repos/owner/pampy"
MANIFEST = f"{THERE}/contents/pyproject.toml"
KEYS = ["attestations", "attestation_bundles", "publisher", "bundle", "dsseEnvelope", "payload"]
PYPI, NPM = EcosystemName.PYPI, EcosystemName.NPM
LONG = timedelta(days=1)


def index_document(place: str = "evil/pampyio", kind: str = "GitHub") -> object:
    """Return what an index answers (PEP 740)."""
    return {"version": 1, "attestation_bundles": [{"publisher": {"kind": kind, "repository": place}}]}


def npm_document(predicate: object) -> object:
    """Return what npm's registry answers."""
    payload = base64.b64encode(json.dumps({"predicate": predicate}).encode()).decode()
    return {"attestations": [{"bundle": {"dsseEnvelope": {"payload": payload}}}]}


def planned(
    name: str = "pampyio",
    *,
    claimed: str = REPOSITORY,
    url: str | None = URL,
    visibility: Visibility = Visibility.PUBLIC,
    kept: bool = False,
) -> Plan:
    """Return the plan of one release with its claim, and where its attestations are."""
    registry = Registry(url=f"{REGISTRY}/simple", visibility=visibility)
    one = fakes.release(f"pkg:pypi/{name}@1.0", registry=registry, kept=kept)
    told = Publication(version="1.0", provenance=None if url is None else Provenance(present=True, url=url))
    return fakes.plan(
        one,
        claims=(Claim(purl=one.purl, repositories=(claimed,)),),
        histories={one.purl: History(name=name, planned=told)},
    )


def told(plan: Plan, answers: dict[str, object], *, host: str | None = None) -> tuple[Origin | None, list[str]]:
    """Return what is told of the one release, and what was asked."""
    http = FakeHttp(answers)
    found = Origins(http=lambda: http, host=host)(plan)
    return found.get(plan.releases[0].purl), [url for url, _ in http.asked]


def test_attestations_are_read_where_the_claim_is_in_doubt() -> None:
    """A name near that of the project whose repository it claims."""
    assert told(planned(), {URL: index_document()}) == (Origin(attested=("github.com/evil/pampyio",)), [URL])


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(planned(claimed="github.com/owner/pampyio"), id="a-repository-of-its-own-name"),
        pytest.param(planned("requests"), id="a-popular-name"),
        pytest.param(planned(kept=True), id="installed-already"),
        pytest.param(planned(visibility=Visibility.PRIVATE), id="a-private-registry"),
        pytest.param(planned(url=None), id="no-attestations"),
        pytest.param(planned(url="https://elsewhere.example/provenance"), id="another-host"),
        pytest.param(planned(url="file:///etc/passwd"), id="no-web-address"),
    ],
)
def test_nobody_is_asked_without_need(plan: Plan) -> None:
    """Most releases cost no request, and no other host than the registry's own is asked."""
    assert told(plan, {}) == (None, [])


@pytest.mark.parametrize("answer", [NotThere("404"), "<html>", {"attestation_bundles": 5}, {}, []])
def test_an_answer_that_says_nothing_is_unknown(answer: object) -> None:
    """No failure is held against anybody."""
    origin, _ = told(planned(), {URL: answer})

    assert origin == Origin()


def test_the_repository_is_asked_only_when_a_setting_says_so() -> None:
    """Then every unknown release that claims one is asked about."""
    plan = planned("qzxv-things", url=None)
    manifest = base64.b64encode(b'[project]\nname = "Pampy"\n').decode()
    answers: dict[str, object] = {
        THERE: {},
        MANIFEST: {"content": f"{manifest[:9]}\n{manifest[9:]}"},
    }

    assert told(plan, answers) == (None, [])
    origin, asked = told(plan, answers, host=f"{HOST}/")
    assert origin == Origin(exists=True, manifest="pampy")
    assert asked == [THERE, MANIFEST]


@pytest.mark.parametrize(
    ("answers", "origin"),
    [
        pytest.param({THERE: NotThere("404")}, Origin(exists=False), id="not-there"),
        pytest.param({}, Origin(), id="no-answer"),
        pytest.param({THERE: {}}, Origin(exists=True), id="no-manifest"),
        pytest.param({THERE: {}, MANIFEST: {"content": "%"}}, Origin(exists=True), id="garbage"),
        pytest.param({THERE: {}, MANIFEST: []}, Origin(exists=True), id="a-folder"),
    ],
)
def test_what_a_code_host_answers(answers: dict[str, object], origin: Origin) -> None:
    """Only a clear no is a no."""
    assert told(planned("qzxv-things", url=None), answers, host=HOST)[0] == origin


def test_a_large_set_is_asked_about_in_part() -> None:
    """A run does not turn into a crawl."""
    plans = [planned(f"qzxv-things-{number}", url=None) for number in range(60)]
    whole = fakes.plan(
        *(one.releases[0] for one in plans), claims=tuple(claim for one in plans for claim in one.claims)
    )
    http = FakeHttp({})

    assert len(Origins(http=lambda: http, host=HOST)(whole)) == 40


@pytest.mark.parametrize(
    ("document", "found"),
    [
        pytest.param(index_document(), ("github.com/evil/pampyio",), id="github"),
        pytest.param(index_document("group/part", "GitLab"), ("gitlab.com/group/part",), id="gitlab"),
        pytest.param(index_document(kind="Google"), None, id="no-repository"),
        pytest.param(
            npm_document(
                {"buildDefinition": {"externalParameters": {"workflow": {"repository": "https://github.com/A/b"}}}}
            ),
            ("github.com/a/b",),
            id="slsa-1.0",
        ),
        pytest.param(
            npm_document({"invocation": {"configSource": {"uri": "git+https://github.com/a/b@refs/heads/main"}}}),
            ("github.com/a/b",),
            id="slsa-0.2",
        ),
        pytest.param(npm_document({"name": "x"}), None, id="of-the-publication"),
    ],
)
def test_attestations_name_repositories(document: object, found: tuple[str, ...] | None) -> None:
    """Both registries' forms are read."""
    assert attested(document) == found


@given(
    st.recursive(
        st.none() | st.text(max_size=9) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["attestations", "attestation_bundles", "publisher", "bundle", "dsseEnvelope", "payload"]
                ),
                inner,
            )
        ),
    )
)
def test_any_document_is_read_or_refused(document: object) -> None:
    """What is no attestation is no crash."""
    try:
        found = attested(document)
    except MalformedAnswer:
        return
    assert found is None or found


@pytest.mark.parametrize(
    ("ecosystem", "text", "name"),
    [
        pytest.param(PYPI, '[tool.poetry]\nname = "Py_Thing"\n', "py-thing", id="poetry"),
        pytest.param(PYPI, "[build-system]\n", None, id="no-name"),
        pytest.param(NPM, '{"name": "@a/b"}', "@a/b", id="npm"),
        pytest.param(NPM, '{"name": "root", "private": true}', None, id="private-root"),
        pytest.param(NPM, '{"name": "root", "workspaces": ["x"]}', None, id="workspaces"),
    ],
)
def test_a_manifest_names_a_package(ecosystem: EcosystemName, text: str, name: str | None) -> None:
    """The root of a repository with several packages names none of them."""
    assert manifest_name(ecosystem, text) == name


@pytest.mark.parametrize(
    ("name", "repository", "owner"),
    [
        pytest.param("qzxv-things", "github.com/psf/requests", "requests", id="a-stranger"),
        pytest.param("types-requests", "github.com/psf/requests", None, id="holds-its-name"),
        pytest.param("sphinx-glue", "github.com/sphinx-doc/sphinx", None, id="same-first-word"),
        pytest.param("qzxv-things", "github.com/a/qzxv", None, id="no-popular-name"),
        pytest.param("flask", "github.com/psf/requests", None, id="popular-itself"),
    ],
)
def test_whose_repository_a_name_borrows(name: str, repository: str, owner: str | None) -> None:
    """Names that have something in common with the project are left alone."""
    assert posing.owner(popular(PYPI), name, repository) == owner
