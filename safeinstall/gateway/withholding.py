"""Which files and versions a gateway does not list while planning, because they are too young."""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from safeinstall.cooldown import Cooldown, Fix, Mode
from safeinstall.errors import MalformedAnswer
from safeinstall.model import EcosystemName, Purl
from safeinstall.purl import make

NO_PINS: Mapping[str, Collection[str]] = {}


@dataclass(slots=True)
class Withholding:
    """
    Decides, file by file; safe to share between threads.

    What was asked for exactly is listed, for the verdict to judge: hidden, it would only be a riddle to the user.
    """

    ecosystem: EcosystemName
    cooldown: Cooldown
    now: datetime
    fixes: tuple[Fix, ...] = ()
    allowed: frozenset[Purl] = frozenset()
    """Releases that an override lets be too young."""
    pins: Callable[[], Mapping[str, Collection[str]]] = lambda: NO_PINS
    """By name (as the registry's pages spell it), the versions that were asked for exactly or are there already."""
    prereleases: Callable[[], bool] = lambda: False
    """Whether the user asked for prereleases."""
    open: bool = False
    """Nothing is withheld any more: without what was withheld there is no plan."""
    _opened: set[str] = field(default_factory=set)
    _shut: dict[str, set[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def young(self, name: str, url: str, uploaded: datetime | None) -> timedelta | None:
        """Return how old a file of *name* would have to be, if one uploaded then is too young; None: it is not."""
        if uploaded is None:
            return None
        minimum = self.cooldown.minimum(self.ecosystem, name, url)
        return minimum if self.now - uploaded < minimum else None

    def hides(self, name: str, version: str) -> bool:
        """Whether a young file of *name* at *version* is not listed."""
        if self.cooldown.mode is not Mode.WITHHOLD or self.open or name in self._opened:
            return False
        if version in self.pins().get(name, ()):
            return False
        return self._purl(name, version) not in {*self.allowed, *(fix.purl for fix in self.fixes)}

    def shuts(self, name: str) -> frozenset[str]:
        """Return the versions of *name* that are old enough and are not listed all the same: see `shut`."""
        if self.open or name in self._opened:
            return frozenset()
        with self._lock:
            return frozenset(self._shut.get(name, ()))

    def shut(self, name: str, versions: Collection[str]) -> bool:
        """Hide *versions* of *name* with what they need and is withheld; whether any of them was listed before."""
        with self._lock:
            known = self._shut.setdefault(name, set())
            new = set(versions) - known
            known |= new
        return bool(new) and name not in self._opened and not self.open

    def let(self, name: str) -> bool:
        """Withhold nothing of *name* any more: no plan can do without; whether that changes anything."""
        with self._lock:
            new = name not in self._opened
            self._opened.add(name)
        return new and not self.open

    def let_go(self, name: str) -> bool:
        """Whether nothing of *name* is withheld any more, because no plan could do without."""
        return self.open or name in self._opened

    def _purl(self, name: str, version: str) -> Purl | None:
        try:
            return make(self.ecosystem, name, version)
        except MalformedAnswer:
            return None
