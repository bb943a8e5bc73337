"""
CycloneDX 1.6 as JSON: the software bill of materials of a plan, an installation or an audit.

Everything but the serial number and the time follows from the run: the same set gives the same document. What was not
judged stands there as such, at its component: a list of vulnerabilities that is empty for want of answers must not read
as clean.
"""

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote, urlsplit

from safeinstall import __version__
from safeinstall.commandline import shown
from safeinstall.formats.json_v1 import moment
from safeinstall.model import Artifact, ArtifactKind, Decision, Finding, Gap, Purl, Release, Ruling, Severity
from safeinstall.paths import built, ways, why
from safeinstall.purl import parts
from safeinstall.runs import Run
from safeinstall.text import printable, redacted

if TYPE_CHECKING:
    from cyclonedx.model import ExternalReference, HashType, Property
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component
    from cyclonedx.model.dependency import Dependency
    from cyclonedx.model.license import License
    from cyclonedx.model.vulnerability import Vulnerability, VulnerabilityAnalysis
    from packageurl import PackageURL

# ruff: noqa: PLC0415 - the library costs 120 ms, and most runs write no SBOM

_ROOT = "safeinstall:root"
"""The reference of what everything else was asked for by."""
_HASHES = {"md5": (32, "MD5"), "sha1": (40, "SHA-1"), "sha256": (64, "SHA-256"), "sha384": (96, "SHA-384"),
           "sha512": (128, "SHA-512")}  # fmt: skip
"""By our names: hexadecimal digits, and the name that CycloneDX has."""
_LONG = 2000
_SAFE = "/%:@!$&'()*+,;=~"
_LONE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class CycloneDx:
    """A bill of materials, with findings as vulnerabilities."""

    ident: ClassVar[str] = "cyclonedx"

    def render(self, run: Run) -> str:
        """See `Format.render`."""
        from cyclonedx.output.json import JsonV1Dot6

        return JsonV1Dot6(bom(run)).output_as_string(indent=2) + "\n"


def bom(run: Run) -> "Bom":
    """Return the bill of materials of *run*."""
    from cyclonedx.model.bom import Bom

    gaps: dict[Purl, list[Ruling]] = {}
    for ruling in run.verdict.rulings:
        if isinstance(ruling.result, Gap):
            gaps.setdefault(ruling.result.purl, []).append(ruling)
    building = built(run.plan)
    found = ways(run.plan)
    by_purl = {release.purl: release for release in run.plan.releases}
    return Bom(
        serial_number=uuid.uuid4(),
        metadata=_metadata(run),
        components=[
            _component(
                release,
                licences=run.plan.licences.get(release.purl, ()),
                gaps=gaps.get(release.purl, ()),
                building=release.purl in building,
                elsewhere=release.purl in run.plan.elsewhere,
                because=why(release.purl, found, by_purl, run.intent),
            )
            for release in run.plan.releases
        ],
        dependencies=_dependencies(run),
        vulnerabilities=[_vulnerability(one) for one in run.verdict.rulings if isinstance(one.result, Finding)],
    )


# --- what it is of --------------------------------------------------------------------------------------------------


def _metadata(run: Run) -> "BomMetaData":
    from cyclonedx.model.bom import BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.lifecycle import LifecyclePhase, PredefinedLifecycle
    from cyclonedx.model.tool import ToolRepository

    root = Component(
        name=printable(run.intent.cwd.name) or "command",
        type=ComponentType.APPLICATION,
        bom_ref=_ROOT,
        description=printable(" ".join((run.intent.tool, *shown(run.intent.argv))), limit=_LONG),
    )
    tool = Component(name="safeinstall", version=__version__, type=ComponentType.APPLICATION)
    phase = LifecyclePhase.PRE_BUILD if run.installed is None else LifecyclePhase.BUILD
    return BomMetaData(
        timestamp=run.started,
        tools=ToolRepository(components=[tool]),
        component=root,
        lifecycles=[PredefinedLifecycle(phase=phase)],
        properties=list(_properties(run)),
    )


