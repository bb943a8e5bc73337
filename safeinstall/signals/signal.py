"""The record that all signals are."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum


class Kind(str, Enum):
    """What a signal is about; its value is its name in messages, documentation and rows."""

    SCRIPT = "new-script"
    """npm: an install script that the earlier release did not have."""
    CHANGED_SCRIPT = "changed-script"
    STARTUP = "new-startup-file"
    """PyPI: a file that Python runs when it starts."""
    COMMAND = "new-command"
    DEPENDENCY = "new-dependency"
    YOUNG_DEPENDENCY = "young-dependency"
    """A new dependency on a project that is new itself, and of others."""
    SIZE = "size-jump"
    SOURCE_ONLY = "source-only"
    """An sdist alone, where there were wheels."""
    BUILDER = "new-build-backend"
    """PyPI: another backend made the wheel; whoever builds elsewhere often builds otherwise."""
    REPOSITORY = "repository-gone"
    AWAKENED = "awakened"
    """Nothing for a year or more, and now this."""
    JUMP = "version-jump"
    PATCH = "patch"
    """No signal by itself: the version promises that nothing new comes."""
    BURST = "burst"
    """Several unrelated packages of the plan were published by one account within an hour."""
    SPREAD = "spread"
    """Several packages of the plan have got the same new install script."""
    PUBLISHER = "new-publisher"
    REPLACED = "owners-replaced"
    """Nobody of those who could publish before can now."""
    ADDED = "owner-added"
    ACCOUNT = "published-by-hand"
    """By an account, where a trusted build service did it before."""
    MAIL_GONE = "mail-domain-gone"
    MAIL_NEW = "mail-domain-new"
    """The domain of a maintainer's address was registered after the last release."""
    UNATTESTED = "attestation-lost"


WEIGHTS = {
    Kind.SCRIPT: 4,
    Kind.STARTUP: 5,
    Kind.YOUNG_DEPENDENCY: 3,
    Kind.PUBLISHER: 3,
    Kind.REPLACED: 3,
    Kind.ACCOUNT: 3,
    Kind.UNATTESTED: 3,
    Kind.MAIL_NEW: 4,
    Kind.MAIL_GONE: 3,
    Kind.BURST: 2,
    Kind.SPREAD: 5,
    Kind.SIZE: 2,
    Kind.AWAKENED: 1,
    Kind.SOURCE_ONLY: 2,
    Kind.REPOSITORY: 2,
    Kind.CHANGED_SCRIPT: 1,
    Kind.DEPENDENCY: 1,
    Kind.COMMAND: 1,
    Kind.BUILDER: 1,
    Kind.JUMP: 1,
    Kind.ADDED: 1,
    Kind.PATCH: 0,
}
"""How much each adds to the score of a release. From `LOUD` on it warns; what is below is only noted."""

LOUD = 3

RECENT = timedelta(days=90)
"""What the world has had longer than this, without a word against it, does not block for its signals alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """One thing that is odd about a release."""

    kind: Kind
    told: str
    """One clause for the user, foreign text already printable: "`postinstall` runs `node x.js`; 1.0.0 had none"."""

    @property
    def weight(self) -> int:
        """What it adds to the score."""
        return WEIGHTS[self.kind]


def score(signals: tuple[Signal, ...]) -> int:
    """Return the score of *signals*: each kind counts once, however often it was seen."""
    return sum(WEIGHTS[kind] for kind in {one.kind for one in signals})
