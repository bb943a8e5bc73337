"""What a pip command line would install, by pip's own grammar."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from safeinstall.ecosystems.pypi.grammar import other_python, parse
from safeinstall.errors import NotUnderstood

CWD = Path("/work")


@pytest.mark.parametrize(
    ("argv", "asked"),
    [
        pytest.param(["install", "flask"], ("flask",), id="a-name"),
        pytest.param(["install", "-U", "flask>=3", "six"], ("flask>=3", "six"), id="flag-between"),
        pytest.param(["--timeout", "5", "install", "flask"], ("flask",), id="general-option-first"),
        pytest.param(["--proxy", "install", "install", "flask"], ("flask",), id="a-value-that-looks-like-the-verb"),
        pytest.param(["install", "--requirement=dev.txt", "--force-r"], ("-r dev.txt",), id="abbreviations-and-equals"),
        pytest.param(["install", "-e", ".", "--", "--odd"], ("--odd", "-e ."), id="double-dash"),
        pytest.param(["install", "--target", "--help", "flask"], ("flask",), id="help-as-a-value"),
        pytest.param(["install", "--dry-run", "flask"], ("flask",), id="dry-run"),
        pytest.param(["install", "-rdev.txt", "-cpins.txt"], ("-r dev.txt",), id="glued-values"),
        pytest.param(["install", "--group", "dev"], (), id="dependency-group"),
    ],
)
def test_an_install_is_known_in_every_spelling(argv: Sequence[str], asked: tuple[str, ...]) -> None:
    """What pip would take for a requirement, and nothing else, is what was asked."""
    intent = parse("pip", argv, CWD)

    assert intent.installs
    assert intent.verb == "install"
    assert intent.asked == asked
    assert intent.argv == tuple(argv)


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param([], id="nothing"),
        pytest.param(["--version"], id="version"),
        pytest.param(["-h"], id="help"),
        pytest.param(["help", "install"], id="help-on-install"),
        pytest.param(["install", "--help"], id="help-of-install"),
        pytest.param(["list", "--outdated"], id="list"),
        pytest.param(["show", "install"], id="show"),
        pytest.param(["uninstall", "-y", "flask"], id="uninstall"),
        pytest.param(["config", "set", "global.index-url", "https://pypi.example/simple"], id="config"),
    ],
)
def test_what_installs_nothing_is_passed_on(argv: Sequence[str]) -> None:
    """The real pip runs it at once."""
    assert not parse("pip", argv, CWD).installs


@pytest.mark.parametrize("verb", ["download", "wheel", "lock"])
def test_every_verb_that_fetches_is_guarded(verb: str) -> None:
    """Files, wheels and locks are made of what others published, too."""
    intent = parse("pip3.11", [verb, "flask", "-r", "dev.txt"], CWD)

    assert (intent.verb, intent.installs, intent.asked) == (verb, True, ("flask", "-r dev.txt"))


def test_a_lock_file_is_a_source_like_any_other() -> None:
    """What a `pylock.toml` names is planned and judged (PEP 751)."""
    assert parse("pip", ["install", "-r", "sub/pylock.dev.toml"], CWD).asked == ("-r sub/pylock.dev.toml",)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        pytest.param(["install", "--frobnicate", "flask"], "frobnicate", id="unknown-option"),
        pytest.param(["install", "-r"], "requires 1 argument", id="missing-value"),
        pytest.param(["instal", "flask"], "no command", id="misspelt-verb"),
        pytest.param(["install", "--pre=yes", "flask"], "does not take a value", id="value-for-a-flag"),
        pytest.param(["install", "--no-binary", "--pre", "flask"], "requires 1 argument", id="an-option-for-a-value"),
        pytest.param(["install", "--re", "flask"], "ambiguous", id="ambiguous-abbreviation"),
    ],
)
def test_unknown_grammar_blocks_with_pips_own_words(argv: Sequence[str], words: str) -> None:
    """Guessing what pip might make of it would be a hole."""
    with pytest.raises(NotUnderstood, match=words):
        parse("pip", argv, CWD)


def test_a_misspelt_verb_gets_pips_hint() -> None:
    """The person learns what pip would have told."""
    with pytest.raises(NotUnderstood) as caught:
        parse("pip", ["instal", "flask"], CWD)

    assert caught.value.hint == "did you mean `pip install`?"


def test_our_own_environment_does_not_change_the_grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configuration is the target's: a broken value, or a requirement in it, is read where pip runs."""
    monkeypatch.setenv("PIP_TIMEOUT", "no number")
    monkeypatch.setenv("PIP_REQUIREMENT", "other.txt")
    monkeypatch.setenv("PIP_HELP", "1")

    assert parse("pip", ["install", "flask"], CWD).asked == ("flask",)


def test_python_option_names_an_environment_or_an_interpreter(tmp_path: Path) -> None:
    """`--python` may name the folder of an environment, as for pip."""
    (tmp_path / "env" / "bin").mkdir(parents=True)
    (tmp_path / "env" / "bin" / "python").touch()

    by_folder = other_python(["--python", "env", "install", "flask"], tmp_path, {})
    by_file = other_python(["--python=env/bin/python", "install", "flask"], tmp_path, {})

    assert by_folder == by_file
    assert by_folder is not None
    assert by_folder.path == tmp_path / "env" / "bin" / "python"
    assert other_python(["install", "flask"], tmp_path, {}) is None
    assert other_python(["--python", "env", "install"], tmp_path, {"_PIP_RUNNING_IN_SUBPROCESS": "1"}) is None


def test_a_python_option_that_names_nothing_blocks(tmp_path: Path) -> None:
    """There is nothing to plan for."""
    with pytest.raises(NotUnderstood, match="names no Python"):
        other_python(["--python", "gone", "install", "flask"], tmp_path, {})
