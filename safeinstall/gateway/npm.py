"""
The gateway's npm side: packuments only while planning, the frozen view of the plan while installing.

Nothing of a tarball reaches npm before all of it is here and its hash is the planned one.
"""

import contextlib
import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import chain
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote, urlsplit

from safeinstall.choices import Choice
from safeinstall.errors import MalformedAnswer, SourceUnavailable
from safeinstall.fields import mapping, optional
from safeinstall.gateway.npm_audit import Audits, is_audit
from safeinstall.gateway.npm_cache import Packument, PackumentCache
from safeinstall.gateway.npm_cooling import CoolPackuments
from safeinstall.gateway.npm_history import history
from safeinstall.gateway.npm_packument import (
    ABBREVIATED,
    abbreviated,
    frozen,
    named_repositories,
    page_facts,
    parsed,
    version_facts,
    why_gone,
)
from safeinstall.gateway.npm_pages import Held, Page
from safeinstall.gateway.npm_prefetch import guesses
from safeinstall.gateway.npm_tarball import Planned, verified
from safeinstall.gateway.server import Refusal, Request, Response
from safeinstall.gateway.upstream import Answer, Upstream
from safeinstall.gateway.withholding import Withholding
from safeinstall.runs import AccessKind, Phase
from safeinstall.text import printable, redacted

MAX_PACKUMENT: Final = 300_000_000
_MAX_ERROR: Final = 100_000
_AHEAD: Final = 12
_MOST_AHEAD: Final = 5_000
# npm tries 5xx again after 10 and 60 seconds; the gateway has tried twice itself, so its own failure is a status that
# npm reports at once.
_FAILED = HTTPStatus.FAILED_DEPENDENCY
_DROPPED = frozenset(
    {"accept", "accept-encoding", "if-none-match", "if-modified-since", "range", "x-safeinstall-facts"}
)
_NOTHING: Final[Mapping[str, str | None]] = MappingProxyType({})
_PASSED = frozenset({"content-type", "etag", "last-modified", "cache-control", "expires", "date", "www-authenticate"})


