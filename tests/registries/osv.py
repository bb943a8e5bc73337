"""An OSV advisory server on loopback (API and bulk export), right or broken in the ways in which such servers break."""

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import TypeAlias
from urllib.parse import unquote

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tests.builders.built import zipped
from tests.registries.server import FOREVER, Asked, LoopbackHttp, Reply

Record: TypeAlias = Mapping[str, object]

MODIFIED = "2026-01-01T00:00:00Z"
"""The `modified` of records that nobody dated."""

ECOSYSTEMS = {"pypi": "PyPI", "npm": "npm"}
"""Package URL type -> OSV's own spelling."""


class Mode(Enum):
    """How the server behaves."""

    OK = "ok"
    RESET = "reset"
    """The connection is closed without an answer; for a port on which nobody listens see `refused_url`."""
    ERROR_500 = "500"
    RATE_LIMITED = "429"
    NOT_FOUND = "404"
    HTML = "html"
    EMPTY = "empty body"
    TRUNCATED = "truncated"
    """Half of a right answer, then the connection is closed."""
    HALF_JSON = "half json"
    """Half of a right answer that says it is the whole of it."""
    SLOW = "slow"
    DRIP = "drip"
    WRONG_TYPES = "wrong types"
    NO_RESULTS = "no results"
    """`{}`: no list of results at all."""
    SHORT = "short"
    """One result less than there were queries."""
    TOKEN_ONLY = "token only"
    """Every page is empty and promises another one."""
    REDIRECTS = "redirects"
    BOMB = "bomb"
    """A small gzip that unpacks to 300 MB."""


