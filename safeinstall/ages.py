"""Spans of time as a person reads them."""

from datetime import timedelta

_HOURS = timedelta(hours=96)
"""Up to this a span is told in hours: a cooldown of 72 h is not "3 days" to whoever set it."""


def span(passed: timedelta) -> str:
    """Return *passed* in one unit: `12 h`, `5 min`, `8 days`; what lies in the future is `0 min`."""
    minutes = max(0, int(passed.total_seconds() // 60))
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min"
    if passed <= _HOURS:
        return f"{minutes // 60} h"
    return f"{minutes // 1440} days"


def ago(passed: timedelta) -> str:
    """Return how long ago *passed* is: `12 h ago`, `just now`."""
    return f"{span(passed)} ago" if passed >= timedelta(minutes=1) else "just now"
