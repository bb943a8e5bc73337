"""Whether what a registry told, hashes included, is its own word."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.model import Finding, Release
from safeinstall.text import printable, redacted


@dataclass(frozen=True, kw_only=True, slots=True)
class Transport:
    """See `Check`."""

    ident: ClassVar[str] = "transport"
    question: ClassVar[str] = "Did the registry prove who it is?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`; it yields nothing: a registry that cannot be told from an impostor is a gap."""
        del facts
        registry = release.registry
        if registry is not None and registry.unproven is not None and not release.kept:
            raise FactMissing(
                f"{printable(redacted(registry.url))} did not prove who it is ({registry.unproven}): anybody on the "
                "way could answer in its place",
                hint="use https with a certificate that is checked, for example with a CA file of your company; if you "
                'trust every network on the way, your own settings can say `gaps.transport = "warn"`',
            )
        yield from ()
