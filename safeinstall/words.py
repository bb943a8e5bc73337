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


def may_install(tool: str, argv: Sequence[str]) -> bool:
    """
    Whether any word of *argv* could make *tool* install; False is sure, True is for the ecosystem's grammar to decide.

    Any word counts, not only the first: `npm --prefix DIR install` takes a value for the verb otherwise.
    """
    pattern = _NPM if tool == "npm" else _PIP
    return any(pattern.fullmatch(word) is not None for word in argv)
