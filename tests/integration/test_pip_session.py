"""What one pip session knows and does, below the command line: real pip, loopback index, no internet."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from safeinstall.contracts import Conditions, Session, World
from safeinstall.ecosystems.pypi import PypiEcosystem
from safeinstall.errors import CannotResolve
from safeinstall.model import ArtifactKind, BuildNeed, Plan, Purl, Release, Visibility
from safeinstall.processes import SubprocessRunner
from safeinstall.runs import AccessKind, Installed
from safeinstall.wiring import now
from tests.builders.built import Built
from tests.builders.sdists import sdist
from tests.builders.wheels import wheel
from tests.environments import Venv, isolated_env, venv_with_pip
from tests.fakes import Hearing
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration

BACKEND = """\
import json, os, zipfile

def _note():
    with open({path!r}, "a") as stream:
        stream.write(json.dumps(dict(os.environ)) + "\\n")

def _wheel(folder, name):
    path = os.path.join(folder, name)
    with zipfile.ZipFile(path, "w") as archive:
        info = "mine-0.1.dist-info"
        told = ["Metadata-Version: 2.1", "Name: mine", "Version: 0.1", "Requires-Dist: lower", ""]
        archive.writestr(info + "/METADATA", "\\n".join(told))
        told = ["Wheel-Version: 1.0", "Generator: tests", "Root-Is-Purelib: true", "Tag: py3-none-any", ""]
        archive.writestr(info + "/WHEEL", "\\n".join(told))
        archive.writestr(info + "/RECORD", "")
    return name

def get_requires_for_build_wheel(config_settings=None):
    _note()
    return []

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    _note()
    return _wheel(wheel_directory, "mine-0.1-py3-none-any.whl")
"""


@dataclass(slots=True)
class Desk:
    """Opens sessions for one user, one environment and one index, and keeps what was vetted."""

    venv: Venv
    folder: Path
    index: PypiRegistry
    env: dict[str, str]
    allow: bool = True
    vetted: list[Release] = field(default_factory=list)

    @contextmanager
    def session(self, *argv: str, conditions: Conditions | None = None, tool: Path | None = None) -> Iterator[Session]:
        """Open `pip ARGV`."""
        cache = self.folder / "cache"
        cache.mkdir(exist_ok=True)
        world = World(
            runner=SubprocessRunner(), env=self.env, cwd=self.folder, cache=cache, now=now, reporter=Hearing()
        )
        ecosystem = PypiEcosystem()
        intent = ecosystem.parse("pip", argv, world)
        known = conditions or Conditions(public_registries=tuple(self.index.urls))
        with ecosystem.open(intent, tool or self.venv.pip, world, known, self._vet) as session:
            yield session

    def plan(self, *argv: str, conditions: Conditions | None = None) -> Plan:
        """Return the plan of `pip ARGV`."""
        with self.session(*argv, conditions=conditions) as session:
            return session.resolve()

    def install(self, *argv: str, between: Callable[[], object] = lambda: None) -> Installed:
        """Plan, let *between* happen, install."""
        with self.session(*argv) as session:
            plan = session.resolve()
            between()
            return session.install(plan)

    def _vet(self, release: Release) -> bool:
        self.vetted.append(release)
        return self.allow


@pytest.fixture
def desk(venv: Venv, home: Path, tmp_path: Path, pypi: PypiRegistry) -> Desk:
    """Return a desk whose only index is the loopback one."""
    folder = tmp_path / "here"
    folder.mkdir()
    return Desk(venv, folder, pypi, isolated_env(home, {"PIP_INDEX_URL": pypi.index_url}))


def project(folder: Path, notes: Path, *, requires: str = "[]") -> Path:
    """Make a local project whose backend notes its environment each time it runs."""
    folder.mkdir(parents=True)
    build = f'[build-system]\nrequires = {requires}\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (folder / "pyproject.toml").write_text(build)
    (folder / "backend.py").write_text(BACKEND.format(path=str(notes)))
    return folder


def test_a_plan_tells_why_each_release_is_in_it(desk: Desk) -> None:
    """From what the user wrote, over every edge, with the index's own facts about each file."""
    desk.index.add(
        wheel("Top", "2.0", requires=["middle[fast]>=1", "other; sys_platform == 'never'"]),
        wheel("middle", "1.5", requires=["lower; extra == 'fast'"], extras={"fast": []}),
        wheel("lower"),
    )
    desk.index.add(wheel("other"))
    (desk.folder / "dev.txt").write_text("# for us\ntop>=2\n")

    plan = desk.plan("install", "-r", "dev.txt")

    top, *_ = (one for one in plan.releases if one.asked)
    assert {one.purl for one in plan.releases} == {"pkg:pypi/top@2.0", "pkg:pypi/middle@1.5", "pkg:pypi/lower@1.0"}
    assert (top.purl, top.name, top.asked) == ("pkg:pypi/top@2.0", "Top", "top>=2 (-r dev.txt (line 2))")
    assert [(edge.parent, edge.child, edge.requirement) for edge in plan.edges] == [
        (None, "pkg:pypi/top@2.0", "top>=2"),
        ("pkg:pypi/top@2.0", "pkg:pypi/middle@1.5", "middle[fast]>=1"),
        ("pkg:pypi/middle@1.5", "pkg:pypi/lower@1.0", "lower"),
    ]
    assert top.artifact.kind is ArtifactKind.WHEEL
    assert top.artifact.digests
    assert top.artifact.uploaded is not None
    assert top.registry is not None
    assert (top.registry.url, top.registry.visibility) == (desk.index.index_url, Visibility.PUBLIC)
    assert {page.purl for page in plan.projects} == {"pkg:pypi/top", "pkg:pypi/middle", "pkg:pypi/lower"}


