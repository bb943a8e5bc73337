"""Whole commands with fakes on every seam: exit codes, who is asked, what is written down, what is passed on."""

import json
import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from safeinstall import __version__
from safeinstall.cli import COMMANDS, GUARDED, main
from safeinstall.errors import CannotResolve, NotUnderstood, SourceUnavailable, ToolMissing
from safeinstall.fields import items
from safeinstall.model import AdvisoryKind, Severity
from safeinstall.purl import parse
from safeinstall.runs import Access, AccessKind, Installed, Phase
from safeinstall.wiring import ecosystem
from safeinstall.words import family, may_install
from tests.fakes import NOW, FakeSession, FakeSource, advisory, plan, release
from tests.outsides import Machine, NameCheck

APP, EVIL = "pkg:pypi/app@1.0", "pkg:pypi/evil@6.6.6"
SET = plan(release(APP, asked="app"), release(EVIL), edges=[(None, APP, "app"), (APP, EVIL, "evil>=6")])


def machine(tmp_path: Path, *, bad: bool = False, typed: str | None = None, **session: object) -> Machine:
    """Return a machine on which `pip install app` would install `app` and `evil`."""
    known = {parse(EVIL): (advisory(),)} if bad else {}
    return Machine(
        tmp_path,
        session=FakeSession(planned=SET, **session),  # type: ignore[arg-type]  # fields of FakeSession
        sources=(FakeSource(known=known),),
        typed=typed,
    )


def allow(check: str = "malware", until: str | None = "2027-03-01") -> list[str]:
    """Return the flags that let `evil` through."""
    end = [] if until is None else ["--safeinstall-until", until]
    return ["--safeinstall-allow", f"{check}:{EVIL}", "--safeinstall-reason", "reviewed", *end]


def test_a_clean_set_is_installed(tmp_path: Path) -> None:
    """One line is said, the manager's own exit code counts, and the ledger knows the plan."""
    here = machine(tmp_path, outcome=Installed(exit_code=0))

    assert here.main("pip", "install", "app") == 0
    assert here.screen == "safeinstall: 2 releases judged, all clean (fake: now); installing\n"
    assert here.stdout.getvalue() == ""
    assert here.session.installed == [SET]
    (line,) = here.ledger
    assert line["allowed"] is True
    assert line["exit_code"] == 0
    assert [one["purl"] for one in items(line, "releases", dict)] == [APP, EVIL]


@pytest.mark.parametrize("code", [1, 2, 130])
def test_the_managers_own_exit_code_is_ours(tmp_path: Path, code: int) -> None:
    """A script behind us must see what it would have seen."""
    assert machine(tmp_path, outcome=Installed(exit_code=code)).main("pip", "install", "app") == code


def test_a_finding_blocks(tmp_path: Path) -> None:
    """Exit code 40, nothing installed, the way to it printed, the block in the ledger."""
    here = machine(tmp_path, bad=True)

    assert here.main("pip", "install", "app") == 40
    assert here.session.installed == []
    assert "--> pkg:pypi/evil@6.6.6, required by app 1.0, asked for on the command line" in here.screen
    assert here.screen.splitlines()[-1] == "blocked: 1 finding, 0 gaps in 2 releases. Nothing was installed."
    assert here.ledger[0]["allowed"] is False
    assert here.ledger[0]["exit_code"] == 40
    assert here.ledger[0]["installed"] is None


