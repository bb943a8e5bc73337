"""Which npm commands install, read without npm."""

from pathlib import Path

import pytest

from safeinstall.ecosystems.npm import NpmEcosystem
from safeinstall.ecosystems.npm.verbs import Understood, candidates, read, words
from safeinstall.errors import NotUnderstood
from tests.fakes import world

INSTALL = ("install", "add", "i", "in", "ins", "inst", "insta", "instal", "isnt", "isnta", "isntal", "isntall")
CI = ("ci", "clean-install", "ic", "install-clean", "isntall-clean", "install-cl", "isntall-c", "cleanInstall")
UPDATE = ("update", "up", "upgrade", "udpate", "upd", "upg", "ud")


@pytest.mark.parametrize(
    ("word", "verb"),
    [(word, verb) for verb, found in (("install", INSTALL), ("ci", CI), ("update", UPDATE)) for word in found],
)
def test_every_spelling_of_an_installing_command_is_known(word: str, verb: str) -> None:
    """All aliases, typos and abbreviations of its own, and camel case."""
    reading = read([word, "left-pad"])

    assert (reading.understood, reading.verb) == (Understood.INSTALLS, verb)


@pytest.mark.parametrize(
    "argv",
    [
        *(
            ["run", "install"],
            ["run-script", "ci"],
            ["ls"],
            ["view", "install"],
            ["help", "install"],
            ["config", "get", "i"],
        ),
        *(
            ["--version"],
            ["-v"],
            [],
            ["audit"],
            ["cache", "clean"],
            ["pack"],
            ["pack", "./lib"],
            ["init", "-y"],
            ["publish"],
        ),
        *(["init"], ["test"], ["cache", "clean"], ["--loglevel=silent", "--json"], ["outdated"], ["no-such-command"]),
    ],
)
def test_what_installs_nothing_passes_without_npm_being_asked(argv: list[str]) -> None:
    """These are the everyday commands; they must cost nothing."""
    assert read(argv).understood is Understood.PASSES


@pytest.mark.parametrize(
    "argv",
    [
        *(["exec", "tool"], ["x", "tool"], ["link"], ["ln", "lib"], ["rebuild"], ["rb"], ["create", "vite"], ["prune"]),
        *(["init", "vite"], ["innit", "-w", "a", "x"], ["pack", "left-pad"]),
        ["install", "-g", "x"],
    ],
)
def test_what_installs_in_another_way_is_guarded_as_well(argv: list[str]) -> None:
    """Running, linking, rebuilding, packing and fixing fetch or run what others published."""
    assert read(argv).understood is Understood.INSTALLS


@pytest.mark.parametrize(
    "argv",
    [
        ["init", "-w"],
        ["cache", "add", "x"],
        ["diff", "--diff=git+https://x.example/y"],
        ["diff", "a/b"],
        ["edit", "x"],
        ["audit", "fix"],
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(argv: list[str]) -> None:
    """A command that we cannot judge yet is not let through for that."""
    assert read(argv).understood is Understood.NOT_YET


@pytest.mark.parametrize(
    "argv",
    [
        *(["--prefix", "dir", "install"], ["-d", "i", "x"], ["install", "-h"], ["ci", "--version"]),
        *(["-w", "a", "add", "x"], ["--silent", "run", "install"], ["--x", "exec", "y"]),
        *(["un"], ["u"], ["l"], ["inst", "--help"]),
    ],
)
def test_only_npm_can_tell_the_rest(argv: list[str]) -> None:
    """Whether a word is an option's value, or an abbreviation is unambiguous, depends on npm's own tables."""
    expected = {Understood.UNSURE, Understood.INSTALLS} if argv in (["un"], ["u"]) else {Understood.UNSURE}

    assert read(argv).understood in expected


def test_an_ambiguous_word_is_every_command_that_it_could_be() -> None:
    """`l` is link, ls, login, ...; one of them installs."""
    assert {"link", "ls", "login"} <= candidates("l")
    assert candidates("--install") == frozenset()


def test_what_was_asked_for_by_name_is_told_without_options() -> None:
    """Only messages depend on it."""
    assert words(["install", "--tag", "beta", "a@1", "-D", "@s/b", "--prefix=x", "c"]) == ("a@1", "@s/b", "c")


def test_npx_is_an_exec(tmp_path: Path) -> None:
    """It fetches and runs in one go; what stands behind the tool's name is the tool's own."""
    intent = NpmEcosystem().parse("npx", ["cowsay", "install"], world(tmp_path))

    assert (intent.installs, intent.verb, intent.asked) == (True, "exec", ("cowsay",))


def test_offline_is_refused(tmp_path: Path) -> None:
    """The npm cache was not judged."""
    with pytest.raises(NotUnderstood, match="past what was judged"):
        NpmEcosystem().parse("npm", ["install", "--offline"], world(tmp_path))
