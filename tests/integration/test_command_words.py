"""Every command and every option of the real pips and npms has a place in our tables, however it is combined."""

import ast
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from safeinstall.ecosystems.npm.verbs import GUARDED, HARMLESS, SOMETIMES, Understood, candidates, read
from safeinstall.ecosystems.pypi import grammar
from safeinstall.errors import NotUnderstood
from safeinstall.fields import items, mapping
from safeinstall.words import FIRST, FLAGS, may_install
from tests import environments
from tests.readings.asking import Asked, by_npm, npm_of, pip_in

pytestmark = pytest.mark.integration

EXAMPLES = 200


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty folder."""
    return tmp_path_factory.mktemp("words")


@pytest.fixture(scope="module")
def env(place: Path) -> Mapping[str, str]:
    """Return an environment that sets no option."""
    return environments.isolated_env(place / "home")


@pytest.fixture(scope="module", params=environments.TARGET_NPMS)
def npm(request: pytest.FixtureRequest, tools: Path, env: dict[str, str]) -> Iterator[Asked]:
    """Return each npm."""
    with npm_of(environments.npm_tool(str(request.param), tools), env) as asked:
        yield asked


@pytest.fixture(scope="module")
def pip(env: Mapping[str, str]) -> Iterator[Asked]:
    """Return the newest pip."""
    with pip_in(environments.stored("pip-*.whl"), env) as asked:
        yield asked


# --- every command --------------------------------------------------------------------------------------------------


def test_every_command_of_npm_has_one_place(npm: Asked) -> None:
    """A command that a newer npm brings fails here before it is refused for being unknown."""
    commands = items(npm.about(), "commands", str)

    assert set(commands) <= GUARDED | SOMETIMES | HARMLESS
    assert not GUARDED & SOMETIMES
    assert not (GUARDED | SOMETIMES) & HARMLESS


def test_every_name_of_an_npm_command_leads_to_it(npm: Asked) -> None:
    """Aliases, typos and abbreviations: what is read as harmless is harmless, what installs is that very command."""
    about = npm.about()
    wrong = []
    for word, verb in {**mapping(about, "names"), **mapping(about, "begun")}.items():
        reading = read([word])
        if reading.understood is Understood.INSTALLS and verb and reading.verb != verb:
            wrong.append((word, verb, reading))
        if (reading.understood is Understood.PASSES or not may_install("npm", [word])) and verb in GUARDED:
            wrong.append((word, verb, reading))
        if verb and verb not in HARMLESS and verb not in candidates(word):
            wrong.append((word, verb, reading))

    assert wrong == []


@pytest.mark.parametrize("version", environments.TARGET_PIPS)
def test_every_command_of_pip_has_one_place(version: str) -> None:
    """From the oldest pip to the newest."""
    wheel = environments.stored("pip-*.whl" if version == "newest" else f"pip-{version}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        tree = ast.parse(archive.read("pip/_internal/commands/__init__.py"))
    # Old pips fill the table by an OrderedDict of pairs.
    filled = [node for node in tree.body if ast.unparse(node).startswith("commands_dict")]
    texts = [node.value for node in ast.walk(filled[0]) if isinstance(node, ast.Constant)]
    commands = {text for text in texts if isinstance(text, str) and text.islower() and text.isalpha()}

    assert {"install", "download", "wheel", "list"} <= commands
    assert commands <= grammar.GUARDED | grammar.HARMLESS
    assert FIRST["pip"] == grammar.HARMLESS


# --- every option ---------------------------------------------------------------------------------------------------

WORDS = ("install", "i", "run", "ls", "view", "version", "publish", "x", "a/b", "lib", ".", "--", "-", "", "true", "=")


def npm_words(about: Mapping[str, object]) -> st.SearchStrategy[list[str]]:
    """Return command lines of real options, glued and loose values, abbreviations, and words that are commands."""
    long = sorted({*mapping(about, "options"), *items(about, "shorthands", str)})
    named = st.sampled_from(long)
    spelled = st.builds(
        lambda dash, name, end: f"{dash}{name[: end or None]}",
        st.sampled_from(("--", "-", "--no-")),
        named,
        st.integers(0, 12),
    )
    glued = st.builds(
        lambda option, value: f"{option}={value}", spelled, st.sampled_from(("install", "true", "false", "a", ""))
    )
    short = st.text("sqdyghvwCDEfpm?Hn", min_size=1, max_size=3).map("-{}".format)
    leading = st.sampled_from(
        ("--silent", "-s", "--json", "--prefix", "-C", "-w", "--prefix=x", "--loglevel", "--registry")
    )
    word = st.sampled_from((*WORDS, *sorted(GUARDED), *sorted(mapping(about, "names"))))
    return st.lists(st.one_of(word, leading, spelled, glued, short), max_size=6)


@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data())
def test_no_line_of_npms_options_is_read_otherwise_than_npm_reads_it(
    data: DataObject, npm: Asked, env: Mapping[str, str], place: Path
) -> None:
    """What passes us installs nothing in npm; what we take for an installing command is that command for npm."""
    argv = data.draw(npm_words(npm.about()))
    told = npm.read(argv, env, place)
    if "error" in told:
        return  # npm stops at such a line
    real, reading = by_npm(told), read(argv)

    if reading.understood is Understood.PASSES or not may_install("npm", argv):
        assert real.understood is Understood.PASSES, told
    if reading.understood is Understood.INSTALLS and (real.verb or told["prints"]):
        assert (real.understood, real.verb) == (Understood.INSTALLS, reading.verb), told


def pip_words(about: Mapping[str, object]) -> st.SearchStrategy[list[str]]:
    """Return command lines of pip's real options, before and behind a command."""
    options = cast("Mapping[str, Mapping[str, bool]]", mapping(about, "options"))
    named = st.sampled_from(sorted({name for one in ("", "install", "list") for name in options[one]}))
    spelled = st.builds(lambda name, end: name[: -end or None], named, st.integers(0, 3))
    glued = st.builds(lambda name, value: f"{name}={value}", spelled, st.sampled_from(("install", "list", "1", "")))
    leading = st.sampled_from((*sorted(FLAGS["pip"]), "--log=x", "--timeout=5", "--proxy", "--log"))
    word = st.sampled_from((*items(about, "commands", str), "install", "list", "flask", ".", "--", "-", "", "5"))
    return st.lists(st.one_of(word, leading, spelled, glued), max_size=6)


@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data())
def test_no_line_of_pips_options_is_read_otherwise_than_pip_reads_it(
    data: DataObject, pip: Asked, env: Mapping[str, str], place: Path
) -> None:
    """The same command, installing or not; what pip does not understand is not understood."""
    argv = data.draw(pip_words(pip.about()))
    told = pip.read(argv, env, place)
    verb = str(told.get("verb", ""))
    try:
        intent = grammar.parse("pip", argv, place)
    except NotUnderstood:
        assert told["error"], told
        return

    assert not told["error"], told
    assert intent.installs is (verb in grammar.GUARDED), told
    assert not intent.installs or intent.verb == verb, told
    assert may_install("pip", argv) or not intent.installs
