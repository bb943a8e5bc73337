"""The snippets of `docs/ci.md`: they parse, and their shell lines install what is clean and stop at what is flagged."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.guarded import FINDING
from tests.images import Build, Image
from tests.yards import Yard

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "ci.md"
SCHEMA = json.loads((ROOT / "tests/data/sarif/sarif-2.1.0-rtm.5.json").read_text())
INSTALL = (
    'python3 -m venv "$HOME/safeinstall"',
    '"$HOME/safeinstall/bin/pip" install --quiet safeinstall==0.1.0',
)
"""The same lines everywhere; they are run once."""
GITHUB = {"GITHUB_PATH": "/tmp/path", "GITHUB_STEP_SUMMARY": "/tmp/summary.md", "BASH_ENV": "/tmp/bash-env"}
CLEAN, FLAGGED = "flask==3.1.0\n", "flask==3.1.0\nevil==1.0\n"


@dataclass(frozen=True, kw_only=True)
class Step:
    """Shell lines that a service runs in one process."""

    script: str
    shell: tuple[str, ...] = ("bash", "-eo", "pipefail", "-c")
    always: bool = False
    """Whether it runs after a step that failed."""


def snippets() -> dict[str, str]:
    """Return the first line of each snippet, which names its file -> the snippet."""
    found = re.findall(r"```(?:yaml|groovy)\n(?:#|//) (\S+)\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return dict(found)


def steps(file: str, text: str) -> Iterator[Step]:
    """Yield the steps of a snippet as its service would run them."""
    if file == "Jenkinsfile":
        yield from (Step(script=one, shell=("sh", "-xec")) for one in re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL))
        return
    document = yaml.safe_load(text)
    match file:
        case ".github/workflows/install.yml":
            for step in document["jobs"]["install"]["steps"]:
                if "run" in step:
                    yield Step(script=step["run"], shell=("bash", "-ec"), always="!cancelled()" in step.get("if", ""))
        case ".gitlab-ci.yml":
            job = document["install"]
            yield Step(script="\n".join([*job["before_script"], *job["script"]]))
        case ".circleci/config.yml":
            for step in document["jobs"]["install"]["steps"]:
                if isinstance(step, Mapping) and "run" in step:
                    yield Step(script=step["run"]["command"])
        case "azure-pipelines.yml":
            yield from (Step(script=step["script"]) for step in document["steps"] if "script" in step)
        case _:
            raise AssertionError(f"nobody knows how {file} is run")


@pytest.fixture(scope="module")
def agent(place: Yard) -> Image:
    """Return a machine that jobs run on: its owner declared the mirrors, and what `INSTALL` does is done."""
    public = json.dumps([place.pypi.url, place.npm.url])
    settings = f'osv.url = "{place.osv.url}"\nindex.url = "{place.export.url}"\nregistries.public = {public}\n'
    lines = (
        "safeinstall teardown --system && safeinstall teardown --all-venvs",
        "ln -s /opt/safeinstall /root/safeinstall && rm /usr/local/bin/safeinstall",
        f"printf '{settings}' >/etc/safeinstall/safeinstall.toml",
        "mkdir /src && touch $GITHUB_PATH $BASH_ENV",
    )
    # The base image has made the same environment by the same lines, in another folder.
    done = place.builder.run(place.image("guarded"), " && ".join(lines), GITHUB)
    assert done.code == 0, str(done)
    bare = place.builder.images["slim"].env
    own = {"PIP_INDEX_URL": place.pypi.index_url, "NPM_CONFIG_REGISTRY": place.npm.url}
    return replace(done.image, env={**bare, **GITHUB, **own}, folder="/src")


def ran(file: str, requirements: str, agent: Image, place: Yard) -> Build:
    """Run the job of *file* for a project with *requirements*; the image holds what it left behind."""
    manifest = place.folder / "package.json"
    manifest.write_text((ROOT / "examples/docker/node/package.json").read_text())
    files = {
        "requirements.txt": requirements,
        "package.json": manifest.read_text(),
        "package-lock.json": place.lock(manifest),
    }
    making = "".join(f"cat >{name} <<'EOF'\n{text}\nEOF\n" for name, text in files.items())
    image, code, log = agent, 0, ""
    for step in steps(file, snippets()[file]):
        if code and not step.always:
            continue
        script = step.script
        if "requirements.txt" in script and making:
            # What comes before is the same for every project, and the builder remembers it.
            image, making = place.builder.run(image, making).image, ""
        for line in INSTALL:
            script = script.replace(f"{line}\n", "")
        before = 'while read -r one; do PATH="$one:$PATH"; done <$GITHUB_PATH; exec "$0" "$@"'
        words = " ".join(f"'{word}'" for word in step.shell)
        done = place.builder.run(image, f"sh -c '{before}' {words} \"$(cat <<'END'\n{script}\nEND\n)\"")
        image, code, log = done.image, code or done.code, log + done.log
        for path in re.findall(r"^##vso\[task.prependpath\](.*)$", done.log, re.MULTILINE):
            image = replace(image, env={**image.env, "PATH": f"{path}:{image.env['PATH']}"})
    return Build(code=code, log=log, image=image, stages={})


def held(path: str, image: Image, place: Yard) -> str:
    """Return what the file *path* of *image* holds."""
    done = place.builder.run(image, f"cat {path}")
    assert done.code == 0, str(done)
    return done.log


def test_the_page_has_a_snippet_for_each_of_the_common_services() -> None:
    """And each of them installs safeinstall by the same lines."""
    assert set(snippets()) == {
        ".github/workflows/install.yml", ".gitlab-ci.yml", ".circleci/config.yml", "azure-pipelines.yml", "Jenkinsfile",
    }  # fmt: skip
    for file, text in snippets().items():
        scripts = "\n".join(step.script for step in steps(file, text))
        assert all(line in scripts for line in INSTALL), file


@pytest.mark.parametrize("file", snippets())
def test_a_clean_project_is_installed(file: str, agent: Image, place: Yard) -> None:
    """By the job's own line, and the SARIF file that it leaves is one, without any result."""
    done = ran(file, CLEAN, agent, place)
    assert done.code == 0, str(done)
    assert "flask" in held("/usr/local/lib/python3*/site-packages/flask-3.1.0.dist-info/METADATA", done.image, place)
    told = json.loads(held("/src/pip.sarif", done.image, place))
    jsonschema.validate(told, SCHEMA)

    assert [result for run in told["runs"] for result in run["results"]] == []
    if "github" in file:
        assert "1 release judged" in held("/tmp/summary.md", done.image, place)
        assert held("/src/node_modules/ms/package.json", done.image, place)


@pytest.mark.parametrize("file", snippets())
def test_a_flagged_project_stops_the_job(file: str, agent: Image, place: Yard) -> None:
    """With exit code 40, nothing installed, and a SARIF file that names what was flagged."""
    done = ran(file, FLAGGED, agent, place)
    assert done.code == FINDING, str(done)
    assert "Nothing was installed." in done.log
    told = json.loads(held("/src/pip.sarif", done.image, place))
    jsonschema.validate(told, SCHEMA)

    assert ["evil" in json.dumps(result) for run in told["runs"] for result in run["results"]] == [True]
    assert place.builder.run(done.image, "ls /usr/local/lib/python3*/site-packages").log.split() == [
        "pip",
        "pip-26.3.dist-info",
    ]
    if "github" in file:
        assert "evil" in held("/tmp/summary.md", done.image, place)
