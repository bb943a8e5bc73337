"""The forms under which look-alike names meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.model import EcosystemName
from safeinstall.names import forms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cross-env", "crossenv"),
        ("@types/node", "types-node"),
        ("Ruamel.Yaml", "ruamel_yaml"),
    ],
)
def test_separators_make_no_other_form(one: str, other: str) -> None:
    """Names that differ in separators, scope signs and capitals have one squashed form."""
    assert forms.squashed(one) == forms.squashed(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("nurnpy", "numpy"),
        ("vvebpack", "webpack"),
        ("c0l0rama", "colorama"),
        ("1odash", "lodash"),
        ("iodash", "lodash"),
        ("\u0430xios", "axios"),
        ("r\u00e9quests", "requests"),
        ("ax\u0456os", "axios"),
    ],
)
def test_lookalikes_have_one_skeleton(one: str, other: str) -> None:
    """What an eye in a hurry reads the same has the same skeleton, in other scripts too."""
    assert forms.skeleton(one) == forms.skeleton(other)


@pytest.mark.parametrize("name", ["python-nmap", "nmap-python", "nmap", "pynmap", "nmap2", "nodejs-nmap", "nmap-v7"])
def test_languages_and_versions_carry_no_meaning(name: str) -> None:
    """Names that differ in a language's name, a version or their words' order have one core."""
    assert forms.core(name) == "nmap"


@pytest.mark.parametrize("name", ["js", "node", "py", "python3", "v2", "7", "-", "@", "@/", "py2", "node.js"])
def test_a_name_of_nothing_but_such_words_keeps_them(name: str) -> None:
    """A core is empty only where the name has neither letter nor digit."""
    assert bool(forms.core(name)) == any(char.isalnum() for char in name)


def test_a_scope_is_split_from_its_name() -> None:
    """Only what npm itself takes for a scope is one."""
    assert forms.scope("@types/node") == ("types", "node")
    assert forms.scope("types/node") == ("", "types/node")
    assert forms.scope("@types") == ("", "@types")


def test_the_types_of_a_project_do_not_stand_for_it() -> None:
    """`unist` is no impostor of `@types/unist`: that names the project `unist` itself."""
    assert forms.bare("@types/unist") == ""
    assert forms.bare("@rollup/plugin-commonjs") == "plugincommonjs"
    assert forms.bare("eslint-plugin-lit-a11y") == "lita11y"
    assert forms.bare("eslint-plugin-vue") == ""


@given(st.text(max_size=40))
def test_any_text_has_all_forms(name: str) -> None:
    """No text from a registry or a command line makes a form fail."""
    for ecosystem in EcosystemName:
        forms.spelled(ecosystem, name)
    forms.skeleton(forms.squashed(name))
    forms.core(name)
    forms.bare(name)
    assert forms.squashed(forms.squashed(name)) == forms.squashed(name)
