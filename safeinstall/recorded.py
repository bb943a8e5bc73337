"""Runs as the ledger knows them, read back into records: what was installed, where, through what, and how it ended."""

from collections.abc import Mapping
from typing import TypeVar

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import field, items, mapping, optional
from safeinstall.model import (
    Artifact,
    ArtifactKind,
    Digest,
    EcosystemName,
    Edge,
    Plan,
    Purl,
    Registry,
    Release,
    Visibility,
)
from safeinstall.purl import parse, parts
from safeinstall.runs import Environment, EnvironmentKind

T = TypeVar("T", ArtifactKind, EcosystemName, EnvironmentKind, Visibility)

VERDICTS = ("installed", "planned", "blocked", "failed", "interrupted", "differs")
"""How a run can have ended."""


def ending(line: Mapping[str, object]) -> str:
    """Return which of `VERDICTS` the run *line* is."""
    if line.get("event") == "begun":
        return "interrupted"
    done = line.get("installed")
    if isinstance(done, Mapping) and (done.get("differences") or done.get("refused")):
        return "differs"
    if not line.get("allowed"):
        return "failed" if "failed" in line else "blocked"
    if line.get("mode") == "plan":
        return "planned"
    return "installed" if isinstance(done, Mapping) and done.get("exit_code") == 0 else "failed"


def plan_of(line: Mapping[str, object]) -> Plan:
    """
    Return the plan of the run *line*, as far as it was kept: enough to judge it against records that came later.

    The plan of a run that could not resolve is empty. Raises `MalformedAnswer`. Older lines have no edges.
    """
    releases = tuple(_release(one) for one in items(line, "releases", dict))
    return Plan(
        ecosystem=_member(EcosystemName, field(line, "ecosystem", str)),
        releases=releases,
        edges=tuple(_edge(one, releases) for one in items(line, "edges", list)),
    )


def environment_of(line: Mapping[str, object]) -> Environment | None:
    """Return where the run *line* installed to; None: it is older than that was kept, or nobody could tell."""
    told = optional(line, "environment", dict)
    if told is None:
        return None
    return Environment(
        kind=_member(EnvironmentKind, field(told, "kind", str)),
        path=field(told, "path", str),
        interpreter=optional(told, "interpreter", str),
        folders=items(told, "folders", str),
    )


def _release(document: object) -> Release:
    purl = parse(field(document, "purl", str))
    _, name, version = parts(purl)
    url = field(document, "url", str)
    kind = optional(document, "kind", str)
    registry = optional(document, "registry", dict)
    return Release(
        purl=purl,
        name=name,
        version=version or "",
        artifact=Artifact(
            # Of older lines only that the registry served it is known.
            kind=_member(ArtifactKind, kind) if kind is not None else _usual(purl),
            filename=url.rpartition("/")[2],
            url=url,
            digests=tuple(
                Digest(algorithm=algorithm, value=value)
                for algorithm, value in mapping(document, "digests").items()
                if isinstance(value, str)
            ),
        ),
        registry=None
        if registry is None
        else Registry(
            url=field(registry, "url", str), visibility=_member(Visibility, field(registry, "visibility", str))
        ),
        asked=optional(document, "asked", str),
        kept=field(document, "kept", bool),
    )


def _usual(purl: Purl) -> ArtifactKind:
    return ArtifactKind.WHEEL if parts(purl)[0] is EcosystemName.PYPI else ArtifactKind.TARBALL


def _edge(document: object, releases: tuple[Release, ...]) -> Edge:
    parent = optional(document, "0", int)
    return Edge(
        parent=None if parent is None else _at(releases, parent).purl,
        child=_at(releases, field(document, "1", int)).purl,
        requirement=field(document, "2", str),
    )


def _at(releases: tuple[Release, ...], place: int) -> Release:
    if not 0 <= place < len(releases):
        raise MalformedAnswer(f"an edge leads to release {place} of {len(releases)}")
    return releases[place]


def _member(kind: type[T], text: str) -> T:
    try:
        return kind(text)
    except ValueError as error:
        raise MalformedAnswer(f"`{text}` is no {kind.__name__}") from error
