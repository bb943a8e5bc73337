"""What Python's lockfiles, requirements and environments say is there."""

from datetime import datetime, timezone
from pathlib import Path

import pytest

from safeinstall.errors import MalformedAnswer
from safeinstall.model import ArtifactKind, Visibility
from tests.inventories import distribution, edges, origins, purls, read, reader

HASH = "sha256:" + "ab" * 32


def test_requirements_judge_pins_and_name_every_other_line_as_a_gap(tmp_path: Path) -> None:
    """A range says nothing about the version that somebody will get."""
    held = read(tmp_path, "requirements.txt", f"Flask==3.0.0 \\\n  --hash={HASH}\nrequests>=2  # why\nfoo==1.*\n")

    assert purls(held) == ["pkg:pypi/flask@3.0.0"]
    assert [(gap.purl, gap.reason) for gap in held.gaps] == [
        ("pkg:pypi/requests", "requirements.txt: line 3 is not pinned (>=2)"),
        ("pkg:pypi/foo", "requirements.txt: line 4 is not pinned (==1.*)"),
    ]
    assert [one.value for one in held.releases[0].artifact.digests] == ["ab" * 32]


@pytest.mark.parametrize(
    "option", ["-r ", "-r", "--requirement=", "--requirem ", "--pre -r ", "-i https://x.example -r"]
)
def test_requirements_follow_the_files_that_they_name(option: str, tmp_path: Path) -> None:
    """What `-r` names is part of the file, and a circle of files has an end."""
    (tmp_path / "more.txt").write_text("click==8.1.0\n-r requirements.txt\n")

    held = read(tmp_path, "requirements.txt", f"{option}more.txt\nflask==3.0.0\n")

    assert purls(held) == ["pkg:pypi/click@8.1.0", "pkg:pypi/flask@3.0.0"]


def test_an_index_that_only_the_requirements_name_is_a_strangers(tmp_path: Path) -> None:
    """Whoever wrote the file decides who serves every name in it."""
    held = read(tmp_path, "requirements.txt", "--extra-index-url https://evil.example/simple\nflask==3.0.0\n")

    registry = held.releases[0].registry
    assert registry is not None
    assert (registry.guessed, registry.chosen) == (True, "requirements.txt")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("git+https://git.example/a/b.git@v1#egg=b", ArtifactKind.VCS),
        ("b @ https://files.elsewhere.example/b-1.0.tar.gz", ArtifactKind.URL),
        ("-e .", ArtifactKind.LOCAL_PROJECT),
        ("--pre --edit .", ArtifactKind.LOCAL_PROJECT),
        ("./vendor/b-1.0-py3-none-any.whl", ArtifactKind.LOCAL_FILE),
    ],
)
def test_what_no_registry_vouches_for_is_told_apart(tmp_path: Path, line: str, kind: ArtifactKind) -> None:
    """A URL, a repository and a folder are no pins of a registry."""
    held = read(tmp_path, "requirements.txt", line + "\n")

    assert [(one.artifact.kind, one.registry) for one in held.releases] == [(kind, None)]


PYLOCK = """
lock-version = "1.0"
[[packages]]
name = "flask"
version = "3.0.0"
index = "https://pypi.example/simple"
dependencies = [{name = "click"}]
[[packages.wheels]]
name = "f.whl"
url = "https://files.example/f.whl"
upload-time = 2024-01-02T03:04:05Z
hashes = {sha256 = "HASH"}
[[packages]]
name = "click"
version = "8.1.0"
sdist = {url = "https://files.example/c.tar.gz", hashes = {sha256 = "HASH"}}
[[packages]]
name = "tool"
vcs = {type = "git", url = "https://git.example/tool.git", commit-id = "0123"}
""".replace("HASH", "cd" * 32)


def test_a_pylock_tells_releases_their_ages_and_who_requires_whom(tmp_path: Path) -> None:
    """An upload time in the lockfile is the oldest that the name can be young by."""
    held = read(tmp_path, "pylock.toml", PYLOCK)

    assert purls(held)[:2] == ["pkg:pypi/click@8.1.0", "pkg:pypi/flask@3.0.0"]
    assert purls(held)[2].startswith("pkg:pypi/tool?vcs_url=git")
    assert ("flask", "click") in edges(held)
    assert held.projects[0].first_uploaded == datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


UV = """
version = 1
requires-python = ">=3.10"
[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "flask" }]
[[package]]
name = "flask"
version = "3.0.0"
source = { registry = "https://pypi.example/simple" }
dependencies = [{ name = "click", marker = "sys_platform != 'win32'" }]
wheels = [{ url = "https://files.example/f.whl", hash = "sha256:HASH", size = 3 }]
[[package]]
name = "click"
version = "8.1.0"
source = { registry = "https://mirror.example/simple" }
[[package]]
name = "tool"
version = "1.0"
source = { git = "https://git.example/tool?rev=v1#0123" }
""".replace("HASH", "cd" * 32)


