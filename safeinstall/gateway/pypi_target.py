"""What fits the interpreter that pip installs for: the answer trims pages and guides the prefetch."""

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from safeinstall.gateway.pages import IndexFile

_WHEEL_PARTS = (5, 6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The interpreter that pip installs for."""

    tags: tuple[str, ...]
    """Best first: `cp311-cp311-manylinux_2_17_x86_64`."""
    python_full_version: str
    environment: Mapping[str, str]
    """Its PEP 508 markers."""
    trim: bool
    """Leave out of pages what cannot fit; False for `--platform`, `--ignore-requires-python` and their like."""


class Fit:
    """Answers whether files fit a target; remembers what it has worked out."""

    def __init__(self, target: Target) -> None:
        """Index the tags of *target*."""
        self._ranks = {tag: rank for rank, tag in enumerate(target.tags)}
        self._python = target.python_full_version
        self._accepts: dict[str, bool] = {}

    def rank(self, filename: str) -> int | None:
        """Return how well a wheel's tags fit, 0 being best; None: not at all, or it is no wheel's name."""
        if not filename.endswith(".whl"):
            return None
        parts = filename.removesuffix(".whl").lower().split("-")
        if len(parts) not in _WHEEL_PARTS:
            return None
        found = (
            self._ranks.get(f"{python}-{abi}-{platform}")
            for python in parts[-3].split(".")
            for abi in parts[-2].split(".")
            for platform in parts[-1].split(".")
        )
        return min((rank for rank in found if rank is not None), default=None)

    def listed(self, file: IndexFile) -> bool:
        """Whether a trimmed page lists *file*; a file name that is not understood stays, for pip to judge."""
        if not self.python(file.requires_python):
            return False
        if not file.is_wheel or self.rank(file.filename) is not None:
            return True
        return file.filename.count("-") + 1 not in _WHEEL_PARTS

    def python(self, requires: str | None) -> bool:
        """Whether the target satisfies a Requires-Python; as for pip, one that cannot be read excludes nobody."""
        if requires is None:
            return True
        known = self._accepts.get(requires)
        if known is None:
            try:
                known = SpecifierSet(requires).contains(self._python, prereleases=True)
            except InvalidSpecifier:
                known = True
            self._accepts[requires] = known
        return known
