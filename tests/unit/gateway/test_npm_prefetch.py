"""Guesses are names only; a bad one is no harm."""

import pytest

from safeinstall.gateway.npm_prefetch import guesses


def packument(latest: str, **versions: dict[str, object]) -> dict[str, object]:
    """Return a packument of *versions* (`v1_0_0`)."""
    named = {name[1:].replace("_", "."): manifest for name, manifest in versions.items()}
    return {"name": "top", "dist-tags": {"latest": latest}, "versions": named}


TOP = packument(
    "2.0.0",
    v1_0_0={"dependencies": {"older": "^1.0.0"}},
    v1_9_0={"dependencies": {"old": "^1.0.0"}},
    v1_10_0={"dependencies": {"newer": "^1.0.0"}},
    v2_0_0={"dependencies": {"new": "^3.0.0"}, "optionalDependencies": {"@s/maybe": "*"}},
)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, [("new", "^3.0.0"), ("@s/maybe", "*")]),
        ("^1.0.0", [("newer", "^1.0.0")]),
        ("~1.9.0", [("newer", "^1.0.0")]),
        ("^2", [("new", "^3.0.0"), ("@s/maybe", "*")]),
        ("^7.0.0", [("new", "^3.0.0"), ("@s/maybe", "*")]),
        ("*", [("new", "^3.0.0"), ("@s/maybe", "*")]),
    ],
)
def test_the_likely_version_is_looked_at(wanted: str | None, expected: list[tuple[str, str]]) -> None:
    """The latest, or the highest of the wanted major version."""
    assert list(guesses(TOP, wanted)) == expected


def test_optional_peers_and_sources_without_a_registry_are_left_out() -> None:
    """The manager does not ask for them."""
    manifest: dict[str, object] = {
        "dependencies": {"git": "git+https://x.example/y.git", "alias": "npm:z@1", "../up": "*", "local": "file:../x"},
        "peerDependencies": {"needed": "*", "unneeded": "*"},
        "peerDependenciesMeta": {"unneeded": {"optional": True}},
    }

    assert list(guesses(packument("1.0.0", v1_0_0=manifest), None)) == [("needed", "*")]


@pytest.mark.parametrize(
    "document", [{}, {"versions": []}, {"versions": {}}, {"versions": {"1.0.0": 7}, "dist-tags": {"latest": "1.0.0"}}]
)
def test_a_document_that_is_none_gives_no_guess(document: dict[str, object]) -> None:
    """The manager itself will say what is wrong with it."""
    assert list(guesses(document, "^1")) == []
