"""Which signals together block a release: one row for each way in which good packages have gone bad."""

from dataclasses import dataclass

from safeinstall.signals.signal import Kind, Signal


@dataclass(frozen=True, kw_only=True, slots=True)
class Combination:
    """One row: all of *needs*, each of them by any of its kinds."""

    ident: str
    needs: tuple[frozenset[Kind], ...]
    means: str
    """What it looks like, in words for the user."""
    incident: str
    """Where it happened."""

    def found(self, signals: tuple[Signal, ...]) -> bool:
        """Whether *signals* fill the row."""
        kinds = {one.kind for one in signals}
        return all(need & kinds for need in self.needs)


def _any(*kinds: Kind) -> frozenset[Kind]:
    return frozenset(kinds)


_ACTS = _any(Kind.SCRIPT, Kind.STARTUP)
_NEW_HANDS = _any(Kind.PUBLISHER, Kind.REPLACED)
_NO_PROOF = _any(Kind.UNATTESTED, Kind.ACCOUNT)

COMBINATIONS: tuple[Combination, ...] = (
    Combination(
        ident="worm",
        needs=(_any(Kind.SCRIPT), _any(Kind.SIZE, Kind.SPREAD, Kind.BURST)),
        means="a worm adds such a script, and its own body, to every package that it can publish",
        incident="the npm worm of September 2025: `postinstall` and 3 MB more in hundreds of packages",
    ),
    Combination(
        ident="startup-file",
        needs=(_any(Kind.STARTUP),),
        means="a file that runs whenever Python starts, without any import, is how stolen tokens were used on PyPI",
        incident="litellm 1.82.8, March 2026",
    ),
    Combination(
        ident="new-hands-new-code",
        needs=(_NEW_HANDS, _any(Kind.YOUNG_DEPENDENCY)),
        means="somebody new brings in a package that nobody knows",
        incident="event-stream 3.3.6, September 2018: a new maintainer added `flatmap-stream`",
    ),
    Combination(
        ident="new-hands-that-act",
        needs=(_NEW_HANDS, _ACTS),
        means="somebody new makes it run code on install or at start",
        incident="taken-over accounts of npm packages, 2018 to 2022",
    ),
    Combination(
        ident="stolen-token",
        needs=(_NO_PROOF, _any(Kind.SCRIPT, Kind.STARTUP, Kind.YOUNG_DEPENDENCY, Kind.SIZE)),
        means="it was not built where the others were, and it does more than they did",
        incident="nx, August 2025, without provenance and with a new `postinstall`; ultralytics 8.3.45, December 2024",
    ),
    Combination(
        ident="hidden-in-a-dependency",
        needs=(_any(Kind.YOUNG_DEPENDENCY), _any(Kind.PATCH)),
        means="a small release brings in a package that is only days or weeks old",
        incident="node-ipc 9.2.2, March 2022: `peacenotwar` came with a patch release",
    ),
    Combination(
        ident="awakened",
        needs=(_any(Kind.AWAKENED), _ACTS),
        means="after a long sleep it runs code on install or at start",
        incident="coa 2.0.3 and rc 1.2.9, November 2021: years without a release, then a `preinstall`",
    ),
    Combination(
        ident="burst",
        needs=(_any(Kind.BURST), _any(Kind.SIZE, Kind.SCRIPT, Kind.YOUNG_DEPENDENCY)),
        means="one account changed many packages within an hour, and they grew",
        incident="chalk, debug and 16 more, September 2025: one phished account",
    ),
    Combination(
        ident="expired-domain",
        needs=(_any(Kind.MAIL_NEW, Kind.MAIL_GONE), _any(Kind.AWAKENED, Kind.PUBLISHER, Kind.REPLACED)),
        means="whoever registers the domain of a maintainer's address anew gets the password reset",
        incident="ctx, May 2022: an expired domain, and the first release after years",
    ),
)
"""In the order in which they are looked for; the first that is filled names the finding."""


def combined(signals: tuple[Signal, ...]) -> Combination | None:
    """Return the first row that *signals* fill."""
    return next((row for row in COMBINATIONS if row.found(signals)), None)
