"""A source with the weight that the user gives it: whether its silence is a gap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from safeinstall.contracts import Answer, Source
from safeinstall.model import Release


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighed:
    """*source*, required or not."""

    source: Source
    supplement: bool

    @property
    def ident(self) -> str:
        """See `Source.ident`."""
        return self.source.ident

    @property
    def live(self) -> bool:
        """See `Source.live`."""
        return self.source.live

    @property
    def public(self) -> bool:
        """See `Source.public`."""
        return self.source.public

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:
        """See `Source.ask`."""
        return self.source.ask(releases, now=now, deadline=deadline)
