"""Which command lines could install at all: the shim's own rule, for whoever calls us without one."""

import re
from collections.abc import Sequence

PIP_VERBS = ("install", "download", "wheel", "lock")
"""pip knows no beginnings and no typos of them."""

_PIPS = re.compile(r"pip([23](\.\d+)?)?")
# Beginnings, typos and camel case: npm understands `npm upda`, `npm isntall` and `npm installTest`.
_NPM = re.compile(
    r"i|in|ins|inst|insta|instal|install.*|is|isn|isnt.*|it|ic|a|ad|add"
    r"|ci|cit|cl|cle|clea|clean.*|si|sit|u|up|upd.*|upg.*|ud.*|un|uni.*|unl.*"
    r"|r|re|rm|rem.*|rb|reb.*|x|ex|exe|exec|ini|init|inn|inni|innit"
    r"|cr|cre|crea|creat|create|l|li|lin|link|ln|dd.*|de|ded.*|aud.*|pru.*|pa|pac|pack"
    r"|di|dif|diff|ed|edi|edit",
    re.DOTALL,
)
FIRST = {
    "pip": frozenset(
        {"list", "show", "freeze", "check", "config", "cache", "index", "inspect", "hash", "debug", "help"}
        | {"completion", "search", "uninstall"}
    ),
    "npm": frozenset(
        {"run", "run-script", "rum", "urn", "test", "tst", "t", "start", "stop", "restart", "ls", "list", "ll", "la"}
        | {"view", "info", "show", "v", "config", "c", "get", "set", "help", "search", "outdated", "explain", "why"}
        | {"whoami", "root", "prefix", "version", "fund", "docs", "pkg", "query", "ping", "publish"}
    ),
}
"""Commands that install nothing, when they are the very first word."""
_PRINTS = frozenset({"-v", "--version", "-h", "--help"})
"""What npx only answers, when it is all that it is given."""


def family(tool: str) -> str | None:
    """Return whose grammar *tool* (`pip3.11`, `npx`) speaks: `pip`, `npm` or `npx`; None: it is none of ours."""
    if _PIPS.fullmatch(tool):
        return "pip"
    return tool if tool in ("npm", "npx") else None


def may_install(tool: str, argv: Sequence[str]) -> bool:
    """
    Whether any word of *argv* could make *tool* install; False is sure, True is for the ecosystem's grammar to decide.

    A first word that is no option is the command itself: `npm run x` runs a script, though `npm x` would install.
    Otherwise any word counts: `npm --prefix DIR install` takes an option's value for the verb if only the first does.
    """
    if tool == "npx":
        # Whatever it is told to run may have to be fetched first: only npm itself can tell.
        return not (len(argv) == 1 and argv[0] in _PRINTS)
    if argv and argv[0] in FIRST["npm" if tool == "npm" else "pip"]:
        return False
    if tool != "npm":
        return any(word in PIP_VERBS for word in argv)
    return any(_NPM.fullmatch(word) is not None for word in argv)
