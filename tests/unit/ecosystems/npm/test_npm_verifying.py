"""What is installed is compared with the plan by npm's own record."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from safeinstall.ecosystems.npm.document import Document, read
from safeinstall.ecosystems.npm.verifying import differences
from safeinstall.errors import MalformedAnswer

A = "sha512-" + "A" * 86 + "=="
B = "sha512-" + "B" * 86 + "=="


def node(location: str, version: str = "1.0.0", **fields: object) -> dict[str, object]:
    """Return a node as planner.js writes it."""
    name = location.rpartition("node_modules/")[2]
    flags = (
        "root",
        "link",
        "workspace",
        "local",
        "shrinkwrap",
        "shrunk",
        "omitted",
        "optional",
        "elsewhere",
        "script",
        "stub",
        "kept",
    )
    return {
        **dict.fromkeys(flags, False),
        "location": location,
        "name": name,
        "packageName": name,
        "version": version,
        "integrity": A,
        "bundles": [],
        "edges": [],
        **fields,
    }


def document(folder: Path, *nodes: Mapping[str, object], **fields: object) -> Document:
    """Return the plan of *nodes* in *folder*."""
    told = {
        "path": str(folder),
        "strategy": "hoisted",
        "filtered": False,
        "writes": True,
        "unavailable": 0,
        "registry": "https://registry.example/",
        "asked": [],
        "seen": [],
        "nodes": [*nodes],
        **fields,
    }
    return read(told)


def record(folder: Path, packages: object) -> None:
    """Write npm's record of what it installed."""
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / ".package-lock.json").write_text(json.dumps({"packages": packages}))


def test_the_plan_as_it_stands_has_no_difference(tmp_path: Path) -> None:
    """Absent optional packages, links and what came inside a tarball are none."""
    record(
        tmp_path,
        {
            "node_modules/a": {"version": "1.0.0", "integrity": A},
            "node_modules/a/node_modules/in": {"version": "3.0.0", "inBundle": True},
            "packages/w": {"version": "1.0.0"},
            "node_modules/w": {"link": True, "resolved": "packages/w"},
        },
    )
    plan = document(
        tmp_path,
        node("node_modules/a", bundles=["in"]),
        node("node_modules/fsevents", optional=True),
        node("node_modules/left-out", omitted=True),
        node("packages/w", local=True),
        node("node_modules/w", link=True, target="packages/w"),
    )

    assert differences(plan) == ()


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ({}, "`a@1.0.0` at node_modules/a is not installed"),
        ({"node_modules/a": {"version": "2.0.0"}}, "`node_modules/a` is 2.0.0 instead of 1.0.0"),
        (
            {"node_modules/a": {"version": "1.0.0", "integrity": B}},
            "`a@1.0.0` at node_modules/a has another hash than planned",
        ),
        (
            {"node_modules/a": {"version": "1.0.0"}, "node_modules/b": {"version": "6.6.6"}},
            "`node_modules/b` 6.6.6 is installed, but was not planned",
        ),
        (
            {
                "node_modules/a": {"version": "1.0.0"},
                "node_modules/a/node_modules/b": {"version": "6", "inBundle": True},
            },
            "`node_modules/a/node_modules/b` 6 is installed, but was not planned",
        ),
    ],
)
def test_every_difference_is_said(tmp_path: Path, packages: object, expected: str) -> None:
    """More, less, or another."""
    record(tmp_path, packages)

    assert differences(document(tmp_path, node("node_modules/a"))) == (expected,)


def test_an_install_that_left_nothing_is_a_difference(tmp_path: Path) -> None:
    """Unless nothing was to be installed."""
    assert differences(document(tmp_path, node("node_modules/a"))) == ("`a@1.0.0` at node_modules/a is not installed",)
    assert differences(document(tmp_path)) == ()


@pytest.mark.parametrize("text", ["", "[]", '{"packages": []}', '{"packages": {"node_modules/a": {"version": 1}}}'])
def test_a_record_that_cannot_be_read_is_no_proof(tmp_path: Path, text: str) -> None:
    """It counts as a difference."""
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / ".package-lock.json").write_text(text)

    (said,) = differences(document(tmp_path, node("node_modules/a")))

    assert said.startswith("npm's record of what it installed cannot be read")


def test_the_store_of_the_linked_strategy_is_looked_into(tmp_path: Path) -> None:
    """Its folders carry hashes of npm's own; the packages in them are compared by name and version."""
    store = "node_modules/.store/a@1.0.0-XYZ"
    record(
        tmp_path,
        {
            store: {},
            f"{store}/node_modules/a": {"version": "1.0.0", "integrity": A},
            f"{store}/node_modules/evil": {"version": "6.6.6"},
        },
    )

    assert differences(document(tmp_path, node("node_modules/a"), strategy="linked")) == (
        f"`{store}/node_modules/evil` 6.6.6 is installed, but was not planned",
    )


@pytest.mark.parametrize("told", [[], {}, {"nodes": [7]}, None, "x"])
def test_a_tree_of_another_shape_is_not_read(told: object) -> None:
    """planner.js runs inside npm, next to code of strangers' making."""
    with pytest.raises(MalformedAnswer):
        read(told)
