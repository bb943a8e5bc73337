"""Which facts the registries of this user can give: what one does not tell is unknown, and some checks stand on it."""

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from safeinstall.errors import MalformedAnswer, SafeinstallError, SourceUnavailable
from safeinstall.fields import field, mapping, optional
from safeinstall.gateway.pages import Channel, Page
from safeinstall.gateway.pypi_read import read_html, read_json
from safeinstall.gateway.server import Transport
from safeinstall.model import EcosystemName
from safeinstall.outside import Outside
from safeinstall.realtool import guarding, real_tool
from safeinstall.text import printable, redacted

_SIMPLE = "application/vnd.pypi.simple.v1+json"
_ACCEPT = f"{_SIMPLE}, text/html; q=0.1"
_ASKED = {"pip": "pip", "npm": "ms"}
"""The project that a registry is asked about: public, old, everywhere, and (ms) with a small document."""
_TIMEOUT = timedelta(seconds=30)
_Read = Callable[[str, bytes, str], Mapping[str, bool]]


def rows(outside: Outside) -> Iterator[str]:
    """Yield a line for each registry that pip and npm are set up with here: what it tells, and what it does not."""
    for tool, found, url in (("pip", of_index, _indexes), ("npm", of_packument, _npm)):
        try:
            urls = dict.fromkeys(url(outside))
        except SafeinstallError as error:
            yield f"{tool}: its configuration could not be read: {printable(error.message)}"
            continue
        for one in urls:
            yield f"{tool}: {redacted(one).rstrip('/')}: {_told(outside, tool, one, found)}"


def of_index(kind: str, body: bytes, url: str) -> Mapping[str, bool]:
    """Return fact -> whether the index whose page *body* of the content type *kind* is, found at *url*, tells it."""
    channel = Channel(headers={}, transport=Transport())
    read = read_json if kind.partition(";")[0].strip().endswith("+json") else read_html
    page: Page = read(body, url=url, base=url, channel=channel)
    files = [entry.file for entry in page.entries]
    if not files:
        raise MalformedAnswer(f"{redacted(url)} lists no files")
    return {
        "upload-time": any(one.uploaded is not None for one in files),
        "core-metadata": any(one.promised is not None for one in files),
        "hashes": all(one.digests for one in files),
        "attestations": any(one.provenance is not None for one in files),
        "status": "project-status" in page.top,
    }


def of_packument(_: str, body: bytes, url: str) -> Mapping[str, bool]:
    """Return fact -> whether the registry whose document *body* is, found at *url*, tells it."""
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer(f"{redacted(url)} is no JSON") from error
    versions = [*mapping(document, "versions").values()]
    if not versions:
        raise MalformedAnswer(f"{redacted(url)} lists no versions")
    dists = [field(one, "dist", dict) for one in versions]
    return {
        "upload-time": optional(document, "time", dict) is not None,
        "publisher": any(optional(one, "_npmUser", dict) is not None for one in versions),
        "owners": optional(document, "maintainers", list) is not None,
        "hashes": all("integrity" in one for one in dists),
        "attestations": any("attestations" in one or "signatures" in one for one in dists),
    }


def _told(outside: Outside, tool: str, url: str, found: _Read) -> str:
    page = f"{url.rstrip('/')}/{_ASKED[tool]}{'/' if tool == 'pip' else ''}"
    try:
        kind, body = outside.registry(page, _ACCEPT if tool == "pip" else "application/json")
        facts = found(kind, body, page)
    except (SourceUnavailable, MalformedAnswer) as error:
        return f"unknown: {printable(error.message)}"
    tells = ", ".join(name for name, told in facts.items() if told)
    lacks = ", ".join(name for name, told in facts.items() if not told)
    return "; ".join([*([f"tells {tells}"] if tells else []), *([f"does not tell {lacks}"] if lacks else [])])


def _indexes(outside: Outside) -> Iterator[str]:
    """Yield the indexes of `pip install`, the primary one first, as pip's configuration and environment name them."""
    told: dict[str, str] = {}
    for line in _said(outside, "pip", "config", "list").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            try:
                told[key.strip()] = str(ast.literal_eval(value.strip()))
            except (ValueError, SyntaxError) as error:
                raise MalformedAnswer("`pip config list` answers what it never did") from error
    own = outside.own_registries(EcosystemName.PYPI)[0]
    yield next((told[key] for key in _keys("index-url") if told.get(key)), own)
    yield from next((told[key].split() for key in _keys("extra-index-url") if told.get(key)), [])


def _keys(option: str) -> tuple[str, ...]:
    """Return where *option* may stand, what counts most first."""
    return f":env:.{option}", f"install.{option}", f"global.{option}"


def _npm(outside: Outside) -> Iterator[str]:
    url = _said(outside, "npm", "config", "get", "registry").strip().rpartition("\n")[2]
    if not url.startswith(("http://", "https://")):
        raise MalformedAnswer("`npm config get registry` answers no URL")
    yield url


def _said(outside: Outside, tool: str, *words: str) -> str:
    real = real_tool(tool, outside.env, outside.cwd)
    env = guarding(real, outside.env)
    done = outside.runner().capture([str(real), *words], cwd=outside.cwd, env=env, timeout=_TIMEOUT)
    if done.exit_code != 0:
        raise MalformedAnswer(f"`{tool} {' '.join(words)}` ends with {done.exit_code}")
    return done.stdout