def test_what_is_installed_already_is_judged_as_kept(desk: Desk) -> None:
    """A release that stays is part of what the command ends in."""
    desk.index.add(wheel("top", requires=["lower"]), wheel("lower"), wheel("bystander"))
    desk.install("install", "lower", "bystander")
    desk.index.add(wheel("lower", "2.0"))

    plan = desk.plan("install", "top")

    assert {(one.purl, one.kept) for one in plan.releases} == {
        ("pkg:pypi/top@1.0", False),
        ("pkg:pypi/lower@1.0", True),
    }


def test_a_build_backend_sees_nothing_of_ours(desk: Desk) -> None:
    """Neither the gateway's secret nor our proxy is for foreign code, while planning or while installing."""
    desk.index.add(wheel("lower"))
    notes = desk.folder / "notes"
    place = project(desk.folder / "mine", notes)
    desk.env["HTTPS_PROXY"] = "http://proxy.corp.example:3128"
    desk.env["NO_PROXY"] = "127.0.0.1"

    installed = desk.install("install", str(place))

    assert installed == Installed(exit_code=0)
    assert desk.venv.installed() == {"mine": "0.1", "lower": "1.0"}
    seen = [json.loads(line) for line in notes.read_text().splitlines()]
    assert len(seen) > 2
    for environment in seen:
        assert not [name for name in environment if name.startswith("SAFEINSTALL_HOOK")]
        assert "SAFEINSTALL_PIP_AT" not in environment
        assert environment["HTTPS_PROXY"] == "http://proxy.corp.example:3128"
        assert environment["NO_PROXY"] == "127.0.0.1"
        assert "HTTP_PROXY" not in environment
        assert "PIP_PROXY" not in environment


@pytest.mark.parametrize("allow", [True, False])
def test_build_requirements_of_local_projects_are_judged_when_they_are_asked_for(allow: bool, desk: Desk) -> None:
    """The backend of the user's own project may run; what it needs from the index is vetted before its bytes come."""
    desk.index.add(wheel("lower"), wheel("helper"))
    place = project(desk.folder / "mine", desk.folder / "notes", requires='["helper"]')
    desk.allow = allow

    if allow:
        assert desk.install("install", str(place)) == Installed(exit_code=0)
    else:
        with pytest.raises(CannotResolve):
            desk.plan("install", str(place))
        assert desk.index.artifact_hits() == ()
        assert not (desk.folder / "notes").exists()

    first = desk.vetted[0]
    assert first.purl == "pkg:pypi/helper@1.0"
    assert first.registry is not None
    assert first.registry.visibility is Visibility.PUBLIC


def test_a_build_requirement_that_must_be_built_itself_is_not_built_while_planning(desk: Desk) -> None:
    """Planning runs the user's own backends and no others, however clean they were judged."""
    desk.index.add(wheel("lower"), sdist("helper", setup_py="raise SystemExit('ran')\n"))
    place = project(desk.folder / "mine", desk.folder / "notes", requires='["helper"]')

    with pytest.raises(CannotResolve):
        desk.plan("install", str(place))

    assert not (desk.folder / "notes").exists()


