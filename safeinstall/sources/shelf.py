"""Records held in memory, found by name: what sources without a server answer from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from safeinstall import purl as purls
from safeinstall.errors import MalformedAnswer
from safeinstall.model import Advisory, AdvisoryKind, Digest, EcosystemName, Purl, Release
from safeinstall.sources.osv_record import Record, normal


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a shelf says about releases; each purl stands on one side."""

    advisories: Mapping[Purl, tuple[Advisory, ...]]
    silent: Mapping[Purl, str]


class Shelf:
    """Records by ecosystem and name."""

    def __init__(self, records: Iterable[Record], *, source: str) -> None:
        """Sort in *records*; what they say is told as said by *source*."""
        self._source = source
        self._number = 0
        self._by_name: dict[tuple[EcosystemName, str], list[Record]] = {}
        self._by_hash: dict[Digest, list[Record]] = {}
        for record in records:
            self._number += 1
            for key in {(affected.ecosystem, affected.name) for affected in record.affected}:
                self._by_name.setdefault(key, []).append(record)
            for digest in record.digests:
                self._by_hash.setdefault(digest, []).append(record)

    def __len__(self) -> int:
        """Return the number of records, those without a package of ours included."""
        return self._number

    def tell(self, releases: Sequence[Release]) -> Told:
        """Return what the records say about *releases*."""
        advisories: dict[Purl, tuple[Advisory, ...]] = {}
        silent: dict[Purl, str] = {}
        for release in releases:
            found, unclear = self._about(release)
            # Malware blocks whatever else is unclear; anything less must not stand for the whole answer.
            if unclear and not any(one.kind is AdvisoryKind.MALWARE for one in found):
                silent[release.purl] = unclear
            else:
                advisories[release.purl] = found
        return Told(advisories=advisories, silent=silent)

    def _about(self, release: Release) -> tuple[tuple[Advisory, ...], str]:
        ecosystem, name, version = purls.parts(release.purl)
        # The same bytes are the same thing, whatever they are called here.
        same = [one for digest in release.artifact.digests for one in self._by_hash.get(digest, ())]
        found = [replace(one.advisory(ecosystem, name, source=self._source), by_hash=True) for one in same]
        unclear = ""
        for record in self._by_name.get((ecosystem, normal(ecosystem, name)), ()):
            try:
                if record.hits(ecosystem, name, version or release.version):
                    found.append(record.advisory(ecosystem, name, source=self._source))
            except MalformedAnswer as error:
                unclear = error.message
        return tuple(found), unclear
