"""Reads Dockerfiles as far as ours go: instructions with their flags, continued lines, comments, variables."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_VARIABLE = re.compile(r"\\(.)|\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})")
_FLAG = re.compile(r"--([\w-]+)(?:=(\S+))?\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """One instruction: its word in capitals, its flags, and the rest as it stands there."""

    word: str
    flags: tuple[tuple[str, str], ...]
    text: str

    def flag(self, name: str, default: str = "") -> str:
        """Return the value of the flag *name*, which is given once or not at all."""
        return dict(self.flags).get(name, default)


def read(text: str) -> Iterator[Instruction]:
    """Yield the instructions of a Dockerfile."""
    whole = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        if line.endswith("\\"):
            whole += line[:-1]
            continue
        whole += line
        if whole.strip():
            yield _instruction(whole.strip())
        whole = ""
    assert not whole, "the last line is continued by nothing"


def expanded(text: str, values: Mapping[str, str]) -> str:
    """Return *text* with `$NAME`, `${NAME}`, `${NAME:-else}` and `${NAME:+then}` replaced, as the builder does it."""

    def one(match: re.Match[str]) -> str:
        escaped, short, long, how, other = match.groups()
        if escaped is not None:
            return str(escaped)
        value = values.get(short or long, "")
        if how == "-":
            return value or str(other)
        return str(other) if how == "+" and value else value

    return _VARIABLE.sub(one, text)


def mounts(instruction: Instruction) -> Iterator[Mapping[str, str]]:
    """Yield each `--mount` of a RUN: its keys and values."""
    for name, value in instruction.flags:
        if name == "mount":
            yield dict(part.partition("=")[::2] for part in value.split(","))


def _instruction(line: str) -> Instruction:
    word, _, rest = line.partition(" ")
    flags = []
    rest = rest.lstrip()
    while (match := _FLAG.match(rest)) is not None:
        flags.append((match[1], match[2] or ""))
        rest = rest[match.end() :].lstrip("\n ")
    return Instruction(word=word.upper(), flags=tuple(flags), text=rest)
