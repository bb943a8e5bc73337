"""`safeinstall audit`: questions about what is here already; so far one, which private names can be claimed."""

from collections.abc import Sequence

from safeinstall.commands import claimable
from safeinstall.errors import Misconfigured
from safeinstall.outside import Outside


def run(outside: Outside, words: Sequence[str]) -> int:
    """Answer the question that *words* ask."""
    if "--claimable" in words:
        return claimable.run(outside, words)
    raise Misconfigured("`safeinstall audit` cannot tell that yet", hint="safeinstall audit --claimable")
