"""`safeinstall audit`: the same checks, the same policy and the same exit codes, for what is there."""

import json
from pathlib import Path
from typing import ClassVar

import jsonschema
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from safeinstall.auditing import AUDITED, ELSEWHERE
from safeinstall.checks import CHECKS
from safeinstall.checks.fresh_release import FreshRelease
from safeinstall.checks.install_script import InstallScript
from safeinstall.errors import SourceUnavailable
from safeinstall.model import Purl
from safeinstall.weighed import Weighed
from tests.fakes import FakeSource, advisory
from tests.inventories import distribution
from tests.outsides import FakeCheck, Machine

SARIF = Path(__file__).parent.parent / "data/sarif/sarif-2.1.0-rtm.5.json"
PIN = Purl("pkg:pypi/evil@6.6.6")


def test_what_is_clean_says_that_nothing_was_installed(tmp_path: Path) -> None:
    """An audit reads, and the last line says so."""
    machine = Machine(tmp_path)
    (machine.project / "requirements.txt").write_text("flask==3.0.0 --hash=sha256:" + "ab" * 32 + "\n")

    code = machine.main("audit")

    assert code == 0
    assert machine.screen == (
        "safeinstall: 1 release judged, all clean (fake: now); only read: nothing was installed or changed\n"
    )


def test_malware_that_is_locked_is_a_finding_with_its_place(tmp_path: Path) -> None:
    """The exit code is that of a guarded command, and the way to the release ends at the file."""
    machine = Machine(tmp_path, sources=(FakeSource(known={PIN: (advisory(),)}),))
    (machine.project / "uv.lock").write_text(
        'version = 1\n[[package]]\nname = "evil"\nversion = "6.6.6"\n'
        'source = { registry = "https://pypi.example/simple" }\n'
    )

    code = machine.main("audit", "uv.lock")

    assert code == 40
    assert f"--> {PIN}, in uv.lock" in machine.screen
    assert machine.screen.endswith("affected: 1 finding, 0 gaps in 1 release. Nothing was installed or changed.\n")


def test_a_silent_source_is_a_gap(tmp_path: Path) -> None:
    """Silence is never clean."""
    machine = Machine(tmp_path, sources=(FakeSource(failure=SourceUnavailable("refused")),))
    (machine.project / "requirements.txt").write_text("flask==3.0.0\n")

    assert machine.main("audit") == 41
    assert machine.screen.endswith("not judged: 0 findings, 1 gap in 1 release. Nothing was installed or changed.\n")


