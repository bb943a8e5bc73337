"""What a packument tells of a project's past."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.gateway.npm_history import history
from safeinstall.history import History, Maintainer, Method, Provenance

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)


def packument(*versions: tuple[str, int, Mapping[str, object]], **top: object) -> dict[str, object]:
    """Return a packument of (version, days ago, manifest)."""
    return {
        "name": "top",
        "time": {version: (NOW - timedelta(days=days)).isoformat() for version, days, _ in versions},
        "versions": {version: {"name": "top", "version": version, **rest} for version, _, rest in versions},
        **top,
    }


def told(document: dict[str, object], planned: str, present: str | None = None) -> History:
    """Return the history of *planned*."""
    found = history(document, "top", planned, present)
    assert found is not None
    return found


def test_who_published_what_and_how() -> None:
    """A login, and a build service that proved who it is."""
    service = {"name": "GitHub Actions", "email": "npm-oidc-no-reply@github.com", "trustedPublisher": {"id": "github"}}
    found = told(
        packument(
            (
                "1.0.0",
                300,
                {"_npmUser": {"name": "amy"}, "maintainers": [{"name": "amy", "email": "amy@mail.example"}]},
            ),
            ("1.1.0", 200, {"_npmUser": {"name": "amy"}}),
            ("1.2.0", 100, {"_npmUser": service}),
            ("1.3.0", 1, {"_npmUser": {"name": "ben"}, "maintainers": ["ben <ben@mail.example>"]}),
            maintainers=[{"name": "ben"}, {"name": "amy"}],
        ),
        "1.3.0",
    )

    assert (found.planned.publisher, found.planned.method) == ("ben", Method.ACCOUNT)
    assert found.planned.maintainers == (Maintainer(name="ben", mail="ben@mail.example"),)
    assert found.previous is not None
    assert found.previous.method is Method.TRUSTED
    assert found.publishers == (("amy", NOW - timedelta(days=300)),)
    assert found.owners == ("amy", "ben")
    assert [one.version for one in found.earlier] == ["1.2.0", "1.1.0", "1.0.0"]


def test_what_it_would_run_and_bring() -> None:
    """Scripts, dependencies, commands, size and repository stand in the manifest."""
    found = told(
        packument(
            (
                "1.0.0",
                1,
                {
                    "scripts": {"postinstall": "node x.js", "test": "jest"},
                    "dependencies": {"b": "1", "alias": "npm:@real/thing@2"},
                    "peerDependencies": {"react": "*", "vue": "*"},
                    "peerDependenciesMeta": {"vue": {"optional": True}},
                    "devDependencies": {"jest": "*"},
                    "bin": {"top": "cli.js"},
                    "dist": {"unpackedSize": 1200, "fileCount": 3},
                    "repository": "github:owner/top",
                },
            )
        ),
        "1.0.0",
    )

    assert found.planned.install_scripts == (("postinstall", "node x.js"),)
    assert found.planned.dependencies == ("@real/thing", "b", "react")
    assert found.planned.commands == ("top",)
    assert (found.planned.size, found.planned.files) == (1200, 3)
    assert found.planned.repositories == ("github.com/owner/top",)
    assert (found.previous, found.versions) == (None, 0)


@pytest.mark.parametrize(
    ("manifest", "scripts"),
    [
        pytest.param({"gypfile": True}, (("install", "node-gyp rebuild"),), id="binding.gyp"),
        pytest.param({"gypfile": True, "scripts": {"install": "own"}}, (("install", "own"),), id="own-install"),
        pytest.param({"hasInstallScript": True}, (("install", ""),), id="only-that-there-is-one"),
        pytest.param({"scripts": {"prepare": "tsc"}}, (), id="not-run-on-install"),
    ],
)
def test_what_runs_on_install(manifest: dict[str, object], scripts: object) -> None:
    """A binding.gyp is a script too, though no manifest spells it."""
    assert told(packument(("1.0.0", 1, manifest)), "1.0.0").planned.install_scripts == scripts


def test_missing_provenance_is_told_from_a_registry_without_any() -> None:
    """Absent is not empty: only a registry that tells of attestations can tell that there are none."""
    attested = {"dist": {"attestations": {"url": "https://registry.example/a"}}}

    assert told(packument(("1.0.0", 9, {}), ("1.1.0", 1, {})), "1.1.0").planned.provenance is None
    assert told(packument(("1.0.0", 9, attested), ("1.1.0", 1, {})), "1.1.0").planned.provenance == Provenance(
        present=False
    )
    signed: Mapping[str, object] = {"dist": {"signatures": []}}
    assert told(packument(("1.0.0", 9, signed)), "1.0.0").planned.provenance == Provenance(present=False)
    assert told(packument(("1.0.0", 9, attested)), "1.0.0").planned.provenance == Provenance(
        present=True, url="https://registry.example/a"
    )


def test_a_plain_mirror_tells_no_people_and_no_times() -> None:
    """What is not there is not known, and nothing is made up."""
    document = packument(("1.0.0", 9, {}), ("1.1.0", 1, {}))
    del document["time"]
    found = told(document, "1.1.0")

    assert (found.planned.publisher, found.planned.maintainers, found.planned.method) == (None, None, None)
    assert (found.publishers, found.owners, found.dated) == (None, None, False)
    assert found.previous is not None
    assert found.previous.version == "1.0.0"


def test_what_is_here_now() -> None:
    """The installed version is what the planned one is compared with first."""
    found = told(packument(("1.0.0", 90, {}), ("1.1.0", 60, {}), ("1.2.0", 1, {})), "1.2.0", present="1.0.0")

    assert found.base() == found.present
    assert found.present is not None
    assert found.present.version == "1.0.0"
    assert [one.version for one in found.publications()] == ["1.0.0", "1.1.0"]


def test_a_version_that_is_not_there() -> None:
    """Nothing is told of it."""
    assert history(packument(("1.0.0", 9, {})), "top", "2.0.0") is None


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=6,
)
KEYS = ("_npmUser", "maintainers", "dist", "scripts", "dependencies", "peerDependencies", "peerDependenciesMeta", "bin")


@given(st.dictionaries(st.sampled_from(KEYS), ANY), ANY, ANY)
def test_no_old_manifest_can_stop_a_plan(manifest: dict[str, object], people: object, time: object) -> None:
    """Whatever stands there is read or unknown."""
    document = {**packument(("1.0.0", 9, manifest), ("1.1.0", 1, manifest)), "maintainers": people}
    told(document, "1.1.0")
    told({**document, "time": time}, "1.1.0")
    assert history({**document, "versions": {"1.0.0": people, "1.1.0": time}}, "top", "1.1.0") is not None