@dataclass(slots=True)
class _State:
    pages: dict[str, Page] = field(default_factory=dict)
    """Also those that were fetched ahead in vain."""
    asked: set[str] = field(default_factory=set)
    """The pages that npm itself asked for."""
    requests: dict[str, Request] = field(default_factory=dict)
    """How npm asked for them."""
    abbreviates: dict[str, bool] = field(default_factory=dict)
    views: dict[str, dict[str, object]] = field(default_factory=dict)
    choices: dict[str, tuple[Choice, ...]] = field(default_factory=dict)
    tarballs: dict[str, list[Planned]] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    locks: dict[str, threading.Lock] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class NpmGateway:
    """See `Handler`: answers one guarded npm command."""

    def __init__(
        self,
        upstream: Upstream,
        cache: PackumentCache,
        now: Callable[[], datetime],
        keeps: Callable[[str], bool] = lambda _: False,
        withholding: Withholding | None = None,
    ) -> None:
        """
        Begin in the planning phase.

        *keeps* is asked about the URL of each packument. True: that registry must not learn the name. *withholding*
        leaves young versions out while planning; None: none is.
        """
        self.phase = Phase.PLAN
        self._upstream = upstream
        self._cache = cache
        self._now = now
        self._keeps = keeps
        self.cool = CoolPackuments(withholding)
        self.audits = Audits(upstream)
        self._state = _State()
        self._ahead = ThreadPoolExecutor(max_workers=_AHEAD, thread_name_prefix="npm-ahead")

    def close(self) -> None:
        """Stop fetching ahead."""
        self._ahead.shutdown(wait=False, cancel_futures=True)

    def pages(self) -> Mapping[str, Page]:
        """Return what npm asked for while planning and was answered, by URL without credentials."""
        with self._state.lock:
            return {url: page for url, page in self._state.pages.items() if url in self._state.asked}

    def refusals(self) -> tuple[str, ...]:
        """Return what was refused and why, one sentence each."""
        with self._state.lock:
            return tuple(dict.fromkeys(self._state.refusals))

    def repositories(self, page: str, own: str, name: str) -> tuple[str, ...] | None:
        """
        Return what the newest version of *name* says of its repository, at the registry of *page*, the page of *own*.

        None: unknown. It is asked as npm asked for *page*, and nothing follows from it.
        """
        request = self._state.requests.get(bare(page))
        base = bare(page).removesuffix(f"/{own}")
        if request is None or base == bare(page):
            return None
        headers = {**request.headers, "x-safeinstall-facts": "1"}
        try:
            other = self._page(replace(request, url=f"{base}/{name.replace('/', '%2f')}", headers=headers), wanted=None)
            packument = parsed(other.body) if other.status == HTTPStatus.OK and other.body else {}
            newest = optional(packument, "dist-tags.latest", str)
            found = optional(packument, "versions", dict) or {}
            return named_repositories(mapping(found[newest], "")) if newest in found else None
        except MalformedAnswer:
            return None

    def hold(self, url: str, versions: Collection[str], planned: Mapping[str, str | None] = _NOTHING) -> Held:
        """
        Read the packument at *url* (200 while planning) and keep of it, for installing, nothing but *versions*.

        The past is read of *planned* ones, each with the version that is here now. Raises `MalformedAnswer`. Read once
        and then dropped: a large project has 150 MB of packuments.
        """
        page = self._state.pages[url]
        packument = parsed(page.body)
        found = {version: facts for version in versions if (facts := version_facts(packument, version)) is not None}
        name = optional(packument, "name", str) or ""
        # Tags as they were while planning: what was asked for by one is the same again.
        self._state.views[url] = frozen(self.cool.shown(name, packument) or packument, versions)
        self._state.pages[url] = replace(page, body=b"")
        told = {one: past for one, here in planned.items() if (past := history(packument, name, one, here)) is not None}
        whole = page_facts(packument)
        self._state.choices[_path(url)] = whole.choices
        return Held(page=whole, versions=found, histories=told)

    def choices(self, url: str) -> tuple[Choice, ...]:
        """Return the versions that the packument at *url*, of which `hold` was told, lists."""
        return self._state.choices.get(_path(url), ())

    def freeze(self, tarballs: Collection[Planned], *, unspoken: frozenset[str] = frozenset()) -> None:
        """
        Turn to the installing phase: only *tarballs* are served, and of packuments only what `hold` kept.

        A page that failed while planning fails again in the same way. Names in *unspoken* are taken out of npm's audit.
        """
        self.audits.unspoken = unspoken
        self.phase = Phase.INSTALL
        self._state.pages = dict(self.pages())
        for planned in tarballs:
            # npm maps the hosts of a lockfile's URLs to the configured registry; the hash binds the bytes either way.
            keys = {bare(planned.url), _path(planned.url)} if planned.digests else {bare(planned.url)}
            for key in keys:
                self._state.tarballs.setdefault(key, []).append(planned)

    def answer(self, request: Request) -> Response:
        """See `Handler.answer`."""
        kind = request.headers.get("pacote-req-type", "")
        if request.method in {"GET", "HEAD"} and kind == "packument":
            return self._planned_page(request) if self.phase is Phase.PLAN else self._frozen_page(request)
        if self.phase is Phase.INSTALL and request.method in {"GET", "HEAD"} and kind == "tarball":
            return self._tarball(request)
        if is_audit(request) and self.phase is Phase.INSTALL:
            return self._audit(request)
        artifact = AccessKind.ARTIFACT if kind == "tarball" else AccessKind.OTHER
        when = "while planning" if self.phase is Phase.PLAN else "while installing"
        return self._refused(f"{redacted(request.url)} is not fetched {when}", artifact)

    # --- planning ---------------------------------------------------------------------------------------------------

    def _planned_page(self, request: Request) -> Response:
        page = self._page(request, wanted=None)
        with self._state.lock:
            self._state.asked.add(page.url)
            self._state.requests[page.url] = request
        if "x-safeinstall-facts" in request.headers:
            return Response(HTTPStatus.NO_CONTENT, {}, kind=AccessKind.PAGE)
        if page.failure is not None:
            return _json(_FAILED, {"error": page.failure})
        if page.status != HTTPStatus.OK:
            return _document(page.status, page.body)
        name = self.cool.name(page.url)
        view = self.cool.view(page.url, name, parsed(page.body)) if name is not None else None
        if self._wants_abbreviated(request):
            return _json(HTTPStatus.OK, abbreviated(view or parsed(page.body)), ABBREVIATED)
        return _document(page.status, page.body) if view is None else _json(HTTPStatus.OK, view)

    def _page(self, request: Request, *, wanted: str | None) -> Page:
        url = bare(request.url)
        with self._state.lock:
            lock = self._state.locks.setdefault(url, threading.Lock())
        with lock:
            page = self._state.pages.get(url)
            if page is None:
                page = self._fetched(request, url, wanted)
                with self._state.lock:
                    self._state.pages[url] = page
        return page

    def _look_ahead(self, request: Request, url: str, packument: Mapping[str, object], wanted: str | None) -> None:
        name = optional(packument, "name", str) or ""
        if "x-safeinstall-facts" in request.headers or not url.endswith(f"/{name}"):
            return
        base = request.url.rpartition("/")[0] if "%2" in request.url.lower() else request.url.removesuffix(f"/{name}")
        for other, spec in guesses(packument, wanted):
            target = f"{base}/{other.replace('/', '%2f')}"
            with self._state.lock:
                known = bare(target) in self._state.locks or len(self._state.locks) > _MOST_AHEAD
                self._state.locks.setdefault(bare(target), threading.Lock())
            if not known:
                with contextlib.suppress(RuntimeError):  # the pool is closed: npm has its plan
                    self._ahead.submit(self._page, replace(request, url=target), wanted=spec)

    def _fetched(self, request: Request, url: str, wanted: str | None) -> Page:
        if self._keeps(url):
            return Page(url=url, status=HTTPStatus.NOT_FOUND, body=b'{"error":"Not found"}')
        # What an impostor may have said is never shown to a command that asks the true registry.
        authorization = request.headers.get("authorization", "") + (request.transport.doubt(url) or "")
        kept = self._cache.get(url, authorization)
        if kept is not None and kept.fresh(self._now()):
            self._read(request, url, parsed(kept.body), wanted)
            return Page(url=url, status=HTTPStatus.OK, body=kept.body)
        headers = _forwarded(request) | {"accept": "application/json", "accept-encoding": "gzip"}
        if kept is not None and kept.etag:
            headers["if-none-match"] = kept.etag
        try:
            answer = self._upstream.open(request.url, headers=headers, transport=request.transport)
            body = answer.read(MAX_PACKUMENT)
        except SourceUnavailable as error:
            return Page(url=url, status=_FAILED, body=b"", failure=error.message)
        if answer.status == HTTPStatus.NOT_MODIFIED and kept is not None:
            body = kept.body
        elif answer.status != HTTPStatus.OK:
            return Page(url=url, status=answer.status, body=body[:_MAX_ERROR])
        try:
            self._read(request, url, parsed(body), wanted)
        except MalformedAnswer as error:
            reason = why_gone(redacted(url), body) or f"{redacted(url)} is no packument ({error.message})"
            return Page(url=url, status=_FAILED, body=b"", failure=reason)
        self._keep(url, authorization, answer, body)
        return Page(url=url, status=HTTPStatus.OK, body=body)

    def _read(self, request: Request, url: str, packument: Mapping[str, object], wanted: str | None) -> None:
        self.cool.saw(url, packument)
        self._look_ahead(request, url, packument, wanted)

    def _keep(self, url: str, authorization: str, answer: Answer, body: bytes) -> None:
        max_age = _max_age(answer.headers.get("cache-control", ""))
        etag = answer.headers.get("etag")
        if etag or max_age:
            self._cache.put(url, authorization, Packument(body=body, etag=etag, fetched=self._now(), max_age=max_age))

    def _wants_abbreviated(self, request: Request) -> bool:
        """Whether npm asked for the short form and its registry would have given it: many know only the full one."""
        if not request.headers.get("accept", "").startswith(ABBREVIATED):
            return False
        host = urlsplit(request.url).netloc
        with self._state.lock:
            lock = self._state.locks.setdefault(host, threading.Lock())
        with lock:
            if host not in self._state.abbreviates:
                self._state.abbreviates[host] = self._abbreviates(request)
        return self._state.abbreviates[host]

    def _abbreviates(self, request: Request) -> bool:
        headers = _forwarded(request) | {"accept": request.headers["accept"], "accept-encoding": "gzip"}
        try:
            answer = self._upstream.open(request.url, headers=headers, transport=request.transport)
        except SourceUnavailable:
            return False
        answer.close()
        return ABBREVIATED in answer.headers.get("content-type", "")

    # --- installing -------------------------------------------------------------------------------------------------

    def _frozen_page(self, request: Request) -> Response:
        url = bare(request.url)
        view = self._state.views.get(url)
        if view is not None:
            if request.headers.get("accept", "").startswith(ABBREVIATED) and self._state.abbreviates.get(
                urlsplit(request.url).netloc
            ):
                return _json(HTTPStatus.OK, abbreviated(view), ABBREVIATED)
            return _json(HTTPStatus.OK, view)
        page = self._state.pages.get(url)
        if page is not None and page.status != HTTPStatus.OK:
            return _document(page.status, page.body or json.dumps({"error": page.failure}).encode())
        self._refuse(f"{redacted(url)} is not in the plan")
        return _json(HTTPStatus.NOT_FOUND, {"error": "not in the plan that was judged"})

    def _tarball(self, request: Request) -> Response:
        url = bare(request.url)
        planned = self._state.tarballs.get(url) or self._state.tarballs.get(_path(url))
        if not planned:
            return self._refused(f"{redacted(url)} is not in the plan", AccessKind.ARTIFACT)
        headers = _forwarded(request) | {"accept": "*/*", "accept-encoding": "identity"}
        try:
            answer = self._upstream.open(request.url, headers=headers, transport=request.transport)
            if answer.status != HTTPStatus.OK:
                return Response(answer.status, _passed(answer), _once(answer.read(_MAX_ERROR)), AccessKind.ARTIFACT)
            first, rest = verified(answer.chunks(), planned, redacted(answer.url), self._refuse)
        except SourceUnavailable as error:
            return self._refused(error.message, AccessKind.ARTIFACT, status=_FAILED)
        except Refusal as refusal:
            return _json(HTTPStatus.FORBIDDEN, {"error": f"safeinstall: {refusal.reason}"}, kind=AccessKind.ARTIFACT)
        # Of a long one the registry's word counts, unless it is about an encoding that is undone here.
        told = None if "content-encoding" in answer.headers else answer.headers.get("content-length")
        length = str(len(first)) if first else told
        headers = _passed(answer) | ({"content-length": length} if length is not None else {})
        return Response(HTTPStatus.OK, headers, chain((first,), rest), AccessKind.ARTIFACT)

    def _audit(self, request: Request) -> Response:
        try:
            status, told = self.audits.ask(request)
        except (SourceUnavailable, MalformedAnswer) as error:
            return _json(_FAILED, {"error": error.message}, kind=AccessKind.OTHER)
        return _document(status, told, kind=AccessKind.OTHER)

    def _refuse(self, reason: str) -> None:
        with self._state.lock:
            self._state.refusals.append(reason)

    def _refused(self, reason: str, kind: AccessKind, *, status: int = HTTPStatus.FORBIDDEN) -> Response:
        self._refuse(reason)
        return _json(status, {"error": f"safeinstall: {reason}"}, kind=kind)


