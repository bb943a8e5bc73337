"""What a setting is, who sets it, and how its value is shown; the settings themselves stand in `setting_rows`."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from safeinstall.model import Severity
from safeinstall.policy import Row
from safeinstall.text import redacted


class Layer(IntEnum):
    """Who sets a value; a later layer wins."""

    DEFAULT = 0
    SYSTEM = 1
    USER = 2
    PROJECT = 3
    ENVIRONMENT = 4
    FLAG = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One key of a settings file."""

    key: str
    """With its table: `osv.url`."""
    read: Callable[[object], object]
    """Return the value of what TOML held; raises `ValueError` with what was expected."""
    default: object
    from_text: Callable[[str], object] | None = None
    """Turn an environment variable into what TOML would hold; None: it cannot be set there."""
    tightens: Callable[[object, object], bool] | None = None
    """Whether the first value protects at least as well as the second; None: they cannot be compared."""
    layers: frozenset[Layer] = frozenset(Layer)
    adds: bool = False
    """Layers add up instead of replacing each other: more of it only protects more."""

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return "SAFEINSTALL_" + self.key.upper().replace(".", "_").replace("-", "_")


def shown(value: object) -> str:
    """Return *value* as a person would write it in TOML, without credentials."""
    match value:
        case bool():
            return "true" if value else "false"
        case Row(decision=decision, minimum=minimum):
            return (
                f'"{decision.value}"' if minimum is Severity.NOTE else f'"{decision.value}" from {minimum.name.lower()}'
            )
        case tuple():
            return "[" + ", ".join(shown(one) for one in value) + "]"
        case str():
            return f'"{redacted(value)}"' if "://" in value else f'"{value}"'
        case None:
            return '""'
        case _:
            return str(value)
