"""What fits the target is listed; what is not understood is pip's to judge."""

import pytest

from safeinstall.gateway.pages import Channel, IndexFile
from safeinstall.gateway.pypi_target import Fit
from safeinstall.gateway.server import Transport
from tests.unit.gateway.gateways import target


def file(filename: str, requires_python: str | None = None) -> IndexFile:
    """Return a listed file."""
    return IndexFile(
        project="a",
        version="1",
        filename=filename,
        url=f"https://h.example/{filename}",
        requires_python=requires_python,
        page="https://h.example/",
        channel=Channel(headers={}, transport=Transport()),
    )


@pytest.mark.parametrize(
    ("filename", "requires_python", "listed"),
    [
        ("a-1-py3-none-any.whl", None, True),
        ("a-1-1build-py2.py3-none-any.whl", None, True),
        ("a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", None, True),
        ("a-1-cp310-cp310-win_amd64.whl", None, False),
        ("a-1.tar.gz", None, True),
        ("odd.whl", None, True),
        ("a-1.tar.gz", ">=3.12", False),
        ("a-1.tar.gz", ">=3.8", True),
        ("a-1.tar.gz", "whatever", True),
    ],
)
def test_what_fits_is_listed(filename: str, requires_python: str | None, listed: bool) -> None:
    """Tags and Requires-Python decide, as they do for pip."""
    assert Fit(target()).listed(file(filename, requires_python)) is listed


def test_better_tags_rank_first() -> None:
    """The order of the target's tags is the order of wheels."""
    fit = Fit(target())
    ranks = [fit.rank(f"a-1-{tag}.whl") for tag in ("cp311-cp311-manylinux_2_17_x86_64", "py3-none-any")]

    assert ranks == [0, 2]
    assert fit.rank("a-1.tar.gz") is None
    assert fit.rank("odd.whl") is None
