"""An npm registry on loopback: packuments full and abbreviated, tarballs, tokens, and what npm asks besides."""

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from urllib.parse import quote

from tests.builders.built import Built
from tests.registries.server import Asked, Hit, LoopbackHttp, Reply, with_etag

ABBREVIATED = "application/vnd.npm.install-v1+json"

LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)
"""When versions were published that nobody dated."""

_INSTALL_SCRIPTS = ("preinstall", "install", "postinstall")
_IN_ABBREVIATED = (
    *("name", "version", "deprecated", "dependencies", "optionalDependencies", "devDependencies", "bundleDependencies"),
    *("peerDependencies", "peerDependenciesMeta", "bin", "directories", "dist", "engines", "cpu", "os", "libc"),
    *("hasInstallScript", "_hasShrinkwrap", "acceptDependencies", "funding"),
)


@dataclass(slots=True)
class Published:
    """One version of a package and what the registry says about it."""

    built: Built
    manifest: dict[str, object]
    data: bytes
    """What is served: not always what was published."""
    time: datetime
    publisher: str
    maintainers: tuple[str, ...]
    trusted: bool
    attested: bool


@dataclass(slots=True)
class Switches:
    """How good a registry it is; the defaults are those of the best one."""

    abbreviated: bool = True
    """False: everyone gets the full packument."""
    times: bool = True
    etags: bool = True
    integrity: bool = True
    """`dist.integrity` is told; `shasum` alone otherwise, as for very old packages."""
    install_script_flag: bool = True
    """`hasInstallScript` is told; plain mirrors drop it."""
    people: bool = True
    """`_npmUser` and `maintainers` are told; plain mirrors drop them."""
    signatures: bool = True
    """`dist.signatures` and `dist.attestations` are told."""
    token: str | None = None
    """The bearer token that every request needs."""


@dataclass(slots=True)
class _Package:
    versions: dict[str, Published] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    gone: dict[str, datetime] = field(default_factory=dict)
    """Versions that were unpublished: their times stay, as at the great registry."""


