"""The table of command lines and what each means (`tests/data/command_lines.toml`)."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = Path(__file__).parents[1] / "data" / "command_lines.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One command line; the table says what each field is."""

    tool: str
    means: str
    """`install`, `pass` or `refuse`."""
    line: str
    verb: str = ""
    targets: tuple[str, ...] = ()
    said: tuple[str, ...] | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    file: tuple[str, ...] = ()
    folder: str = ""

    @property
    def argv(self) -> tuple[str, ...]:
        """The words of the line."""
        return tuple(shlex.split(self.line))

    def __str__(self) -> str:
        """Show it as one would type it."""
        around = [*(f"{name}={value}" for name, value in self.env.items()), *self.file, self.folder]
        return f"{self.tool} {self.line}" + "".join(f" [{one}]" for one in around if one)


def rows(*tools: str) -> tuple[Row, ...]:
    """Return the rows of *tools*."""
    table: Mapping[str, Mapping[str, list[dict[str, object]]]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return tuple(_row(tool, means, one) for tool in tools for means, told in table[tool].items() for one in told)


def _row(tool: str, means: str, told: Mapping[str, object]) -> Row:
    return Row(tool=tool, means=means, **dict(_frozen(told)))  # type: ignore[arg-type]  # the table's own names


def _frozen(told: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in told.items():
        yield name, tuple(cast("list[str]", value)) if isinstance(value, list) else value
