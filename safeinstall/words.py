"""Which command lines could install at all: the shim's own rule, for whoever calls us without one."""

import re
from collections.abc import Sequence

_PIPS = re.compile(r"pip([23](\.\d+)?)?")
FIRST = {
    "pip": frozenset(
        {"list", "show", "freeze", "check", "config", "cache", "index", "inspect", "hash", "debug", "help"}
        | {"completion", "search", "uninstall"}
    ),
    "npm": frozenset(
        {"run", "run-script", "rum", "urn", "test", "tst", "t", "start", "stop", "restart", "ls", "list", "ll", "la"}
        | {"config", "c", "get", "set", "help", "search", "outdated", "explain", "why", "whoami", "root", "prefix"}
        | {"pkg", "query", "ping"}
    ),
}
"""Commands that install nothing, whatever follows."""
_ALONE = frozenset({"version", "publish"})
"""Commands of npm that install nothing when nothing follows."""
_NAMING = frozenset({"view", "info", "show", "v", "docs", "home", "bugs", "issues", "repo", "fund"})
"""Commands of npm that only tell of what they name, if a registry has it."""
FLAGS = {
    "pip": frozenset(
        {"-q", "--quiet", "-v", "--verbose", "--isolated", "--no-input", "--no-color", "--require-virtualenv"}
        | {"--disable-pip-version-check"}
    ),
    "npm": frozenset({"-s", "--silent", "-q", "--quiet", "-d", "--verbose", "--json", "-y", "--yes"}),
}
"""Options without a value that may stand before the command."""
_VALUED = frozenset({"-C", "--prefix", "-w", "--workspace", "--loglevel", "--registry"})
"""Options of npm whose value is the next word."""
_EQUAL = ("--prefix=", "--workspace=", "--loglevel=", "--registry=")
"""Options of npm that hold their value."""
_PRINTS = frozenset({"-v", "--version", "-h", "--help"})
"""What npx only answers, when it is all that it is given."""


def family(tool: str) -> str | None:
    """Return whose grammar *tool* (`pip3.11`, `npx`) speaks: `pip`, `npm` or `npx`; None: it is none of ours."""
    if _PIPS.fullmatch(tool):
        return "pip"
    return tool if tool in ("npm", "npx") else None


def begins(kind: str, argv: Sequence[str]) -> int | None:
    """
    Return where in *argv* of *kind* (`pip`, `npm`) the command stands; None: only npm's or pip's own grammar can tell.

    It is the length of *argv* where there is none. The options before it are those of which it is sure, in every
    version, whether the next word is their value.
    """
    at = 0
    while at < len(argv):
        word = argv[at]
        if kind == "npm" and word in _VALUED:
            at += 1
            if at < len(argv) and argv[at].startswith("-"):
                return None
        elif word not in FLAGS[kind] and not _holds_its_value(kind, word):
            return None if word.startswith("-") else at
        at += 1
    return len(argv)


def _holds_its_value(kind: str, word: str) -> bool:
    return word.startswith(_EQUAL) if kind == "npm" else word.startswith("--") and "=" in word


def may_install(tool: str, argv: Sequence[str]) -> bool:
    """
    Whether *argv* could make *tool* install; False is sure, True is for the ecosystem's grammar to decide.

    A word that is not known to be harmless may be a command that a newer manager has.
    """
    kind = family(tool)
    if kind is None or kind == "npx":
        # Whatever npx is told to run may have to be fetched first: only npm itself can tell.
        return not (len(argv) == 1 and argv[0] in _PRINTS)
    at = begins(kind, argv)
    if at is None:
        return any(may_be_a_word(kind, word) for word in argv)
    if at >= len(argv) or argv[at] in FIRST[kind]:
        return False
    if kind == "npm" and argv[at] in _ALONE:
        return len(argv) > 1
    if kind != "npm" or argv[at] not in _NAMING:
        return True
    return "--" in argv or any(names_a_source(word) for word in argv if may_be_a_word(kind, word))


def may_be_a_word(kind: str, word: str) -> bool:
    """
    Whether *word* is, or holds, what is no option; options alone make a manager print something.

    npm takes `--silent=install`, and every other short form with a value, for `--silent` and the word `install`.
    """
    return not word.startswith("-") or (kind == "npm" and "=" in word and not word.startswith(_EQUAL))


def names_a_source(word: str) -> bool:
    """Whether npm may take *word*, or what it holds, for a repository or a URL, in whatever form it knows."""
    if word.startswith("-"):
        return True
    if word.startswith("@"):
        return ":" in word or word.count("/") > 1
    return ":" in word or ("/" in word and not word.startswith((".", "/", "~")))
