"""Well-known incidents that come with the package, for machines that reach no advisory service; never fresh."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from importlib import resources
from typing import ClassVar

from safeinstall.contracts import Answer
from safeinstall.model import Purl, Release, SourceState, Visibility
from safeinstall.sources.documents import records
from safeinstall.sources.osv_record import Record
from safeinstall.sources.shelf import Shelf

AS_OF = datetime(2025, 11, 1, tzinfo=timezone.utc)
"""Until when the incidents were gathered; the newest record is not younger."""

_FILE = "incidents.jsonl"


class EmbeddedSource:
    """`Source` on the records in `safeinstall/data/embedded`: what they hit counts, their silence proves nothing."""

    ident: ClassVar[str] = "embedded"
    supplement: ClassVar[bool] = True
    live: ClassVar[bool] = False
    public: ClassVar[bool] = False

    def ask(self, releases: Sequence[Release], *, now: datetime, deadline: timedelta) -> Answer:  # noqa: ARG002 - seam
        """See `Source.ask`."""
        everywhere, elsewhere = _shelves()
        told = dict(everywhere.tell(releases).advisories)
        # A record on a whole name speaks of the public registry: a private package may have the same name. A record on
        # exact versions counts wherever the release comes from, because private registries mirror the public one.
        foreign = [one for one in releases if not _private(one)]
        for purl, found in elsewhere.tell(foreign).advisories.items():
            told[purl] = (*told.get(purl, ()), *found)
        state = SourceState(
            source=self.ident,
            asked=len(releases),
            answered=len(releases),
            as_of=AS_OF,
            detail=f"{len(everywhere) + len(elsewhere)} embedded records of well-known incidents",
        )
        silent: dict[Purl, str] = {
            one.purl: "its version cannot be compared" for one in releases if one.purl not in told
        }
        return Answer(advisories=told, state=state, silent=silent)


def embedded() -> tuple[Record, ...]:
    """Return the embedded records; raises `MalformedAnswer` if the package is damaged."""
    body = resources.files("safeinstall").joinpath("data").joinpath("embedded").joinpath(_FILE).read_bytes()
    return tuple(records(f"embedded/{_FILE}", body))


@lru_cache(maxsize=1)
def _shelves() -> tuple[Shelf, Shelf]:
    """Return the records on exact versions, and those on whole names."""
    found = embedded()
    exact = [record for record in found if all(affected.versions for affected in record.affected)]
    whole = [record for record in found if record not in exact]
    return Shelf(exact, source=EmbeddedSource.ident), Shelf(whole, source=EmbeddedSource.ident)


def _private(release: Release) -> bool:
    registry = release.registry
    return registry is not None and registry.visibility is Visibility.PRIVATE and not registry.guessed
