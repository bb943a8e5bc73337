"""`safeinstall.purl`: one spelling for each release, and back."""

import re
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from safeinstall import purl
from safeinstall.errors import MalformedAnswer
from safeinstall.model import EcosystemName

NPM, PYPI = EcosystemName.NPM, EcosystemName.PYPI

LETTERS = string.ascii_letters + string.digits
WORD = st.text(LETTERS + "-_.~%+!*'()?#&=", min_size=1).filter(lambda text: text.strip("."))
NPM_NAMES = st.one_of(WORD, st.tuples(WORD, WORD).map("/".join).map("@".__add__))
PYPI_NAMES = st.from_regex(r"\A[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?\Z")
VERSIONS = st.text(LETTERS + "-_.+!@/%?", min_size=1, max_size=20)


@given(NPM_NAMES, VERSIONS)
def test_an_npm_release_comes_back_as_it_went_in(name: str, version: str) -> None:
    """No character of an npm name or version is lost, folded or taken for another part."""
    made = purl.make(NPM, name, version)

    assert purl.parts(made) == (NPM, name, re.sub("^v(?=[0-9])", "", version))
    assert purl.parse(made) == made


@given(PYPI_NAMES, st.from_regex(r"\A[0-9]{1,3}(\.[0-9]{1,3}){0,3}((a|b|rc)[0-9])?(\.post[0-9])?(\+[a-z0-9]{1,4})?\Z"))
def test_a_pypi_release_has_one_spelling(name: str, version: str) -> None:
    """Whatever separators and case a name is written with, its purl is the same, and reading it changes nothing."""
    made = purl.make(PYPI, name, version)

    assert made == purl.make(PYPI, name.upper().replace("-", "_"), f"v{version}")
    assert purl.parse(made) == made
    assert purl.make(*purl.parts(made)) == made


@given(st.text(max_size=40))
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    """Foreign text either is a package URL or raises the error that says so; nothing else."""
    for attempt in (text, f"pkg:npm/{text}", f"pkg:pypi/{text}"):
        try:
            found = purl.parse(attempt)
        except MalformedAnswer:
            continue
        assert purl.parse(found) == found


@given(st.text(st.characters(), max_size=40), st.text(st.characters(), max_size=20))  # and what is no UTF-8
@example("a\udcff", "1.0")
@example("a", "1.0\udcff")
def test_no_name_at_all_breaks_the_maker(name: str, version: str) -> None:
    """Foreign names and versions either make a purl that reads back, or raise the error that says so."""
    for ecosystem in EcosystemName:
        try:
            made = purl.make(ecosystem, name, version)
        except MalformedAnswer:
            continue
        assert purl.make(*purl.parts(made)) == made


@pytest.mark.parametrize(
    ("ecosystem", "name", "version", "expected"),
    [
        (PYPI, "Evil_Pkg", "6.6.6", "pkg:pypi/evil-pkg@6.6.6"),
        (PYPI, "evil.pkg", "v6.6.6", "pkg:pypi/evil-pkg@6.6.6"),
        (PYPI, "evil--pkg", "6.6.6", "pkg:pypi/evil-pkg@6.6.6"),
        (PYPI, "pytz", "2004b-2", "pkg:pypi/pytz@2004b2"),
        (PYPI, "old", "1.0-final-really", "pkg:pypi/old@1.0-final-really"),
        (NPM, "JSONStream", "1.3.5", "pkg:npm/JSONStream@1.3.5"),
        (NPM, "jsonstream", "1.0.3", "pkg:npm/jsonstream@1.0.3"),
        (NPM, "pattern.json", "1.0.0", "pkg:npm/pattern.json@1.0.0"),
        (NPM, "@Scope/Name", "v1.0.0", "pkg:npm/%40Scope/Name@1.0.0"),
        (NPM, "@types/node", None, "pkg:npm/%40types/node"),
    ],
)
def test_the_spelling_of_well_known_oddities(
    ecosystem: EcosystemName, name: str, version: str | None, expected: str
) -> None:
    """PyPI folds case and separators, npm folds nothing, a scope is escaped as the specification says."""
    assert purl.make(ecosystem, name, version) == expected


@pytest.mark.parametrize(
    "text", ["pkg:npm/@types/node@20.1.0", "pkg:npm/%40types/node@20.1.0", "PKG:NPM/@types/node@20.1.0 "]
)
def test_a_scope_may_be_typed_as_npm_writes_it(text: str) -> None:
    """An override that a person types with `@scope` names the same release."""
    assert purl.parse(text) == "pkg:npm/%40types/node@20.1.0"


@pytest.mark.parametrize("text", ["", "flask", "pkg:gem/rails@1", "pkg:npm/", "pkg:npm/@a/", "pkg:npm/@/b", "pkg:npm"])
def test_what_is_none_of_ours_is_refused(text: str) -> None:
    """A text that names no pip or npm release is an error, never a guess."""
    with pytest.raises(MalformedAnswer):
        purl.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("pkg:pypi/evil@6.6.6", "pkg:pypi/evil@6.6.6.0", True),
        ("pkg:pypi/Evil_Pkg@6.6.6", "pkg:pypi/evil.pkg@v6.6.6", True),
        ("pkg:pypi/evil@6.6.6", "pkg:pypi/evil@6.6.7", False),
        ("pkg:npm/evil@6.6.6", "pkg:npm/evil@6.6.6.0", False),
        ("pkg:npm/JSONStream@1.0.0", "pkg:npm/jsonstream@1.0.0", False),
        ("pkg:pypi/a@odd-1", "pkg:pypi/a@odd-1", True),
        ("pkg:pypi/a@odd-1", "pkg:pypi/a@odd-2", False),
        ("pkg:pypi/a@1?vcs_url=x", "pkg:pypi/a@1", False),
    ],
)
def test_two_spellings_of_one_release_are_the_same(one: str, other: str, *, expected: bool) -> None:
    """An override for `6.6.6` is one for `6.6.6.0`, and no override leaks to a release of another origin."""
    assert purl.same(purl.parse(one), purl.parse(other)) is expected


def test_a_project_has_no_version() -> None:
    """The page of a name is that of all its versions."""
    assert purl.project(purl.parse("pkg:npm/%40a/b@1.0.0?x=y")) == "pkg:npm/%40a/b"