def test_a_silent_source_blocks(tmp_path: Path) -> None:
    """Exit code 41, one message for all releases, the source named."""
    here = machine(tmp_path)
    here.sources = (FakeSource(failure=SourceUnavailable("it did not answer within 8 s")),)

    assert here.main("pip", "install", "app") == 41
    assert here.session.installed == []
    assert here.screen.count("gap[advisory]") == 1
    assert "fake: it did not answer within 8 s" in here.screen


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (CannotResolve("pip could not resolve the set", output="ERROR: no matching\x1b[2J distribution"), 42),
        (NotUnderstood("`pip install --new-thing` is not understood yet"), 42),
        (ToolMissing("node is missing", hint="install node"), 43),
    ],
    ids=["cannot-resolve", "not-understood", "tool-missing"],
)
def test_what_cannot_go_on_says_so(tmp_path: Path, failure: Exception, code: int) -> None:
    """The exit code of the failure, the manager's own words, and that nothing was installed; the ledger knows."""
    here = machine(tmp_path, failure=failure)

    assert here.main("pip", "install", "app") == code
    assert here.screen.splitlines()[-1] == "fatal: nothing was checked. Nothing was installed."
    assert "\x1b" not in here.screen
    assert here.ledger[0]["exit_code"] == code


def test_a_crash_never_installs(tmp_path: Path) -> None:
    """A fault of ours is exit code 43 and a sentence, with the whole story only when it is asked for."""
    here = machine(tmp_path, failure=ZeroDivisionError("oops"))

    assert here.main("pip", "install", "app") == 43
    assert here.session.installed == []
    assert "ZeroDivisionError: oops" in here.screen
    assert "Traceback" not in here.screen
    assert "Nothing was installed" in here.screen.splitlines()[-1]
    here.env["SAFEINSTALL_DEBUG"] = "1"
    with pytest.raises(ZeroDivisionError):
        here.main("pip", "install", "app")


def test_ctrl_c_is_130(tmp_path: Path) -> None:
    """As a shell has it; nothing was installed."""
    here = machine(tmp_path)
    here.session.failure = KeyboardInterrupt()  # type: ignore[assignment]

    assert here.main("pip", "install", "app") == 130
    assert here.screen.splitlines()[-1] == "fatal: nothing was checked. Nothing was installed."


class Breaking(FakeSession):
    """A session that fails while it installs."""

    def install(self, plan: object) -> Installed:
        """See `Session.install`."""
        raise ToolMissing("`pip` vanished")


def test_a_failure_while_installing_does_not_claim_that_nothing_was_installed(tmp_path: Path) -> None:
    """The last line must not say what is not so."""
    here = Machine(tmp_path, session=Breaking(planned=SET))

    assert here.main("pip", "install", "app") == 43
    assert "was not verified" in here.screen.splitlines()[-1]


@pytest.mark.parametrize(
    "outcome",
    [
        Installed(exit_code=0, differences=("`evil` 6.6.7 is installed, 6.6.6 was judged",)),
        Installed(exit_code=1, blocked=("evil-6.6.6.whl has another hash than was judged",)),
    ],
    ids=["differs", "refused"],
)
def test_what_was_not_judged_is_not_success(tmp_path: Path, outcome: Installed) -> None:
    """Whatever the manager made of it: a refusal or a difference is 40, and is told and kept."""
    here = machine(tmp_path, outcome=outcome)

    assert here.main("pip", "install", "app") == 40
    assert "error[changed]" in here.screen
    assert here.ledger[0]["exit_code"] == 40


def test_what_installs_nothing_becomes_the_real_tool(tmp_path: Path) -> None:
    """No verdict, no ledger line, no cache folder, and our settings are not even read."""
    here = machine(tmp_path)
    here.settings("nonsense = 1\n")

    assert here.main("pip", "list", "--outdated") == 7
    assert here.became == [(str(tmp_path / "bin/pip"), "list", "--outdated")]
    assert here.screen == ""
    assert not (here.home / "cache").exists()


def test_our_shims_are_not_the_real_tool(tmp_path: Path) -> None:
    """However many of them stand first on PATH."""
    here = machine(tmp_path)
    shim = tmp_path / "shims/pip"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\n# safeinstall-shim: x\n")
    shim.chmod(0o755)
    here.env["PATH"] = f"{shim.parent}:/nowhere:{tmp_path / 'bin'}"
    here.main("pip", "list")

    assert here.became == [(str(tmp_path / "bin/pip"), "list")]


