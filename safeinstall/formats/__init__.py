"""The formats in which a run can be written down, in the order in which they are listed to a user."""

from safeinstall.contracts import Format
from safeinstall.errors import Misconfigured
from safeinstall.formats.cyclonedx import CycloneDx
from safeinstall.formats.html import Html
from safeinstall.formats.json_v1 import JsonV1
from safeinstall.formats.markdown import Markdown
from safeinstall.formats.sarif import Sarif
from safeinstall.formats.text import Text
from safeinstall.text import printable

FORMATS: tuple[Format, ...] = (
    Text(),
    JsonV1(),
    Sarif(),
    CycloneDx(),
    Markdown(),
    Html(),
)

NAMES = tuple(one.ident for one in FORMATS)
"""What may stand after `--format`."""


def named(name: str) -> Format:
    """Return the format called *name*; raises `Misconfigured` when there is none."""
    for one in FORMATS:
        if one.ident == name:
            return one
    raise Misconfigured(f"there is no format `{printable(name)}`", hint=f"there is {', '.join(NAMES)}")
