"""What several commands need."""

from collections.abc import Mapping
from types import MappingProxyType

from safeinstall.config import Settings, load
from safeinstall.outside import Outside
from safeinstall.places import Places
from safeinstall.policy import MALWARE

_NONE: Mapping[str, object] = MappingProxyType({})


def idents(outside: Outside) -> frozenset[str]:
    """Return what an override may name: every check, and malware, whichever check tells of it."""
    return frozenset({MALWARE, *(check.ident for check in outside.checks())})


def settings_of(outside: Outside, where: Places, flags: Mapping[str, object] = _NONE) -> Settings:
    """Return the settings that hold here."""
    return load(
        env=outside.env,
        cwd=outside.cwd,
        places=where,
        checks=idents(outside),
        flags=flags,
        system_file=outside.system_file,
    )
