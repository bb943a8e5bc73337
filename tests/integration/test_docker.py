"""The Dockerfiles of `examples/docker`, built line by line in roots of their own: real pip and npm, no Docker."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.environments import optional
from tests.guarded import FINDING
from tests.images import Build
from tests.yards import EXAMPLES, PASSWORD, Yard

pytestmark = pytest.mark.integration

DOCS = EXAMPLES.parents[1] / "docs" / "docker.md"
PROBE = "install --safeinstall-probe x"
CLEAN = "flask==3.1.0\n"
FLAGGED = "flask==3.1.0\nevil==1.0\n"
BASES = ("guarded", "guarded-alpine", "advisories-layer")
"""Images that others are built from; nothing of the project's is installed in them."""

CASES = {
    "multi-stage": ("/app/bin/python -c 'import flask'", {"requirements.txt": FLAGGED}, "evil"),
    "node": (
        "node index.js",
        {"package.json": json.dumps({"name": "app", "version": "1.0.0", "dependencies": {"evil-npm": "1.0.0"}})},
        "evil-npm",
    ),
    "non-root": ("/home/app/venv/bin/python -c 'import flask'", {"requirements.txt": FLAGGED}, "evil"),
    "no-home": ("/tmp/app/bin/python -c 'import flask'", {"requirements.txt": FLAGGED}, "evil"),
    "advisories": ("/app/bin/python -c 'import flask'", {"requirements.txt": FLAGGED}, "evil"),
    "offline": ("/app/bin/python -c 'import flask'", {"requirements.txt": FLAGGED}, "evil"),
    "private": (
        "/app/bin/python -c 'import corp_kit' && test -f /srv/node_modules/@corp/kit/index.js",
        {"requirements.txt": "corp-new==1.0.0\n"},
        "corp-new",
    ),
    "overrides": ("/app/bin/python -c 'import reqeusts'", {"safeinstall.toml": ""}, "reqeusts"),
}
"""Example -> what works in the image, what makes its context a flagged one, and what is flagged in it."""


def started(place: Yard, name: str, files: "dict[str, str] | None" = None, *, alpine: bool = False) -> Build:
    """Build the example *name* on a base that is there."""
    place.image("guarded-alpine" if alpine else "guarded")
    return place.build(name, files, alpine=alpine)


def test_every_example_is_tried_and_told() -> None:
    """A Dockerfile that nobody builds would rot, and one that nobody finds helps nobody."""
    there = {path.parent.name for path in EXAMPLES.glob("*/Dockerfile")}

    assert there == {*CASES, *BASES}
    assert {name for name in there if f"examples/docker/{name}/Dockerfile" in DOCS.read_text()} == there


@pytest.mark.parametrize("name", CASES)
def test_what_is_clean_is_built(name: str, place: Yard) -> None:
    """The image works, and no setting of the example was left out with a warning."""
    done = started(place, name)
    assert done.code == 0, str(done)
    assert not re.search("^warning:", done.log, re.MULTILINE)
    told = place.builder.run(done.image, CASES[name][0])

    assert told.code == 0, str(told)


@pytest.mark.parametrize("name", CASES)
def test_what_is_flagged_stops_the_build(name: str, place: Yard) -> None:
    """With our exit code, at the line that would have installed it, and the log says why, also without any terminal."""
    _, files, flagged = CASES[name]
    done = started(place, name, files)

    assert done.code == FINDING, str(done)
    assert f"`{flagged}`" in done.log
    assert "Nothing was installed." in done.log
    assert not re.search(r"[^\n -~]", done.log), "a plain log holds plain lines"


@pytest.mark.parametrize("name", ["multi-stage", "node", "advisories", "offline", "private", "overrides"])
def test_nothing_of_the_guard_is_shipped(name: str, place: Yard) -> None:
    """No file of the last stage is ours or speaks of us, and what a package holds is what its author put there."""
    done = started(place, name)
    left = [path for path, data in place.builder.added(done.image) if "safeinstall" in path or b"safeinstall" in data]

    assert done.code == 0, str(done)
    assert left == []


def test_no_layer_holds_a_secret(place: Yard) -> None:
    """Neither that of pip nor that of npm, in no stage: they were there for one command."""
    done = started(place, "private")
    assert done.code == 0, str(done)
    for image in done.stages.values():
        held = [path for path, data in place.builder.added(image) if PASSWORD.encode() in data]
        assert held == []


def test_alpine_and_its_shell(place: Yard) -> None:
    """
    Where `sh` is busybox, shims and guards work as anywhere; what is musl's own is not tried here.

    The two base images are the same but for what they start from, so that the second is not made from nothing.
    """
    slim, alpine = ((EXAMPLES / name / "Dockerfile").read_text() for name in ("guarded", "guarded-alpine"))
    assert alpine.partition("FROM ")[2] == slim.partition("FROM ")[2].replace("-slim", "-alpine")
    done = started(place, "multi-stage", {"requirements.txt": FLAGGED}, alpine=True)

    assert done.code == FINDING, str(done)
    assert place.builder.run(place.image("guarded-alpine"), "readlink /bin/sh").log == "/usr/bin/busybox\n"
    assert started(place, "multi-stage", alpine=True).code == 0


