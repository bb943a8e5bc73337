"""A bulk export of OSV on loopback in the sizes of the real one: `all.zip`, `modified_id.csv`, one file a record."""

import io
import json
import zipfile
from collections.abc import Mapping

from tests.registries.osv import ECOSYSTEMS, MODIFIED, Record
from tests.registries.server import Asked, LoopbackHttp, Reply


class ExportServer(LoopbackHttp):
    """An export of what was added to it; paths may be broken through `faults`."""

    def __init__(self) -> None:
        """Bind; both ecosystems are empty."""
        super().__init__()
        self._records: dict[str, dict[str, Record]] = {name: {} for name in ECOSYSTEMS.values()}

    def add(self, *records: Record, modified: str = MODIFIED) -> None:
        """Hold *records*, modified at *modified* unless they say when."""
        for record in records:
            dated = {"modified": modified, "schema_version": "1.7.0", **record}
            for ecosystem in _ecosystems(record):
                self._records[ecosystem][str(record["id"])] = dated

    def answer(self, asked: Asked) -> Reply:
        """See `LoopbackHttp.answer`."""
        ecosystem, _, name = asked.path.strip("/").rpartition("/")
        known = self._records.get(ecosystem)
        if known is None:
            return Reply(status=404, body=b"no such object\n")
        if name == "all.zip":
            return Reply(headers={"Content-Type": "application/zip"}, body=zip_of(known))
        if name == "modified_id.csv":
            rows = sorted(((str(record["modified"]), ident) for ident, record in known.items()), reverse=True)
            return Reply(headers={"Content-Type": "text/csv"}, body="".join(f"{a},{b}\n" for a, b in rows).encode())
        record = known.get(name.removesuffix(".json"))
        if record is None:
            return Reply(status=404, body=b"no such object\n")
        return Reply(headers={"Content-Type": "application/json"}, body=json.dumps(record).encode())


def zip_of(records: Mapping[str, object]) -> bytes:
    """Return the zip that the export makes of *records* by id; a text stands for bytes that are no record."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for ident, record in records.items():
            archive.writestr(f"{ident}.json", record if isinstance(record, str) else json.dumps(record))
    return buffer.getvalue()


def _ecosystems(record: Record) -> set[str]:
    affected = record.get("affected")
    assert isinstance(affected, list)
    return {str(one["package"]["ecosystem"]) for one in affected}
