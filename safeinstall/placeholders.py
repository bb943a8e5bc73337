"""How a registry marks a name that it took away from whoever abused it."""

import re

from safeinstall.model import EcosystemName

_VERSION = re.compile(r"(?:^|[-.])security(?:\.\d+)*$")
_OWN = re.compile(r"(?:^|[/:.])npm/security-holder(?:\.git)?/?$")


def is_placeholder(ecosystem: EcosystemName, version: str) -> bool:
    """Whether npm's own people published *version* in place of what was there: `0.0.1-security`."""
    return ecosystem is EcosystemName.NPM and _VERSION.search(version) is not None


def is_holder(repository: str) -> bool:
    """Whether *repository* is the one that npm's people publish such placeholders from."""
    return _OWN.search(repository.strip().removesuffix("#readme")) is not None
