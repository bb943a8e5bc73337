"""Asks a person at a terminal, once for the whole set, about what blocks."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TextIO

from safeinstall.model import Decision, Finding, Override
from safeinstall.policy import MALWARE
from safeinstall.purl import parts
from safeinstall.runs import Run
from safeinstall.text import printable

ORIGIN = "prompt"
_MANY = 3
"""More names than this are not typed one by one."""


def can_ask(env: Mapping[str, str], stdin: TextIO, stderr: TextIO) -> bool:
    """Whether a person is there: a terminal on both sides, and no CI system that lends us one."""
    ci = env.get("CI", "").lower() not in ("", "0", "false")
    return not ci and stdin.isatty() and stderr.isatty()


def ask(run: Run, *, stdin: TextIO, stderr: TextIO, by: str) -> tuple[Override, ...]:
    """
    Return the overrides, for this run only, that the person gives for all that blocks *run*; empty is no.

    The verdict must be on the screen already. To say yes, the person types the names of what is flagged, and then a
    reason; everything else is no: an empty line, a `y`, the end of input, Ctrl-C.
    """
    blocking = [ruling.result for ruling in run.verdict.rulings if ruling.decision is Decision.BLOCK]
    if any(isinstance(one, Finding) and one.kind == MALWARE for one in blocking):
        _say(stderr, "Malware is not let through here: that takes `safeinstall allow ...` with an end date.\n")
        return ()
    names = sorted({printable(parts(one.purl)[1]) for one in blocking})
    word = " ".join(names) if len(names) <= _MANY else _word(names)
    what = "its name" if len(names) == 1 else "their names"
    if len(names) > _MANY:
        what = f"`{word}` for all {len(names)}"
    else:
        what += f", `{word}`"
    try:
        _say(stderr, f"To let this through for this run only, at your own risk, type {what}; anything else is no: ")
        if sorted(_line(stdin, stderr).split()) != sorted(word.split()):
            return ()
        _say(stderr, "Why? (kept in the ledger): ")
        reason = printable(_line(stdin, stderr))
    except KeyboardInterrupt:
        _say(stderr, "\n")
        return ()
    if not reason:
        return ()
    found = {(one.check, one.purl) for one in blocking}
    return tuple(
        Override(purl=purl, check=check, reason=reason, until=None, by=by, origin=ORIGIN)
        for check, purl in sorted(found)
    )


def _line(stdin: TextIO, stderr: TextIO) -> str:
    line = stdin.readline()
    if not line.endswith("\n"):  # The end of input leaves the cursor behind the question.
        _say(stderr, "\n")
    return line


def _word(names: Sequence[str]) -> str:
    """Return a short word that another set does not have, so that fingers do not learn it."""
    return "allow-" + hashlib.sha256("\n".join(names).encode()).hexdigest()[:6]


def _say(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()