def test_a_local_wheel_is_bound_to_its_bytes(desk: Desk) -> None:
    """What lies on disk is hashed when it is planned; other bytes under the same name are not installed."""
    wheels = desk.folder / "wheels"
    wheels.mkdir()
    path = wheels / wheel("mine").filename
    path.write_bytes(wheel("mine").data)
    evil = wheel("mine", files={"mine.py": "EVIL = True\n"}).data

    swapped = desk.install("install", "--no-index", "-f", str(wheels), "mine", between=lambda: path.write_bytes(evil))
    assert swapped.exit_code != 0
    assert desk.venv.installed() == {}

    path.write_bytes(wheel("mine").data)
    assert desk.install("install", "--no-index", "-f", str(wheels), "mine") == Installed(exit_code=0)
    assert desk.venv.installed() == {"mine": "1.0"}


def test_a_local_sdist_is_planned_from_its_own_words_and_not_built(desk: Desk) -> None:
    """Only its PKG-INFO is read; that its build may tell another story is said by its build need."""
    built = sdist("mine", requires=["lower"], setup_py="raise SystemExit('ran')\n")
    (desk.folder / built.filename).write_bytes(built.data)
    desk.index.add(wheel("lower"))

    plan = desk.plan("install", f"./{built.filename}")

    mine = next(one for one in plan.releases if one.name == "mine")
    assert (mine.artifact.kind, mine.build, mine.registry) == (ArtifactKind.LOCAL_FILE, BuildNeed.DYNAMIC, None)
    assert "pkg:pypi/lower@1.0" in {one.purl for one in plan.releases}


@pytest.mark.parametrize(
    ("requirement", "purl"),
    [
        pytest.param(
            "git+https://git.example/team/tool.git@v1",
            "pkg:pypi/tool?vcs_url=git%2Bhttps://git.example/team/tool.git%40v1",
            id="repository",
        ),
        pytest.param(
            "tool @ https://user:secret@files.example/tool-1.0-py3-none-any.whl",
            "pkg:pypi/tool@1.0?download_url=https://files.example/tool-1.0-py3-none-any.whl",
            id="wheel-at-a-url",
        ),
        pytest.param(
            "https://files.example/tool-1.0.tar.gz",
            "pkg:pypi/tool@1.0?download_url=https://files.example/tool-1.0.tar.gz",
            id="sdist-at-a-url",
        ),
    ],
)
def test_what_no_registry_vouches_for_is_named_and_not_asked(requirement: str, purl: str, desk: Desk) -> None:
    """The plan holds that source alone, so that a check can name the exact purl; nothing of it can be installed."""
    with desk.session("install", requirement) as session:
        plan = session.resolve()

        assert [one.purl for one in plan.releases] == [Purl(purl)]
        assert plan.releases[0].asked is not None
        assert session.accesses() == ()
        with pytest.raises(CannotResolve, match="never resolved"):
            session.install(plan)


def test_a_url_that_is_let_through_is_judged_and_then_bound_to_its_bytes(desk: Desk) -> None:
    """An override names the source; its bytes are those that were planned with."""
    desk.index.add(wheel("tool", requires=["lower"]), wheel("lower"))
    name = wheel("tool").filename
    url = desk.index.file_url(name)
    over = Conditions(unverified=frozenset({Purl(f"pkg:pypi/tool@1.0?download_url={url}")}))
    evil = wheel("tool", files={"tool.py": "EVIL = True\n"}).data

    with desk.session("install", f"tool @ {url}", conditions=over) as session:
        plan = session.resolve()
        assert {one.artifact.kind for one in plan.releases} == {ArtifactKind.URL, ArtifactKind.WHEEL}
        desk.index.swap(name, evil)
        assert session.install(plan).exit_code != 0
    assert desk.venv.installed() == {}
    assert desk.vetted


def test_pages_are_not_trimmed_for_another_platform(desk: Desk) -> None:
    """What fits this machine says nothing about what fits the one that was asked for."""
    desk.index.add(wheel("native", tag="cp312-cp312-win_amd64"))
    argv = ("install", "--platform", "win_amd64", "--python-version", "3.12", "--only-binary", ":all:", "-t", "out")

    installed = desk.install(*argv, "native")

    assert installed == Installed(exit_code=0)
    assert (desk.folder / "out" / "native-1.0.dist-info").is_dir()


