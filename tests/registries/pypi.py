"""A Python package index on loopback: simple API (PEP 503, 691, 700, 714), metadata files, project JSON, files."""

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from urllib.parse import quote

from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.builders.built import Built
from tests.registries.server import Asked, Hit, LoopbackHttp, Reply, with_etag, with_range

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"

LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)
"""When files were uploaded that nobody dated: old enough for every cooldown."""


@dataclass(slots=True)
class Listed:
    """One file of the index and what the index says about it."""

    built: Built
    data: bytes
    """What is served: not always what was built."""
    uploaded: datetime | None
    yanked: bool | str
    requires_python: str | None
    metadata: bytes | None
    """What `.metadata` answers; None: 404."""
    advertised: bool
    hashes: bool
    attested: bool


@dataclass(slots=True)
class Switches:
    """How good an index it is; the defaults are those of the best one."""

    json: bool = True
    html: bool = True
    core_metadata: bool = True
    """Pages advertise `core-metadata`, and `.metadata` is served."""
    hidden_metadata: bool = False
    """`.metadata` is served though no page advertises it, as plain mirrors do."""
    ranges: bool = True
    upload_times: bool = True
    project_json: bool = True
    etags: bool = True
    provenance: bool = True
    """Pages tell of attestations (PEP 740): where they are, or that there are none."""
    credentials: tuple[str, str] | None = None
    """User and password that every request needs."""


@dataclass(slots=True)
class _Project:
    spelled: str
    files: dict[str, Listed] = field(default_factory=dict)
    status: str | None = None
    reason: str | None = None