def test_everything_that_a_folder_holds_is_audited_together(tmp_path: Path) -> None:
    """What lies in an environment and in a lockfile is one release, in two places."""
    machine = Machine(tmp_path)
    distribution(machine.project / ".venv/lib/python3.11/site-packages", "flask", "3.0.0")
    (machine.project / "requirements.txt").write_text("flask==3.0.0\n")
    (machine.project / "package-lock.json").write_text('{"lockfileVersion": 3, "packages": {}}')

    code = machine.main("audit", "--format", "json")

    document = json.loads(machine.stdout.getvalue())
    assert code == document["exit_code"] == 0
    assert document["command"]["argv"] == ["audit", ".venv", "requirements.txt", "package-lock.json"]
    assert [one["purl"] for one in document["releases"]] == ["pkg:pypi/flask@3.0.0"]
    assert "in .venv, requirements.txt" in document["releases"][0]["why"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 41, "holds nothing that can be audited"),
        (("gone.lock",), 44, "does not exist"),
        (("broken.json",), 41, "could not be read as cyclonedx"),
    ],
)
def test_what_cannot_be_audited_is_said_and_never_clean(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    """Nothing to read is not the same as nothing found."""
    machine = Machine(tmp_path)
    (machine.project / "broken.json").write_text("{")

    assert machine.main("audit", *words) == code
    assert said in machine.screen
    assert machine.screen.endswith("fatal: nothing was checked. Nothing was installed.\n")


def test_an_override_of_the_user_counts_in_an_audit(tmp_path: Path) -> None:
    """What a person decided for an install holds for what was installed by it."""
    machine = Machine(tmp_path, sources=(FakeSource(known={PIN: (advisory(),)}),))
    (machine.project / "requirements.txt").write_text("evil==6.6.6\n")
    machine.settings(
        f'[[override]]\npurl = "{PIN}"\ncheck = "malware"\nreason = "a test"\nuntil = 2026-12-01\nby = "me"\n'
    )

    assert machine.main("audit") == 0
    assert "override" in machine.screen


def test_each_check_is_audited_or_it_is_said_why_not() -> None:
    """A check that stands in neither table would never run on what is installed, and nobody would be told."""
    assert {check.ident for check in CHECKS} == AUDITED | ELSEWHERE.keys()
    assert AUDITED.isdisjoint(ELSEWHERE)


def test_the_page_on_audits_names_every_check() -> None:
    """What an audit does not judge is said where users look for it."""
    text = (Path(__file__).parent.parent.parent / "docs/audit.md").read_text()
    judged, _, not_judged = (
        text.partition("## What is judged")[2].partition("## Good to know")[0].partition("Not judged")
    )

    assert [one for one in AUDITED if f"**{one}**" not in judged] == []
    assert [one for one in ELSEWHERE if f"**{one}**" not in not_judged] == []


class FakeRegistry(FakeSource):
    """The source that asks the registries themselves."""

    ident: ClassVar[str] = "registry"
    supplement: ClassVar[bool] = True


LOCKED = """version = 1
[[package]]
name = "young"
version = "1.0"
source = { registry = "https://pypi.example/simple" }
wheels = [{ url = "https://files.example/y.whl", hash = "sha256:HASH", size = 3, upload-time = "2026-11-22T12:00:00Z" }]
[[package]]
name = "ageless"
version = "1.0"
source = { registry = "https://pypi.example/simple" }
wheels = [{ url = "https://files.example/a.whl", hash = "sha256:HASH", size = 3 }]
""".replace("HASH", "ab" * 32)


@pytest.mark.parametrize(
    ("settings", "code"), [("", 40), ("[cooldown]\nhours = 12\n", 0), ("[cooldown]\nmode = 'off'\n", 0)]
)
def test_the_cooldown_of_the_settings_holds_for_what_is_locked(tmp_path: Path, settings: str, code: int) -> None:
    """An audit and an install of the same lockfile agree; a file that does not tell ages never had to."""
    machine = Machine(tmp_path, checks=(FakeCheck(), FreshRelease()))
    machine.settings(settings)
    (machine.project / "uv.lock").write_text(LOCKED)

    assert machine.main("audit") == code
    assert ("`young` 1.0 was uploaded 24 h ago, less than 72 h" in machine.screen) == (code == 40)
    assert "ageless" not in machine.screen


@pytest.mark.parametrize(("settings", "code"), [("", 0), ("[scripts]\nnpm = 'listed'\n", 40)])
def test_scripts_that_nobody_listed_are_found_in_a_lockfile(tmp_path: Path, settings: str, code: int) -> None:
    """Where a setting wants scripts listed, an audit says who is not."""
    machine = Machine(tmp_path, checks=(FakeCheck(), InstallScript()))
    machine.settings(settings)
    entry = {"version": "1.0.0", "resolved": "https://npm.example/a/-/a-1.0.0.tgz", "hasInstallScript": True}
    (machine.project / "package-lock.json").write_text(
        json.dumps({"lockfileVersion": 3, "packages": {"node_modules/a": entry}})
    )

    assert machine.main("audit") == code


def test_an_audit_asks_no_registry_unless_a_setting_requires_it(tmp_path: Path) -> None:
    """With an index on this machine nothing leaves it; three hundred questions to a registry would."""
    registry = FakeRegistry()
    machine = Machine(tmp_path, sources=(FakeSource(), Weighed(source=registry, supplement=True)))
    (machine.project / "requirements.txt").write_text("flask==3.0.0\n")

    assert machine.main("audit") == 0
    assert registry.asked == []

    machine.sources = (FakeSource(), Weighed(source=registry, supplement=False))
    machine.main("audit")
    assert registry.asked == ["pkg:pypi/flask@3.0.0"]


def test_pip_is_asked_only_where_metadata_does_not_tell_all(tmp_path: Path) -> None:
    """Starting pip takes as long as the whole audit: what older tools left is worth it, and whoever asks gets it."""
    machine = Machine(tmp_path, listed={"flask": "3.0.0", "old": "0.9"})
    place = machine.project / ".venv/lib/python3.11/site-packages"
    distribution(place, "flask", "3.0.0")
    assert machine.main("audit") == 0
    assert machine.compared == []

    assert machine.main("audit", "--cross-check") == 0
    assert "note: .venv: pip lists 2 distributions; it alone sees old" in machine.screen

    (place / "old.egg-info").write_text("Name: old\n")
    machine.compared.clear()
    machine.main("audit", "--format", "json")
    document = json.loads(machine.stdout.getvalue())
    assert machine.compared == [place]
    assert [one["purl"] for one in document["releases"]] == ["pkg:pypi/flask@3.0.0", "pkg:pypi/old@0.9"]


@pytest.mark.parametrize("form", ["sarif", "cyclonedx"])
def test_what_code_hosts_and_inventories_read_is_valid_for_an_audit(tmp_path: Path, form: str) -> None:
    """A finding in an installed package reaches them, and what is installed is all there."""
    machine = Machine(tmp_path, sources=(FakeSource(known={PIN: (advisory(),)}),))
    place = machine.project / ".venv/lib/python3.11/site-packages"
    distribution(place, "app", "1.0", head="Requires-Dist: evil\n", REQUESTED="")
    distribution(place, "evil", "6.6.6")

    assert machine.main("audit", "--format", form) == 40

    document = json.loads(machine.stdout.getvalue())
    if form == "sarif":
        jsonschema.Draft4Validator(json.loads(SARIF.read_text())).validate(document)
        assert [one["ruleId"] for one in document["runs"][0]["results"]] == ["advisory/malware"]
    else:
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(machine.stdout.getvalue()) is None
        assert {one["purl"] for one in document["components"]} == {"pkg:pypi/app@1.0", PIN}
        assert [one["affects"][0]["ref"] for one in document["vulnerabilities"]] == [PIN]
