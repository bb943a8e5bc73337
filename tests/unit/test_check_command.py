"""`safeinstall check`: names alone, with what is on this machine."""

import json
from pathlib import Path

import pytest

from safeinstall.checks import CHECKS
from safeinstall.model import AdvisoryKind
from safeinstall.purl import parse
from tests.fakes import FakeSource, FakeSupplement, advisory
from tests.outsides import Machine


def machine(folder: Path, **known: AdvisoryKind) -> Machine:
    """Return a machine with all real checks and a source that knows something of PyPI names."""
    told = {parse(f"pkg:pypi/{name}"): (advisory(kind=kind),) for name, kind in known.items()}
    return Machine(folder, checks=CHECKS, sources=(FakeSupplement(known=told), FakeSource()))


def test_good_names_pass(tmp_path: Path) -> None:
    """One line counts what was judged, and by what."""
    here = machine(tmp_path)

    assert here.main("check", "requests>=2", "flask[async]", "python_nmap") == 0
    assert here.stdout.getvalue() == (
        "safeinstall: 3 names judged by name alone, with what is on this machine: nothing against any; "
        "nothing was installed\n"
    )


@pytest.mark.parametrize(
    ("name", "ecosystem"),
    [
        ("reqeusts==1.0", "pypi"),
        ("jqeury@3", "npm"),
        ("@typess/node", None),
        ("types-node", "npm"),
        ("crossenv", "npm"),
    ],
)
def test_look_alikes_block(tmp_path: Path, name: str, ecosystem: str | None) -> None:
    """Scoped names are npm's, whatever the folder holds."""
    told = [] if ecosystem is None else ["--ecosystem", ecosystem]

    here = machine(tmp_path)
    assert here.main("check", name, *told) == 40
    assert "error[typosquat]" in here.stdout.getvalue()
    assert "unknown age" not in here.stdout.getvalue()


def test_the_folder_tells_the_ecosystem(tmp_path: Path) -> None:
    """Beside a package.json a bare name is npm's."""
    here = machine(tmp_path)
    (here.project / "package.json").write_text("{}")

    assert here.main("check", "jqeury") == 40
    assert "pkg:npm/jqeury" in here.stdout.getvalue()


def test_known_malware_blocks_and_vulnerabilities_of_versions_do_not(tmp_path: Path) -> None:
    """A name is malware or it is not; which version is vulnerable only a version tells."""
    here = machine(tmp_path, evilthing=AdvisoryKind.MALWARE, oldthing=AdvisoryKind.VULNERABILITY)

    assert here.main("check", "oldthing") == 0
    assert here.main("check", "evilthing") == 40
    assert "`evilthing` is reported as malware" in here.stdout.getvalue()


def test_private_names_are_told(tmp_path: Path) -> None:
    """Whoever writes them into a file learns whose they are."""
    here = machine(tmp_path)
    here.settings('[private]\nprefixes = ["acme-"]\n')

    assert here.main("check", "Acme_Utils") == 0
    assert "note: `Acme_Utils` is private (private.prefixes (acme-))" in here.stdout.getvalue()


def test_json_holds_every_name(tmp_path: Path) -> None:
    """Agents read one object."""
    here = machine(tmp_path)

    assert here.main("check", "--format", "json", "reqeusts", "flask") == 40
    document = json.loads(here.stdout.getvalue())
    assert (document["format"], document["version"], document["allowed"]) == ("safeinstall-check", 1, False)
    assert [(one["purl"], len(one["rulings"])) for one in document["names"]] == [
        ("pkg:pypi/reqeusts", 1),
        ("pkg:pypi/flask", 0),
    ]


@pytest.mark.parametrize("words", [[], ["@types"], ["--ecosystem", "cargo", "serde"], [">=3"], [""]])
def test_what_is_no_name(tmp_path: Path, words: list[str]) -> None:
    """Nothing is guessed."""
    here = machine(tmp_path)

    assert here.main("check", *words) == 44
    assert "error:" in here.screen
