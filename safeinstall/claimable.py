"""
Which names of a project are private, by its settings and its files, and what public registries say of them.

Whoever registers the name of a private package on a public registry wins over it wherever the name is not declared
private. Finding the private names reads files only; `ask` is the one part that tells a name to anybody, and its caller
has the user's word for it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from urllib.parse import quote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from safeinstall.contracts import Http
from safeinstall.errors import MalformedAnswer, NotThere, SourceUnavailable
from safeinstall.fields import items, mapping, optional
from safeinstall.model import EcosystemName
from safeinstall.private import Private, below
from safeinstall.text import redacted

_PYPI, _NPM = EcosystemName.PYPI, EcosystemName.NPM
_INDEX = re.compile(r"(?:--index-url|--extra-index-url|-i)(?:\s+|=)(\S+)")
_HASHES = re.compile(r"\s--[a-z-]+[= ].*|\s#.*|^#.*")
_SCOPE_LINE = re.compile(r"^\s*(@[^:\s]+):registry\s*=\s*(\S+)", re.MULTILINE)
_SECTIONS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_ABSENT = "safeinstall-asks-whether-you-say-no-{}"
"""A name that nobody has: a registry that knows it answers for every name."""
_TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Owned:
    """One name that the project holds for private."""

    ecosystem: EcosystemName
    name: str
    """As its registry compares it."""
    why: tuple[str, ...]
    """What says so: `private.names`, `package-lock.json takes it from https://...`."""


class State(str, Enum):
    """What a public registry says of a name."""

    FREE = "free"
    """Nobody has it: whoever comes first gets it."""
    TAKEN = "taken"
    """Somebody has it."""
    UNKNOWN = "unknown"
    """Nobody was asked, or the answer says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One private name, and what became of the question who has it."""

    owned: Owned
    state: State
    detail: str = ""
    """Why it is unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """The files of a project, each with its text, and what the settings say."""

    texts: Mapping[str, str]
    """By path, as the user would write it: `requirements/base.txt`, `package.json`, `.npmrc`."""
    documents: Mapping[str, object]
    """What is in the JSON and TOML files among them."""
    private: Private
    registries: tuple[str, ...]
    """URL prefixes of the registries that are declared private."""


def owned(project: Project, ordinary: Callable[[EcosystemName, str], bool]) -> tuple[Owned, ...]:
    """
    Return the private names of *project*, in order.

    A requirements file does not say which of its indexes a name comes from: there, names that are *ordinary* (popular,
    or known to be public) are left out. Raises `MalformedAnswer` for a lockfile that is none.
    """
    found: dict[tuple[EcosystemName, str], list[str]] = {}
    for ecosystem, name, why in _names(project, ordinary):
        spelled = str(canonicalize_name(name)) if ecosystem is _PYPI else name
        reasons = found.setdefault((ecosystem, spelled), [])
        if why not in reasons:
            reasons.append(why)
    return tuple(
        Owned(ecosystem=ecosystem, name=name, why=tuple(why)) for (ecosystem, name), why in sorted(found.items())
    )


def _names(
    project: Project, ordinary: Callable[[EcosystemName, str], bool]
) -> Iterator[tuple[EcosystemName, str, str]]:
    yield from _in_requirements(project, ordinary)
    yield from _in_scopes(project)
    for path, document in project.documents.items():
        for ecosystem, name, url in _locked(path, document):
            if below(url, project.registries):
                yield ecosystem, name, f"{path} takes it from {redacted(url)}"
    yield from _declared(project)


def _in_requirements(
    project: Project, ordinary: Callable[[EcosystemName, str], bool]
) -> Iterator[tuple[EcosystemName, str, str]]:
    for path, text in project.texts.items():
        index = next((url for url in _INDEX.findall(text) if below(url, project.registries)), None)
        if path.endswith(".txt") and index is not None:
            said = f"{path} requires it and names {redacted(index)}, and it is no known public name"
            yield from ((_PYPI, name, said) for name in _required(text) if not ordinary(_PYPI, name))


def _in_scopes(project: Project) -> Iterator[tuple[EcosystemName, str, str]]:
    lines = [line for path, text in project.texts.items() if path == ".npmrc" for line in _SCOPE_LINE.findall(text)]
    scopes = {scope for scope, url in lines if below(url, project.registries)}
    for path, document in project.documents.items():
        for name in _depended(path, document):
            if name.partition("/")[0] in scopes:
                yield _NPM, name, f"{path} requires it, and its scope has a private registry"


def _declared(project: Project) -> Iterator[tuple[EcosystemName, str, str]]:
    used = {_PYPI: set[str](), _NPM: set[str]()}
    for path, text in project.texts.items():
        used[_PYPI].update(_required(text) if path.endswith(".txt") else ())
    for path, document in project.documents.items():
        used[_NPM].update(_depended(path, document))
        for ecosystem, name, _ in _locked(path, document):
            used[ecosystem].add(name)
    for ecosystem, names in used.items():
        yield from ((ecosystem, name, claim) for name in names if (claim := project.private.claim(ecosystem, name)))
    # A name without a scope may be one of either registry: both are looked at, unless the project's files tell.
    for name in project.private.names:
        told = [one for one in EcosystemName if any(_same(one, name, other) for other in used[one])]
        either = [_NPM] if name.startswith("@") else list(EcosystemName)
        yield from ((ecosystem, name, "private.names") for ecosystem in told or either)


