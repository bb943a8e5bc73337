"""Sources that no registry vouches for."""

import pytest

from safeinstall.checks.unverified_source import UnverifiedSource
from safeinstall.facts import Facts
from safeinstall.model import ArtifactKind, Finding, Release
from tests import fakes

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def ran(release: Release) -> list[Finding]:
    """Return what the check finds about *release*."""
    return list(UnverifiedSource().run(release, Facts(plan=fakes.plan(release), now=fakes.NOW)))


def test_a_url_is_told_with_its_hash_and_without_its_secrets() -> None:
    """The exact address is the evidence; the token in it is nobody's business."""
    url = "https://me:token@files.example/lib-1.0.tar.gz?key=secret"
    (found,) = ran(fakes.release("pkg:pypi/lib@1.0", kind=ArtifactKind.URL, registry=None, url=url))

    assert found.kind == "unverified-source"
    assert found.title == "`lib` comes from a URL: no registry vouches for it"
    assert found.evidence == ("https://files.example/lib-1.0.tar.gz", f"sha256 {'0' * 64}")
    assert found.hint is not None
    assert "from a registry" in found.hint


@pytest.mark.parametrize(
    ("purl", "url", "told"),
    [
        pytest.param(
            f"pkg:pypi/lib@1.0?vcs_url=git%2Bhttps://git.example/lib.git%40{COMMIT}",
            "https://git.example/lib.git",
            f"commit {COMMIT}",
            id="pip-commit",
        ),
        pytest.param(
            "pkg:npm/lib@1.0.0", f"git+ssh://git@git.example/lib.git#{COMMIT}", f"commit {COMMIT}", id="npm-commit"
        ),
        pytest.param(
            "pkg:npm/lib@1.0.0",
            "git+https://git.example/lib.git#main",
            "no commit is named: what stands there can change",
            id="branch",
        ),
    ],
)
def test_version_control_is_told_with_its_commit(purl: str, url: str, told: str) -> None:
    """A commit says which code it is; a branch says nothing that lasts."""
    (found,) = ran(fakes.release(purl, kind=ArtifactKind.VCS, registry=None, url=url, digests=()))

    assert found.kind == "unverified-source"
    assert found.evidence[1:] == (told,)
    assert "git@" not in found.evidence[0]


@pytest.mark.parametrize("kind", [ArtifactKind.LOCAL_FILE, ArtifactKind.LOCAL_PROJECT])
def test_what_lies_on_this_machine_is_noted(kind: ArtifactKind) -> None:
    """The user's own files are allowed, and it is said."""
    (found,) = ran(fakes.release("pkg:pypi/lib@1.0", kind=kind, registry=None, url="file:///home/me/lib"))

    assert found.kind == "local-source"
    assert found.title.endswith("on this machine")


@pytest.mark.parametrize("kind", [ArtifactKind.WHEEL, ArtifactKind.SDIST, ArtifactKind.TARBALL])
def test_an_artifact_without_a_hash_is_not_pinned(kind: ArtifactKind) -> None:
    """Where no hash binds the bytes, the judged and the installed may differ."""
    (found,) = ran(fakes.release("pkg:pypi/lib@1.0", kind=kind, digests=()))

    assert found.kind == "unpinned"
    assert "nothing binds its bytes" in found.title


@pytest.mark.parametrize(
    "release",
    [
        pytest.param(fakes.release("pkg:pypi/lib@1.0"), id="hashed"),
        pytest.param(fakes.release("pkg:pypi/lib@1.0", kept=True, digests=()), id="kept"),
        pytest.param(fakes.release("pkg:npm/lib@1.0.0", kind=ArtifactKind.BUNDLED, digests=()), id="bundled"),
    ],
)
def test_what_a_registry_vouches_for_passes(release: Release) -> None:
    """A hash from the registry, or nothing to fetch at all: nothing to say."""
    assert ran(release) == []


def test_what_is_installed_already_from_elsewhere_is_noted() -> None:
    """A project with one git dependency installed can still take others."""
    (found,) = ran(
        fakes.release("pkg:npm/lib@1.0.0", kind=ArtifactKind.VCS, url="git+https://git.example/lib.git", kept=True)
    )

    assert found.kind == "local-source"
    assert found.title == "`lib` is installed already, from version control"