def test_no_real_tool_is_a_failure(tmp_path: Path) -> None:
    """There is nothing to guard."""
    here = machine(tmp_path)
    here.env["PATH"] = "/nowhere"

    assert here.main("pip", "install", "app") == 43
    assert "no `pip` on PATH" in here.screen


# --- our flags ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1, 2])
def test_our_flags_stand_anywhere(tmp_path: Path, place: int) -> None:
    """The manager never sees them."""
    here = machine(tmp_path, bad=True)
    words = ["install", "app"]
    words[place:place] = allow()

    assert here.main("pip", *words) == 0
    assert here.ecosystem.opened
    assert here.ledger[0]["command"] == ["pip", "install", "app"]


def test_what_stands_behind_two_dashes_is_the_managers(tmp_path: Path) -> None:
    """`npm exec -- x --safeinstall-offline` gives the flag to x."""
    here = machine(tmp_path)
    here.main("pip", "list", "--", "--safeinstall-offline")

    assert here.became == [(str(tmp_path / "bin/pip"), "list", "--", "--safeinstall-offline")]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--safeinstall-offlin"], "there is no flag"),
        (["--safeinstall-"], "there is no flag"),
        (["--safeinstall-offline=yes"], "takes no value"),
        (["--safeinstall-cooldown", "soon"], "takes a number of hours"),
        (["--safeinstall-cooldown=-1"], "expected a number from 0"),
        (["--safeinstall-cooldown=nan"], "expected a number from 0"),
        (["--safeinstall-allow"], "needs a value"),
        (["--safeinstall-allow", "--", "x"], "needs a value"),
        (["--safeinstall-reason", "x"], "belong to"),
        (["--safeinstall-allow", f"typosquat:{EVIL}"], "needs a reason"),
        (["--safeinstall-allow", EVIL, "--safeinstall-reason", "x"], "expected CHECK:PURL"),
        (["--safeinstall-allow", f"typo:{EVIL}", "--safeinstall-reason", "x"], "no check `typo`"),
        (["--safeinstall-allow", "typosquat:pkg:pypi/evil", "--safeinstall-reason", "x"], "exact version"),
        (["--safeinstall-allow", "typosquat:pkg:cargo/evil@1", "--safeinstall-reason", "x"], "no package URL"),
        (["--safeinstall-allow", f"malware:{EVIL}", "--safeinstall-reason", "x"], "end date"),
        (allow(until="2026-01-01"), "is over"),
        (allow(until="2028-01-01"), "more than a year"),
        (allow(until="soon"), "is no date"),
        (["--safeinstall-format", "json"], "stdout belongs"),
        (["--safeinstall-format", "xml"], "no format"),
        ([*allow(), "--safeinstall-reason", "another"], "given twice"),
    ],
)
def test_wrong_flags_are_44(tmp_path: Path, flags: list[str], said: str) -> None:
    """Nothing is resolved, nothing installed; the message says what is wrong."""
    here = machine(tmp_path)

    assert here.main("pip", "install", "app", *flags) == 44
    assert said in here.screen
    assert here.ecosystem.opened == []


def test_an_override_that_was_not_needed_is_said(tmp_path: Path) -> None:
    """A flag that somebody copied and that hits nothing should not be copied on."""
    here = machine(tmp_path)

    assert here.main("pip", "install", "app", *allow("typosquat")) == 0
    assert "was not needed" in here.screen