def _same(ecosystem: EcosystemName, one: str, other: str) -> bool:
    return canonicalize_name(one) == canonicalize_name(other) if ecosystem is _PYPI else one == other


def _required(text: str) -> Iterator[str]:
    """Yield the names that a requirements file requires."""
    for line in text.replace("\\\n", " ").splitlines():
        bare = _HASHES.sub("", line).strip()
        if not bare or bare.startswith("-"):
            continue
        try:
            requirement = Requirement(bare)
        except InvalidRequirement:
            continue  # a path or a URL: no name that a registry is asked for
        if requirement.url is None:
            yield str(canonicalize_name(requirement.name))


def _depended(path: str, document: object) -> Iterator[str]:
    """Yield the names that a package.json requires."""
    if path != "package.json":
        return
    for section in _SECTIONS:
        if optional(document, section, dict) is not None:
            yield from mapping(document, section)


def _locked(path: str, document: object) -> Iterator[tuple[EcosystemName, str, str]]:
    """Yield the releases of a lockfile that says from where, each with that URL."""
    if path.endswith(("package-lock.json", "npm-shrinkwrap.json")):
        packages = mapping(document, "packages") if optional(document, "packages", dict) is not None else {}
        for place, entry in packages.items():
            name = optional(entry, "name", str) or place.rpartition("node_modules/")[2]
            url = optional(entry, "resolved", str)
            if name and url is not None and "node_modules/" in place:
                yield _NPM, name, url
    elif path.endswith((".lock", ".toml")):
        for entry in (*items(document, "packages", dict), *items(document, "package", dict)):
            listed = optional(entry, "name", str)
            # pylock.toml: `index`; uv.lock: `source.registry`; poetry.lock: `source.url`.
            urls = [optional(entry, key, str) for key in ("index", "source.registry", "source.url")]
            if listed is not None:
                yield from ((_PYPI, str(canonicalize_name(listed)), url) for url in urls if url is not None)


def ask(names: Iterable[Owned], registry: str, http: Http, *, popular: str, token: str) -> tuple[Told, ...]:
    """
    Return what *registry*, a public one of the ecosystem of *names*, says of each: the names are told to it.

    Two questions come first: a *popular* name must be there, and one made of *token* that nobody has must not. Where
    either answer is wrong, the registry is none, or answers for every name, and its answers say nothing.
    """
    wanted = tuple(names)
    why: str | None = None
    if wanted:
        ecosystem = wanted[0].ecosystem
        for name, should in ((popular, State.TAKEN), (_ABSENT.format(token), State.FREE)):
            state, detail = _state(http, registry, ecosystem, name)
            if state is not should and why is None:
                said = f"`{name}` is {state.value} there" + (f": {detail}" if detail else "")
                why = f"the registry's answers say nothing ({said})"
    if why is not None:
        return tuple(Told(owned=one, state=State.UNKNOWN, detail=why) for one in wanted)
    found = []
    for one in wanted:
        state, detail = _state(http, registry, one.ecosystem, one.name)
        found.append(Told(owned=one, state=state, detail=detail))
    return tuple(found)


def _state(http: Http, registry: str, ecosystem: EcosystemName, name: str) -> tuple[State, str]:
    try:
        http.get_bytes(address(registry, ecosystem, name), timeout=_TIMEOUT)
    except NotThere:
        return State.FREE, ""
    except (SourceUnavailable, MalformedAnswer) as error:
        return State.UNKNOWN, error.message
    return State.TAKEN, ""


def address(registry: str, ecosystem: EcosystemName, name: str) -> str:
    """Return the URL of the page on *name* at *registry* (PyPI: its simple index)."""
    base = registry.rstrip("/")
    return f"{base}/{quote(name, safe='')}/" if ecosystem is _PYPI else f"{base}/{quote(name, safe='@')}"


def advice(ecosystem: EcosystemName, free: Collection[str]) -> tuple[str, ...]:
    """Return how to reserve the *free* names, in sentences."""
    scopes = sorted({name.partition("/")[0] for name in free if name.startswith("@")})
    plain = sorted(name for name in free if not name.startswith("@"))
    told = []
    if scopes:
        told.append(
            f"make the organisation{'s' if len(scopes) > 1 else ''} {', '.join(scopes)} on npm: it holds the whole "
            "scope, and costs nothing while it publishes nothing private there"
        )
    if plain and ecosystem is _NPM:
        told.append(
            "publish an empty version 0.0.1 under each name without a scope, with your organisation's account and a "
            "description that says whose it is; better, move them into a scope of yours"
        )
    if plain and ecosystem is _PYPI:
        told.append(
            "upload an empty version 0.0.0 under each name with your organisation's account, with a description that "
            "says whose it is; PyPI keeps no prefix for anybody, and may refuse names too close to another"
        )
    return tuple(told)
