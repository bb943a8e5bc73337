"""What stands before the gateway and knows which of pip's processes asks, and what pip asks as a matter of course."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import urlsplit

from safeinstall.gateway.pages import filename_of, is_archive, project_of_page
from safeinstall.gateway.pypi import PypiGateway
from safeinstall.gateway.server import Refusal, Request, Response
from safeinstall.runs import Phase
from safeinstall.text import printable, redacted

BUILD = "x-safeinstall-build"
"""The header by which the hook marks requests of a pip that fetches build requirements (`hook/transport.py`)."""


@dataclass(slots=True)
class Front:
    """See `Handler`; it passes on to the gateway what it does not answer itself."""

    gateway: PypiGateway
    vet_disk: Callable[[str, str], bool]
    """Asked for an archive on the user's disk that no plan holds: its `file:` URL and its sha256."""
    let_through: frozenset[str] = frozenset()
    """URLs of archives that overrides let through."""
    elsewhere: frozenset[str] = frozenset()
    """Names whose pages pip asks for while installing, though nothing of theirs may come over the network."""

    @property
    def phase(self) -> Phase:
        """The gateway's own."""
        return self.gateway.phase

    @phase.setter
    def phase(self, phase: Phase) -> None:
        """Set the gateway's own."""
        self.gateway.phase = phase

    def answer(self, request: Request) -> Response:
        """See `Handler.answer`."""
        if urlsplit(request.url).scheme == "file":
            return self._on_disk(request)
        archive = is_archive(filename_of(request.url))
        building = BUILD in request.headers
        if self.phase is Phase.PLAN and archive and not building and self._is_listed(request.url):
            # Judging just in time is for builds: the set itself is planned from metadata alone, or not at all.
            raise Refusal(f"{printable(filename_of(request.url))} is not fetched while planning")
        if self.phase is Phase.INSTALL and not archive and project_of_page(request.url) in self.elsewhere:
            raise Refusal("it is not installed from here", status=HTTPStatus.NOT_FOUND)
        headers = {name: value for name, value in request.headers.items() if name != BUILD}
        return self.gateway.answer(replace(request, headers=headers))

    def _is_listed(self, url: str) -> bool:
        return self.gateway.file(url) is not None and redacted(url) not in self.let_through

    def _on_disk(self, request: Request) -> Response:
        sha256 = request.headers.get("x-sha256", "")
        if request.method == "POST" and self.vet_disk(request.url, sha256):
            return Response(int(HTTPStatus.NO_CONTENT), {})
        raise Refusal(f"{redacted(request.url)} was not judged")
