"""A PyPI gateway over a loopback index, asked as pip would ask it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from packaging.markers import default_environment

from safeinstall.gateway.pages import IndexFile
from safeinstall.gateway.pypi import PypiGateway, Target
from safeinstall.gateway.server import Request, Response, Transport
from safeinstall.gateway.upstream import Upstream
from tests.registries.pypi import PypiRegistry

JSON = "application/vnd.pypi.simple.v1+json"
TRANSPORT = Transport(proxy="")
NEWEST_PIP = {"accept": f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"}
OLD_PIP = {"accept": "text/html"}
TAGS = ("cp311-cp311-manylinux_2_17_x86_64", "cp311-abi3-linux_x86_64", "py3-none-any")


def target(*, trim: bool = True) -> Target:
    """Return a CPython 3.11 on Linux."""
    environment = {**{name: str(value) for name, value in default_environment().items()}, "python_version": "3.11"}
    return Target(tags=TAGS, python_full_version="3.11.7", environment=environment, trim=trim)


def gateway(
    *,
    cache: Path | None = None,
    trim: bool = True,
    vet_file: Callable[[IndexFile], bool] = lambda _: False,
    vet_url: Callable[[str], bool] = lambda _: False,
    closed: bool = True,
) -> PypiGateway:
    """Return a gateway that lets nothing be fetched for planning, and that, *closed*, never prefetches."""
    made = PypiGateway(upstream=Upstream(), target=target(trim=trim), vet_file=vet_file, vet_url=vet_url, cache=cache)
    if closed:
        made.close()
    return made


def ask(
    handler: PypiGateway, url: str, headers: Mapping[str, str] = NEWEST_PIP, *, method: str = "GET"
) -> tuple[Response, bytes]:
    """Return the answer with its whole body; raises what the gateway raises."""
    response = handler.answer(Request(method=method, url=url, headers=headers, transport=TRANSPORT))
    return response, b"".join(response.body)


def page(handler: PypiGateway, index: PypiRegistry, project: str) -> list[dict[str, object]]:
    """Return the files on the page of *project*."""
    _, body = ask(handler, f"{index.index_url}/{project}/")
    files = json.loads(body)["files"]
    assert isinstance(files, list)
    return files


def names(files: list[dict[str, object]]) -> list[object]:
    """Return the file names of a page."""
    return [file["filename"] for file in files]


def planned(handler: PypiGateway, index: PypiRegistry, *filenames: str) -> list[IndexFile]:
    """Ask for page and metadata of each file, as planning does, and return what the gateway knows of them."""
    found = []
    for filename in filenames:
        page(handler, index, filename.partition("-")[0])
        url = index.file_url(filename)
        ask(handler, f"{url}.metadata", {"accept": "*/*"})
        file = handler.file(url)
        assert file is not None
        found.append(file)
    return found