def test_locked_overrides_cannot_be_given(tmp_path: Path) -> None:
    """The owner of the machine keeps the decision."""
    here = machine(tmp_path, bad=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/safeinstall.toml").write_text('lock = ["overrides"]\n')

    assert here.main("pip", "install", "app", *allow()) == 44
    assert here.main("allow", EVIL, "--check", "typosquat", "--reason", "x") == 44


# --- decisions in files ---------------------------------------------------------------------------------------------


def test_an_allowed_release_is_installed_until_its_end(tmp_path: Path) -> None:
    """`safeinstall allow` writes it, the next run counts and keeps it, after its end it counts no more and is said."""
    here = machine(tmp_path, bad=True)
    words = ("allow", EVIL, "--check", "malware", "--reason", "a sample for our lab", "--until", "2027-03-01")

    assert here.main(*words) == 0
    assert here.main("pip", "install", "app") == 0
    assert "override[advisory]" in here.screen
    assert items(here.ledger[-1], "overrides", dict)[0]["reason"] == "a sample for our lab"
    assert here.main("pip", "install", "app", now=NOW + timedelta(days=200)) == 40
    assert "ended on 2027-03-01" in here.screen


def test_an_override_is_for_one_version_and_one_check(tmp_path: Path) -> None:
    """Neither the next version nor another claim is covered."""
    here = machine(tmp_path, bad=True)
    here.main("allow", "pkg:pypi/evil@6.6.7", "--check", "malware", "--reason", "x", "--until", "2027-03-01")
    here.main("allow", EVIL, "--check", "typosquat", "--reason", "x")
    here.main("allow", EVIL, "--check", "advisory", "--reason", "x")

    assert here.main("pip", "install", "app") == 40


@pytest.mark.parametrize(
    "words",
    [
        [EVIL, "--check", "malware", "--reason", "x"],
        [EVIL, "--check", "typosquat"],
        [EVIL, "--check", "typosquat", "--reason", " "],
        [EVIL, "--check", "nonsense", "--reason", "x"],
        ["pkg:pypi/evil", "--check", "typosquat", "--reason", "x"],
        ["evil==6.6.6", "--check", "typosquat", "--reason", "x"],
        [EVIL, "--check", "typosquat", "--reason", "x", "--until", "2026-11-22"],
        [EVIL, "--check", "typosquat", "--reason", "x", "--until", "2028-11-22"],
        [EVIL, "--check", "malware", "--reason", "x", "--until", "2027-03-01", "--project"],
        [EVIL, "--chek", "typosquat", "--reason", "x"],
        [],
    ],
)
def test_allow_refuses_what_says_too_little(tmp_path: Path, words: list[str]) -> None:
    """Nothing is written then."""
    here = machine(tmp_path)

    assert here.main("allow", *words) == 44
    assert not (here.home / "config").exists()
    assert not (here.project / "safeinstall.toml").exists()


def test_allow_keeps_what_stands_in_the_file(tmp_path: Path) -> None:
    """Comments, order and mode stay; a link stays a link."""
    here = machine(tmp_path)
    target = tmp_path / "dotfiles.toml"
    target.write_text("# mine\ndeadline = 5 # quick\n\n[osv]\nenabled = true\n")
    target.chmod(0o600)
    (here.home / "config").mkdir(parents=True)
    (here.home / "config/safeinstall.toml").symlink_to(target)
    for _ in range(2):
        assert here.main("allow", EVIL, "--check", "typosquat", "--reason", 'it is "ours"') == 0

    text = target.read_text()
    assert text.startswith("# mine\ndeadline = 5 # quick\n\n[osv]\nenabled = true\n")
    assert text.count("[[override]]") == 2
    assert target.stat().st_mode & 0o777 == 0o600
    assert (here.home / "config/safeinstall.toml").is_symlink()
    assert here.main("status") == 0
    assert here.stdout.getvalue().count("for `typosquat` for ever") == 2


@pytest.mark.parametrize("existing", ["", "[project]\nname = 'x'\n\n[tool.safeinstall]\ndeadline = 5\n"])
def test_allow_for_a_project_writes_where_its_settings_are(tmp_path: Path, existing: str) -> None:
    """safeinstall.toml, or our table in a pyproject.toml that has one; and it counts."""
    here = machine(tmp_path)
    here.checks = (NameCheck({"evil": "devil"}),)
    here.sources = ()
    if existing:
        (here.project / "pyproject.toml").write_text(existing)
    assert here.main("pip", "install", "app") == 40
    assert here.main("allow", EVIL, "--check", "typosquat", "--reason", "ours", "--project") == 0

    assert (here.project / "safeinstall.toml").exists() is not bool(existing)
    assert here.main("pip", "install", "app") == 0


# --- a person at a terminal -----------------------------------------------------------------------------------------


def squat(tmp_path: Path, typed: str | None, **env: str) -> Machine:
    """Return a machine on which `evil` is a typosquat."""
    here = machine(tmp_path, typed=typed)
    here.checks = (NameCheck({"evil": "devil"}),)
    here.env.update(env)
    return here


def test_a_person_can_let_it_through_once(tmp_path: Path) -> None:
    """They type its name and a reason; it is in the ledger, and the next run asks again."""
    here = squat(tmp_path, "evil\nwe wrote it\n")

    assert here.main("pip", "install", "app") == 0
    assert here.session.installed == [SET]
    (given,) = items(here.ledger[0], "overrides", dict)
    assert (given["reason"], given["origin"], given["until"]) == ("we wrote it", "prompt", None)
    here.typed = ""
    assert here.main("pip", "install", "app") == 40


@pytest.mark.parametrize("typed", ["", "\n", "y\n", "yes\nplease\n", "evi\nx\n", "evil\n", "evil\n\n", "evil app\nx\n"])
def test_everything_else_is_no(tmp_path: Path, typed: str) -> None:
    """A habit of pressing Enter or `y` is no decision, and there is none without a reason."""
    here = squat(tmp_path, typed)

    assert here.main("pip", "install", "app") == 40
    assert here.session.installed == []
    assert here.screen.endswith("nothing was installed\n")


@pytest.mark.parametrize(
    ("env", "flags"),
    [
        ({"CI": "true"}, []),
        ({"SAFEINSTALL_PROMPT": "0"}, []),
        ({}, ["--safeinstall-no-prompt"]),
    ],
    ids=["ci", "environment", "flag"],
)
def test_where_nobody_may_be_asked_nobody_is(tmp_path: Path, env: dict[str, str], flags: list[str]) -> None:
    """A terminal that a machine lends is no person."""
    here = squat(tmp_path, "evil\nwe wrote it\n", **env)

    assert here.main("pip", "install", "app", *flags) == 40
    assert "type its name" not in here.screen


def test_without_a_terminal_nobody_is_asked(tmp_path: Path) -> None:
    """A pipe is not consent, whatever comes through it."""
    here = squat(tmp_path, None, SAFEINSTALL_YES="1", SAFEINSTALL_PROMPT="1")

    assert here.main("pip", "install", "app") == 40


def test_malware_is_not_let_through_at_the_prompt(tmp_path: Path) -> None:
    """That takes an end date, which nobody types in a hurry; how is said."""
    here = machine(tmp_path, bad=True, typed="evil\nI know\n")

    assert here.main("pip", "install", "app") == 40
    assert "safeinstall allow pkg:pypi/evil@6.6.6 --check malware" in here.screen


# --- plan -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [False, True])
def test_a_plan_has_the_same_verdict_and_installs_nothing(tmp_path: Path, bad: bool) -> None:
    """Same exit codes, the set on stdout, what is said on stderr."""
    here = machine(tmp_path, bad=bad)

    assert here.main("plan", "pip", "install", "app") == (40 if bad else 0)
    assert here.session.installed == []
    assert here.stdout.getvalue().splitlines()[0] == f"{APP}, asked for on the command line (wheel)"
    assert "othing was installed" in here.screen
    assert here.ledger[0]["mode"] == "plan"


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--format", "json", "pip", "install", "app"),
        ("plan", "--format=json", "pip", "install", "app"),
        ("plan", "pip", "install", "app", "--format", "json"),
        ("plan", "pip", "install", "app", "--safeinstall-format=json"),
    ],
)
def test_json_is_all_that_stands_on_stdout(tmp_path: Path, words: tuple[str, ...]) -> None:
    """And nothing is on stderr that is in it."""
    here = machine(tmp_path, bad=True)

    assert here.main(*words) == 40
    document = json.loads(here.stdout.getvalue())
    assert document["exit_code"] == 40
    assert document["allowed"] is False
    assert here.screen == ""