def bare(url: str) -> str:
    """
    Return *url* without credentials and fragment, in the one spelling by which pages are found again.

    Raises `MalformedAnswer`: URLs of tarballs are the registry's words.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port is not None else "")
    except ValueError as error:
        raise MalformedAnswer(f"`{printable(url)}` is no URL") from error
    return f"{parts.scheme}://{host}{unquote(parts.path)}" + (f"?{parts.query}" if parts.query else "")


def _path(url: str) -> str:
    return unquote(urlsplit(url).path)


def _forwarded(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name not in _DROPPED}


def _passed(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name in _PASSED}


def _max_age(cache_control: str) -> timedelta:
    rules = [rule.strip().lower() for rule in cache_control.split(",")]
    if "no-store" in rules or "no-cache" in rules:
        return timedelta(0)
    ages = [rule.removeprefix("max-age=") for rule in rules if rule.startswith("max-age=")]
    return timedelta(seconds=min(int(ages[0]), 86_400)) if ages and ages[0].isdigit() else timedelta(0)


def _json(
    status: int, document: object, content_type: str = "application/json", kind: AccessKind = AccessKind.PAGE
) -> Response:
    return _document(status, json.dumps(document, separators=(",", ":")).encode(), content_type, kind)


def _document(
    status: int, body: bytes, content_type: str = "application/json", kind: AccessKind = AccessKind.PAGE
) -> Response:
    # Nothing of this view may stay in npm's cache, where a later command would find it.
    headers = {"content-type": content_type, "content-length": str(len(body)), "cache-control": "no-store"}
    return Response(int(status), headers, _once(body), kind)


def _once(body: bytes) -> Iterator[bytes]:
    yield body
