"""Which command lines could install at all: the shim's own rule, for whoever calls us without one."""

import re
from collections.abc import Sequence

_PIP = re.compile(r"install|download|wheel|lock")
# Beginnings, typos and camel case: npm understands `npm upda`, `npm isntall` and `npm installTest`.
_NPM = re.compile(
    r"i|in|ins|inst|insta|instal|install.*|is|isn|isnt.*|it|ic|a|ad|add"
    r"|ci|cit|cl|cle|clea|clean.*|si|sit|u|up|upd.*|upg.*|ud.*|un|uni.*|unl.*"
    r"|r|re|rm|rem.*|rb|reb.*|x|ex|exe|exec|ini|init|inn|inni|innit"
    r"|cr|cre|crea|creat|create|l|li|lin|link|ln|dd.*|de|ded.*|aud.*|pru.*|pa|pac|pack",
    re.DOTALL,
)
_FIRST = {
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


def may_install(tool: str, argv: Sequence[str]) -> bool:
    """
    Whether any word of *argv* could make *tool* install; False is sure, True is for the ecosystem's grammar to decide.

    A first word that is no option is the command itself: `npm run x` runs a script, though `npm x` would install.
    Otherwise any word counts: `npm --prefix DIR install` takes an option's value for the verb if only the first does.
    """
    if argv and argv[0] in _FIRST["npm" if tool == "npm" else "pip"]:
        return False
    pattern = _NPM if tool == "npm" else _PIP
    return any(pattern.fullmatch(word) is not None for word in argv)
