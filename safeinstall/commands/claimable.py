"""`safeinstall audit --claimable`: which private names nobody has reserved publicly; asks nobody without consent."""

import json
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from safeinstall.claimable import Owned, Project, State, Told, advice, ask, owned
from safeinstall.commands.arguments import Parser
from safeinstall.commands.common import settings_of, use_popular
from safeinstall.config import Settings
from safeinstall.consent import can_ask
from safeinstall.errors import MalformedAnswer, Misconfigured
from safeinstall.model import EcosystemName
from safeinstall.names.known import known
from safeinstall.names.popular import popular
from safeinstall.outside import Outside
from safeinstall.places import places
from safeinstall.private import below
from safeinstall.runs import BLOCKED_BY_FINDING, BLOCKED_BY_GAP
from safeinstall.text import printable, redacted

FILES = (
    *("package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"),
    *("requirements*.txt", "requirements/*.txt", "constraints*.txt"),
    *("pylock.toml", "pylock.*.toml", "uv.lock", "poetry.lock"),
)
"""What is read of a project."""

_TITLES = {EcosystemName.PYPI: "PyPI", EcosystemName.NPM: "npm"}
_LARGEST = 100_000_000
_TOKEN = 8


def run(outside: Outside, words: Sequence[str]) -> int:
    """Tell the private names and who has them; 40 when one can be claimed, 41 when somebody was not asked, else 0."""
    parser = Parser("audit", "Which private names of this project nobody has reserved on public registries.")
    parser.add_argument("--claimable", action="store_true", required=True, help="this question")
    parser.add_argument("path", metavar="PATH", nargs="?", default=".", help="the project's folder; default: here")
    for ecosystem in EcosystemName:
        parser.add_argument(
            f"--ask-{ecosystem.value}",
            metavar="URL",
            help=f"tell the {_TITLES[ecosystem]} names to the public registry at URL, and ask whether it has them",
        )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args(words)
    settings = settings_of(outside, places(outside.env))
    use_popular(outside, settings, places(outside.env))
    names = owned(_project(outside.cwd / given.path, settings), _ordinary)
    consents = {one: cast("str | None", getattr(given, f"ask_{one.value}")) for one in EcosystemName}
    told = tuple(
        one
        for ecosystem in EcosystemName
        for one in _asked(
            outside, settings, [name for name in names if name.ecosystem is ecosystem], consents[ecosystem]
        )
    )
    if given.format == "json":
        outside.data(json.dumps(_document(told), indent=2, ensure_ascii=True) + "\n")
    else:
        outside.data("\n".join(_lines(told, settings)) + "\n")
    if any(one.state is State.FREE for one in told):
        return BLOCKED_BY_FINDING
    return BLOCKED_BY_GAP if any(one.state is State.UNKNOWN for one in told) else 0


def _project(folder: Path, settings: Settings) -> Project:
    if not folder.is_dir():
        raise Misconfigured(f"{printable(str(folder))} is no folder")
    texts: dict[str, str] = {}
    documents: dict[str, object] = {}
    for path in sorted({path for pattern in FILES for path in folder.glob(pattern) if path.is_file()}):
        name = path.relative_to(folder).as_posix()
        text = _text(path)
        if path.suffix == ".txt" or path.name == ".npmrc":
            texts[name] = text
        else:
            documents[name] = _parsed(name, text)
    return Project(texts=texts, documents=documents, private=settings.private, registries=settings.private_registries)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise Misconfigured(f"{printable(str(path))} is larger than {_LARGEST:,} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{printable(str(path))} cannot be read: {printable(str(error))}") from error


def _parsed(name: str, text: str) -> object:
    try:
        return json.loads(text) if name.endswith(".json") else _toml(text)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer(f"{name} cannot be read: {printable(str(error))}") from error


