"""The order of versions, as each ecosystem defines it."""

import re
from collections.abc import Callable, Sequence
from functools import cmp_to_key, lru_cache
from typing import TYPE_CHECKING, Protocol, cast

from packaging.version import InvalidVersion, Version

from safeinstall.errors import MalformedAnswer
from safeinstall.model import EcosystemName
from safeinstall.text import printable

if TYPE_CHECKING:
    import nodesemver

_LONGEST = 256
"""npm refuses longer versions, and a longer text is an attack on the parser rather than a version."""

_FIRST_YEAR = 1900
_HIGH = 99
_NINES = 2
_STEP = 5
_TIMES = 3
_NUMBER = re.compile(r"v?(?:\d+!)?(\d+)((?:\.\d+)*)")

_LEADING_V = re.compile(r"^[v=\s]+(?=[0-9])")


class Ordered(Protocol):
    """Something that sorts; keys of one ecosystem compare with each other only."""

    def __lt__(self, other: object, /) -> bool:
        """Whether self comes first."""
        ...

    def __le__(self, other: object, /) -> bool:
        """Whether self does not come later."""
        ...


@lru_cache(maxsize=65_536)
def order(ecosystem: EcosystemName, version: str) -> Ordered | None:
    """
    Return what *version* sorts by; None when it is no version of *ecosystem*.

    PyPI: PEP 440. npm: node-semver, read loosely as npm reads the versions of old packages.
    """
    text = version.strip()
    if len(text) > _LONGEST:
        return None
    try:
        if ecosystem is EcosystemName.PYPI:
            return cast("Ordered", Version(text))
        return _semver_key(_semver(text))
    except (InvalidVersion, ValueError):
        return None


def _semver(text: str) -> "nodesemver.SemVer":
    import nodesemver  # noqa: PLC0415 - a fifth of what all checks cost to import, and nothing of pip's needs it

    return nodesemver.make_semver(text, loose=True)


def _compare_semver(one: "nodesemver.SemVer", other: "nodesemver.SemVer") -> int:
    return int(one.compare(other))


_semver_key = cast("Callable[[nodesemver.SemVer], Ordered]", cmp_to_key(_compare_semver))


def equal(ecosystem: EcosystemName, one: str, other: str) -> bool:
    """Whether both spellings name one version; what is no version at all is compared as text."""
    if one == other:
        return True
    left, right = order(ecosystem, one), order(ecosystem, other)
    if left is None or right is None:
        return _LEADING_V.sub("", one).strip().casefold() == _LEADING_V.sub("", other).strip().casefold()
    return left == right


def uncounted(version: str) -> bool:
    """
    Whether *version* is one that nobody counts up to: `9.9.9`, `99.0.0`, `999.1`; years and dates are no such numbers.

    Whoever wants to be chosen over a name whose versions they do not know takes a number like these.
    """
    found = _NUMBER.match(version.strip())
    if found is None:
        return False
    major, rest = int(found[1][:_LONGEST]), found[2].split(".")[1:]
    if major >= _HIGH and not _dated(major):
        return True
    nines = [part for part in (found[1], *rest) if part.strip("9") == ""]
    return len(nines) >= _NINES and nines[0] == found[1] and len(nines) == len(rest) + 1


def _dated(number: int) -> bool:
    """Whether *number* may be a year, or a date that begins with one."""
    return number >= _FIRST_YEAR and str(number).strip("9") != ""


def leaps(version: str, below: str) -> bool:
    """Whether *version* is far above *below*: its first number at least three times as high, and by five or more."""
    one, other = _NUMBER.match(version.strip()), _NUMBER.match(below.strip())
    if one is None or other is None:
        return False
    high, low = int(one[1][:_LONGEST]), int(other[1][:_LONGEST])
    return not _dated(high) and high - low >= _STEP and high >= _TIMES * low


def major(ecosystem: EcosystemName, version: str) -> str:
    """Return what all versions of the major line of *version* share; without an order: nothing."""
    if ecosystem is EcosystemName.PYPI:
        try:
            known = Version(version)
        except InvalidVersion:
            return ""
        return f"{known.epoch}!{known.major}"
    found = _NUMBER.match(version.strip())
    return found[1] if found is not None else ""


def prerelease(ecosystem: EcosystemName, version: str) -> bool:
    """Whether *version* is one that comes before its release; what is no version counts as one."""
    if ecosystem is EcosystemName.NPM:
        return "-" in version.partition("+")[0]
    try:
        return Version(version).is_prerelease
    except InvalidVersion:
        return True


def oldest_first(ecosystem: EcosystemName, versions: frozenset[str]) -> tuple[str, ...]:
    """Return *versions* in their order; what is no version comes last."""
    ranked = sorted(version for version in versions if order(ecosystem, version) is not None)
    ranked.sort(key=lambda version: cast("Ordered", order(ecosystem, version)))
    return (*ranked, *sorted(version for version in versions if order(ecosystem, version) is None))


def in_npm_range(version: str, text: str) -> bool:
    """Return whether npm holds *version* to be in the range *text*, prereleases too; raises `MalformedAnswer`."""
    import nodesemver  # noqa: PLC0415 - see above

    try:
        wanted = nodesemver.make_range(text, loose=True)
        return bool(wanted.test(_semver(version), include_prerelease=True))
    except ValueError as error:
        raise MalformedAnswer(
            f"`{printable(version, limit=40)}` or `{printable(text, limit=60)}` is no version"
        ) from error


def newer(ecosystem: EcosystemName, versions: Sequence[str], version: str) -> tuple[str, ...]:
    """Return those of *versions* that come after *version*, in the order given; what cannot be compared is left out."""
    at = order(ecosystem, version)
    if at is None:
        return ()
    return tuple(one for one in versions if (place := order(ecosystem, one)) is not None and at < place)