def _properties(run: Run) -> "Iterator[Property]":
    yield _property("verdict", "allowed" if run.verdict.allowed else "blocked")
    yield _property("installed", "no" if run.installed is None else f"exit code {run.installed.exit_code}")
    yield _property("offline", str(run.offline).lower())
    for setting, origin in run.settings:
        yield _property("policy", f"{setting} ({origin})")
    for state in run.sources:
        age = "of unknown age" if state.as_of is None else f"as of {moment(state.as_of)}"
        yield _property("source", f"{state.source}: {state.answered} of {state.asked} answered, {age}")
    for note in run.plan.notes:
        yield _property("note", note)
    if run.environment is not None:
        yield _property("environment", f"{run.environment.kind.value}: {run.environment.path}")


def _property(name: str, value: str) -> "Property":
    from cyclonedx.model import Property

    return Property(name=f"safeinstall:{name}", value=printable(value, limit=_LONG))


# --- what is in it --------------------------------------------------------------------------------------------------


def _component(
    release: Release,
    *,
    licences: tuple[str, ...],
    gaps: Iterable[Ruling],
    building: bool,
    elsewhere: bool,
    because: tuple[str, ...],
) -> "Component":
    from cyclonedx.model.component import Component, ComponentScope, ComponentType

    scope, _, name = parts(release.purl)[1].rpartition("/")
    properties = [_property("artifact", release.artifact.kind.value)]
    properties += [_property("why", "; ".join(because))]
    if release.registry is not None:
        properties.append(_property("registry", redacted(release.registry.url)))
        properties.append(_property("registry-visibility", release.registry.visibility.value))
    if release.kept:
        properties.append(_property("kept", "installed already"))
    if elsewhere:
        properties.append(_property("elsewhere", "for other systems: locked, and not installed here"))
    if release.install_script:
        properties.append(_property("install-script", "true"))
    if release.yanked is not None:
        properties.append(_property("yanked", release.yanked or "no reason given"))
    for gap in gaps:
        assert isinstance(gap.result, Gap)
        said = f"{gap.result.check}: {gap.result.reason} ({gap.decision.value}: {_because(gap)})"
        properties.append(_property("not-judged", said))
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=release.purl,
        group=printable(scope) or None,
        name=printable(name),
        version=printable(release.version) or None,
        purl=_exactly(release.purl),
        # What is only needed to build something is fetched and run, but is no part of what is installed; nor is what is
        # for other systems.
        scope=ComponentScope.EXCLUDED if building or elsewhere else ComponentScope.REQUIRED,
        hashes=list(_hashes(release.artifact)),
        licenses=list(_licences(licences)),
        external_references=list(_references(release)),
        properties=properties,
    )


def _exactly(purl: Purl) -> "PackageURL":
    """Return *purl* as the library's type, which would spell npm's old names with capitals in lower case."""
    from packageurl import PackageURL

    class Exact(PackageURL):
        """A package URL that stays as it is spelled."""

        __slots__ = ()

        def to_string(self, encode: bool | None = True) -> str:  # noqa: ARG002, FBT002 - the library's own
            return str(purl)

    return Exact.from_string(purl)


def _hashes(artifact: Artifact) -> "Iterator[HashType]":
    from cyclonedx.model import HashAlgorithm, HashType

    # What comes inside another's tarball has the hash of that, not one of its own.
    for digest in () if artifact.kind is ArtifactKind.BUNDLED else artifact.digests:
        length, name = _HASHES.get(digest.algorithm, (0, ""))
        if len(digest.value) == length:
            yield HashType(alg=HashAlgorithm(name), content=digest.value)


def _licences(texts: tuple[str, ...]) -> "Iterator[License]":
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement

    declared = LicenseAcknowledgement.DECLARED
    if len(texts) == 1:
        yield LicenseFactory().make_from_string(texts[0], license_acknowledgement=declared)
    else:
        # An expression must stand alone: several texts are names.
        yield from (DisjunctiveLicense(name=one, acknowledgement=declared) for one in texts)


