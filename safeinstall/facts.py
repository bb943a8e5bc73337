"""What registries and sources told about the releases of one plan; absent is not empty."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from safeinstall.choices import Better
from safeinstall.errors import FactMissing
from safeinstall.history import History
from safeinstall.model import Advisory, Edge, Offer, Plan, Project, Purl, Release, SourceState
from safeinstall.origin import Origin
from safeinstall.purl import project


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """The answers of one run; every reader raises `FactMissing` where nobody answered."""

    plan: Plan
    now: datetime
    """The moment of judging (aware, UTC); checks have no other clock."""
    known: Mapping[Purl, tuple[Advisory, ...]] = field(default_factory=dict)
    """Advisories of releases that every required source answered for."""
    partial: Mapping[Purl, tuple[Advisory, ...]] = field(default_factory=dict)
    """Advisories found for releases that some required source was silent about."""
    silent: Mapping[Purl, tuple[str, ...]] = field(default_factory=dict)
    """Why a release is not in *known*: one sentence for each silent source."""
    sources: tuple[SourceState, ...] = ()
    origins: Mapping[Purl, Origin] = field(default_factory=dict)
    """What was asked of where releases come from; only of those whose claims are in doubt."""
    betters: tuple[Better, ...] = ()
    """The nearest good version of each flagged release that has one."""

    def advisories(self, purl: Purl) -> tuple[Advisory, ...]:
        """Return all advisories about *purl*; raises `FactMissing` unless every required source answered."""
        if purl in self.known:
            return self.known[purl]
        raise FactMissing("; ".join(self.silent.get(purl, ())) or "no advisory source was asked about it")

    def told(self, purl: Purl) -> tuple[Advisory, ...]:
        """Return what any source told about *purl*, complete or not: a silent source must not hide a loud one."""
        return self.known.get(purl, ()) or self.partial.get(purl, ())

    def better(self, purl: Purl) -> Better | None:
        """Return the nearest good version to *purl*; None: none is known."""
        return next((one for one in self.betters if one.purl == purl), None)

    def project(self, purl: Purl) -> Project | None:
        """Return what the registry's page on the name tells; None when the plan has no such page."""
        wanted = project(purl)
        return next((page for page in self.plan.projects if page.purl == wanted), None)

    def offers(self, purl: Purl) -> tuple[Offer, ...]:
        """Return what each registry lists under the name of *purl*; empty where there is nothing to compare."""
        wanted = project(purl) if self.plan.offers else purl
        return tuple(offer for offer in self.plan.offers if offer.purl == wanted)

    def repositories(self, purl: Purl) -> tuple[str, ...]:
        """Return the repositories that *purl* says it is made from; empty when it, or its registry, does not tell."""
        return next((claim.repositories for claim in self.plan.claims if claim.purl == purl), ())

    def history(self, purl: Purl) -> History | None:
        """Return what earlier releases of *purl* were like; None when its registry tells nothing of them."""
        return self.plan.histories.get(purl)

    def origin(self, purl: Purl) -> Origin:
        """Return what is told of where *purl* comes from; all unknown where nobody was asked."""
        return self.origins.get(purl, Origin())

    def parents(self, purl: Purl) -> tuple[Edge, ...]:
        """Return the edges that brought *purl* into the plan."""
        return tuple(edge for edge in self.plan.edges if edge.child == purl)

    def release(self, purl: Purl) -> Release | None:
        """Return the release of the plan that *purl* names."""
        return next((release for release in self.plan.releases if release.purl == purl), None)
