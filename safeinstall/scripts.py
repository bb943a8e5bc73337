"""Whose code may run while it is installed: npm's lifecycle scripts and Python's builds from source."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safeinstall.model import Purl


class ScriptMode(str, Enum):
    """Whose code runs; the later ones are tighter."""

    ALLOW = "allow"
    """Everybody's, as without us."""
    LISTED = "listed"
    """That of listed releases; whoever else wants to is a finding."""
    BLOCK = "block"
    """Nobody's, but what an override names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scripts:
    """The table `[scripts]` of the settings, with what overrides add to it."""

    npm: ScriptMode = ScriptMode.ALLOW
    pypi: ScriptMode = ScriptMode.ALLOW
    listed: "frozenset[Purl]" = frozenset()
    """With exact versions."""
    overridden: "frozenset[Purl]" = frozenset()
    """npm releases whose scripts an override lets run."""

    def runs(self, purl: "Purl", mode: ScriptMode) -> bool:
        """Whether the code of *purl* may run under *mode*."""
        if mode is ScriptMode.ALLOW or purl in self.overridden:
            return True
        return mode is ScriptMode.LISTED and purl in self.listed
