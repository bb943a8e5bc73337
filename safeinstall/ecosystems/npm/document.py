"""What planner.js wrote down, read as the foreign document it is."""

from dataclasses import dataclass

from safeinstall.fields import field, items, optional


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependency:
    """An edge out of a node of npm's tree."""

    name: str
    spec: str
    kind: str
    """npm's word: `prod`, `dev`, `optional`, `peer`, `peerOptional`, `workspace`."""
    to: str | None
    """The location that satisfies it; None: nothing does (an optional peer)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A place in npm's ideal tree."""

    location: str
    """`node_modules/a/node_modules/b`; empty for the project itself."""
    name: str
    """The folder's name: an alias when it differs from *package*."""
    package: str
    version: str
    resolved: str | None
    integrity: str | None
    page: str | None
    """The packument that may vouch for it, at the registry of npm's configuration."""
    registry: str | None
    root: bool
    link: bool
    target: str | None
    workspace: bool
    local: bool
    bundled_by: str | None
    bundles: tuple[str, ...]
    shrinkwrap: bool
    shrunk: bool
    """It stands in a lockfile that another package brings along."""
    omitted: bool
    optional: bool
    elsewhere: bool
    """It does not fit this machine: it is locked, and not installed."""
    script: bool
    stub: bool
    """A git or URL source, never fetched: nothing but its name is known."""
    kept: bool
    present: str | None
    """The version of the package that is installed, or else locked, at this location now."""
    edges: tuple[Dependency, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """The ideal tree with what the command line asked for."""

    path: str
    strategy: str
    filtered: bool
    """Only some workspaces are installed."""
    writes: bool
    """False: `--dry-run`, `--package-lock-only`, or a command that only runs or fetches."""
    globally: bool
    """npm was called with `--global`, or is configured so."""
    shared: bool
    """It is the global folder, of which npm keeps no lockfile."""
    registry: str
    chosen: tuple[tuple[str, str], ...]
    """The settings of the project's own `.npmrc` that choose a registry, with the URL of each."""
    own: tuple[str, ...]
    """The registries that everybody else than the project names: the user, the machine, npm itself."""
    unavailable: int
    """Optional packages that the registry does not have, which npm leaves out."""
    asked: tuple[tuple[str | None, str], ...]
    """Each argument with the package name in it."""
    nodes: tuple[Node, ...]
    seen: tuple[tuple[str, str], ...]
    """Every name and version that npm's resolver looked at closely, in the tree or not."""


def read(document: object) -> Document:
    """Return the typed form of *document*; raises `MalformedAnswer`."""
    return Document(
        path=field(document, "path", str),
        strategy=field(document, "strategy", str),
        filtered=field(document, "filtered", bool),
        writes=field(document, "writes", bool),
        globally=optional(document, "global", bool) is True,
        shared=optional(document, "shared", bool) is True,
        registry=field(document, "registry", str),
        chosen=tuple((field(pair, "0", str), field(pair, "1", str)) for pair in items(document, "chosen", list)),
        own=items(document, "own", str),
        unavailable=field(document, "unavailable", int),
        asked=tuple((optional(pair, "0", str), field(pair, "1", str)) for pair in items(document, "asked", list)),
        nodes=tuple(_node(node) for node in items(document, "nodes", dict)),
        seen=tuple((field(pair, "0", str), field(pair, "1", str)) for pair in items(document, "seen", list)),
    )


def _node(node: object) -> Node:
    return Node(
        location=field(node, "location", str),
        name=field(node, "name", str),
        package=field(node, "packageName", str),
        version=field(node, "version", str),
        resolved=optional(node, "resolved", str),
        integrity=optional(node, "integrity", str),
        page=optional(node, "page", str),
        registry=optional(node, "registry", str),
        root=field(node, "root", bool),
        link=field(node, "link", bool),
        target=optional(node, "target", str),
        workspace=field(node, "workspace", bool),
        local=field(node, "local", bool),
        bundled_by=optional(node, "bundledBy", str),
        bundles=items(node, "bundles", str),
        shrinkwrap=field(node, "shrinkwrap", bool),
        shrunk=field(node, "shrunk", bool),
        omitted=field(node, "omitted", bool),
        optional=field(node, "optional", bool),
        elsewhere=field(node, "elsewhere", bool),
        script=field(node, "script", bool),
        stub=field(node, "stub", bool),
        kept=field(node, "kept", bool),
        present=optional(node, "present", str),
        edges=tuple(
            Dependency(
                name=field(edge, "name", str),
                spec=optional(edge, "spec", str) or "",
                kind=field(edge, "kind", str),
                to=optional(edge, "to", str),
            )
            for edge in items(node, "edges", dict)
        ),
    )