class PypiRegistry(LoopbackHttp):
    """
    An index that serves what was added to it.

    `PypiRegistry("127.0.0.1", "127.0.0.2")` serves its files from the second host, as the great indexes do.
    """

    def __init__(self, *hosts: str) -> None:
        """Bind; nothing is listed yet."""
        self.attestations: dict[str, object] = {}
        """What is answered at other paths, such as where attestations are."""
        super().__init__(*hosts)
        self.switches = Switches()
        self._projects: dict[str, _Project] = {}
        self._vulnerabilities: dict[tuple[str, str], list[Mapping[str, object]]] = {}

    @property
    def index_url(self) -> str:
        """What pip's `--index-url` takes, without credentials."""
        return f"{self.url}/simple"

    def with_credentials(self, user: str, password: str) -> str:
        """Demand *user* and *password* from now on, and return the index URL that holds them."""
        self.switches.credentials = (user, password)
        return self.index_url.replace("://", f"://{quote(user, safe='')}:{quote(password, safe='')}@")

    def add(
        self,
        *built: Built,
        upload_time: datetime | None = LONG_AGO,
        yanked: bool | str = False,
        requires_python: str | None = None,
        core_metadata: bool = True,
        lie: bytes | str | None = None,
        hashes: bool = True,
        attested: bool = False,
    ) -> None:
        """
        List *built*; a string for *yanked* is its reason.

        *lie* is served as `.metadata` (and its hash advertised) instead of what is inside the file.
        """
        for one in built:
            name = canonicalize_name(one.name)
            told = lie.encode() if isinstance(lie, str) else lie
            project = self._projects.setdefault(name, _Project(spelled=one.name))
            project.files[one.filename] = Listed(
                built=one,
                data=one.data,
                uploaded=upload_time,
                yanked=yanked,
                requires_python=requires_python or _requires_python(one),
                metadata=(told if told is not None else one.metadata) if core_metadata else None,
                advertised=core_metadata,
                hashes=hashes,
                attested=attested,
            )

    def promise_metadata(self, filename: str) -> None:
        """Advertise metadata of *filename* that is then answered with 404, as broken mirrors do."""
        listed = self._find(filename)
        listed.metadata, listed.advertised = None, True

    def swap(self, filename: str, data: bytes, *, after: str | None = None) -> None:
        """
        Serve *data* under the URL and hash of *filename*: at once, or right after *after* (a path) was asked for.

        The page keeps telling the old hash: the attacker holds the file store, or the CDN, and not the index.
        """
        listed = self._find(filename)

        def now() -> None:
            listed.data = data

        if after is None:
            now()
        else:
            self.after[after] = now

    def replace(self, filename: str, built: Built) -> None:
        """List *built*, hash and metadata and all, where *filename* was: the attacker holds the index too."""
        for project in self._projects.values():
            if filename in project.files:
                old = project.files.pop(filename)
                old.built, old.data, old.metadata = built, built.data, built.metadata
                project.files[built.filename] = old

    def remove(self, filename: str) -> None:
        """List *filename* no more."""
        for project in self._projects.values():
            project.files.pop(filename, None)

    def vulnerable(self, name: str, version: str, record: Mapping[str, object]) -> None:
        """Tell *record* in the project JSON of *name* at *version*."""
        self._vulnerabilities.setdefault((canonicalize_name(name), version), []).append(record)

    def set_status(self, name: str, status: str, reason: str | None = None, *, empty: bool = False) -> None:
        """Give the project a status (PEP 792): `quarantined`, `archived`, `deprecated`; *empty*: no file is offered."""
        project = self._projects[canonicalize_name(name)]
        project.status, project.reason = status, reason
        if empty:
            project.files.clear()

    def file_url(self, filename: str) -> str:
        """Return where *filename* is served."""
        return f"{self.urls[-1]}{self.file_path(filename)}"

    def file_path(self, filename: str) -> str:
        """Return the path of that URL: in the access log, in `faults` and in `after`."""
        return f"/files/{self._find(filename).built.sha256[:8]}/{filename}"

    def artifact_hits(self) -> tuple[Hit, ...]:
        """Return the requests for whole files so far; range requests and `.metadata` are none."""
        return tuple(
            hit
            for hit in self.hits()
            if hit.path.startswith("/files/")
            and not hit.path.endswith(".metadata")
            and hit.method == "GET"
            and hit.status != 206
        )

    def answer(self, asked: Asked) -> Reply:
        """See `LoopbackHttp.answer`."""
        if not self._welcome(asked):
            return Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="tests"'}, body=b"who are you?\n")
        parts = asked.path.strip("/").split("/")
        if parts[0] == "simple" and len(parts) <= 2:
            return self._page(asked, parts[1]) if len(parts) == 2 else self._root(asked)
        if parts[0] == "pypi" and parts[-1] == "json" and len(parts) in {3, 4}:
            return self._project_json(parts[1], parts[2] if len(parts) == 4 else None)
        if asked.path in self.attestations:
            return _bytes(json.dumps(self.attestations[asked.path]).encode())
        if parts[0] == "files" and len(parts) == 3:
            return self._file(asked, parts[1], parts[2])
        return _not_found()

    def _welcome(self, asked: Asked) -> bool:
        if self.switches.credentials is None:
            return True
        wanted = base64.b64encode(":".join(self.switches.credentials).encode()).decode()
        return asked.headers.get("authorization") == f"Basic {wanted}"

    def _find(self, filename: str) -> Listed:
        return next(project.files[filename] for project in self._projects.values() if filename in project.files)

    def _root(self, asked: Asked) -> Reply:
        names = sorted(self._projects)
        if self._wants_json(asked):
            document = {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in names]}
            return Reply(headers={"Content-Type": JSON}, body=json.dumps(document).encode())
        links = "".join(f'<a href="/simple/{name}/">{name}</a>\n' for name in names)
        return Reply(headers={"Content-Type": "text/html"}, body=f"<!DOCTYPE html><html><body>{links}".encode())

    def _wants_json(self, asked: Asked) -> bool:
        accepted = asked.headers.get("accept", "*/*")
        return self.switches.json and (JSON in accepted or not self.switches.html)

    def _page(self, asked: Asked, name: str) -> Reply:
        normal = canonicalize_name(name)
        project = self._projects.get(normal)
        if project is None:
            return _not_found()
        if not asked.path.endswith("/") or name != normal:
            return Reply(status=301, headers={"Location": f"/simple/{normal}/"})
        if self._wants_json(asked):
            reply = Reply(headers={"Content-Type": JSON, "Vary": "Accept"}, body=self._json(normal, project))
        else:
            reply = Reply(headers={"Content-Type": "text/html", "Vary": "Accept"}, body=self._html(normal, project))
        return with_etag(asked, reply) if self.switches.etags else reply

    def _json(self, name: str, project: _Project) -> bytes:
        files = list(project.files.values())
        document: dict[str, object] = {
            "meta": {"api-version": "1.1" if self.switches.upload_times else "1.0"},
            "name": name,
            "files": [self._json_file(listed) for listed in files],
        }
        if self.switches.upload_times:
            document["versions"] = _versions(files)
        if project.status is not None:
            reason = {} if project.reason is None else {"reason": project.reason}
            document["project-status"] = {"status": project.status, **reason}
        return json.dumps(document).encode()

    def _json_file(self, listed: Listed) -> Mapping[str, object]:
        entry: dict[str, object] = {
            "filename": listed.built.filename,
            "url": self.file_url(listed.built.filename),
            "hashes": {"sha256": listed.built.sha256} if listed.hashes else {},
            "yanked": listed.yanked,
        }
        if listed.requires_python is not None:
            entry["requires-python"] = listed.requires_python
        if self.switches.upload_times:
            entry["size"] = len(listed.built.data)
            if listed.uploaded is not None:
                entry["upload-time"] = listed.uploaded.isoformat().replace("+00:00", "Z")
        if self.switches.provenance:
            name = listed.built.filename
            entry["provenance"] = f"{self.url}/integrity/{name}/provenance" if listed.attested else None
        if self.switches.core_metadata:
            # The great index says it under both names, and `false` for files that have none.
            told = self._metadata_hash(listed)
            entry["core-metadata"] = entry["data-dist-info-metadata"] = told
        return entry

    def _metadata_hash(self, listed: Listed) -> Mapping[str, str] | bool:
        if not listed.advertised:
            return False
        return {"sha256": hashlib.sha256(listed.metadata if listed.metadata is not None else b"").hexdigest()}

    def _html(self, name: str, project: _Project) -> bytes:
        links = [self._link(listed) for listed in project.files.values()]
        head = f'<!DOCTYPE html>\n<html><head><meta name="pypi:repository-version" content="1.0"><title>{name}</title>'
        return "\n".join([f"{head}</head><body>", *links, "</body></html>\n"]).encode()

    def _link(self, listed: Listed) -> str:
        built = listed.built
        fragment = f"#sha256={built.sha256}" if listed.hashes else ""
        attributes = [f'href="{self.file_url(built.filename)}{fragment}"']
        if listed.requires_python is not None:
            attributes.append(f'data-requires-python="{html.escape(listed.requires_python)}"')
        if listed.yanked is not False:
            attributes.append(f'data-yanked="{html.escape(listed.yanked if isinstance(listed.yanked, str) else "")}"')
        told = self._metadata_hash(listed)
        if self.switches.core_metadata and isinstance(told, Mapping):
            attributes.append(f'data-core-metadata="sha256={told["sha256"]}"')
            attributes.append(f'data-dist-info-metadata="sha256={told["sha256"]}"')
        return f"<a {' '.join(attributes)}>{built.filename}</a><br>"

    def _project_json(self, name: str, version: str | None) -> Reply:
        project = self._projects.get(canonicalize_name(name))
        if project is None or not self.switches.project_json:
            return _not_found()
        known = _versions(project.files.values())
        shown = version if version is not None else known[-1]
        files = [listed for listed in project.files.values() if listed.built.version == shown]
        if not files:
            return _not_found()
        yanked = all(listed.yanked is not False for listed in files)
        reasons = [listed.yanked for listed in files if isinstance(listed.yanked, str)]
        document: dict[str, object] = {
            "info": {
                "name": project.spelled,
                "version": shown,
                "summary": "made for tests",
                "yanked": yanked,
                "yanked_reason": reasons[0] if yanked and reasons else None,
            },
            "last_serial": 1,
            "urls": [
                {
                    "filename": listed.built.filename,
                    "url": self.file_url(listed.built.filename),
                    "digests": {"sha256": listed.built.sha256},
                    "size": len(listed.built.data),
                    "upload_time_iso_8601": listed.uploaded.isoformat() if listed.uploaded else None,
                    "yanked": listed.yanked is not False,
                }
                for listed in files
            ],
            "vulnerabilities": self._vulnerabilities.get((canonicalize_name(name), shown), []),
        }
        return Reply(headers={"Content-Type": "application/json"}, body=json.dumps(document).encode())

    def _file(self, asked: Asked, folder: str, filename: str) -> Reply:
        for project in self._projects.values():
            for listed in project.files.values():
                if listed.built.sha256[:8] == folder and filename == f"{listed.built.filename}.metadata":
                    served = self.switches.core_metadata or self.switches.hidden_metadata
                    return _bytes(listed.metadata) if served and listed.metadata is not None else _not_found()
                if listed.built.sha256[:8] == folder and filename == listed.built.filename:
                    reply = _bytes(listed.data)
                    return with_range(asked, reply) if self.switches.ranges else reply
        return _not_found()


def _versions(files: Iterable[Listed]) -> Sequence[str]:
    return sorted({listed.built.version for listed in files}, key=Version)


def _requires_python(built: Built) -> str | None:
    for line in built.metadata.decode().partition("\n\n")[0].splitlines():
        if line.startswith("Requires-Python:"):
            return line.partition(":")[2].strip()
    return None


def _bytes(data: bytes) -> Reply:
    return Reply(headers={"Content-Type": "application/octet-stream"}, body=data)


def _not_found() -> Reply:
    return Reply(status=404, headers={"Content-Type": "text/plain"}, body=b"404 not here\n")
