"""How values of settings are read, from TOML and from the environment, and which of two is the tighter one."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from safeinstall.errors import MalformedAnswer
from safeinstall.model import Decision, Severity
from safeinstall.policy import Row
from safeinstall.purl import parse, parts, project
from safeinstall.repositories import repository


def boolean(value: object) -> bool:
    """Return *value*, a boolean."""
    if not isinstance(value, bool):
        raise ValueError("expected true or false")  # noqa: TRY004 - one error class for every wrong value
    return value


def boolean_text(text: str) -> object:
    """Return the boolean that *text* spells, or *text* for the reader to complain of."""
    return {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }.get(text.strip().lower(), text)


def number(low: float, high: float) -> Callable[[object], object]:
    """Return a reader of numbers from *low* to *high*."""

    def read(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise ValueError(f"expected a number from {low:g} to {high:g}")
        return float(value)

    return read


def number_text(text: str) -> object:
    """Return the number that *text* spells, or *text* for the reader to complain of."""
    try:
        return float(text)
    except ValueError:
        return text


def url(value: object) -> object:
    """Return *value*, an absolute web URL, without a slash at its end."""
    if not isinstance(value, str):
        raise ValueError("expected a URL")  # noqa: TRY004 - see boolean
    parts = urlsplit(value)  # Its own ValueError (an unbalanced bracket) says enough.
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected a URL that begins with https:// or http://")
    return value.rstrip("/")


def text(value: object) -> object:
    """Return *value*, a text."""
    if not isinstance(value, str):
        raise ValueError("expected text")  # noqa: TRY004 - see boolean
    return value


def texts(value: object) -> object:
    """Return the texts of *value*, a list."""
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ValueError("expected a list of texts")
    return tuple(value)


def urls(value: object) -> object:
    """Return the web URLs of *value*, a list."""
    found = texts(value)
    assert isinstance(found, tuple)
    return tuple(url(one) for one in found)


_WEIGHED = ("osv", "index", "records", "registry", "lists", "github", "npm_audit")
"""Sources that may be required; the embedded records are never fresh, so their silence can prove nothing."""


def source_names(value: object) -> object:
    """Return *value*, a list of sources that may be required."""
    found = texts(value)
    assert isinstance(found, tuple)
    if not set(found) <= set(_WEIGHED):
        raise ValueError(f"expected a list of {', '.join(_WEIGHED)}")
    return found


def texts_text(text: str) -> object:
    """Return the texts between the commas of *text*."""
    return [one.strip() for one in text.split(",") if one.strip()]


def row(default: Row) -> Callable[[object], object]:
    """Return a reader of policy rows; *default* gives the lowest severity where only a decision is set."""

    def read(value: object) -> object:
        if isinstance(value, str):
            return Row(decision=_decision(value), minimum=default.minimum)
        if isinstance(value, Mapping) and set(value) <= {"decision", "from"} and "decision" in value:
            return Row(decision=_decision(value["decision"]), minimum=_severity(value.get("from", "note")))
        raise ValueError('expected "block", "warn" or "note", or { decision = "block", from = "medium" }')

    return read


def _decision(value: object) -> Decision:
    if value not in ("block", "warn", "note"):
        raise ValueError('expected "block", "warn" or "note"')
    return Decision(value)


def _severity(value: object) -> Severity:
    names = {severity.name.lower(): severity for severity in Severity}
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"expected one of {', '.join(names)}")
    return names[value]


def gap(default: Row) -> Callable[[object], object]:
    """Return a reader of the row for what a check could not answer; only what is noted by *default* may be noted."""
    allowed = ("block", "warn", "note") if default.decision is Decision.NOTE else ("block", "warn")
    expected = " or ".join([", ".join(f'"{one}"' for one in allowed[:-1]), f'"{allowed[-1]}"'])

    def read(value: object) -> object:
        if value not in allowed:
            raise ValueError(f"expected {expected}")
        return Row(decision=Decision(value))

    return read


_RULE = re.compile(
    r"(?:https?://[^\s=]+|(?:(?:pypi|npm):)?(?:@?[a-z0-9~][a-z0-9._~-]*(?:/[a-z0-9._~-]+)?(?:/?\*)?|\*))", re.IGNORECASE
)
_LONGEST_HOURS = 87_600


def age_rules(value: object) -> object:
    """Return *value*, a list of `PATTERN=HOURS`."""
    found = texts(value)
    assert isinstance(found, tuple)
    for one in found:
        pattern, _, hours = one.rpartition("=")
        told = number_text(hours)
        if not _RULE.fullmatch(pattern) or not isinstance(told, float) or not 0 <= told <= _LONGEST_HOURS:
            raise ValueError('expected a list of "PATTERN=HOURS", as "flask=24", "@acme=0" or "https://HOST/=0"')
    return found


def demands(value: object) -> object:
    """Return *value*, a list of `PURL=HOST/OWNER/NAME`, the repositories in their one spelling."""
    found = texts(value)
    assert isinstance(found, tuple)
    read = []
    for one in found:
        name, _, place = one.partition("=")
        known = repository(f"https://{place}")
        try:
            read.append(f"{project(parse(name))}={known}")
        except MalformedAnswer:
            known = None
        if known is None:
            raise ValueError('expected a list of "PURL=HOST/OWNER/NAME", as "pkg:npm/chalk=github.com/chalk/chalk"')
    return tuple(read)


def cooldown_mode(value: object) -> object:
    """Return what is done with what is too young."""
    if value not in ("withhold", "block", "off"):
        raise ValueError('expected "withhold", "block" or "off"')
    return value


def not_off(new: object, old: object) -> bool:
    """Whether *new* is not "off", or *old* was that as well."""
    return new != "off" or old == "off"


_SCRIPTS = ("allow", "listed", "block")


def script_mode(value: object) -> object:
    """Return whose code may run while it is installed."""
    if value not in _SCRIPTS:
        raise ValueError('expected "allow", "listed" or "block"')
    return value


def fewer_scripts(new: object, old: object) -> bool:
    """Whether *new* lets no more code run than *old*."""
    assert isinstance(new, str)
    assert isinstance(old, str)
    return _SCRIPTS.index(new) >= _SCRIPTS.index(old)


def releases(value: object) -> object:
    """Return *value*, a list of package URLs with exact versions, in their one spelling."""
    found = texts(value)
    assert isinstance(found, tuple)
    try:
        purls = tuple(parse(one) for one in found)
    except MalformedAnswer as error:
        raise ValueError("expected a list of `pkg:npm/NAME@VERSION`") from error
    if not all(parts(one)[2] for one in purls):
        raise ValueError("expected a list of `pkg:npm/NAME@VERSION`, each with its exact version")
    return purls


def conflicts(value: object) -> object:
    """Return what is to be done with a name that two registries list."""
    if value not in ("block", "pin"):
        raise ValueError('expected "block" or "pin"')
    return value


def frozen(value: object) -> object:
    """Return what is to be done with an index into which nothing new comes any more."""
    if value not in ("silent", "say"):
        raise ValueError('expected "silent" or "say"')
    return value


def silences(new: object, old: object) -> bool:
    """Whether *new* is as it was, or makes it silent."""
    return new in (old, "silent")


def blocks(new: object, old: object) -> bool:
    """Whether *new* is as it was, or blocks."""
    return new in (old, "block")


_STRICTNESS = {Decision.NOTE: 0, Decision.WARN: 1, Decision.BLOCK: 2}


def tighter_row(new: object, old: object) -> bool:
    """Whether the row *new* lets through no more than *old*."""
    assert isinstance(new, Row)
    assert isinstance(old, Row)
    return _STRICTNESS[new.decision] >= _STRICTNESS[old.decision] and new.minimum <= old.minimum


def smaller(new: object, old: object) -> bool:
    """Whether *new* is at most *old*."""
    assert isinstance(new, (int, float))
    assert isinstance(old, (int, float))
    return new <= old


def larger(new: object, old: object) -> bool:
    """Whether *new* is at least *old*."""
    return smaller(old, new)


def superset(new: object, old: object) -> bool:
    """Whether *new* holds all of *old*."""
    assert isinstance(new, tuple)
    assert isinstance(old, tuple)
    return set(new) >= set(old)