def test_what_installs_nothing_has_no_plan(tmp_path: Path) -> None:
    """And the real tool is not run for it."""
    here = machine(tmp_path)

    assert here.main("plan", "pip", "list") == 0
    assert here.became == []


@pytest.mark.parametrize("words", [(), ("cargo", "add", "x"), ("--format",), ("--nonsense", "pip", "install", "x")])
def test_a_plan_needs_a_command(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Exit code 44."""
    here = machine(tmp_path)

    assert here.main("plan", *words) == 44


# --- the rest -------------------------------------------------------------------------------------------------------


def test_version_and_help(tmp_path: Path) -> None:
    """On stdout, exit code 0; without a command the help is shown."""
    here = machine(tmp_path)

    assert here.main("--version") == 0
    assert here.stdout.getvalue() == f"safeinstall {__version__}\n"
    for words in ((), ("--help",), ("help",)):
        assert here.main(*words) == 0
        assert here.stdout.getvalue().startswith("usage: safeinstall")


def test_an_unknown_command_is_44(tmp_path: Path) -> None:
    """With a hint where to look."""
    here = machine(tmp_path)

    assert here.main("instal", "x") == 44
    assert "--help" in here.screen


def test_status_tells_settings_with_their_origins(tmp_path: Path) -> None:
    """Files, values that are not default, what was left out, sources, overrides."""
    here = machine(tmp_path)
    path = here.settings('deadline = 5\n[osv]\nurl = "https://me:secret@osv.example"\n')
    here.settings("offline = true\n", project=True)

    assert here.main("status") == 0
    said = here.stdout.getvalue()
    assert f"deadline = 5.0  ({path})" in said
    assert "offline = true` is left out" in said
    assert "secret" not in said


def test_log_tells_the_last_runs(tmp_path: Path) -> None:
    """Oldest first, at most as many as asked for; foreign text is harmless."""
    here = machine(tmp_path)
    assert here.main("log") == 0
    assert "no guarded command" in here.screen
    here.main("pip", "install", "app\x1b[2J")
    here.sources = (FakeSource(known={parse(EVIL): (advisory(),)}),)
    here.main("pip", "install", "app")
    assert here.main("log") == 0
    first, second = here.stdout.getvalue().splitlines()
    assert "installed (2 releases, exit 0)" in first
    assert "\x1b" not in first
    assert "blocked (2 releases, exit 40)" in second
    assert here.main("log", "--last", "1", "--format", "json") == 0
    assert json.loads(here.stdout.getvalue())["exit_code"] == 40
    assert here.main("log", "--last", "0") == 44


def test_a_ledger_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """The verdict stands without its record: a block still blocks, and work goes on."""
    here = machine(tmp_path)
    here.settings(f'[ledger]\npath = "{tmp_path}/bin/pip/no/ledger"\n')

    assert here.main("pip", "install", "app") == 0
    assert "could not be written" in here.screen
    here.sources = (FakeSource(known={parse(EVIL): (advisory(),)}),)
    assert here.main("pip", "install", "app") == 40


def test_what_a_project_tried_is_said(tmp_path: Path) -> None:
    """Before anything is judged."""
    here = machine(tmp_path)
    here.settings('[policy]\ntyposquat-strong = "note"\n', project=True)

    assert here.main("pip", "install", "app") == 0
    assert here.screen.startswith("warning: FOLDER/project/safeinstall.toml: `policy.typosquat-strong")


def test_a_broken_settings_file_stops(tmp_path: Path) -> None:
    """Exit code 44: half a policy is none."""
    here = machine(tmp_path)
    here.settings("[policy\n")

    assert here.main("pip", "install", "app") == 44
    assert here.ecosystem.opened == []


def test_vulnerabilities_warn_and_do_not_block(tmp_path: Path) -> None:
    """The default policy: malware is blocked, CVEs are told; a row changes it."""
    here = machine(tmp_path)
    known = advisory("CVE-2026-1", kind=AdvisoryKind.VULNERABILITY, severity=Severity.HIGH, summary="reads too much")
    here.sources = (FakeSource(known={parse(EVIL): (known,)}),)

    assert here.main("pip", "install", "app") == 0
    assert "warning[advisory]" in here.screen
    assert "1 warning" in here.screen
    here.settings('[policy]\nvulnerability = "block"\n')
    assert here.main("pip", "install", "app") == 40


def test_a_gap_can_be_made_a_warning_by_the_user(tmp_path: Path) -> None:
    """Per check; it stays on the screen."""
    here = machine(tmp_path)
    here.sources = (FakeSource(failure=SourceUnavailable("down")),)
    here.settings('[gaps]\nadvisory = "warn"\n')

    assert here.main("pip", "install", "app") == 0
    assert "warning[advisory]: 2 releases could not be judged" in here.screen


def test_the_ledger_counts_what_the_gateway_served(tmp_path: Path) -> None:
    """By phase and kind; a refused artifact is none that was served."""
    log = (
        Access(phase=Phase.PLAN, kind=AccessKind.METADATA, url="https://x.example/a", status=200, sent=10),
        Access(phase=Phase.PLAN, kind=AccessKind.ARTIFACT, url="https://x.example/a", status=403, sent=99),
        Access(phase=Phase.INSTALL, kind=AccessKind.ARTIFACT, url="https://x.example/a", status=200, sent=500),
    )
    here = machine(tmp_path, log=log)
    here.main("pip", "install", "app")
    served = here.ledger[0]["gateway"]

    assert served["plan"]["artifact"] == {"requests": 0, "bytes": 0}  # type: ignore[index]
    assert served["plan"]["metadata"] == {"requests": 1, "bytes": 10}  # type: ignore[index]
    assert served["install"]["artifact"] == {"requests": 1, "bytes": 500}  # type: ignore[index]


def test_every_guarded_tool_has_an_ecosystem() -> None:
    """What the command line takes for a guarded tool is what the ecosystems say."""
    from safeinstall.ecosystems import ECOSYSTEMS  # noqa: PLC0415 - the only test that needs the real ones

    assert sorted(GUARDED) == sorted(tool for ecosystem in ECOSYSTEMS for tool in ecosystem.tools)


@pytest.mark.parametrize("tool", ["pip3.11", "pip2", "npx"])
def test_tools_are_known_by_every_name_they_go_by(tool: str) -> None:
    """A versioned pip is a pip; npx speaks npm's grammar with a command of its own."""
    assert family(tool) is not None
    assert ecosystem(tool).name.value == ("npm" if tool == "npx" else "pypi")
    assert may_install(tool, ["install", "x"])


@pytest.mark.parametrize("tool", ["pipx", "pip-audit", "pip3.11-config", "npm-check", ""])
def test_tools_of_other_names_are_none_of_ours(tool: str) -> None:
    """What only begins like a tool of ours is a command of nobody."""
    assert family(tool) is None


def test_help_names_every_command_and_flag() -> None:
    """What is not in the help does not exist for a user."""
    source = Path(sys.modules[main.__module__].__file__ or "").read_text()
    commands = re.findall(r'command (?:==|in) \(?((?:"[a-z]+"(?:, )?)+)', source)
    words = {word for found in commands for word in re.findall(r'"([a-z]+)"', found)} - {"version", "help"} | COMMANDS

    assert words >= {"plan", "allow", "status", "log", "setup"}
    assert all(f"safeinstall {word}" in source for word in words)
