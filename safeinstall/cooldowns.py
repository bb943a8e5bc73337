"""What the settings say about the cooldown, and about whose code runs on install."""

from datetime import timedelta
from typing import cast

from safeinstall.config import Settings
from safeinstall.cooldown import Cooldown, Mode, Rule
from safeinstall.model import Purl
from safeinstall.scripts import ScriptMode, Scripts
from safeinstall.settings import Layer


def cooldown(settings: Settings) -> Cooldown:
    """
    Return the cooldown of a run.

    Hours from the command line are for everything in that command: exceptions do not count beside them, unless they
    are locked.
    """
    value = settings.values["cooldown.hours"]
    age = timedelta(hours=cast("float", value.value))
    mode = Mode(cast("str", settings.values["cooldown.mode"].value))
    flag = value.layer is Layer.FLAG
    if flag and mode is Mode.OFF:
        mode = Mode.WITHHOLD
    return Cooldown(
        mode=mode,
        age=age,
        rules=() if flag and settings.locked_by("cooldown.rules") is None else _rules(settings, "cooldown.rules"),
        longer=() if flag and settings.locked_by("cooldown.longer") is None else _rules(settings, "cooldown.longer"),
    )


def scripts(settings: Settings) -> Scripts:
    """Return whose code may run while it is installed."""
    return Scripts(
        npm=ScriptMode(cast("str", settings.values["scripts.npm"].value)),
        pypi=ScriptMode(cast("str", settings.values["scripts.pypi"].value)),
        listed=frozenset(cast("tuple[Purl, ...]", settings.values["scripts.allowed"].value)),
    )


def _rules(settings: Settings, key: str) -> tuple[Rule, ...]:
    found = []
    for text in cast("tuple[str, ...]", settings.values[key].value):
        pattern, _, hours = text.rpartition("=")
        found.append(Rule(pattern=pattern, age=timedelta(hours=float(hours))))
    return tuple(found)
