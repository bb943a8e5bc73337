"""Which npm commands install, read without npm."""

from pathlib import Path

import pytest

from safeinstall.ecosystems.npm import NpmEcosystem
from safeinstall.ecosystems.npm.verbs import Command, Understood, candidates, classified, read, words
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
    "line",
    [
        *("", "--version", "-v", "--loglevel=silent --json", "--prefix dir", "version", "publish", "publish ./lib"),
        *(
            "run install",
            "run-script ci",
            "ls",
            "help install",
            "config get i",
            "outdated",
            "test",
            "pack",
            "pack ./lib",
        ),
        *("view left-pad", "view @scope/left-pad@1 dist", "docs .", "fund left-pad", "owner ls left-pad", "audit"),
        *("--silent run install", "--prefix install run x", "-w a -s test", "--registry=https://r.example run i"),
    ],
)
def test_what_installs_nothing_passes_without_npm_being_asked(line: str) -> None:
    """These are the everyday commands; they must cost nothing."""
    assert read(line.split()).understood is Understood.PASSES


@pytest.mark.parametrize(
    "line",
    [
        *("exec tool", "x tool", "link", "ln lib", "rebuild", "rb", "prune", "install -g x", "find-dupes"),
        *("--prefix dir install", "-d i x", "-w a add x", "--loglevel silent ci", "--json --yes exec y"),
    ],
)
def test_what_installs_in_another_way_is_guarded_as_well(line: str) -> None:
    """Running, linking and rebuilding fetch or run what others published."""
    assert read(line.split()).understood is Understood.INSTALLS


@pytest.mark.parametrize(
    "line",
    [
        *("install -h", "ci --version", "inst --help", "l", "--x exec y", "--tag a run x", "-C --x install"),
        *("--silent=install run", "no-such-command", "conf", "birthday", "edit x", "init", "init -y", "create vite"),
        *("version patch", "version -w a", "publish --access public", "publish lib", "publish -- -x/y"),
        *("pack left-pad", "pack ./x@host.example:y", "stage publish", "cache add x", "audit fix", "diff", "diff a"),
        *("view a/b", "view git+https://x.example/y", "docs x@a/b", "bugs @s/x@a/b", "owner ls a:b", "fund -- -a/b"),
    ],
)
def test_only_npm_can_tell_the_rest(line: str) -> None:
    """What depends on npm's options, its files, what it takes a word for, or on whether it knows the word at all."""
    assert read(line.split()).understood is Understood.UNSURE


REFUSED = [
    Command(verb="birthday"),
    Command(verb="edit", args=("x",), kinds=("range",)),
    Command(verb="init", updates=True),
    Command(verb="version", args=("patch",), kinds=("tag",), updates=True),
    Command(verb="publish", args=("lib",), kinds=("range",)),
    Command(verb="publish", args=("a/b",), kinds=("git",)),
    Command(verb="stage", args=("publish", "x@1"), kinds=("range", "version")),
    Command(verb="stage", args=("download", "7"), kinds=("range", "range")),
    Command(verb="audit", args=("fix",), kinds=("range",)),
    Command(verb="cache", args=("add", "x"), kinds=("range", "range")),
    Command(verb="diff", compared=("range", "git")),
    Command(verb="view", args=("a/b",), kinds=("git",)),
    *(
        Command(verb=verb, args=("u", "https://x.example/y.tgz"), kinds=("range", "remote"))
        for verb in ("docs", "bugs", "repo", "fund", "owner")
    ),
    Command(verb="teleport", args=("x",), kinds=("range",)),
]
ALLOWED = [
    Command(verb=""),
    Command(verb="init"),
    Command(verb="version", updates=True),
    Command(verb="version", args=("patch",), kinds=("range",)),
    Command(verb="publish"),
    Command(verb="publish", args=("./lib",), kinds=("directory",)),
    Command(verb="publish", args=("lib.tgz",), kinds=("file",)),
    Command(verb="stage", args=("publish", "./lib"), kinds=("range", "directory")),
    Command(verb="stage", args=("approve", "7"), kinds=("range", "range")),
    Command(verb="audit", args=("signatures",), kinds=("range",)),
    Command(verb="cache", args=("verify",), kinds=("range",)),
    Command(verb="diff", args=("a/b",), kinds=("git",), compared=("range", "version")),
    Command(verb="view", args=("x", "dependencies.@a/b"), kinds=("range", "git")),
    Command(verb="pack", args=("./lib",), kinds=("directory",)),
]


@pytest.mark.parametrize("command", REFUSED, ids=lambda one: f"{one.verb} {' '.join(one.args)}")
def test_what_cannot_be_judged_is_refused_by_name(command: Command) -> None:
    """A command that we cannot judge yet is not let through for that; nor one that only npm knows."""
    reading = classified(command)

    assert (reading.understood, reading.verb) == (Understood.NOT_YET, command.verb)
    assert reading.why


@pytest.mark.parametrize("command", ALLOWED, ids=lambda one: f"{one.verb} {' '.join(one.args)}")
def test_the_same_commands_pass_with_what_is_the_users_own(command: Command) -> None:
    """A folder, a name that a registry has, a command that npm does not know either."""
    assert classified(command).understood is Understood.PASSES


@pytest.mark.parametrize(
    "command",
    [
        Command(verb="init", args=("vite",), kinds=("range",), updates=True),
        Command(verb="pack", args=("left-pad",), kinds=("range",)),
        Command(verb="pack", args=("./lib", "a/b"), kinds=("directory", "git")),
        Command(verb="install"),
    ],
    ids=lambda one: f"{one.verb} {' '.join(one.args)}",
)
def test_what_npm_itself_says_installs_is_judged(command: Command) -> None:
    """As if the words alone had told it."""
    assert classified(command).understood is Understood.INSTALLS


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
