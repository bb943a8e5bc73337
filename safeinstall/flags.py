"""Our own flags inside a guarded command: taken out wherever they stand before a `--`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from safeinstall.errors import Misconfigured
from safeinstall.text import printable

PREFIX = "--safeinstall-"

_VALUED = frozenset({"allow", "reason", "until", "format", "output", "why", "cooldown", "python", "probe"})
_BARE: dict[str, tuple[str, object] | None] = {
    "offline": ("offline", True),
    "no-prompt": ("prompt", False),
    "tree": None,
}
"""Each with the setting that it changes; None: it changes what is shown."""
_PLAIN = ("format", "output", "tree", "why")
"""Those that `plan` takes without our prefix: no command of a manager that installs has such an option."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flags:
    """What our own flags of one command line say."""

    allow: tuple[str, ...] = ()
    """Each `CHECK:PURL`, as it was typed."""
    reason: str | None = None
    until: str | None = None
    format: str | None = None
    """The name of one of `formats.FORMATS`; None: it was not said."""
    output: str | None = None
    """The file that the document goes to, instead of stdout."""
    tree: bool = False
    """Show the plan as a tree."""
    why: str | None = None
    """Show all ways to what has this name."""
    python: str | None = None
    """`FLAGS:PATH`: the pip is the one in that interpreter; the guard inside of Python says so (`ways/startup.py`)."""
    probe: str | None = None
    """A word that `doctor` wants to hear back: it tells that the command reached us."""
    settings: dict[str, object] = field(default_factory=dict)
    """Values of settings by key, for `config.load`."""


def taken(argv: Sequence[str], *, planning: bool = False) -> tuple[Flags, tuple[str, ...]]:
    """
    Return our flags and what is left for the package manager.

    When *planning*, plain `--format` and `--output` are ours too. Raises `Misconfigured` for a flag of ours
    that does not exist, lacks its value or is given twice.
    """
    pairs, left = _split(argv, planning=planning)
    single: dict[str, str] = {}
    for name, value in pairs:
        if name in _VALUED - {"allow"} and single.setdefault(name, value) != value:
            raise Misconfigured(f"`{PREFIX}{name}` is given twice")
    allow = tuple(value for name, value in pairs if name == "allow")
    if not allow and (single.keys() & {"reason", "until"}):
        raise Misconfigured(f"`{PREFIX}reason` and `{PREFIX}until` belong to `{PREFIX}allow CHECK:PURL`")
    if "format" in single:
        from safeinstall.formats import named  # noqa: PLC0415 - most commands ask for none

        named(single["format"])
    if "output" in single and single.get("format", "text") == "text":
        raise Misconfigured("`--output` needs a `--format` of its own", hint="--format sarif --output report.sarif")
    pictures = [name for name, _ in pairs if name in ("tree", "why")]
    if pictures and (not planning or "format" in single):
        raise Misconfigured(f"`--{pictures[0]}` belongs to `safeinstall plan`, without a `--format`")
    changed = [change for name, _ in pairs if (change := _BARE.get(name)) is not None]
    flags = Flags(
        allow=allow,
        reason=single.get("reason"),
        until=single.get("until"),
        format=single.get("format"),
        output=single.get("output"),
        tree="tree" in pictures,
        why=single.get("why"),
        settings={**dict(changed), **_numbers(single)},
        python=single.get("python"),
        probe=single.get("probe"),
    )
    return flags, left


def _numbers(single: dict[str, str]) -> dict[str, object]:
    """Return the settings that flags give a number."""
    if "cooldown" not in single:
        return {}
    try:
        return {"cooldown.hours": float(single["cooldown"])}
    except ValueError:
        given = printable(single["cooldown"], limit=40)
        raise Misconfigured(f"`{PREFIX}cooldown` takes a number of hours, got `{given}`") from None


def _split(argv: Sequence[str], *, planning: bool) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Return our flags as name and value, and the words that are not ours."""
    pairs: list[tuple[str, str]] = []
    left: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            left += [word, *words]
            break
        name, equals, value = _name(word, planning=planning).partition("=")
        if not name:
            left.append(word)
        elif name in _BARE:
            if equals:
                raise Misconfigured(f"`{PREFIX}{name}` takes no value")
            pairs.append((name, ""))
        elif name in _VALUED:
            given = value if equals else next(words, "")
            if given in ("", "--"):
                raise Misconfigured(f"`{PREFIX}{name}` needs a value")
            pairs.append((name, given))
        else:
            known = ", ".join(PREFIX + one for one in sorted([*_VALUED, *_BARE]))
            raise Misconfigured(f"there is no flag `{PREFIX}{printable(name)}`", hint=f"ours are {known}")
    return pairs, tuple(left)


def _name(word: str, *, planning: bool) -> str:
    """Return *word* without our prefix, with its `=value`; empty: it is none of ours."""
    if word.startswith(PREFIX):
        # The bare prefix is a flag of ours that does not exist, not one of the manager's.
        return word[len(PREFIX) :] or "?"
    if planning and word.startswith("--") and word[2:].partition("=")[0] in _PLAIN:
        return word[2:]
    return ""