class OsvServer(LoopbackHttp):
    """An advisory server that knows the records which were added to it."""

    def __init__(self) -> None:
        """Bind; no record is known yet."""
        super().__init__()
        self.mode = Mode.OK
        self.details = Mode.OK
        """How `/v1/vulns/ID` behaves, when it is not as *mode*."""
        self.page_size: int | None = None
        """How many ids one page of one query holds at most."""
        self._records: dict[str, Record] = {}

    def add(self, *records: Record) -> None:
        """Know *records*; raises `ValueError` for ranges that this server cannot judge (see `hit`)."""
        for record in records:
            for affected in _affected(record):
                hit(affected, "1.0")
            self._records[str(record["id"])] = {"modified": MODIFIED, "schema_version": "1.6.0", **record}

    def asked_names(self) -> tuple[str, ...]:
        """Return every package name that was posted, with repetitions: what this server has learnt of its users."""
        posts = [hit.body for hit in self.hits() if hit.method == "POST"]
        return tuple(_query(query)[1] for body in posts for query in _raw_queries(body))

    def answer(self, asked: Asked) -> Reply:
        """See `LoopbackHttp.answer`."""
        if asked.path.startswith("/v1/vulns/"):
            record = self._records.get(asked.path.removeprefix("/v1/vulns/"))
            right = _json(record) if record is not None else _json({"code": 5, "message": "Bug not found."}, status=404)
            return self._broken(right, self.details if self.details is not Mode.OK else self.mode)
        if asked.path == "/v1/querybatch" and asked.method == "POST":
            return self._broken(self._batch(asked.body), self.mode)
        if asked.path.endswith(("/all.zip", "/modified_id.csv")):
            return self._broken(self._bulk(asked.path), self.mode)
        return _json({"code": 5, "message": "Not Found"}, status=404)

    def _batch(self, body: bytes) -> Reply:
        try:
            queries = _raw_queries(body)
            understood = [_query(query) for query in queries]
        except (ValueError, KeyError):
            return _json({"code": 3, "message": "Invalid query."}, status=400)
        if len(queries) > 1000:
            return _json({"code": 3, "message": "Too many queries."}, status=400)
        results = []
        for raw, query in zip(queries, understood, strict=True):
            found = [ident for ident, record in sorted(self._records.items()) if _hits(record, *query)]
            start = int(str(raw.get("page_token") or 0))
            end = start + self.page_size if self.page_size is not None else len(found)
            entry: dict[str, object] = {}
            if found[start:end]:
                entry["vulns"] = [
                    {"id": ident, "modified": self._records[ident]["modified"]} for ident in found[start:end]
                ]
            if end < len(found):
                entry["next_page_token"] = str(end)
            if self.mode is Mode.TOKEN_ONLY:
                entry = {"next_page_token": str(start)}
            results.append(entry)
        if self.mode is Mode.SHORT:
            results = results[:-1]
        return _json({"results": results})

    def _bulk(self, path: str) -> Reply:
        ecosystem, _, filename = path.strip("/").rpartition("/")
        records = {
            ident: record
            for ident, record in sorted(self._records.items())
            if any(_package(affected)[0] == ecosystem for affected in _affected(record))
        }
        if filename == "all.zip":
            files = {f"{ident}.json": json.dumps(record).encode() for ident, record in records.items()}
            return Reply(headers={"Content-Type": "application/zip"}, body=zipped(files))
        table = io.StringIO()
        rows = sorted(((str(record["modified"]), ident) for ident, record in records.items()), reverse=True)
        csv.writer(table, lineterminator="\n").writerows(rows)
        return Reply(headers={"Content-Type": "text/csv"}, body=table.getvalue().encode())

    def _broken(self, right: Reply, mode: Mode) -> Reply:
        answers: dict[Mode, Reply] = {
            Mode.RESET: Reply(reset=True),
            Mode.ERROR_500: Reply(status=500, body=b"internal error\n"),
            Mode.RATE_LIMITED: Reply(status=429, headers={"Retry-After": "3600"}, body=b"slow down\n"),
            Mode.NOT_FOUND: Reply(status=404, body=b"nothing here\n"),
            Mode.HTML: Reply(headers={"Content-Type": "text/html"}, body=b"<html><body>please log in</body></html>"),
            Mode.EMPTY: Reply(headers={"Content-Type": "application/json"}),
            Mode.TRUNCATED: Reply(headers=right.headers, body=right.body, cut=len(right.body) // 2),
            Mode.HALF_JSON: Reply(headers=right.headers, body=right.body[: len(right.body) // 2]),
            Mode.SLOW: Reply(headers=right.headers, body=right.body, delay=FOREVER),
            Mode.DRIP: Reply(headers=right.headers, body=right.body + b" " * 1000, drip=0.2),
            Mode.WRONG_TYPES: _json({"results": [{"vulns": "none"}], "id": 7, "affected": "everything"}),
            Mode.NO_RESULTS: _json({}),
            Mode.REDIRECTS: Reply(status=307, headers={"Location": "/v1/querybatch"}),
        }
        if mode is Mode.BOMB:
            return Reply(headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}, body=_bomb())
        return answers.get(mode, right)


def malware(name: str, *, ecosystem: str = "npm", versions: Sequence[str] = (), ident: str = "MAL-2026-1") -> Record:
    """Return a record as the malicious packages database writes them: without *versions* it means every version."""
    affected: dict[str, object] = {"package": {"ecosystem": ECOSYSTEMS[ecosystem], "name": name}}
    if versions:
        affected["versions"] = list(versions)
    else:
        affected["ranges"] = [{"type": "SEMVER", "events": [{"introduced": "0"}]}]
    return {
        "id": ident,
        "published": MODIFIED,
        "summary": f"Malicious code in {name} ({ECOSYSTEMS[ecosystem]})",
        "details": "Made for tests; nothing here is real.",
        "affected": [affected],
        "database_specific": {"malicious-packages-origins": []},
    }


def vulnerability(
    name: str,
    *,
    versions: Sequence[str],
    ecosystem: str = "pypi",
    ident: str = "GHSA-0000-0000-0001",
    aliases: Sequence[str] = (),
    fixed: str | None = None,
    severity: str = "HIGH",
) -> Record:
    """Return a record about a fault that somebody made in good faith."""
    events = [{"introduced": "0"}, *([{"fixed": fixed}] if fixed is not None else [])]
    return {
        "id": ident,
        "published": MODIFIED,
        "aliases": list(aliases),
        "summary": f"A fault in {name}",
        "affected": [
            {
                "package": {"ecosystem": ECOSYSTEMS[ecosystem], "name": name},
                "versions": list(versions),
                "ranges": [{"type": "ECOSYSTEM" if ecosystem == "pypi" else "SEMVER", "events": events}],
            }
        ],
        "database_specific": {"severity": severity},
    }


def hit(affected: Record, version: str) -> bool:
    """
    Whether one `affected` entry means *version*: it lists it, or has a range that reaches it.

    Ranges are judged for plain numbered versions only; raises `ValueError` for others, and for git ranges.
    """
    listed = affected.get("versions")
    ranges = affected.get("ranges")
    if isinstance(listed, list) and version in listed:
        return True
    if not isinstance(ranges, list) or not ranges:
        return not listed
    return any(_in_range(one, version) for one in ranges)


def _in_range(one: Record, version: str) -> bool:
    events = one.get("events")
    if one.get("type") == "GIT" or not isinstance(events, list):
        raise ValueError(f"this server cannot judge {one!r}")
    inside = False
    for event in events:
        ((key, value),) = event.items()
        if key == "introduced" and (value == "0" or _numbers(version) >= _numbers(value)):
            inside = True
        if (key == "fixed" and _numbers(version) >= _numbers(value)) or (
            key == "last_affected" and _numbers(version) > _numbers(value)
        ):
            inside = False
    return inside


def _numbers(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion as error:
        raise ValueError(f"this server cannot compare {version}") from error


def _hits(record: Record, ecosystem: str, name: str, version: str | None) -> bool:
    if record.get("withdrawn") is not None:
        return False
    return any(
        _package(affected) == (ecosystem, _normal(ecosystem, name)) and (version is None or hit(affected, version))
        for affected in _affected(record)
    )


def _affected(record: Record) -> Iterator[Record]:
    found = record.get("affected")
    yield from found if isinstance(found, list) else ()


def _package(affected: Record) -> tuple[str, str]:
    package = affected.get("package")
    if not isinstance(package, Mapping):
        return "", ""
    ecosystem = str(package.get("ecosystem"))
    return ecosystem, _normal(ecosystem, str(package.get("name")))


def _normal(ecosystem: str, name: str) -> str:
    return canonicalize_name(name) if ecosystem == "PyPI" else name


def _raw_queries(body: bytes) -> Sequence[Record]:
    queries = json.loads(body).get("queries", [])
    if not isinstance(queries, list):
        raise ValueError("queries are no list")  # noqa: TRY004 - one kind of error for all that is no query
    return queries


def _query(query: Record) -> tuple[str, str, str | None]:
    """Return ecosystem, name and version; raises `ValueError` where the real server answers 400."""
    package = query.get("package")
    if not isinstance(package, Mapping):
        raise ValueError("package expected")  # noqa: TRY004 - see _raw_queries
    told = str(query["version"]) if "version" in query else None
    if "purl" not in package:
        return str(package["ecosystem"]), str(package["name"]), told
    kind, _, rest = str(package["purl"]).removeprefix("pkg:").partition("?")[0].partition("/")
    name, _, version = rest.partition("@")
    if kind not in ECOSYSTEMS or (version and told is not None):
        raise ValueError("a package URL of an unknown type, or a version told twice")
    return ECOSYSTEMS[kind], unquote(name), unquote(version) if version else told


def _bomb() -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed:
        for _ in range(300):
            packed.write(b" " * 1_000_000)
    return buffer.getvalue()


def _json(document: object, *, status: int = 200) -> Reply:
    return Reply(status=status, headers={"Content-Type": "application/json"}, body=json.dumps(document).encode())
