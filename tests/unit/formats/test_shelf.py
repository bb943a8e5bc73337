"""The shelf of formats: each file is on it, each is found by its name, each can write down whatever happened."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from safeinstall import formats
from safeinstall.contracts import Format
from safeinstall.errors import Misconfigured
from safeinstall.formats import FORMATS, NAMES, named
from safeinstall.model import Verdict
from tests.fakes import FakeSession, plan, release
from tests.outsides import Machine
from tests.unit.formats.test_json_v1 import full

FOLDER = Path(formats.__file__).parent
SET = plan(release("pkg:pypi/app@1.0", asked="app"))


def test_every_format_file_is_registered() -> None:
    """A file which nobody registered would be a format that nobody can ask for."""
    files = {path.stem for path in FOLDER.glob("*.py") if "def render(self, run: Run)" in path.read_text()}

    assert {type(one).__module__.rpartition(".")[2] for one in FORMATS} == files


def test_names_are_told_apart() -> None:
    """Each is found by its own name, and what is none is said."""
    assert [named(one).ident for one in NAMES] == list(dict.fromkeys(NAMES))
    with pytest.raises(Misconfigured, match="no format `xml`"):
        named("xml")


@pytest.mark.parametrize("form", FORMATS, ids=lambda one: one.ident)
def test_no_format_fails_or_tells_a_secret(form: Format) -> None:
    """Whatever happened: a run with everything, and one with nothing."""
    nothing = replace(full(), plan=plan(), verdict=Verdict(rulings=()), sources=(), installed=None, environment=None)

    for run in (full(), nothing):
        made = form.render(run)
        assert made.endswith("\n")
        assert "secret" not in made
        assert "\x1b" not in made


def test_a_document_goes_to_a_file(tmp_path: Path) -> None:
    """Whole, and what a person reads goes to the screen as ever."""
    here = Machine(tmp_path, session=FakeSession(planned=SET))

    assert here.main("plan", "pip", "install", "app", "--format", "json", "--output", "report.json") == 0
    assert json.loads((here.project / "report.json").read_text())["allowed"] is True
    assert "all clean" in here.screen
    assert here.stdout.getvalue() == ""
    assert not list(here.project.glob(".report*"))


def test_a_guarded_install_writes_a_document_too(tmp_path: Path) -> None:
    """Stdout belongs to the manager there; a file does not."""
    here = Machine(tmp_path, session=FakeSession(planned=SET))
    flags = ("--safeinstall-format", "json", "--safeinstall-output", "report.json")

    assert here.main("pip", "install", "app", *flags) == 0
    assert json.loads((here.project / "report.json").read_text())["installed"]["exit_code"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--output", "x"), "needs a `--format`"),
        (("--format", "json", "--output", "missing/x.json"), "cannot be written"),
    ],
    ids=["no-format", "no-folder"],
)
def test_an_output_that_cannot_be_is_said(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """Nobody goes on with a report that is not there."""
    here = Machine(tmp_path, session=FakeSession(planned=SET))

    assert here.main("plan", "pip", "install", "app", *words) == 44
    assert said in here.screen


def test_each_install_leaves_an_sbom_where_the_user_wants_one(tmp_path: Path) -> None:
    """One file for each; a plan leaves none, and a folder that cannot be is said."""
    here = Machine(tmp_path, session=FakeSession(planned=SET))
    here.settings(f'[sbom]\nfolder = "{tmp_path}/sboms"\n')
    here.main("plan", "pip", "install", "app")
    assert not (tmp_path / "sboms").exists()
    assert here.main("pip", "install", "app") == 0
    (file,) = (tmp_path / "sboms").iterdir()
    assert file.name.startswith("20261123T120000Z-pip-")
    assert json.loads(file.read_text())["components"][0]["purl"] == "pkg:pypi/app@1.0"
    here.settings(f'[sbom]\nfolder = "{file}/no"\n')

    assert here.main("pip", "install", "app") == 0
    assert "the SBOM" in here.screen
