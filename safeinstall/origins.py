"""
Where releases really come from, asked only where a claim is in doubt: attestations, and the repository itself.

Attestations lie at the registry that served the release, and are its own word: PyPI and npm check them when they are
uploaded, and refuse what does not hold. Nothing of ours verifies the signatures. The repository is asked only when a
setting says so, because that tells a code host what is being installed. What nobody tells stays unknown.
"""

import base64
import binascii
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from safeinstall.contracts import Http
from safeinstall.errors import MalformedAnswer, NotThere, SourceUnavailable
from safeinstall.fields import items, mapping, optional
from safeinstall.model import ArtifactKind, EcosystemName, Plan, Purl, Release, Visibility
from safeinstall.names import posing
from safeinstall.names.index import Index
from safeinstall.names.popular import popular
from safeinstall.origin import Origin
from safeinstall.purl import parts
from safeinstall.repositories import repository

LISTED = frozenset({ArtifactKind.WHEEL, ArtifactKind.SDIST, ArtifactKind.TARBALL})

_HOST = "github.com"
_MOST = 40
"""Releases that are asked about in one run; a set with more unknown names than this is judged without."""
_THREADS = 8
_TIMEOUT = timedelta(seconds=4)
_LARGEST = 5_000_000
_PUBLISHERS = {"github": "github.com", "gitlab": "gitlab.com"}
_MANIFESTS = {EcosystemName.PYPI: "pyproject.toml", EcosystemName.NPM: "package.json"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Origins:
    """Asks registries for attestations and, if *host* is given, a code host for repositories."""

    http: Callable[[], Http]
    """Opened only where there is something to ask."""
    host: str | None = None
    """The base URL of GitHub's API; None: repositories are not asked."""
    names: Callable[[EcosystemName], Index] = popular
    """Where the popular names come from."""

    def __call__(self, plan: Plan) -> Mapping[Purl, Origin]:
        """Return what is told of the releases of *plan* whose claims are in doubt; who does not answer is unknown."""
        wanted = [(release, claimed) for release, claimed in _claims(plan) if self._unknown(release)]
        doubted = [(release, claimed) for release, claimed in wanted if self._doubted(release, claimed, plan)][:_MOST]
        demanded = [(release, "") for release in plan.releases if release.purl in plan.demanded]
        asked = list({release.purl: (release, claimed) for release, claimed in (*demanded, *doubted)}.values())
        if not asked:
            return {}
        http = self.http()
        with ThreadPoolExecutor(_THREADS) as pool:
            told = pool.map(lambda pair: self._told(http, plan, *pair), asked)
            return {release.purl: origin for (release, _), origin in zip(asked, told, strict=True)}

    def _unknown(self, release: Release) -> bool:
        ecosystem, name, _ = parts(release.purl)
        public = release.registry is not None and release.registry.visibility is Visibility.PUBLIC
        return public and not release.kept and self.names(ecosystem).rank(name) is None

    def _doubted(self, release: Release, claimed: str, plan: Plan) -> bool:
        if self.host is not None and claimed.startswith(f"{_HOST}/"):
            return True
        ecosystem, name, _ = parts(release.purl)
        index = self.names(ecosystem)
        in_doubt = posing.target(index, name, claimed) or posing.owner(index, name, claimed)
        return in_doubt is not None and _attestations(plan, release) is not None

    def _told(self, http: Http, plan: Plan, release: Release, claimed: str) -> Origin:
        ecosystem = parts(release.purl)[0]
        url = _attestations(plan, release)
        exists, manifest = None, None
        if self.host is not None and claimed.startswith(f"{_HOST}/"):
            exists, manifest = _looked(http, f"{self.host.rstrip('/')}/repos/{claimed[len(_HOST) + 1 :]}", ecosystem)
        attested = None if url is None else _attested(http, url)
        return Origin(attested=attested, exists=exists, manifest=manifest)


def _claims(plan: Plan) -> Iterable[tuple[Release, str]]:
    first = {claim.purl: claim.repositories[0] for claim in plan.claims if claim.repositories}
    for release in plan.releases:
        if release.purl in first and release.artifact.kind in LISTED:
            yield release, first[release.purl]


def _attestations(plan: Plan, release: Release) -> str | None:
    """Return where the attestations of *release* are, if that is at the registry that served it."""
    history = plan.histories.get(release.purl)
    told = history.planned.provenance if history is not None else None
    if told is None or not told.present or told.url is None or release.registry is None:
        return None
    one, other = urlsplit(told.url), urlsplit(release.registry.url)
    same = (one.scheme, one.hostname, one.port) == (other.scheme, other.hostname, other.port)
    return told.url if same and one.scheme in {"https", "http"} else None


def _attested(http: Http, url: str) -> tuple[str, ...] | None:
    try:
        return attested(http.get_json(url, timeout=_TIMEOUT, max_bytes=_LARGEST))
    except (SourceUnavailable, MalformedAnswer):
        return None


def attested(document: object) -> tuple[str, ...] | None:
    """
    Return the repositories that attestations name (PEP 740, or npm's), each once; None: they name none.

    Raises `MalformedAnswer` for what is neither.
    """
    found = [*_of_index(document), *_of_npm(document)]
    return tuple(dict.fromkeys(found)) or None


def _of_index(document: object) -> Iterable[str]:
    for bundle in items(document, "attestation_bundles", dict):
        kind, place = optional(bundle, "publisher.kind", str), optional(bundle, "publisher.repository", str)
        host = _PUBLISHERS.get((kind or "").lower())
        named = repository(f"https://{host}/{place}") if host is not None and place is not None else None
        if named is not None:
            yield named


def _of_npm(document: object) -> Iterable[str]:
    for one in items(document, "attestations", dict):
        payload = optional(one, "bundle.dsseEnvelope.payload", str)
        statement = _decoded(payload) if payload is not None else None
        # SLSA 1.0, then 0.2; npm's own attestation of the publication has neither.
        urls = (
            optional(statement, "predicate.buildDefinition.externalParameters.workflow.repository", str),
            optional(statement, "predicate.invocation.configSource.uri", str),
        )
        for url in urls:
            named = repository(url.removeprefix("git+").partition("@refs/")[0]) if url is not None else None
            if named is not None:
                yield named


def _decoded(payload: str) -> object:
    try:
        return json.loads(base64.b64decode(payload, validate=True))
    except (ValueError, RecursionError, binascii.Error) as error:
        raise MalformedAnswer("an attestation holds no JSON") from error


def _looked(http: Http, base: str, ecosystem: EcosystemName) -> tuple[bool | None, str | None]:
    """Return whether there is a repository, and which package its own manifest names."""
    try:
        http.get_json(base, timeout=_TIMEOUT, max_bytes=_LARGEST)
    except NotThere:
        return False, None
    except (SourceUnavailable, MalformedAnswer):
        return None, None
    try:
        found = http.get_json(f"{base}/contents/{_MANIFESTS[ecosystem]}", timeout=_TIMEOUT, max_bytes=_LARGEST)
        text = base64.b64decode((optional(found, "content", str) or "").replace("\n", ""), validate=True).decode()
        return True, manifest_name(ecosystem, text)
    except (SourceUnavailable, MalformedAnswer, ValueError):
        return True, None


def manifest_name(ecosystem: EcosystemName, text: str) -> str | None:
    """
    Return the package that a manifest at the root of a repository names; None: none, or it holds several.

    Raises `MalformedAnswer` or `ValueError` for what is no manifest.
    """
    if ecosystem is EcosystemName.NPM:
        document: object = json.loads(text)
        several = optional(document, "private", object) is True or "workspaces" in mapping(document, "")
        return None if several else optional(document, "name", str)
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415 - only where there is a file to read
    else:
        import tomli as tomllib  # noqa: PLC0415
    document = cast("object", tomllib.loads(text))
    name = optional(document, "project.name", str) or optional(document, "tool.poetry.name", str)
    return None if name is None else str(canonicalize_name(name))
