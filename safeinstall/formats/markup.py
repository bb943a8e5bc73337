"""Foreign text as HTML."""

import re
from html import escape

from safeinstall.text import printable

_CODE = re.compile(r"`([^`]+)`")


def text(foreign: str, *, limit: int = 200) -> str:
    """Return *foreign* text as HTML that shows it, wherever in a page or an attribute it stands."""
    return escape(printable(foreign, limit=limit))


def prose(foreign: str, *, limit: int = 600) -> str:
    """Return *foreign* text as HTML in which what stands in backticks is set as code; not for attributes."""
    # Nothing but our own tag is added, to text that has no markup any more.
    return _CODE.sub(r"<code>\1</code>", text(foreign, limit=limit))