def _toml(text: str) -> Mapping[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415 - only where there is a file to read
    else:
        import tomli as tomllib  # noqa: PLC0415
    return cast("Mapping[str, object]", tomllib.loads(text))


def _ordinary(ecosystem: EcosystemName, name: str) -> bool:
    return popular(ecosystem).rank(name) is not None or known(ecosystem).holds(name)


def _asked(outside: Outside, settings: Settings, names: Sequence[Owned], registry: str | None) -> tuple[Told, ...]:
    """Return what the registry that the user names says of *names*; nobody is asked without that."""
    if not names:
        return ()
    if registry is None and settings.prompt and can_ask(outside.env, outside.stdin, outside.stderr):
        registry = _prompted(outside, names)
    if registry is None:
        return tuple(Told(owned=one, state=State.UNKNOWN, detail="nobody was asked") for one in names)
    ecosystem = names[0].ecosystem
    flag = f"--ask-{ecosystem.value}"
    if not registry.startswith(("https://", "http://")):
        raise Misconfigured(f"`{printable(registry)}` is no URL of a registry", hint=f"{flag} https://REGISTRY")
    if below(registry, settings.private_registries):
        raise Misconfigured(
            f"{redacted(registry)} is declared private: it has these names", hint=f"{flag} is for a public registry"
        )
    if settings.offline:
        raise Misconfigured("nobody is asked anything while `offline` is set", hint=f"leave out {flag}")
    index = popular(ecosystem)
    return ask(names, registry, outside.bulk(), popular=index.name(index.size - 1), token=secrets.token_hex(_TOKEN))


def _prompted(outside: Outside, names: Sequence[Owned]) -> str | None:
    title = _TITLES[names[0].ecosystem]
    for one in names:
        outside.say(f"  {printable(one.name)}\n")
    count = "this 1 private name" if len(names) == 1 else f"these {len(names)} private names"
    outside.say(
        f"Asking a public registry of {title} tells it {count}. Type its URL to ask it; anything else asks nobody: "
    )
    try:
        line = outside.stdin.readline().strip()
    except KeyboardInterrupt:
        line = ""
        outside.say("\n")
    return line if line.startswith(("https://", "http://")) else None


def _lines(told: Sequence[Told], settings: Settings) -> Iterator[str]:
    for ecosystem in EcosystemName:
        some = [one for one in told if one.owned.ecosystem is ecosystem]
        free = [one.owned.name for one in some if one.state is State.FREE]
        for state, title in _SECTIONS.items():
            found = [one for one in some if one.state is state]
            if found:
                yield f"{title} ({_TITLES[ecosystem]}):"
                for one in found:
                    yield f"  {printable(one.owned.name)}: {printable('; '.join(one.owned.why))}"
                    if one.detail:
                        yield f"     {printable(one.detail)}"
                if state is State.UNKNOWN and any(one.detail == "nobody was asked" for one in found):
                    yield f"   = to ask, which tells it these names: --ask-{ecosystem.value} URL"
                yield ""
        if free:
            yield "to reserve them:"
            yield from (f"  - {one}" for one in advice(ecosystem, free))
            yield ""
    for prefix in settings.private.prefixes:
        yield f"note: `{printable(prefix)}` is a prefix: whoever likes can claim names below it"
    counts = {state: sum(one.state is state for one in told) for state in State}
    count = "1 private name" if len(told) == 1 else f"{len(told)} private names"
    if not told:
        yield "safeinstall: no private name is declared or found here; `[private]` and `[registries]` declare them"
    else:
        yield (
            f"safeinstall: {count}: {counts[State.FREE]} can be claimed by anybody,"
            f" {counts[State.TAKEN]} taken, {counts[State.UNKNOWN]} unknown; nothing was reserved or installed"
        )


_SECTIONS = {
    State.FREE: "nobody has reserved",
    State.TAKEN: "somebody has, which is well if that is you",
    State.UNKNOWN: "not known",
}


def _document(told: Sequence[Told]) -> dict[str, object]:
    return {
        "format": "safeinstall-claimable",
        "version": 1,
        "names": [
            {
                "ecosystem": one.owned.ecosystem.value,
                "name": printable(one.owned.name),
                "why": [printable(why) for why in one.owned.why],
                "state": one.state.value,
                "detail": printable(one.detail),
            }
            for one in told
        ],
        "advice": {
            ecosystem.value: list(
                advice(
                    ecosystem,
                    [one.owned.name for one in told if one.state is State.FREE and one.owned.ecosystem is ecosystem],
                )
            )
            for ecosystem in EcosystemName
        },
    }