def test_a_uv_lock_leaves_out_the_project_itself(tmp_path: Path) -> None:
    """The user's own project is where the edges begin, and is no release."""
    held = read(tmp_path, "uv.lock", UV)

    assert purls(held)[:2] == ["pkg:pypi/click@8.1.0", "pkg:pypi/flask@3.0.0"]
    assert {(None, "flask"), ("flask", "click")} <= edges(held)
    chosen = {one.name: one.registry.chosen for one in held.releases if one.registry is not None}
    assert chosen == {"flask": None, "click": "uv.lock"}


POETRY = """
[[package]]
name = "Flask"
version = "3.0.0"
files = [{file = "f.whl", hash = "sha256:HASH"}]
[package.dependencies]
click = ">=8.1"
[[package]]
name = "click"
version = "8.1.0"
files = []
[[package]]
name = "tool"
version = "1.0"
[package.source]
type = "git"
url = "https://git.example/tool.git"
resolved_reference = "0123"
[metadata]
lock-version = "2.1"
""".replace("HASH", "cd" * 32)


def test_a_poetry_lock_tells_releases_and_who_requires_whom(tmp_path: Path) -> None:
    """Names are compared as registries compare them."""
    held = read(tmp_path, "poetry.lock", POETRY)

    assert purls(held)[:2] == ["pkg:pypi/click@8.1.0", "pkg:pypi/flask@3.0.0"]
    assert ("flask", "click") in edges(held)


def test_a_name_that_lies_there_twice_is_judged_twice(tmp_path: Path) -> None:
    """Of two versions that an installer left, neither hides the other; what pip renamed to replace it is gone."""
    place = tmp_path / "venv/lib/python3.11/site-packages"
    distribution(place, "flask", "3.0.0")
    distribution(place, "flask", "2.0.0")
    distribution(place, "~lask", "1.0.0")

    held = reader(tmp_path / "venv").read(tmp_path / "venv", "venv", origins())

    assert purls(held) == ["pkg:pypi/flask@2.0.0", "pkg:pypi/flask@3.0.0"]
    assert held.notes == ("venv: `flask` lies there 2 times, and all of it was judged",)


def test_an_environment_is_what_lies_in_it_and_what_pip_lists(tmp_path: Path) -> None:
    """What one of the two ways of reading finds counts, whatever the other says."""
    place = tmp_path / "venv/lib/python3.11/site-packages"
    distribution(
        place, "flask", "3.0.0", head="Requires-Dist: click>=8\nRequires-Dist: x; extra == 'y'\n", REQUESTED=""
    )
    distribution(place, "click", "8.1.0")
    distribution(place, "tool", "1.0", direct={"url": "file:///src/tool", "dir_info": {"editable": True}})
    (tmp_path / "venv/pyvenv.cfg").write_text("include-system-site-packages = true\n")
    path = tmp_path / "venv"
    (place / "old_egg.egg-info").mkdir()

    held = reader(path).read(path, "venv", origins(listed={"Click": "8.1.0", "old-egg": "1.0"}))

    assert [one for one in purls(held) if "tool" not in one] == [
        "pkg:pypi/click@8.1.0",
        "pkg:pypi/flask@3.0.0",
        "pkg:pypi/old-egg@1.0",
    ]
    assert {(None, "flask"), ("flask", "click")} <= edges(held)
    assert all(one.kept for one in held.releases)
    assert {one.artifact.kind for one in held.releases} == {ArtifactKind.WHEEL, ArtifactKind.LOCAL_PROJECT}
    assert held.notes == ("venv: it also sees the packages of the Python below it, which were not judged",)


def test_a_private_name_in_an_environment_is_told_to_nobody(tmp_path: Path) -> None:
    """Nothing in an environment tells where a release came from; what the user declared private is private."""
    place = tmp_path / "venv/lib/python3.11/site-packages"
    distribution(place, "acme-utils", "1.2.0")

    held = reader(tmp_path / "venv").read(tmp_path / "venv", "venv", origins(names=("acme-utils",)))

    registry = held.releases[0].registry
    assert registry is not None
    assert registry.visibility is Visibility.PRIVATE


def test_a_lockfile_that_takes_a_private_name_from_the_public_registry_is_a_gap(tmp_path: Path) -> None:
    """Somebody else may have published it there."""
    held = read(tmp_path, "uv.lock", UV, origins(names=("flask",)))

    assert [gap.purl for gap in held.gaps] == ["pkg:pypi/flask"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pylock.toml", "lock-version = '9.0'"),
        ("pylock.toml", "lock-version"),
        ("uv.lock", "version = 2"),
        ("uv.lock", "version = 1\n[[package]]\nname = 'a'\nversion = '1'\nsource = {new = 'x'}"),
        ("poetry.lock", "[[package]]\nname = 'a'\n[metadata]"),
        ("poetry.lock", "package = 1"),
        ("requirements.txt", "-r https://files.example/more.txt"),
    ],
)
def test_a_file_that_cannot_be_read_is_never_clean(tmp_path: Path, name: str, text: str) -> None:
    """What is no lockfile of a known form stops the audit."""
    with pytest.raises(MalformedAnswer):
        read(tmp_path, name, text)
