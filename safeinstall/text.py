"""Foreign text made harmless at the edge where a person or a terminal reads it."""

import re
import unicodedata
from urllib.parse import urlsplit, urlunsplit

LIMIT = 200
"""Characters of foreign text that one message shows."""

# Control (Cc), format (Cf: bidi overrides, zero width), surrogate, private use, unassigned, line, paragraph separators.
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_COMMAND = re.compile(r"^::|##(?=\w*\[)")


def printable(text: str, *, limit: int = LIMIT) -> str:
    """Return *text* on one line, without control or direction characters, cut at *limit* characters."""
    # A 10 MB summary is cut before it is walked; the margin leaves room for what is dropped.
    head = text[: limit * 4]
    clean = "".join(" " if char in "\t\n\r" else char for char in head if _harmless(char))
    # In the log of a CI system `##vso[...]` anywhere, or `::name::` where a line begins, is a command to that system.
    folded = _COMMAND.sub(lambda found: " ".join(found.group()), " ".join(clean.split()))
    if len(folded) > limit:
        return folded[: limit - 1] + "…"
    return folded + "…" if len(text) > len(head) else folded


def _harmless(char: str) -> bool:
    return char in "\t\n\r" or unicodedata.category(char) not in _HARMFUL


def redacted(url: str) -> str:
    """Return *url* on one line without user, password, query and fragment: each may carry a token."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:  # an unbalanced bracket or a port that is no number: show nothing of it
        return "<malformed url>"
    if ":" in host:
        host = f"[{host}]"
    return printable(urlunsplit((parts.scheme, host + port, parts.path, "", "")))


def counted(number: int, word: str) -> str:
    """Return how many there are: `1 gap`, `2,000 gaps`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
