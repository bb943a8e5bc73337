"""
Which npm commands install: npm's own words for them, npm 8 to 11, without starting npm.

npm takes the first word that is no option and no option's value for the command. Only where the words alone tell it is
it read here; otherwise npm itself is asked what it understands (`Understood.UNSURE`, then `classified`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from safeinstall.words import begins, may_be_a_word, names_a_source


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split(":", 1) for pair in text.split())


GUARDED = _words("install ci update uninstall dedupe find-dupes prune install-test install-ci-test link rebuild exec")
"""Commands that are planned, judged and run against the frozen view, whatever their arguments."""

HARMLESS = _words(
    """
    access adduser approve-scripts bin completion config deny-scripts deprecate dist-tag doctor explain explore get help
    help-search hook install-scripts ll login logout ls org outdated ping pkg prefix profile query restart root run
    run-script sbom search set set-script shrinkwrap star stars start stop team test token trust undeprecate unpublish
    unstar whoami
    """
)
"""
Commands that neither fetch nor install, whatever their arguments; some run what is the user's own or was installed."""

# Names and aliases of npm 8 to 11 together (lib/utils/cmd-list.js).
_ALIASES = _pairs(
    """
    author:owner home:docs issues:bugs info:view show:view find:search add:install unlink:uninstall remove:uninstall
    rm:uninstall r:uninstall un:uninstall rb:rebuild list:ls ln:link create:init i:install it:install-test
    cit:install-ci-test u:update up:update c:config s:search se:search tst:test t:test ddp:dedupe v:view run-script:run
    clean-install:ci clean-install-test:install-ci-test x:exec why:explain la:ll verison:version ic:ci innit:init
    in:install ins:install inst:install insta:install instal:install isnt:install isnta:install isntal:install
    isntall:install install-clean:ci isntall-clean:ci hlep:help dist-tags:dist-tag upgrade:update udpate:update rum:run
    sit:install-ci-test urn:run ogr:org add-user:adduser
    """
)
# Options of `npm install` whose value is the next word; only messages depend on this list.
_VALUED = _words(
    """
    --prefix --registry --tag --workspace -w --omit --include --cache --userconfig --globalconfig --loglevel
    --save-prefix --before --install-strategy --script-shell --cpu --os --libc -C --location --cafile --proxy
    --https-proxy --noproxy --only --also --min-release-age
    """
)
# `npm -v`, `npm install -h`, `--hel`, `--gh`: npm prints and ends, if such a word is no value. npm counts no dashes.
_LONG = r"h(e(lp?)?)?|u(s(a(ge?)?)?)?|v(e(r(s(i(o(ns?)?)?)?)?)?)?"
_ONE = "[?BCDEHLOPSacdfghlmnpqsvwy]*"
_PRINTS = re.compile(rf"-+({_LONG}|{_ONE}[?Hhv]{_ONE})(=.*)?", re.DOTALL)


class Understood(Enum):
    """How far a command line could be read without npm."""

    INSTALLS = "installs"
    PASSES = "passes"
    """It installs nothing."""
    NOT_YET = "not yet"
    """It may install in a way that is not guarded yet."""
    UNSURE = "unsure"
    """Only npm can tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What one command line is."""

    understood: Understood
    verb: str = ""
    """npm's own name for the command."""
    why: str = ""
    """For what is not guarded yet: what it does."""
    hint: str = ""
    """For what is not guarded yet: what to do instead, where that is not the usual."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command line as npm itself reads it, with its configuration."""

    verb: str
    """npm's own name for the command; empty: it knows no such command."""
    args: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    """What npm-package-arg takes each of *args* for: `git`, `remote`, `file`, `directory`, `tag`, `range`, ..."""
    compared: tuple[str, ...] = ()
    """The same for what `--diff` names."""
    updates: bool = False
    """It runs in workspaces, and workspaces are installed again once they changed."""


def read(argv: Sequence[str]) -> Reading:
    """Return what *argv* is, as far as the words alone tell; every doubt is `UNSURE`."""
    at = begins("npm", argv)
    if at is None:
        unsure = any(may_be_a_word("npm", word) for word in argv)
        return Reading(understood=Understood.UNSURE if unsure else Understood.PASSES)
    if at >= len(argv):
        return Reading(understood=Understood.PASSES)
    found = candidates(argv[at])
    verb = next(iter(found), "")
    if len(found) != 1 or not (verb in GUARDED or _is_exact(argv[at])):
        return Reading(understood=Understood.UNSURE)
    if verb not in HARMLESS and any(map(_PRINTS.fullmatch, argv)):
        return Reading(understood=Understood.UNSURE, verb=verb)
    rest = (*argv[:at], *argv[at + 1 :])
    if verb in SOMETIMES and _depends(verb, rest):
        return Reading(understood=Understood.UNSURE, verb=verb)
    return classified(Command(verb=verb))


def read_npx(argv: Sequence[str]) -> Reading:
    """Return what `npx ARGV` is: npm's `exec`, unless npm may only print."""
    unsure = any(map(_PRINTS.fullmatch, argv))
    return Reading(understood=Understood.UNSURE if unsure else Understood.INSTALLS, verb="exec")


