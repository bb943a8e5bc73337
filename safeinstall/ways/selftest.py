"""
Asks for a release that is always called malware, the way a person would, and expects the block.

The name is reserved and stands in the embedded records. The registry is one of our own on loopback that lists it, so
nothing leaves the machine, nothing is needed from it, and a tool that is *not* guarded gets a 404 for the file.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from safeinstall.outside import Outside

NAME = "safeinstall-self-test"
"""Reserved: it exists on no registry, and a release of it would be called malware."""

_WHEEL = "safeinstall_self_test-1.0-py3-none-any.whl"
_METADATA = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n"
_FINDING = 40


@dataclass(frozen=True, slots=True)
class Registry:
    """What is served, and what was asked for."""

    url: str
    fetched: list[str] = field(default_factory=list)
    """The artifacts that somebody asked for; none when the guard does its work."""


@contextmanager
def registry() -> Iterator[Registry]:
    """Serve the reserved name on loopback, to pip and to npm."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, kind = _answer(self.path, told)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Registry(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(path: str, told: Registry) -> tuple[bytes, str]:
    if path.rstrip("/") == f"/simple/{NAME}":
        link = f'<a href="{told.url}/files/{_WHEEL}#sha256={"0" * 64}" data-core-metadata="true">{_WHEEL}</a>'
        return f"<!DOCTYPE html><html><body>{link}</body></html>".encode(), "text/html"
    if path == f"/files/{_WHEEL}.metadata":
        return _METADATA.encode(), "text/plain"
    if path == f"/{NAME}":
        dist = {"tarball": f"{told.url}/files/{NAME}-1.0.0.tgz", "integrity": "sha512-" + "A" * 86 + "=="}
        version = {"name": NAME, "version": "1.0.0", "dist": dist}
        document = {
            "name": NAME,
            "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": version},
            "time": {"1.0.0": "2020-01-01T00:00:00.000Z"},
        }
        return json.dumps(document).encode(), "application/json"
    if path.startswith("/files/"):
        told.fetched.append(path)
    return b"", "text/plain"


def passes(outside: Outside, command: list[str], folder: Path) -> tuple[bool, str]:
    """Return whether *command* (`pip`, `npm`, `python -m pip`), asked to install the name into *folder*, is blocked."""
    with registry() as told:
        npm = Path(command[0]).name == "npm"
        words = ["install", NAME] if npm else ["install", "--no-deps", "--target", str(folder / "t"), NAME]
        env = {
            **outside.env,
            "PIP_INDEX_URL": f"{told.url}/simple/",
            "npm_config_registry": f"{told.url}/",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "SAFEINSTALL_OFFLINE": "1",
        }
        (folder / "package.json").write_text('{"name": "x", "version": "1.0.0"}\n', encoding="utf-8")
        done = outside.runner().capture([*command, *words, "--safeinstall-offline"], cwd=folder, env=env)
        blocked = done.exit_code == _FINDING and NAME in done.stderr and not told.fetched
    last = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
    return blocked, f"exit {done.exit_code}: {last}"