class NpmRegistry(LoopbackHttp):
    """
    A registry that serves what was published to it.

    `NpmRegistry("127.0.0.1", "127.0.0.2")` serves its tarballs from the second host.
    """

    def __init__(self, *hosts: str) -> None:
        """Bind; nothing is published yet."""
        self.attestations: dict[str, object] = {}
        """What is answered at other paths, such as where attestations are."""
        self.advisories: dict[str, object] = {}
        """What npm's own audit is told, by name."""
        super().__init__(*hosts)
        self.switches = Switches()
        self._packages: dict[str, _Package] = {}

    def publish(
        self,
        *built: Built,
        time: datetime = LONG_AGO,
        deprecated: str | None = None,
        tag: str = "latest",
        by: str = "author",
        maintainers: Sequence[str] = (),
        trusted: bool = False,
        attested: bool = False,
        **manifest: object,
    ) -> None:
        """
        Publish *built*, the last one under *tag*; *manifest* replaces keys that the registry tells of each.

        *by* is the account that does it, one of the *maintainers* (alone when there are none), unless a build service
        does it as a *trusted* publisher; with provenance if *attested*.
        """
        for one in built:
            document: dict[str, object] = {**json.loads(one.metadata), **manifest}
            if deprecated is not None:
                document["deprecated"] = deprecated
            package = self._packages.setdefault(one.name, _Package())
            package.versions[one.version] = Published(
                built=one,
                manifest=document,
                data=one.data,
                time=time,
                publisher=by,
                maintainers=tuple(maintainers) or (by,),
                trusted=trusted,
                attested=attested,
            )
            package.tags[tag] = one.version
            package.tags.setdefault("latest", one.version)

    def unpublish(self, name: str, version: str | None = None) -> None:
        """Forget *version* of *name*, of which the time stays; or all of it."""
        package = self._packages[name]
        if version is None:
            del self._packages[name]
            return
        package.gone[version] = package.versions.pop(version).time
        package.tags = {tag: known for tag, known in package.tags.items() if known != version}
        package.tags.setdefault("latest", next(reversed(package.versions)))

    def swap(self, name: str, version: str, data: bytes, *, after: str | None = None) -> None:
        """
        Serve *data* as the tarball of *name* at *version*: at once, or right after *after* (a path) was asked for.

        The packument keeps telling the old integrity.
        """
        published = self._packages[name].versions[version]

        def now() -> None:
            published.data = data

        if after is None:
            now()
        else:
            self.after[after] = now

    def tarball_path(self, name: str, version: str) -> str:
        """Return the path of a tarball: in the access log, in `faults` and in `after`."""
        return f"/{name}/-/{self._packages[name].versions[version].built.filename}"

    def tarball_url(self, name: str, version: str) -> str:
        """Return where a tarball is served."""
        return self.urls[-1] + self.tarball_path(name, version)

    def integrity(self, name: str, version: str) -> str:
        """Return the SRI string of what was published."""
        digest = hashlib.sha512(self._packages[name].versions[version].built.data).digest()
        return "sha512-" + base64.b64encode(digest).decode()

    def artifact_hits(self) -> tuple[Hit, ...]:
        """Return the requests for tarballs so far."""
        return tuple(hit for hit in self.hits() if "/-/" in hit.path and hit.path.endswith(".tgz"))

    def packument_hits(self) -> tuple[Hit, ...]:
        """Return the requests for packuments so far."""
        return tuple(hit for hit in self.hits() if hit.method == "GET" and "/-/" not in hit.path)

    def answer(self, asked: Asked) -> Reply:
        """See `LoopbackHttp.answer`."""
        if self.switches.token is not None and asked.headers.get("authorization") != f"Bearer {self.switches.token}":
            return _json({"error": "unauthorized"}, status=401)
        if asked.method == "POST":
            return self._audit(asked.path)
        name, dash, filename = asked.path.removeprefix("/").partition("/-/")
        if dash:
            return self._tarball(name, filename)
        if name in self._packages:
            return self._packument(asked, name)
        parent, _, wanted = name.rpartition("/")
        if parent in self._packages:
            return self._manifest(parent, wanted)
        found = self.attestations.get(asked.path)
        return _json({"error": "Not found"}, status=404) if found is None else _json(found)

    def _audit(self, path: str) -> Reply:
        if path == "/-/npm/v1/security/advisories/bulk":
            return _json(self.advisories)
        if path == "/-/npm/v1/security/audits/quick":
            counts = {"info": 0, "low": 0, "moderate": 0, "high": 0, "critical": 0}
            return _json({"actions": [], "advisories": {}, "muted": [], "metadata": {"vulnerabilities": counts}})
        return _json({"error": "Not found"}, status=404)

    def _tarball(self, name: str, filename: str) -> Reply:
        package = self._packages.get(name, _Package())
        for published in package.versions.values():
            if published.built.filename == filename:
                return Reply(headers={"Content-Type": "application/octet-stream"}, body=published.data)
        return _json({"error": "Not found"}, status=404)

    def _packument(self, asked: Asked, name: str) -> Reply:
        package = self._packages[name]
        short = self.switches.abbreviated and ABBREVIATED in asked.headers.get("accept", "")
        versions = {version: self._version(one) for version, one in package.versions.items()}
        times = {version: _stamp(one.time) for version, one in package.versions.items()}
        times.update((version, _stamp(time)) for version, time in package.gone.items())
        document: dict[str, object] = {"name": name, "dist-tags": package.tags, "versions": versions}
        if short:
            document["versions"] = {
                version: {key: value for key, value in manifest.items() if key in _IN_ABBREVIATED}
                for version, manifest in versions.items()
            }
            document["modified"] = max(times.values())
        else:
            document = {"_id": name, **document, "readme": "made for tests"}
            if self.switches.people:
                document["maintainers"] = _people(list(package.versions.values())[-1].maintainers)
            if self.switches.times:
                document["time"] = {"created": min(times.values()), "modified": max(times.values()), **times}
        kind = ABBREVIATED if short else "application/json"
        reply = _json(document, kind=kind, headers={"Vary": "accept-encoding, accept", "Cache-Control": "max-age=300"})
        return with_etag(asked, reply) if self.switches.etags else reply

    def _manifest(self, name: str, wanted: str) -> Reply:
        package = self._packages[name]
        published = package.versions.get(package.tags.get(wanted, wanted))
        return _json({"error": "Not found"}, status=404) if published is None else _json(self._version(published))

    def _version(self, published: Published) -> Mapping[str, object]:
        built = published.built
        dist: dict[str, object] = {
            "tarball": self.urls[-1] + quote(self.tarball_path(built.name, built.version), safe="/@"),
            "shasum": hashlib.sha1(built.data).hexdigest(),
            "fileCount": 2,
            "unpackedSize": len(gzip.decompress(built.data)),
        }
        if self.switches.integrity:
            dist["integrity"] = self.integrity(built.name, built.version)
        if self.switches.signatures:
            dist["signatures"] = [{"keyid": "SHA256:made-for-tests", "sig": "none"}]
            if published.attested:
                url = f"{self.url}/-/npm/v1/attestations/{built.name}@{built.version}"
                dist["attestations"] = {"url": url, "provenance": {"predicateType": "https://slsa.dev/provenance/v1"}}
        manifest = {"_id": f"{built.name}@{built.version}", **published.manifest, "dist": dist}
        if self.switches.people:
            manifest["_npmUser"] = _user(published)
            manifest["maintainers"] = _people(published.maintainers)
        scripts = published.manifest.get("scripts")
        if (
            self.switches.install_script_flag
            and isinstance(scripts, Mapping)
            and any(script in scripts for script in _INSTALL_SCRIPTS)
        ):
            manifest["hasInstallScript"] = True
        return manifest


def _user(published: Published) -> Mapping[str, object]:
    if published.trusted:
        service = {"name": "GitHub Actions", "email": "npm-oidc-no-reply@github.com"}
        return {**service, "trustedPublisher": {"id": "github", "oidcConfigId": "oidc:made-for-tests"}}
    return {"name": published.publisher, "email": f"{published.publisher}@mail.example"}


def _people(names: Sequence[str]) -> list[Mapping[str, str]]:
    return [{"name": name, "email": f"{name}@mail.example"} for name in names]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _json(
    document: object, *, status: int = 200, kind: str = "application/json", headers: Mapping[str, str] | None = None
) -> Reply:
    return Reply(status=status, headers={"Content-Type": kind, **(headers or {})}, body=json.dumps(document).encode())