def test_another_environment_is_installed_into_by_python_option(desk: Desk, tmp_path: Path) -> None:
    """`pip --python ENV install` plans for ENV and installs there."""
    desk.index.add(wheel("top", requires=["lower"]), wheel("lower"))
    other = venv_with_pip(tmp_path / "other")

    installed = desk.install("--python", str(other.folder), "install", "top")

    assert installed == Installed(exit_code=0)
    assert other.installed() == {"top": "1.0", "lower": "1.0"}
    assert desk.venv.installed() == {}


def test_planning_fetches_nothing_but_pages_and_metadata(desk: Desk) -> None:
    """No artifact byte reaches pip before the verdict, whatever resolver its settings ask for."""
    desk.index.add(wheel("top", requires=["lower"]), wheel("lower"))
    desk.env["PIP_USE_DEPRECATED"] = "legacy-resolver"
    desk.env["PIP_USE_FEATURE"] = "fast-deps"

    with desk.session("install", "top") as session:
        session.resolve()
        kinds = {access.kind for access in session.accesses()}

    assert kinds == {AccessKind.PAGE, AccessKind.METADATA}
    assert desk.index.artifact_hits() == ()


def test_a_resolver_that_fails_is_told_in_its_own_words(desk: Desk) -> None:
    """The user reads what pip would have said; no address of ours is in it."""
    desk.index.add(wheel("top", requires=["lower>=2"]), wheel("lower"))

    with pytest.raises(CannotResolve) as caught:
        desk.plan("install", "top")

    assert "lower>=2" in caught.value.output
    assert "safeinstall" not in caught.value.output


def test_a_wrapper_before_pip_is_seen_through(desk: Desk) -> None:
    """Version managers' shims, and scripts of the user's, start some Python in the end: that one is planned for."""
    desk.index.add(wheel("top"))
    wrapper = desk.folder / "pip"
    wrapper.write_text(f'#!/bin/sh\nexec "{desk.venv.pip}" "$@"\n')
    wrapper.chmod(0o755)

    with desk.session("install", "top", tool=wrapper) as session:
        assert session.install(session.resolve()) == Installed(exit_code=0)

    assert desk.venv.installed() == {"top": "1.0"}


def test_pips_own_cache_neither_answers_nor_learns_a_frozen_page(desk: Desk) -> None:
    """A cached artifact is fetched and hashed anew; a later plain pip sees the whole index, revalidated or not."""
    desk.index.add(wheel("top", "1.0"), wheel("top", "2.0"))
    # pip caches what comes from a host that it trusts.
    desk.env["PIP_TRUSTED_HOST"] = "127.0.0.1"
    plain(desk, "install", "top==1.0")
    plain(desk, "uninstall", "-y", "top")

    with desk.session("install", "top==1.0") as session:
        assert session.install(session.resolve()) == Installed(exit_code=0)
        sent = [access for access in session.accesses() if access.kind is AccessKind.ARTIFACT and access.sent]
    plain(desk, "install", "--upgrade", "top")

    assert len(sent) == 1
    assert desk.venv.installed() == {"top": "2.0"}


def plain(desk: Desk, *argv: str) -> None:
    """Run the environment's pip unguarded."""
    done = SubprocessRunner().capture([str(desk.venv.pip), *argv], cwd=desk.folder, env=desk.env)
    assert done.exit_code == 0, done.stderr


def test_an_upgrade_ends_as_planned(desk: Desk) -> None:
    """The old version goes, what else is there stays, and nothing is called a difference."""
    desk.index.add(wheel("top", "1.0", requires=["lower"]), wheel("lower"), wheel("bystander"))
    desk.install("install", "top", "bystander")
    desk.index.add(wheel("top", "2.0", requires=["lower"]))

    installed = desk.install("install", "--upgrade", "top")

    assert installed == Installed(exit_code=0)
    assert desk.venv.installed() == {"top": "2.0", "lower": "1.0", "bystander": "1.0"}


def test_the_true_dependencies_of_an_old_sdist_are_judged_when_its_build_tells_them(desk: Desk) -> None:
    """Its PKG-INFO told none: what the build asks for is vetted, installed, and no difference."""
    desk.index.add(wheel("lower"))
    backend = BACKEND.format(path=str(desk.folder / "notes"))
    build = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    desk.index.add(sdist("mine", "0.1", metadata_version="1.0", pyproject=build, files={"backend.py": backend}))
    over = Conditions(source_builds=frozenset({Purl("pkg:pypi/mine@0.1")}), public_registries=tuple(desk.index.urls))

    with desk.session("install", "mine", conditions=over) as session:
        plan = session.resolve()
        assert not (desk.folder / "notes").exists()
        installed = session.install(plan)

    assert [(one.purl, one.build) for one in plan.releases] == [("pkg:pypi/mine@0.1", BuildNeed.DYNAMIC)]
    assert installed == Installed(exit_code=0)
    assert desk.venv.installed() == {"mine": "0.1", "lower": "1.0"}
    assert [one.purl for one in desk.vetted] == ["pkg:pypi/lower@1.0"]