def _references(release: Release) -> "Iterator[ExternalReference]":
    from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri

    url = release.artifact.url
    if "://" in url and redacted(url) != "<malformed url>":
        vcs = release.artifact.kind is ArtifactKind.VCS
        kind = ExternalReferenceType.VCS if vcs else ExternalReferenceType.DISTRIBUTION
        yield ExternalReference(type=kind, url=XsUri(_spelled(url)))


def _spelled(url: str) -> str:
    """Return the foreign *url* as RFC 3986 wants it, without credentials; it is not cut: half of it leads nowhere."""
    parts = urlsplit(url)
    host = quote(parts.netloc.rpartition("@")[2], safe="[]:%")
    return _LONE.sub("%25", f"{parts.scheme}://{host}{quote(parts.path, safe=_SAFE)}")


def _dependencies(run: Run) -> "list[Dependency]":
    from cyclonedx.model.bom_ref import BomRef
    from cyclonedx.model.dependency import Dependency

    below: dict[str, set[str]] = {_ROOT: set(), **{release.purl: set() for release in run.plan.releases}}
    for edge in run.plan.edges:
        parent = edge.parent or _ROOT
        if parent in below and edge.child in below and parent != edge.child:
            below[parent].add(edge.child)
    return [
        Dependency(ref=BomRef(parent), dependencies=[Dependency(ref=BomRef(child)) for child in sorted(children)])
        for parent, children in below.items()
    ]


# --- what is wrong with it ------------------------------------------------------------------------------------------


def _vulnerability(ruling: Ruling) -> "Vulnerability":
    from cyclonedx.model.vulnerability import (
        BomTarget,
        Vulnerability,
        VulnerabilityRating,
        VulnerabilityReference,
        VulnerabilitySeverity,
        VulnerabilitySource,
    )

    finding = ruling.result
    assert isinstance(finding, Finding)
    ids = [printable(one) for one in finding.ids] or [f"safeinstall:{finding.kind}"]
    severity = {Severity.NOTE: "info"}.get(finding.severity, finding.severity.name.lower())
    return Vulnerability(
        bom_ref=f"{ids[0]}:{finding.check}:{finding.purl}",
        id=ids[0],
        source=VulnerabilitySource(name=f"safeinstall:{finding.check}"),
        references=[VulnerabilityReference(id=one, source=VulnerabilitySource(name="alias")) for one in ids[1:]],
        ratings=[VulnerabilityRating(severity=VulnerabilitySeverity(severity))],
        description=printable(finding.title, limit=_LONG),
        detail=printable("; ".join(finding.evidence), limit=_LONG) or None,
        recommendation=None if finding.hint is None else printable(finding.hint, limit=_LONG),
        analysis=_analysis(ruling),
        affects=[BomTarget(ref=finding.purl)],
        properties=[
            _property("kind", finding.kind),
            _property("confidence", finding.confidence.name.lower()),
            _property("decision", ruling.decision.value),
        ],
    )


def _analysis(ruling: Ruling) -> "VulnerabilityAnalysis":
    """
    Return what was decided.

    An override accepts what was found; it does not say that it were harmless. So it is "exploitable, will not fix" with
    the person's reason, and never "false positive".
    """
    from cyclonedx.model.impact_analysis import ImpactAnalysisResponse, ImpactAnalysisState
    from cyclonedx.model.vulnerability import VulnerabilityAnalysis

    states: Mapping[Decision, ImpactAnalysisState] = {
        Decision.BLOCK: ImpactAnalysisState.EXPLOITABLE,
        Decision.OVERRIDDEN: ImpactAnalysisState.EXPLOITABLE,
    }
    over = ruling.override
    return VulnerabilityAnalysis(
        state=states.get(ruling.decision, ImpactAnalysisState.IN_TRIAGE),
        responses=[] if over is None else [ImpactAnalysisResponse.WILL_NOT_FIX],
        detail=printable(f"{ruling.decision.value}: {_because(ruling)}", limit=_LONG),
    )


def _because(ruling: Ruling) -> str:
    over = ruling.override
    if over is None:
        return ruling.because
    return f"accepted by {over.by} {_end(over.until)} ({over.origin}): {over.reason}"


def _end(until: datetime | None) -> str:
    return "for this run" if until is None else f"until {until:%Y-%m-%d}"
