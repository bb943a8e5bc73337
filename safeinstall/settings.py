"""What can be set: every key with its type, its default, who may set it, and which of two values is the tighter one."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import urlsplit

from safeinstall.model import Decision, Severity
from safeinstall.policy import DEFAULT_ROWS, MALWARE, Row
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


def table(checks: Collection[str]) -> Mapping[str, Setting]:
    """Return every setting by its key; *checks* are the idents whose gaps have a row."""
    rows = [
        Setting(
            key=f"policy.{kind}",
            read=_row_reader(row),
            default=row,
            from_text=lambda text: text,
            tightens=_tighter_row,
        )
        for kind, row in DEFAULT_ROWS.items()
        if kind != MALWARE
    ]
    gaps = [
        Setting(
            key=f"gaps.{check}",
            read=_gap,
            default=Row(decision=Decision.BLOCK),
            from_text=lambda text: text,
            tightens=_tighter_row,
        )
        for check in checks
        if check != MALWARE
    ]
    return {setting.key: setting for setting in (*_FIXED, *rows, *gaps)}


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


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")  # noqa: TRY004 - one error class for every wrong value
    return value


def _boolean_text(text: str) -> object:
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


def _number(low: float, high: float) -> Callable[[object], object]:
    def read(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise ValueError(f"expected a number from {low:g} to {high:g}")
        return float(value)

    return read


def _number_text(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _url(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("expected a URL")  # noqa: TRY004 - see _boolean
    parts = urlsplit(value)  # Its own ValueError (an unbalanced bracket) says enough.
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected a URL that begins with https:// or http://")
    return value.rstrip("/")


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("expected text")  # noqa: TRY004 - see _boolean
    return value


def _texts(value: object) -> object:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ValueError("expected a list of texts")
    return tuple(value)


def _urls(value: object) -> object:
    found = _texts(value)
    assert isinstance(found, tuple)
    return tuple(_url(one) for one in found)


_WEIGHED = ("osv", "index", "records", "registry", "lists", "github", "npm_audit")
"""Sources that may be required; the embedded records are never fresh, so their silence can prove nothing."""


def _sources(value: object) -> object:
    found = _texts(value)
    assert isinstance(found, tuple)
    if not set(found) <= set(_WEIGHED):
        raise ValueError(f"expected a list of {', '.join(_WEIGHED)}")
    return found


def _texts_text(text: str) -> object:
    return [one.strip() for one in text.split(",") if one.strip()]


def _row_reader(default: Row) -> Callable[[object], object]:
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


def _gap(value: object) -> object:
    if value not in ("block", "warn"):
        raise ValueError('expected "block" or "warn"')
    return Row(decision=Decision(value))


def _conflicts(value: object) -> object:
    if value not in ("block", "pin"):
        raise ValueError('expected "block" or "pin"')
    return value


def _blocks(new: object, old: object) -> bool:
    return new in (old, "block")


_STRICTNESS = {Decision.NOTE: 0, Decision.WARN: 1, Decision.BLOCK: 2}


def _tighter_row(new: object, old: object) -> bool:
    assert isinstance(new, Row)
    assert isinstance(old, Row)
    return _STRICTNESS[new.decision] >= _STRICTNESS[old.decision] and new.minimum <= old.minimum


def _smaller(new: object, old: object) -> bool:
    assert isinstance(new, (int, float))
    assert isinstance(old, (int, float))
    return new <= old


def _larger(new: object, old: object) -> bool:
    return _smaller(old, new)


def _superset(new: object, old: object) -> bool:
    assert isinstance(new, tuple)
    assert isinstance(old, tuple)
    return set(new) >= set(old)


_OWNERS = frozenset({Layer.DEFAULT, Layer.SYSTEM, Layer.USER})
"""What decides whom we ask and where we write is no business of a project that somebody has cloned."""

_FIXED = (
    Setting(key="deadline", read=_number(0.1, 300), default=6.0, from_text=_number_text, tightens=_smaller),
    Setting(key="offline", read=_boolean, default=False, from_text=_boolean_text, tightens=_smaller),
    Setting(key="prompt", read=_boolean, default=True, from_text=_boolean_text, tightens=_smaller),
    # There is one public OSV service; it is an advisory source, no package registry.
    Setting(
        key="osv.url",
        read=_url,
        default="https://api.osv.dev",
        from_text=str,
        layers=_OWNERS | {Layer.ENVIRONMENT},
    ),
    Setting(key="osv.enabled", read=_boolean, default=True, from_text=_boolean_text, tightens=_larger),
    # Its bulk exports, which `safeinstall update` fetches.
    Setting(
        key="index.url",
        read=_url,
        default="https://storage.googleapis.com/osv-vulnerabilities",
        from_text=str,
        layers=_OWNERS | {Layer.ENVIRONMENT},
    ),
    Setting(key="index.enabled", read=_boolean, default=True, from_text=_boolean_text, tightens=_larger),
    Setting(key="index.hours", read=_number(0, 87600), default=24.0, from_text=_number_text, tightens=_smaller),
    Setting(key="index.path", read=_text, default=None, layers=_OWNERS),
    Setting(key="lists.npm", read=_urls, default=(), from_text=_texts_text, layers=_OWNERS | {Layer.ENVIRONMENT}),
    Setting(key="lists.pypi", read=_urls, default=(), from_text=_texts_text, layers=_OWNERS | {Layer.ENVIRONMENT}),
    # The advisories of a code host; it is no package registry.
    Setting(
        key="github.url",
        read=_url,
        default="https://api.github.com",
        from_text=str,
        layers=_OWNERS | {Layer.ENVIRONMENT},
    ),
    Setting(key="github.enabled", read=_boolean, default=False, layers=_OWNERS),
    Setting(key="npm-audit.url", read=_url, default=None, from_text=str, layers=_OWNERS | {Layer.ENVIRONMENT}),
    Setting(key="npm-audit.enabled", read=_boolean, default=False, layers=_OWNERS),
    Setting(key="required", read=_sources, default=("osv", "index", "records"), layers=_OWNERS),
    Setting(key="tokens.hosts", read=_texts, default=(), layers=_OWNERS),
    Setting(key="records", read=_texts, default=(), from_text=_texts_text, tightens=_superset, adds=True),
    Setting(key="cache.hours", read=_number(0, 720), default=24.0, from_text=_number_text, tightens=_smaller),
    Setting(key="registries.private", read=_texts, default=(), layers=_OWNERS),
    Setting(key="registries.public", read=_texts, default=(), layers=_OWNERS),
    *(
        Setting(key=f"private.{name}", read=_texts, default=(), from_text=_texts_text, tightens=_superset, adds=True)
        for name in ("names", "prefixes", "scopes")
    ),
    Setting(key="private.registries", read=_texts, default=(), layers=_OWNERS),
    Setting(key="private.conflicts", read=_conflicts, default="block", from_text=str, tightens=_blocks),
    Setting(key="ledger.path", read=_text, default=None, layers=_OWNERS),
)