def test_a_bundle_in_a_layer_serves_every_user(place: Yard) -> None:
    """A base image that holds the index judges without asking anybody, also for a user who may write nothing there."""
    place.image("guarded")
    image = place.image("advisories-layer")
    asked = len(place.osv.hits())
    env = {"PIP_INDEX_URL": place.pypi.index_url, "SAFEINSTALL_HOME": "/tmp/safeinstall"}
    for user in ("root", "10001"):
        done = place.builder.run(replace(image, user=user), "pip install --target /tmp/x flask evil", env)
        assert done.code == FINDING, str(done)
        assert "told by osv" not in done.log
    assert len(place.osv.hits()) == asked


def test_a_folder_of_wheels_that_nobody_judged_is_looked_up_in_the_bundle(place: Yard) -> None:
    """What `policy.name-collides` turns into a block, as the example for installs without a network does."""
    place.image("guarded")
    image = place.image("advisories-layer")
    url = place.pypi.file_url("evil-1.0-py3-none-any.whl")
    fetch = f"from urllib.request import urlretrieve; urlretrieve('{url}', '/wheels/evil-1.0-py3-none-any.whl')"
    image = place.builder.run(image, f'mkdir /wheels && python3 -c "{fetch}"').image
    install = "pip install --no-index --find-links /wheels evil"
    told = place.builder.run(image, install)
    assert told.code == 0, str(told)
    assert told.log.startswith("warning[advisory]: `evil` 1.0 has the name of malware on a public registry")
    blocked = place.builder.run(image, install, {"SAFEINSTALL_POLICY_NAME_COLLIDES": "block"})

    assert blocked.code == FINDING, str(blocked)
    assert "ENV SAFEINSTALL_POLICY_NAME_COLLIDES=block\n" in (EXAMPLES / "offline" / "Dockerfile").read_text()


MOVE = "set `SAFEINSTALL_HOME` to a folder that can be written, such as /tmp/safeinstall"
NO_HOME = "set `HOME` to a folder that can be written, such as /tmp; pip and npm do not run without one either"


@pytest.mark.parametrize(
    ("home", "told", "hint", "mended"),
    [
        ("unset HOME", "this user has no home folder", NO_HOME, "export HOME=/tmp"),
        ("HOME=/", "the cache folder /.cache/safeinstall cannot be made: Permission denied", MOVE, "true"),
        ("HOME=/usr", "the cache folder /usr/.cache/safeinstall cannot be made: Read-only file system", MOVE, "true"),
    ],
    ids=["none", "not-theirs", "read-only"],
)
def test_a_home_that_is_no_place_is_said_with_the_way_out(
    home: str, told: str, hint: str, mended: str, place: Yard
) -> None:
    """Nothing is installed without our records; the hint names the variable, and then all is well."""
    image = replace(place.image("guarded"), user="10001")
    env = {"PIP_INDEX_URL": place.pypi.index_url}
    done = place.builder.run(image, f"{home}; pip install --target /tmp/x flask", env)
    assert done.code == 44, str(done)
    assert done.log == f"error: {told}\n\nhint: {hint}\n\nfatal: nothing was checked. Nothing was installed.\n"
    moved = {**env, "SAFEINSTALL_HOME": "/tmp/safeinstall"}
    done = place.builder.run(image, f"{home}; {mended}; pip install --no-cache-dir --target /tmp/x flask", moved)
    assert done.code == 0, str(done)


def test_a_setup_in_a_home_that_is_read_only_leaves_nothing_and_its_hint_works(place: Yard) -> None:
    """The shims go where the hint says, and nothing else is written."""
    image = replace(place.image("guarded"), user="10001")
    done = place.builder.run(image, "safeinstall setup", {"HOME": "/usr", "SHELL": "/bin/bash"})
    assert done.code == 44
    assert done.log.startswith(
        "error: /usr/.local: Read-only file system\n\nhint: `safeinstall setup --print --dir DIR` "
    )
    done = place.builder.run(
        image, "safeinstall setup --print --dir /tmp/shims && /tmp/shims/pip install --help", {"HOME": "/usr"}
    )
    assert done.code == 0, str(done)


def test_the_log_in_the_docs_is_the_real_one(place: Yard) -> None:
    """What a stopped build says, to the letter: a page that shows another message helps nobody."""
    done = started(place, "multi-stage", {"requirements.txt": FLAGGED})
    shown = DOCS.read_text().partition("```text\n")[2].partition("```")[0]

    assert shown == done.log


def test_the_dockerfiles_are_good_ones() -> None:
    """Hadolint finds nothing in them."""
    beside = Path(sys.prefix, "bin", "hadolint")
    hadolint = str(beside) if beside.exists() else shutil.which("hadolint") or optional("there is no hadolint here")
    files = sorted(EXAMPLES.glob("*/Dockerfile"))
    done = subprocess.run([hadolint, "--no-color", *files], capture_output=True, text=True, check=False)

    assert done.stdout == ""
    assert done.returncode == 0


SPELLINGS = [
    f"pip {PROBE}",
    f"pip3 {PROBE}",
    f"npm {PROBE}",
    "npx --safeinstall-probe x",
    f"python3 -m pip {PROBE}",
    f"env -i /usr/local/bin/python3 -Im pip {PROBE}",
    f"sh -lc 'pip {PROBE}'",
    f"bash -ic 'npm {PROBE}'",
    f". /app/bin/activate && pip {PROBE}",
]


@pytest.mark.parametrize("command", SPELLINGS)
def test_every_spelling_in_a_guarded_image_reaches_us(command: str, place: Yard) -> None:
    """Also in a login shell, whose `/etc/profile` forgets the PATH of the image, and in an environment made later."""
    told = place.builder.run(started(place, "multi-stage").stages["build"], command)

    assert told.log.splitlines()[-1:] == ["safeinstall-probe x"], str(told)
