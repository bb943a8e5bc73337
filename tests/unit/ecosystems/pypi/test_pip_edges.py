"""Who required what, worked out from metadata."""

from collections.abc import Mapping, Sequence

import pytest

from safeinstall.ecosystems.pypi.edges import Node, Root, walk
from safeinstall.model import Edge, Purl

LINUX = {"sys_platform": "linux", "python_version": "3.11", "platform_system": "Linux"}


def nodes(**requires: Sequence[str]) -> Mapping[str, Node]:
    """Return releases by name, all at version 1."""
    return {name: Node(purl=Purl(f"pkg:pypi/{name}@1"), requires=tuple(lines)) for name, lines in requires.items()}


def told(found: Sequence[Edge]) -> list[str]:
    """Return edges as `parent>child`."""
    return [f"{_name(edge.parent)}>{_name(edge.child)}" for edge in found]


def _name(purl: str | None) -> str:
    return "user" if purl is None else purl.removeprefix("pkg:pypi/").removesuffix("@1")


@pytest.mark.parametrize(
    ("roots", "requires", "wanted"),
    [
        pytest.param(
            [Root(name="a", requirement="a")],
            {"a": ["b>=1", "c"], "b": ["c"], "c": []},
            ["user>a", "a>b", "a>c", "b>c"],
            id="chain",
        ),
        pytest.param(
            [Root(name="a", requirement="a")],
            {"a": ["w; sys_platform == 'win32'", "l; sys_platform == 'linux'"], "w": [], "l": []},
            ["user>a", "a>l"],
            id="markers",
        ),
        pytest.param(
            [Root(name="a", requirement="a")],
            {"a": ["s; extra == 'socks'"], "s": []},
            ["user>a"],
            id="an-extra-that-nobody-asked-for",
        ),
        pytest.param(
            [Root(name="a", extras=("socks",), requirement="a[socks]")],
            {"a": ["s; extra == 'socks'", "b[Fast_Path]"], "b": ["f; extra == 'fast-path'"], "s": [], "f": []},
            ["user>a", "a>b", "a>s", "b>f"],
            id="extras-on-the-way",
        ),
        pytest.param(
            [Root(name="a", extras=("all",), requirement="a[all]")],
            {"a": ["a[one]; extra == 'all'", "s; extra == 'one'"], "s": []},
            ["user>a", "a>a", "a>s"],
            id="an-extra-that-names-itself",
        ),
        pytest.param(
            [Root(name="a", requirement="a")],
            {"a": ["b"], "b": ["a"]},
            ["user>a", "a>b", "b>a"],
            id="circle",
        ),
        pytest.param(
            [Root(name="a", requirement="a")],
            {"a": ["B.C_d", "not a requirement !!", "gone"], "b-c-d": []},
            ["user>a", "a>b-c-d"],
            id="spelling-nonsense-and-absence",
        ),
    ],
)
def test_edges_follow_metadata(roots: Sequence[Root], requires: Mapping[str, Sequence[str]], wanted: list[str]) -> None:
    """Every release of a plan can be traced back to the user."""
    assert sorted(told(walk(roots, nodes(**requires), LINUX))) == sorted(wanted)


def test_without_dependencies_only_the_roots_have_edges() -> None:
    """`--no-deps` installs what was named and asks for nothing else."""
    found = walk([Root(name="a", requirement="a")], nodes(a=["b"], b=[]), LINUX, follow=False)

    assert told(found) == ["user>a"]


def test_build_requirements_hang_on_what_is_built() -> None:
    """The first edges of a build come from the sdist, and say that it is a build; what they need is ordinary."""
    sdist = Purl("pkg:pypi/old@1")

    first, second = walk([Root(name="a", requirement="a>=2")], nodes(a=["b"], b=[]), LINUX, parent=sdist)

    assert (first.parent, first.requirement, first.build) == (sdist, "a>=2", True)
    assert not second.build


def test_an_edge_tells_the_requirement_without_its_marker() -> None:
    """What the parent demands of the child is what a person wants to read."""
    (_, edge) = walk([Root(name="a", requirement="a")], nodes(a=["b[x,y]>=2,<3; sys_platform == 'linux'"], b=[]), LINUX)

    assert edge.requirement == "b[x,y]<3,>=2"
