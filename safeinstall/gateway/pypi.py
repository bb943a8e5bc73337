"""The PyPI side of the gateway: metadata only while pip plans, exactly the judged files while it installs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safeinstall.gateway.pages import IndexFile
from safeinstall.gateway.server import Request, Response
from safeinstall.gateway.upstream import Upstream
from safeinstall.model import BuildNeed, Phase, Project


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The interpreter that pip installs for."""

    tags: tuple[str, ...]
    """Best first: `cp311-cp311-manylinux_2_17_x86_64`."""
    python_full_version: str
    environment: Mapping[str, str]
    """Its PEP 508 markers."""
    trim: bool
    """Leave out of pages what cannot fit; False for `--platform`, `--python-version`, `--ignore-requires-python` and such."""


class PypiGateway:
    """A `Handler` for pip, for one run: `PLAN` until `freeze` is called, `INSTALL` from then on."""

    phase: Phase

    def __init__(
        self,
        *,
        upstream: Upstream,
        target: Target,
        vet_file: Callable[[IndexFile], bool],
        vet_url: Callable[[str], bool],
        cache: Path | None,
    ) -> None:
        """
        Begin in `PLAN`; *cache* (a folder, made when missing) keeps the metadata of files with a sha256.

        *vet_file* and *vet_url* are asked from the server's threads, for artifacts that pip wants although it could
        plan from metadata: build requirements, direct URLs. True: their bytes may be handed out now.
        """
        raise NotImplementedError

    def answer(self, request: Request) -> Response:
        """See `Handler.answer`."""
        raise NotImplementedError

    def file(self, url: str) -> IndexFile | None:
        """Return the file that some page listed under *url* (credentials and fragment do not count)."""
        raise NotImplementedError

    def files_of(self, project: str) -> tuple[IndexFile, ...]:
        """Return every file of *project* that any page listed, before trimming."""
        raise NotImplementedError

    def project(self, name: str) -> Project | None:
        """Return what all pages seen for *name* tell together; None when no page was seen."""
        raise NotImplementedError

    def metadata(self, url: str) -> bytes | None:
        """Return the METADATA (sdist: PKG-INFO) that the planner was given for the file at *url*."""
        raise NotImplementedError

    def build_need(self, url: str) -> BuildNeed:
        """Return what installing the known file at *url* runs, by the metadata that was served (PEP 643)."""
        raise NotImplementedError

    def build_requires(self, file: IndexFile) -> tuple[str, ...] | None:
        """
        Return `build-system.requires` of the sdist *file*, read by streaming it up to a cap; None: could not be told.

        Nothing of the archive is executed or kept. A backend may ask for more when it runs.
        """
        raise NotImplementedError

    def computed(self, url: str) -> str | None:
        """Return the sha256 of the bytes that were streamed from *url* to their end, in either phase."""
        raise NotImplementedError

    def freeze(
        self, files: Sequence[IndexFile], *, advertise: Callable[[IndexFile], bool], vet_unplanned: bool
    ) -> None:
        """
        Go over to `INSTALL`: from now on pages list only *files*, and only their bytes are served.

        *advertise* says for which of them pip may resolve by metadata alone (not for an sdist that is built
        dynamically). With *vet_unplanned* other projects get their pages, and each artifact of them is vetted.
        """
        raise NotImplementedError

    def refusals(self) -> tuple[str, ...]:
        """Return what was refused while installing and why, one sentence for each, for the user."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop what still runs in the background."""
        raise NotImplementedError
