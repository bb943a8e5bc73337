"""npm's other installing commands through the guard: what each fetches is judged before it is fetched or run."""

from pathlib import Path

import pytest

from tests import environments
from tests.builders.built import Built
from tests.builders.markers import Marker
from tests.builders.tarballs import tarball
from tests.guarded import FINDING, INSTALLED, UNRESOLVED, Guarded, Outcome, first_artifact, last_question
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer, malware

pytestmark = pytest.mark.integration


def tool_of(name: str, marker: Marker, version: str = "1.0.0", **more: str) -> Built:
    """Return a package with a command of its own name, which leaves `NAME@VERSION` when it runs."""
    script = f"#!/bin/sh\n{marker.shell(f'{name}@{version}')}\n"
    return tarball(name, version, bin={name: "cli.sh"}, files={"cli.sh": script}, dependencies=more)


def npx(user: Guarded, npm: Path, *argv: str, cwd: Path) -> Outcome:
    """Run guarded `npx ARGV`."""
    env = user.env()
    env["PATH"] = f"{npm.parent}:{env['PATH']}"
    return user.run("npx", *argv, cwd=cwd, env=env)


def test_what_npx_fetches_is_judged_and_then_runs(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """The tool and what it needs are judged before the first byte; the second run fetches nothing, and runs."""
    npm.publish(tool_of("cowtool", marker, low="*"), tarball("low"))

    first = npx(npm_user, newest, "cowtool", "--help", cwd=tmp_path)
    assert first.code == INSTALLED, str(first)
    assert marker.seen() == ("cowtool@1.0.0",)
    assert last_question(osv) < first_artifact(npm)
    npm.forget()
    again = npx(npm_user, newest, "cowtool", cwd=tmp_path)

    assert again.code == INSTALLED, str(again)
    assert marker.seen() == ("cowtool@1.0.0",) * 2
    assert npm.artifact_hits() == ()


@pytest.mark.parametrize("command", ["npx", "exec", "init", "package"])
def test_what_npm_would_fetch_to_run_it_does_not_run_when_it_is_malware(
    command: str, newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """Not as `npx X`, not as `npm exec`, not as `npm init X` (`create-X`), not behind `--package`."""
    npm.publish(tool_of("create-tool", marker, low="*"), tarball("low"))
    osv.add(malware("low"))
    words = {
        "npx": ("create-tool",),
        "exec": ("exec", "--", "create-tool", "--version"),
        "init": ("init", "tool", "--", "-y"),
        "package": ("x", "--package=create-tool", "-c", "create-tool"),
    }[command]

    run = (
        npx(npm_user, newest, *words, cwd=tmp_path) if command == "npx" else npm_user.npm(newest, *words, cwd=tmp_path)
    )

    assert run.code == FINDING, str(run)
    assert marker.seen() == ()
    assert npm.artifact_hits() == ()


def test_a_tool_of_the_project_runs_at_once(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """What lies in node_modules was judged when it was installed."""
    npm.publish(tool_of("mytool", marker))
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"mytool": "*"}})
    assert npm_user.npm(newest, "install", cwd=project).code == INSTALLED
    npm.forget()

    run = npx(npm_user, newest, "mytool", cwd=project)

    assert run.code == INSTALLED, str(run)
    assert marker.seen() == ("mytool@1.0.0",)
    assert npm.hits() == ()


def test_a_global_install_is_judged(
    tool: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Only what it would change is planned: another global package, malware by now, is none of this command's."""
    npm.publish(tarball("old"), tarball("top", dependencies={"low": "*"}), tarball("low"), tarball("evil"))
    prefix = tmp_path / "prefix"
    words = ("--prefix", str(prefix))
    assert npm_user.npm(tool, "install", "-g", "old", *words, cwd=tmp_path).code == INSTALLED
    osv.add(malware("old"))
    osv.add(malware("evil"))

    good = npm_user.npm(tool, "install", "--global", "top", *words, cwd=tmp_path)
    bad = npm_user.npm(tool, "-g", "i", "evil", *words, cwd=tmp_path)

    assert good.code == INSTALLED, str(good)
    assert bad.code == FINDING, str(bad)
    assert {path.name for path in (prefix / "lib/node_modules").iterdir()} - {".package-lock.json"} == {"old", "top"}
    assert npm_user.npm(tool, "uninstall", "-g", "old", *words, cwd=tmp_path).code == INSTALLED
    assert not (prefix / "lib/node_modules/old").exists()


def test_scripts_are_not_run_again_for_what_is_malware_by_now(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, marker: Marker, tmp_path: Path
) -> None:
    """`npm rebuild` fetches nothing but runs what lies there: that is judged anew."""
    npm.publish(tarball("top", scripts={"install": marker.shell("top")}))
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"top": "*"}})
    assert npm_user.npm(newest, "install", "--ignore-scripts", cwd=project).code == INSTALLED
    assert npm_user.npm(newest, "rebuild", cwd=project).code == INSTALLED
    assert marker.seen() == ("top",)
    osv.add(malware("top"))
    (npm_user.home / "safeinstall" / "cache").rename(tmp_path / "forgotten")

    assert npm_user.npm(newest, "rebuild", "top", cwd=project).code == FINDING
    assert marker.seen() == ("top",)


def test_prune_restores_only_what_was_judged(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """Npm's prune also installs what is missing."""
    npm.publish(tarball("top"))
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"top": "*"}})
    osv.add(malware("top"))

    assert npm_user.npm(newest, "prune", cwd=project).code == FINDING
    assert npm.artifact_hits() == ()


def test_pack_of_a_release_fetches_the_judged_one(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """`npm pack SPEC` downloads; a directory of the user's is packed as ever."""
    npm.publish(tarball("top", "1.2.0"), tarball("evil"))
    osv.add(malware("evil"))
    project = environments.npm_project(tmp_path / "project")

    good = npm_user.npm(newest, "pack", "top@1", cwd=project)
    bad = npm_user.npm(newest, "pack", "evil", cwd=project)

    assert good.code == INSTALLED, str(good)
    assert bad.code == FINDING, str(bad)
    assert (project / "top-1.2.0.tgz").exists()
    assert len(npm.artifact_hits()) == 1


def test_link_fetches_nothing_unjudged(
    newest: Path, npm_user: Guarded, npm: NpmRegistry, osv: OsvServer, tmp_path: Path
) -> None:
    """A project is linked into the global folder and from there; what is missing there is not fetched on the way."""
    npm.publish(tarball("top"))
    library = environments.npm_project(tmp_path / "library", {"name": "library"})
    project = environments.npm_project(tmp_path / "project")
    env = {"npm_config_prefix": str(tmp_path / "prefix")}

    assert npm_user.npm(newest, "link", cwd=library, env=env).code == INSTALLED
    linked = npm_user.npm(newest, "link", "library", cwd=project, env=env)
    missing = npm_user.npm(newest, "link", "top", cwd=project, env=env)

    assert linked.code == INSTALLED, str(linked)
    assert (project / "node_modules/library").is_symlink()
    assert missing.code == UNRESOLVED, str(missing)
    assert missing.err == (
        "error: this command would first install what is missing in the global folder\n\n"
        "hint: install it with `npm install --global`, which is judged, and link it then\n\n"
        "fatal: nothing was checked. Nothing was installed.\n"
    )
    assert npm.artifact_hits() == ()
