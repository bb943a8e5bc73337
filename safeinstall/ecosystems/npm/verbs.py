"""
Which npm commands install: npm's own words for them, npm 8 to 11, without starting npm.

npm takes the first word that is no option and no option's value for the command. Only when that is the very first
argument can it be known without npm's table of options; otherwise npm itself is asked (`Understood.UNSURE`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split(":", 1) for pair in text.split())


GUARDED = frozenset(
    {"install", "ci", "update", "uninstall", "dedupe", "prune", "install-test", "install-ci-test"}
    | {"link", "rebuild", "exec"}
)
"""Commands that are planned, judged and run against the frozen view, whatever their arguments."""

_NOT_YET = {"edit": "runs the install scripts of a package that was changed by hand"}

# Names and aliases of npm 8 to 11 together (lib/utils/cmd-list.js).
_COMMANDS = _words(
    """
    access adduser approve-scripts audit bin birthday bugs cache ci completion config dedupe deny-scripts deprecate diff
    dist-tag docs doctor edit exec explain explore find-dupes fund get help help-search hook init install
    install-ci-test install-scripts install-test link ll login logout ls org outdated owner pack ping pkg prefix profile
    prune publish query rebuild repo restart root run run-script sbom search set set-script shrinkwrap stage star stars
    start stop team test token trust undeprecate uninstall unpublish unstar update version view whoami
    """
)
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
# `npm -v`, `npm install -h`: npm prints and ends. Only npm's own parser knows whether such a word is a value.
_PRINTS = frozenset({"-h", "-?", "-H", "-v", "--help", "--usage", "--version", "--versions"})
_HARMLESS_INIT = re.compile(r"^(-y|-f|--(yes|force|private)|--(scope|init-[a-z.-]+)=.*)$")


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


def read(argv: Sequence[str]) -> Reading:
    """Return what *argv* is, as far as the words alone tell; every doubt is `UNSURE`."""
    if not argv:
        return Reading(understood=Understood.PASSES)
    if argv[0].startswith("-"):
        risky = any(_risky(candidate) for word in argv for candidate in candidates(word))
        return Reading(understood=Understood.UNSURE if risky else Understood.PASSES)
    found = candidates(argv[0])
    if len(found) > 1:
        return Reading(understood=Understood.UNSURE if any(map(_risky, found)) else Understood.PASSES)
    verb = next(iter(found), "")
    if verb in GUARDED and not _PRINTS.isdisjoint(argv):
        return Reading(understood=Understood.UNSURE, verb=verb)
    return classified(verb, argv[1:])


def read_npx(argv: Sequence[str]) -> Reading:
    """Return what `npx ARGV` is: npm's `exec`, unless npm may only print."""
    unsure = not _PRINTS.isdisjoint(argv)
    return Reading(understood=Understood.UNSURE if unsure else Understood.INSTALLS, verb="exec")


def classified(verb: str, args: Sequence[str]) -> Reading:
    """Return what the command *verb* (npm's own name) is with *args*."""
    if verb in GUARDED:
        return Reading(understood=Understood.INSTALLS, verb=verb)
    if _guarded(verb, args):
        return Reading(understood=Understood.INSTALLS, verb=verb)
    why = _NOT_YET.get(verb) or _sometimes(verb, args)
    if why:
        return Reading(understood=Understood.NOT_YET, verb=verb, why=why)
    return Reading(understood=Understood.PASSES, verb=verb)


def candidates(word: str) -> frozenset[str]:
    """Return the commands that npm could take *word* for: exact, alias, or abbreviation."""
    spelled = re.sub("[A-Z]", lambda match: "-" + match[0].lower(), word)
    if not spelled or spelled.startswith("-"):
        return frozenset()
    if spelled in _COMMANDS or spelled in _ALIASES:
        return frozenset({_ALIASES.get(spelled, spelled) if spelled not in _COMMANDS else spelled})
    return frozenset(_ALIASES.get(name, name) for name in _COMMANDS | _ALIASES.keys() if name.startswith(spelled))


def _risky(verb: str) -> bool:
    return verb in GUARDED or verb in _NOT_YET or verb in {"init", "audit", "pack", "cache", "diff"}


def _guarded(verb: str, args: Sequence[str]) -> bool:
    """Whether a command that installs only with some arguments has them."""
    match verb:
        case "init":
            return any(not arg.startswith("-") for arg in args) and not all(map(_HARMLESS_INIT.match, args))
        case "pack":
            return any(not arg.startswith(("-", ".", "/")) for arg in args)
        case _:
            return False


def _sometimes(verb: str, args: Sequence[str]) -> str | None:
    match verb:
        case "init" if not all(_HARMLESS_INIT.match(arg) for arg in args):
            return "may install what a new workspace needs"
        case "audit" if "fix" in args:
            return "installs what npm's own audit holds for the fixed versions"
        case "cache" if "add" in args:
            return "fetches a package into npm's cache"
        case "diff" if any(_is_source(arg) for arg in args):
            return "may fetch from version control and run what it finds there"
        case _:
            return None


def _is_source(word: str) -> bool:
    """Whether *word* may name a repository or a URL, in whatever form npm knows."""
    named = word.partition("=")[2] if word.startswith("-") else word
    return ":" in named or ("/" in named and not named.startswith(("@", ".", "/")))


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
