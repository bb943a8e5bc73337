"""What an index says of a whole project (PEP 792), and what the page of one that was taken away looks like."""

from collections.abc import Iterable

from safeinstall import fields
from safeinstall.errors import MalformedAnswer
from safeinstall.gateway.pages import Page
from safeinstall.text import printable

_RANK = ("active", "deprecated", "archived", "quarantined")


def status(pages: Iterable[Page]) -> tuple[str | None, str]:
    """Return the gravest status that any of *pages* tells, and its reason; None: no page tells one that we know."""
    told = [one for page in pages if (one := _told(page)) is not None]
    return max(told, key=lambda one: _RANK.index(one[0] or "active"), default=(None, ""))


def why_empty(pages: Iterable[Page]) -> str | None:
    """Return in words why no index has a file of a project whose *pages* were read; None: some index has one."""
    seen = tuple(pages)
    if not seen or any(page.entries for page in seen):
        return None
    name = printable(seen[0].project)
    word, reason = status(seen)
    if word == "quarantined":
        more = f" ({printable(reason)})" if reason else ""
        return f"`{name}` is quarantined by its registry{more}: no file of it is offered"
    return (
        f"the registry knows `{name}` and lists no file of it, as after a quarantine or when all releases were removed"
    )


def _told(page: Page) -> tuple[str | None, str] | None:
    try:
        word = fields.optional(page.top, "project-status.status", str)
        reason = fields.optional(page.top, "project-status.reason", str) or ""
    except MalformedAnswer:
        return None
    return (word, reason) if word in _RANK else None
