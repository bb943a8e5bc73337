"""Whether node_modules is what was planned, by npm's own record of it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from safeinstall.ecosystems.npm.document import Document, Node
from safeinstall.errors import MalformedAnswer
from safeinstall.fields import mapping, optional
from safeinstall.gateway.npm_packument import digests, strongest
from safeinstall.text import printable

_STORE = "node_modules/.store/"


def differences(document: Document) -> tuple[str, ...]:
    """
    Return where node_modules/.package-lock.json is not the plan, in words; empty when it is.

    Optional packages that do not fit this platform may be absent, and packages that come inside another's tarball may
    be more than the plan could know.
    """
    if document.shared:
        return tuple(_on_disk(document))
    path = Path(document.path) / "node_modules" / ".package-lock.json"
    planned = {node.location: node for node in document.nodes if not node.root and not node.omitted}
    expected = [node for node in planned.values() if not _may_be_absent(node, document)]
    if not path.exists():
        return tuple(f"{_shown(node)} is not installed" for node in expected)
    try:
        packages = mapping(json.loads(path.read_text(encoding="utf-8")), "packages")
        return (*_missing(expected, packages), *_changed(planned, packages, document))
    except (OSError, ValueError, MalformedAnswer) as error:
        return (f"npm's record of what it installed cannot be read ({printable(str(error), limit=80)})",)


def _on_disk(document: Document) -> Iterator[str]:
    """Yield where the global folder, of which npm keeps no record, does not hold what was planned."""
    for node in document.nodes:
        if node.root or node.omitted or node.stub or _may_be_absent(node, document):
            continue
        try:
            text = (Path(document.path) / node.location / "package.json").read_text(encoding="utf-8")
            version = optional(json.loads(text), "version", str)
        except FileNotFoundError:
            yield f"{_shown(node)} is not installed"
            continue
        except (OSError, ValueError, MalformedAnswer) as error:
            yield f"{_shown(node)} cannot be read ({printable(str(error), limit=80)})"
            continue
        if version != node.version:
            yield f"`{printable(node.location)}` is {printable(version or '')} instead of {printable(node.version)}"


def _missing(expected: list[Node], packages: Mapping[str, object]) -> Iterator[str]:
    for node in expected:
        if node.location not in packages:
            yield f"{_shown(node)} is not installed"


def _changed(planned: Mapping[str, Node], packages: Mapping[str, object], document: Document) -> Iterator[str]:
    for location, entry in packages.items():
        if "node_modules" not in location.split("/") or optional(entry, "link", bool):
            continue
        version = optional(entry, "version", str) or ""
        node = planned.get(location) or _in_store(location, version, planned)
        if location.startswith(_STORE) and not version:
            continue  # the folder around a package, which holds links to what it depends on
        if node is None:
            if not (optional(entry, "inBundle", bool) and _bundler(location, planned)) and not document.filtered:
                yield f"`{printable(location)}` {printable(version)} is installed, but was not planned"
        elif version != node.version and not node.stub:
            yield f"`{printable(location)}` is {printable(version)} instead of {printable(node.version)}"
        elif _other_bytes(node, optional(entry, "integrity", str)):
            yield f"{_shown(node)} has another hash than planned"


def _other_bytes(node: Node, integrity: str | None) -> bool:
    mine, theirs = digests(node.integrity), digests(integrity)
    algorithm = strongest([digest for digest in mine if digest.algorithm in {other.algorithm for other in theirs}])
    return algorithm is not None and not any(digest in theirs for digest in mine if digest.algorithm == algorithm)


def _may_be_absent(node: Node, document: Document) -> bool:
    return node.optional or node.link or node.local or document.filtered or document.strategy == "linked"


def _in_store(location: str, version: str, planned: Mapping[str, Node]) -> Node | None:
    """Return what lies at *location* of the linked strategy's store, whose folders are named by npm's own hashes."""
    if not location.startswith(_STORE):
        return None
    name = location.rpartition("node_modules/")[2]
    return next((node for node in planned.values() if (node.name, node.version) == (name, version)), None)


def _bundler(location: str, planned: Mapping[str, Node]) -> bool:
    outer = location
    while "/node_modules/" in outer:
        outer = outer.rpartition("/node_modules/")[0]
        if outer in planned and planned[outer].bundles:
            return True
    return False


def _shown(node: Node) -> str:
    return f"`{printable(node.package)}@{printable(node.version)}` at {printable(node.location)}"