def static_sdist(desk: Desk, *build_requires: str) -> Built:
    """Return a static sdist `mine` whose build needs *build_requires*, and whose backend notes when it runs."""
    build = f'[build-system]\nrequires = {list(build_requires)}\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    backend = BACKEND.format(path=str(desk.folder / "notes"))
    files = {"backend.py": backend}
    return sdist("mine", "0.1", requires=["lower"], metadata_version="2.2", pyproject=build, files=files)


def test_the_build_requirements_of_a_static_sdist_are_part_of_the_plan(desk: Desk) -> None:
    """They are judged before anything is built, with all that they need themselves; an edge tells them apart."""
    desk.index.add(static_sdist(desk, "helper>=1"), wheel("lower"), wheel("helper", requires=["deep"]), wheel("deep"))

    with desk.session("install", "mine") as session:
        plan = session.resolve()
        assert not (desk.folder / "notes").exists()
        installed = session.install(plan)

    assert {(edge.parent, edge.child) for edge in plan.edges if edge.build} == {
        ("pkg:pypi/mine@0.1", "pkg:pypi/helper@1.0")
    }
    assert {one.purl for one in plan.releases} == {
        "pkg:pypi/mine@0.1",
        "pkg:pypi/lower@1.0",
        "pkg:pypi/helper@1.0",
        "pkg:pypi/deep@1.0",
    }
    assert installed == Installed(exit_code=0)
    assert desk.venv.installed() == {"mine": "0.1", "lower": "1.0"}
    assert desk.vetted == []


def test_build_requirements_that_cannot_be_resolved_make_the_build_unforeseeable(desk: Desk) -> None:
    """Nobody can say what its build would fetch: it counts as dynamic, and the plan says why."""
    desk.index.add(static_sdist(desk, "nowhere"), wheel("lower"))

    plan = desk.plan("install", "mine")

    mine = next(one for one in plan.releases if one.name == "mine")
    assert mine.build is BuildNeed.DYNAMIC
    assert "build requirements could not be resolved" in plan.notes[0]


def test_a_local_sdist_that_may_be_built_is_planned_with_its_build_requirements(desk: Desk) -> None:
    """What lies on disk is no exception."""
    built = static_sdist(desk, "helper")
    (desk.folder / built.filename).write_bytes(built.data)
    desk.index.add(wheel("lower"), wheel("helper"))

    with desk.session("install", f"./{built.filename}") as session:
        plan = session.resolve()
        assert session.install(plan) == Installed(exit_code=0)

    assert "pkg:pypi/helper@1.0" in {edge.child for edge in plan.edges if edge.build}
    assert desk.venv.installed() == {"mine": "0.1", "lower": "1.0"}


def test_a_build_requirement_on_disk_is_judged_when_it_is_asked_for(desk: Desk) -> None:
    """It comes past the network, but not past the judge: refused, the build ends there."""
    wheels = desk.folder / "wheels"
    wheels.mkdir()
    (wheels / wheel("helper").filename).write_bytes(wheel("helper").data)
    desk.index.add(wheel("lower"))
    place = project(desk.folder / "mine", desk.folder / "notes", requires='["helper"]')
    desk.allow = False

    with pytest.raises(CannotResolve):
        desk.plan("install", "-f", str(wheels), str(place))

    (asked,) = desk.vetted
    assert (asked.purl, asked.artifact.kind) == ("pkg:pypi/helper@1.0", ArtifactKind.LOCAL_FILE)
    assert not (desk.folder / "notes").exists()


def test_flags_may_come_from_configuration(desk: Desk) -> None:
    """What the environment says of `--no-deps` and `--dry-run` is what is planned and verified."""
    desk.index.add(wheel("top", requires=["lower"]), wheel("lower"))
    desk.env.update({"PIP_NO_DEPS": "1", "PIP_DRY_RUN": "1", "PIP_QUIET": "1"})

    with desk.session("install", "top") as session:
        plan = session.resolve()
        installed = session.install(plan)

    assert [one.purl for one in plan.releases] == ["pkg:pypi/top@1.0"]
    assert installed == Installed(exit_code=0)
    assert desk.venv.installed() == {}