def classified(command: Command) -> Reading:
    """Return what *command* is."""
    verb = command.verb
    refusal = _SOMETIMES.get(verb)
    if refusal is not None and refusal.when(command):
        return Reading(understood=Understood.NOT_YET, verb=verb, why=refusal.why, hint=refusal.hint)
    if verb and verb not in _COMMANDS:
        # A newer npm may have commands that install.
        why = "is a command of npm that safeinstall does not know"
        return Reading(understood=Understood.NOT_YET, verb=verb, why=why)
    installs = verb in GUARDED or _installs(command)
    return Reading(understood=Understood.INSTALLS if installs else Understood.PASSES, verb=verb)


def _is_exact(word: str) -> bool:
    return _spelled(word) in _COMMANDS or _spelled(word) in _ALIASES


def _spelled(word: str) -> str:
    return re.sub("[A-Z]", lambda match: "-" + match[0].lower(), word)


def candidates(word: str) -> frozenset[str]:
    """Return the commands that npm could take *word* for: exact, alias, or abbreviation."""
    spelled = _spelled(word)
    if not spelled or spelled.startswith("-"):
        return frozenset()
    if spelled in _COMMANDS or spelled in _ALIASES:
        return frozenset({_ALIASES.get(spelled, spelled) if spelled not in _COMMANDS else spelled})
    return frozenset(_ALIASES.get(name, name) for name in _COMMANDS | _ALIASES.keys() if name.startswith(spelled))


def _depends(verb: str, rest: Sequence[str]) -> bool:
    """Whether only npm can tell what *verb* does with *rest*, the words around it."""
    given = [word for word in rest if may_be_a_word("npm", word)]
    match verb:
        case "init" | "diff" | "edit" | "birthday":  # settings may stand in a file; not every npm has the last
            return True
        case "version" | "audit" | "cache" | "stage":
            return bool(given)
        case "publish" | "pack":
            return "--" in rest or any(not word.startswith((".", "/")) or ":" in word for word in given)
        case _:
            return "--" in rest or any(map(names_a_source, given))


def _installs(command: Command) -> bool:
    match command.verb:
        case "init":
            return bool(command.args)
        case "pack":
            return _fetches(command.kinds)
        case _:
            return False


def _fetches(kinds: Sequence[str]) -> bool:
    """Whether any of *kinds* is no folder and no file of the user's."""
    return not _LOCAL.issuperset(kinds)


def _unnamed(kinds: Sequence[str]) -> bool:
    return not _UNNAMED.isdisjoint(kinds)


def _stages(command: Command) -> bool:
    action = command.args[:1]
    return action == ("download",) or (action == ("publish",) and _fetches(command.kinds[1:]))


_LOCAL = frozenset({"directory", "file"})
"""What npm-package-arg calls what lies on the disk."""
_UNNAMED = frozenset({"git", "remote"})
"""What it calls repositories and URLs: npm fetches them to tell of them, and may prepare what it finds."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """When a command is refused; else it is harmless or it is planned."""

    when: Callable[[Command], bool]
    why: str
    hint: str = ""


_UPDATES = "ends with an install in the workspaces that it changed"
_LATER = "add `--no-workspaces-update`, then use `npm install`, which is judged"
_PUBLISHES = "fetches what it publishes, unless that is a folder or a file"
_FOLDER = "write a folder of yours as `./FOLDER`"
_TELLS = "fetches a repository or a URL to tell of it, and may run what it finds there"
_TELLING = _Refusal(lambda command: _unnamed(command.kinds), _TELLS)
_SOMETIMES = {
    "birthday": _Refusal(lambda _: True, "fetches a package and runs it"),
    "edit": _Refusal(lambda _: True, "runs the install scripts of a package that was changed by hand"),
    "init": _Refusal(lambda command: command.updates and not command.args, _UPDATES, _LATER),
    "version": _Refusal(lambda command: command.updates and bool(command.args), _UPDATES, _LATER),
    "publish": _Refusal(lambda command: _fetches(command.kinds), _PUBLISHES, _FOLDER),
    "stage": _Refusal(_stages, "fetches a package that nobody has judged", _FOLDER),
    "audit": _Refusal(
        lambda command: command.args[:1] == ("fix",), "installs what npm's own audit holds for the fixed versions"
    ),
    "cache": _Refusal(lambda command: command.args[:1] == ("add",), "fetches a package into npm's cache"),
    "diff": _Refusal(
        lambda command: _unnamed(command.compared),
        "fetches from a repository or a URL, and may run what it finds there",
    ),
    "view": _Refusal(lambda command: _unnamed(command.kinds[:1]), _TELLS),
    **dict.fromkeys(("docs", "bugs", "repo", "fund", "owner"), _TELLING),
}
SOMETIMES = _SOMETIMES.keys() | {"pack"}
"""Commands that fetch, run or install with some arguments or settings, or are always refused."""
_COMMANDS = GUARDED | SOMETIMES | HARMLESS


def words(argv: Sequence[str]) -> tuple[str, ...]:
    """Return what *argv*, which begins with its command, asks for by name; for messages only."""
    found = []
    rest = iter(argv[1:])
    for word in rest:
        if word in _VALUED:
            next(rest, None)
        elif not word.startswith("-"):
            found.append(word)
    return tuple(found)
