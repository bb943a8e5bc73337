"""Whether the user, and not a file of the repository, decided who serves a name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from safeinstall.errors import FactMissing
from safeinstall.facts import Facts
from safeinstall.model import Finding, Release
from safeinstall.text import printable, redacted


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryChoice:
    """See `Check`."""

    ident: ClassVar[str] = "registry-choice"
    question: ClassVar[str] = "Did the user decide who serves it?"

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`; it yields nothing: what a stranger serves under a known name is not judged, it is a gap."""
        del facts
        registry = release.registry
        if registry is not None and registry.chosen is not None and not release.kept:
            url = printable(redacted(registry.url))
            raise FactMissing(
                f"{registry.chosen} chose {url} to serve it, and nothing of yours says who can publish there",
                hint="if you know it, declare it in your own settings: in `registries.public` when the world publishes "
                "there, in `registries.private` when only your own people do",
            )
        yield from ()
