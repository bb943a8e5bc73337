"""The cooldown on npm's packuments: young versions are left out, and the dist-tags stay consistent."""

import re
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import mapping, optional
from safeinstall.gateway.npm_packument import moment
from safeinstall.gateway.withholding import Withholding
from safeinstall.versions import in_npm_range

_PLAIN = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})")
_KINDS = ("dependencies", "optionalDependencies", "peerDependencies")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recent:
    """What one packument lists that is too young."""

    name: str
    versions: Mapping[str, datetime]
    """Each with its upload time."""
    minimum: timedelta
    all: tuple[str, ...]
    """Every version that the packument lists."""


class CoolPackuments:
    """Knows what is too young in each packument; safe to share between threads."""

    def __init__(self, withholding: Withholding | None) -> None:
        """*withholding* None: nothing is too young."""
        self.withholding = withholding
        self._recent: dict[str, Recent] = {}
        self._named: dict[str, Recent] = {}
        self._names: dict[str, str] = {}
        self._given: set[str] = set()
        self._lock = threading.Lock()

    def saw(self, url: str, packument: Mapping[str, object]) -> None:
        """Take note of what is too young in the *packument* at *url*; raises `MalformedAnswer`."""
        held, name = self.withholding, optional(packument, "name", str)
        if held is None or not name:
            return
        versions, times = mapping(packument, "versions"), optional(packument, "time", dict) or {}
        minimum = held.cooldown.minimum(held.ecosystem, name, url)
        # Nearly all versions of nearly all packages are older: most times are compared as they are spelled.
        earliest = (held.now - minimum - timedelta(days=2)).strftime("%Y-%m-%d")
        young = {}
        for version, text in times.items():
            if version in versions and isinstance(text, str) and text[:10] >= earliest:
                at = moment(text)
                if at is not None and held.now - at < minimum:
                    young[version] = at
        found = Recent(name=name, versions=young, minimum=minimum, all=tuple(versions))
        with self._lock:
            self._named[name] = found
            self._names[url] = name
            if young:
                self._recent[url] = found

    def recent(self, url: str) -> Recent | None:
        """Return what the packument at *url* lists that is too young; None: nothing is."""
        return self._recent.get(url)

    def given(self, url: str) -> bool:
        """Whether npm was given the packument at *url* without something that is too young."""
        return url in self._given

    def names(self) -> frozenset[str]:
        """Return the names of which npm was not shown everything."""
        return frozenset(name for name in self._named if self._gone(name))

    def view(self, url: str, name: str, body: Mapping[str, object]) -> Mapping[str, object] | None:
        """Return the packument *body* as npm is shown it while planning; None: as it is."""
        found = self.shown(name, body)
        if found is not None:
            with self._lock:
                self._given.add(url)
        return found

    def shown(self, name: str, body: Mapping[str, object]) -> Mapping[str, object] | None:
        """Return the packument *body* without what is not shown of *name*; None: everything is."""
        gone = self._gone(name)
        return cooled(body, gone) if gone else None

    def name(self, url: str) -> str | None:
        """Return the name at *url*, if something of it may not be shown."""
        name = self._names.get(url)
        return name if name is not None and self._gone(name) else None

    def lacks(self, name: str, spec: str) -> bool:
        """Whether only versions of *name* that are not shown satisfy the range *spec*."""
        gone, known = self._gone(name), self._named.get(name)
        if not gone or known is None:
            return False
        shown = (one for one in reversed(known.all) if one not in gone)
        return any(_within(one, spec) for one in gone) and not any(_within(one, spec) for one in shown)

    def needing(self, name: str, packument: Mapping[str, object]) -> Iterator[str]:
        """Yield the versions in *packument* that need what is not shown of *name*."""
        answers: dict[str, bool] = {}
        for version, raw in mapping(packument, "versions").items():
            manifest = mapping(raw, "")
            for kind in _KINDS:
                spec = (optional(manifest, kind, dict) or {}).get(name)
                if isinstance(spec, str):
                    if spec not in answers:
                        answers[spec] = self.lacks(name, spec)
                    if answers[spec]:
                        yield version
                        break

    def _gone(self, name: str) -> frozenset[str]:
        held, found = self.withholding, self._named.get(name)
        if held is None or found is None:
            return frozenset()
        young = {version for version in found.versions if held.hides(name, version)}
        return held.shuts(name) | young if young or held.shuts(name) else frozenset()


def cooled(packument: Mapping[str, object], gone: Collection[str]) -> dict[str, object]:
    """Return *packument* without the versions *gone*, its dist-tags moved to what is left."""
    versions = mapping(packument, "versions")
    left = {version: manifest for version, manifest in versions.items() if version not in gone}
    times = optional(packument, "time", dict)
    view = {**packument, "versions": left}
    if times is not None:
        view["time"] = {key: value for key, value in times.items() if key not in gone}
    tags = optional(packument, "dist-tags", dict)
    if tags is not None:
        moved = {
            tag: _moved(version, left, times or {}) if isinstance(version, str) and version in gone else version
            for tag, version in tags.items()
        }
        view["dist-tags"] = {tag: version for tag, version in moved.items() if version is not None}
    return view


def newest(versions: Collection[str], *, below: str | None = None) -> str | None:
    """Return the highest of *versions* that is no prerelease and, if *below* is a version, lower than that."""
    limit = _key(below) if below is not None else None
    ranked = [(key, one) for one in versions if (key := _key(one)) is not None and (limit is None or key < limit)]
    return max(ranked, default=(None, None))[1]


def _moved(tagged: str, left: Mapping[str, object], times: Mapping[str, object]) -> str | None:
    """Return what a tag on *tagged* points at when that is gone; None: nothing that is left will do."""
    if "-" not in tagged:
        sound = [one for one in left if not _deprecated(left[one])]
        return newest(sound, below=tagged) or newest(left, below=tagged)
    # Tags of prereleases (`canary`) follow time, not numbers.
    line = re.split(r"\.?\d", tagged.partition("-")[2], maxsplit=1)[0]
    fitting = [one for one in left if one.partition("-")[2].startswith(line) and "-" in one]
    return max(fitting, key=lambda one: str(times.get(one, "")), default=None)


def _deprecated(manifest: object) -> bool:
    return isinstance(manifest, Mapping) and bool(manifest.get("deprecated"))


def _key(version: str) -> tuple[int, ...] | None:
    found = _PLAIN.fullmatch(version.partition("+")[0])
    return tuple(map(int, found.groups())) if found is not None else None


def _within(version: str, spec: str) -> bool:
    if "-" in version and "-" not in spec:
        return False  # npm takes no prerelease for a range that names none
    try:
        return in_npm_range(version, spec)
    except MalformedAnswer:
        return False
