"""Command lines as they may be shown and kept: without tokens, passwords and credentials in URLs."""

import re
from collections.abc import Sequence

from safeinstall.text import printable, redacted

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"]+")
_SECRET = re.compile(r"^--?.*(auth|token|password|passwd|secret|otp|api[-_]?key|credential)[\w.-]*$", re.IGNORECASE)
_HIDDEN = "<hidden>"
# `--proxy USER:PASSWORD@HOST:PORT`, which pip takes without a scheme; an alias of npm (`npm:NAME@1.0`) is none.
_LOGIN = re.compile(r"(^|=)(?!npm:)[^\s/@:=]+:[^\s/@]+@(?=[\w.-]+(?::\d+)?/?$)")


def shown(argv: Sequence[str]) -> tuple[str, ...]:
    """Return *argv* with every secret hidden that an option's name or a URL gives away; each word on one line."""
    words: list[str] = []
    hide_next = False
    for word in argv:
        name, equals, _ = word.partition("=")
        if hide_next and not word.startswith("-"):
            words.append(_HIDDEN)
            hide_next = False
            continue
        secret = _SECRET.match(name) is not None
        hide_next = secret and not equals
        if secret and equals:
            words.append(f"{printable(name)}={_HIDDEN}")
        else:
            words.append(printable(_LOGIN.sub(rf"\1{_HIDDEN}@", revealed(word))))
    return tuple(words)


def revealed(text: str) -> str:
    """Return *text*, a requirement for example, with the URLs in it as `redacted` leaves them."""
    return _URL.sub(lambda match: redacted(match.group()), text)
