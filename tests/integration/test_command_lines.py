"""What each command line means: our reading, and the table's, against the parsers of the real pip and the real npm."""

import ast
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest

from safeinstall.ecosystems.npm.verbs import (
    Understood,
    read,
    read_npx,
)
from safeinstall.ecosystems.pypi import grammar
from safeinstall.errors import NotUnderstood
from safeinstall.fields import items
from safeinstall.ways.guards import hook
from safeinstall.words import may_install
from tests import environments
from tests.readings.asking import Asked, by_npm, npm_of, pip_in
from tests.readings.table import Row, rows

pytestmark = pytest.mark.integration

SHIM = Path(__file__).parents[2] / "shims" / "safeinstall-shim"
MEANS = {Understood.INSTALLS: "install", Understood.PASSES: "pass", Understood.NOT_YET: "refuse"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with one workspace."""
    made = environments.npm_project(tmp_path_factory.mktemp("lines") / "project", {"workspaces": ["packages/*"]})
    environments.npm_project(made / "packages" / "a", {"name": "a"})
    return made


@pytest.fixture(scope="module")
def env(project: Path) -> Mapping[str, str]:
    """Return what every row sees besides its own variables."""
    return environments.isolated_env(project.parent / "home")


@pytest.fixture(scope="module")
def pip(env: Mapping[str, str]) -> Iterator[Asked]:
    """Return the newest pip."""
    with pip_in(environments.stored("pip-*.whl"), env) as asked:
        yield asked


@pytest.fixture(scope="module")
def npm(env: Mapping[str, str]) -> Iterator[Asked]:
    """Return the machine's npm."""
    with npm_of(environments.machine_npm(), env) as asked:
        yield asked


def asked(manager: Asked, row: Row, env: Mapping[str, str], project: Path) -> Mapping[str, object]:
    """Return how the real *manager* reads *row*, where it says that one is."""
    name = "pip.conf" if row.tool == "pip" else ".npmrc"
    (project / name).write_text("".join(f"{line}\n" for line in row.file))
    # Without a file of its own a row sees none of the machine's either: `isolated_env` says so.
    nowhere = str(project / "nowhere")
    held = {"PIP_CONFIG_FILE": str(project / name), "XDG_CONFIG_DIRS": nowhere} if row.file else {}
    return manager.read(
        row.argv, {**env, **held, **row.env}, project / row.folder, tool=row.tool, options=list(row.options)
    )


# --- the table ------------------------------------------------------------------------------------------------------


def test_the_real_pip_reads_each_line_as_the_table_says(pip: Asked, env: Mapping[str, str], project: Path) -> None:
    """Its command, what it is done to, its options; what is refused, pip itself does not understand."""
    wrong = []
    for row in rows("pip"):
        real = asked(pip, row, env, project)
        told = (
            real.get("verb", ""),
            tuple(items(real, "targets", str)) if "targets" in real else (),
            real.get("options", {}),
        )
        ended = "refuse" if real["error"] else "pass" if real["prints"] or told[0] not in grammar.GUARDED else "install"
        if ended != row.means or (not real["error"] and told != (row.verb, row.targets, row.options)):
            wrong.append(f"{row}: {real}")

    assert wrong == []


def test_our_reading_of_pips_lines_is_the_tables(project: Path) -> None:
    """Whoever comes without the shim's rule is read by pip's own parser; the rule never passes what installs."""
    wrong = []
    for row in rows("pip"):
        try:
            intent = grammar.parse("pip", row.argv, project)
            means = "install" if intent.installs else "pass"
        except NotUnderstood:
            intent, means = None, "refuse"
        asked_for = row.targets if row.said is None else row.said
        if means != row.means or (
            intent is not None and intent.installs and (intent.verb, intent.asked) != (row.verb, asked_for)
        ):
            wrong.append(f"{row}: {means} {intent}")
        if row.means == "install" and not may_install("pip", row.argv):
            wrong.append(f"{row}: the shim passes it on")

    assert wrong == []


def test_the_real_npm_reads_each_line_as_the_table_says(npm: Asked, env: Mapping[str, str], project: Path) -> None:
    """Its command, its arguments and options, from words, variables and files; and what that means is the table's."""
    wrong = []
    for row in rows("npm", "npx"):
        real = asked(npm, row, env, project)
        shown = ("", ()) if real["prints"] or not real["verb"] else (real["verb"], items(real, "args", str))
        expected = (row.verb, row.targets, row.options)
        if (*shown, real.get("options", {})) != expected or MEANS[by_npm(real).understood] != row.means:
            wrong.append(f"{row}: {real}")

    assert wrong == []


def test_our_reading_of_npms_lines_is_npms_or_asks_it(npm: Asked, env: Mapping[str, str], project: Path) -> None:
    """What we read from the words alone is what npm reads; everything else is left to npm."""
    wrong = []
    for row in rows("npm", "npx"):
        reading = read_npx(row.argv) if row.tool == "npx" else read(row.argv)
        if reading.understood is not Understood.UNSURE:
            real = by_npm(asked(npm, row, env, project))
            if reading.understood is not real.understood or (
                reading.understood is Understood.INSTALLS and reading.verb != real.verb
            ):
                wrong.append(f"{row}: {reading}, npm: {real}")
        if row.means != "pass" and not may_install(row.tool, row.argv):
            wrong.append(f"{row}: the shim passes it on")

    assert wrong == []


def test_the_shim_does_what_the_rule_says(tmp_path: Path) -> None:
    """One rule, written twice: in the shell for speed, in Python for whoever calls us without a shim."""
    for name in ("pip", "npm", "npx"):
        (tmp_path / name).write_bytes(SHIM.read_bytes())
        (tmp_path / name).chmod(0o755)
    wrong = []
    for row in rows("pip", "npm", "npx"):
        # There is neither an interpreter to hand over to (43) nor a tool to pass on to (127).
        done = subprocess.run(
            [tmp_path / row.tool, *row.argv], env={"PATH": "/nowhere"}, capture_output=True, check=False, timeout=20
        )
        if done.returncode != (43 if may_install(row.tool, row.argv) else 127):
            wrong.append(f"{row}: {done.returncode}")

    assert wrong == []


def test_the_guard_inside_of_python_does_what_the_rule_says() -> None:
    """The same rule a third time: in what `setup --venv` writes, which can import nothing of ours."""
    calls = [node for node in ast.walk(ast.parse(hook(Path("/python")))) if isinstance(node, ast.Call)]
    text = next(call.args[0] for call in calls if ast.unparse(call.func) == "exec")
    inside: dict[str, object] = {"__name__": "a test"}
    exec(ast.literal_eval(text), inside)  # as Python does at every start
    rule = cast("Callable[[list[str]], bool]", inside["may_install"])

    lines = [row.argv for row in rows("pip")]
    assert [line for line in lines if rule(list(line)) is not may_install("pip", line)] == []


def test_the_table_is_large_enough() -> None:
    """Rows that are dropped are missed."""
    assert len(rows("pip", "npm", "npx")) >= 270
