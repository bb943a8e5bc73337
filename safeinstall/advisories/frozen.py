"""An export that nobody fills any more: it answers, nothing in it changed, and its silence is about the past."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Frozen:
    """When an index counts as frozen, and what becomes of it then."""

    after: timedelta
    """So much older than the last check may its newest record be; the public exports get new ones every day."""
    silent: bool
    """True: it answers for nothing; False: it answers, and says of which day it is."""

    def at(self, newest: str, checked: datetime) -> datetime | None:
        """Return the date of the *newest* record if that is too old for an index *checked* then; None: it is not."""
        try:
            dated = datetime.fromisoformat(newest.removesuffix("Z") + "+00:00")
        except ValueError:  # no record of it has a date: nothing can be said
            return None
        return dated if checked - dated > self.after else None
