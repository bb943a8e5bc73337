"""Typed reading of untrusted JSON; an error names the path inside the document."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

from safeinstall.errors import MalformedAnswer
from safeinstall.text import printable

T = TypeVar("T")

_MISSING = object()
_INDEX = re.compile(r"[0-9]{1,9}")


def field(document: object, path: str, kind: type[T]) -> T:
    """
    Return the value at the dotted *path* of *document*, which must be a *kind*.

    Raises `MalformedAnswer` when the path is missing or the value is of another type; a `bool` is no `int` here.
    """
    value = _walk(document, path)
    if value is _MISSING:
        raise MalformedAnswer(f"missing `{printable(path)}`")
    return _checked(value, path, kind)


def optional(document: object, path: str, kind: type[T]) -> T | None:
    """Return as `field` does, or None when the path is missing or null; another type still raises."""
    value = _walk(document, path)
    if value is _MISSING or value is None:
        return None
    return _checked(value, path, kind)


def items(document: object, path: str, kind: type[T]) -> tuple[T, ...]:
    """Return the list at *path*, each of whose items must be a *kind*; a missing or null list is empty."""
    found = optional(document, path, list) if path else _checked(document, "the document", list)
    return tuple(_checked(item, f"{path}[{index}]", kind) for index, item in enumerate(found or ()))


def mapping(document: object, path: str) -> Mapping[str, object]:
    """Return the object at *path* (empty path: the document itself); raises `MalformedAnswer` otherwise."""
    if not path:
        return cast("Mapping[str, object]", _checked(document, "the document", dict))
    return cast("Mapping[str, object]", field(document, path, dict))


def _walk(document: object, path: str) -> object:
    if type(document) is dict and "." not in path:  # nearly every question, and records come by the hundred thousand
        return document.get(path, _MISSING)
    value = document
    for key in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(key, _MISSING)
        elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and _INDEX.fullmatch(key):
            value = value[int(key)] if int(key) < len(value) else _MISSING
        else:
            return _MISSING
        if value is _MISSING:
            return _MISSING
    return value


def _checked(value: object, path: str, kind: type[T]) -> T:
    if type(value) is kind:
        return value
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool and kind is not object):
        message = f"expected {kind.__name__}, got {type(value).__name__} at `{printable(path)}`"
        raise MalformedAnswer(message)
    return value
