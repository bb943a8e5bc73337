"""Settings: which layer wins, what may only tighten, what is locked, and what is not understood."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.config import Settings, load
from safeinstall.cooldown import Mode
from safeinstall.cooldowns import cooldown, scripts
from safeinstall.errors import Misconfigured
from safeinstall.model import Decision, EcosystemName, Severity
from safeinstall.places import places
from safeinstall.scripts import ScriptMode
from safeinstall.setting_rows import table
from safeinstall.settings import shown

CHECKS = ("advisory", "typosquat", "source-build", "unverified-source")


@dataclass(frozen=True)
class Files:
    """A machine with a system's, a user's and a project's settings."""

    root: Path

    def write(self, layer: str, text: str) -> Path:
        """Write the settings of *layer*: `system`, `user` or a path below the project's folder."""
        path = {"system": self.system, "user": self.root / "home/config/safeinstall.toml"}.get(
            layer, self.root / "project" / layer
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    @property
    def system(self) -> Path:
        """The system's file."""
        return self.root / "etc/safeinstall.toml"

    def load(
        self, env: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None, below: str = ""
    ) -> Settings:
        """Load the settings for a run in the project's folder, or *below* it."""
        cwd = self.root / "project" / below
        cwd.mkdir(parents=True, exist_ok=True)
        full = {"SAFEINSTALL_HOME": str(self.root / "home"), **(env or {})}
        return load(env=full, cwd=cwd, places=places(full), checks=CHECKS, flags=flags or {}, system_file=self.system)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Return a machine without any settings."""
    return Files(tmp_path)


def test_without_files_the_defaults_hold(files: Files) -> None:
    """Nobody has to write a file; every value knows that it is a default."""
    settings = files.load()

    assert settings.deadline == timedelta(seconds=6)
    assert settings.offline is False
    assert settings.osv_url is not None
    assert settings.changed == ()
    assert settings.notices == ()
    assert {value.origin for value in settings.values.values()} == {"default"}


def test_later_layers_win_and_say_so(files: Files) -> None:
    """The user's file over the system's, the environment over both; each value names who set it."""
    files.write("system", '[osv]\nurl = "https://one.example"\n')
    assert files.load().osv_url == "https://one.example"
    user = files.write("user", '[osv]\nurl = "https://two.example/"\n')
    assert files.load().osv_url == "https://two.example"
    assert files.load().values["osv.url"].origin == str(user)
    settings = files.load({"SAFEINSTALL_OSV_URL": "http://127.0.0.1:9"})
    assert settings.osv_url == "http://127.0.0.1:9"
    assert settings.changed == (('osv.url = "http://127.0.0.1:9"', "environment (SAFEINSTALL_OSV_URL)"),)


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("offline = true", "offline"),
        ("deadline = 100", "deadline"),
        ("[osv]\nenabled = false", "osv.enabled"),
        ('[osv]\nurl = "https://evil.example"', "osv.url"),
        ("[cache]\nhours = 700", "cache.hours"),
        ('[policy]\ntyposquat-strong = "note"', "policy.typosquat-strong"),
        ('[policy]\nvulnerability = { decision = "warn", from = "critical" }', "policy.vulnerability"),
        ('[gaps]\nadvisory = "warn"', "gaps.advisory"),
        ('[registries]\nprivate = ["https://pypi.example"]', "registries.private"),
        ('[ledger]\npath = "/dev/null"', "ledger.path"),
        ("[cooldown]\nhours = 1", "cooldown.hours"),
        ('[cooldown]\nmode = "off"', "cooldown.mode"),
        ('[cooldown]\nrules = ["*=0"]', "cooldown.rules"),
        ('[scripts]\nallowed = ["pkg:npm/x@1.0.0"]', "scripts.allowed"),
    ],
)
@pytest.mark.parametrize("name", ["safeinstall.toml", "pyproject.toml"])
def test_a_project_cannot_loosen(files: Files, setting: str, key: str, name: str) -> None:
    """A cloned repository does not decide how well its reader is protected; what it tried is said."""
    text = setting
    if name == "pyproject.toml":
        text = setting.replace("[", "[tool.safeinstall.", 1) if setting[0] == "[" else f"[tool.safeinstall]\n{setting}"
    path = files.write(name, text + "\n")
    settings = files.load()

    assert settings.values[key].origin == "default"
    assert len(settings.notices) == 1
    assert str(path) in settings.notices[0]
    assert key in settings.notices[0]


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("SAFEINSTALL_OFFLINE", "1", "offline"),
        ("SAFEINSTALL_OSV_ENABLED", "0", "osv.enabled"),
        ("SAFEINSTALL_POLICY_TYPOSQUAT_STRONG", "note", "policy.typosquat-strong"),
        ("SAFEINSTALL_GAPS_ADVISORY", "warn", "gaps.advisory"),
        ("SAFEINSTALL_CACHE_HOURS", "700", "cache.hours"),
        ("SAFEINSTALL_COOLDOWN_HOURS", "0", "cooldown.hours"),
    ],
)
def test_the_environment_cannot_loosen(files: Files, variable: str, value: str, key: str) -> None:
    """A variable in a CI file or an agent's shell is no consent; what it tried is said."""
    settings = files.load({variable: value})

    assert settings.values[key].origin == "default"
    assert len(settings.notices) == 1
    assert variable in settings.notices[0]


def test_a_project_and_the_environment_can_tighten(files: Files) -> None:
    """A stricter row, a shorter deadline, a further place to look into: each counts, whoever says it."""
    files.write("user", "offline = true\nrecords = ['mine']\n")
    files.write(
        "safeinstall.toml",
        'offline = false\nrecords = ["feeds"]\n[policy]\nyanked = "block"\nvulnerability = "block"\n'
        "[cache]\nhours = 1\n",
    )
    settings = files.load({"SAFEINSTALL_POLICY_SOURCE_BUILD": "warn", "SAFEINSTALL_RECORDS": "https://r.example/a, /b"})

    assert settings.notices == ()
    assert settings.offline is False
    assert settings.policy.rows["yanked"].decision is Decision.BLOCK
    assert settings.policy.rows["vulnerability"].decision is Decision.BLOCK
    assert settings.policy.rows["vulnerability"].minimum is Severity.HIGH
    assert settings.policy.rows["source-build"].decision is Decision.WARN
    assert settings.cache_age == timedelta(hours=1)
    mine, feeds = str(files.root / "home/config/mine"), str(files.root / "project/feeds")
    assert settings.records == (mine, feeds, "https://r.example/a", "/b")


def test_the_user_and_a_flag_can_loosen(files: Files) -> None:
    """The person at this machine decides about their own risk, unless the machine's owner locked it."""
    files.write("system", '[policy]\nyanked = "block"\n')
    files.write("user", '[policy]\nyanked = "note"\n[gaps]\nadvisory = "warn"\n')
    settings = files.load(flags={"offline": True})

    assert settings.policy.rows["yanked"].decision is Decision.NOTE
    assert settings.policy.gaps["advisory"].decision is Decision.WARN
    assert settings.offline is True
    assert settings.values["offline"].origin == "command line"


def test_what_the_system_locks_nobody_changes(files: Files) -> None:
    """A lock holds against the user's file and the environment, for a key or a whole table, and is said."""
    files.write("system", 'lock = ["osv", "policy.yanked"]\n')
    files.write("user", '[osv]\nurl = "https://two.example"\nenabled = false\n[policy]\nyanked = "note"\n')
    settings = files.load({"SAFEINSTALL_OSV_URL": "https://three.example"})

    assert settings.osv_url == "https://api.osv.dev"
    assert settings.policy.rows["yanked"].decision is Decision.WARN
    assert len(settings.notices) == 4
    assert all("locked by" in notice for notice in settings.notices)


def test_a_locked_setting_can_still_be_tightened(files: Files) -> None:
    """A lock protects; it does not keep anybody from more protection."""
    files.write("system", 'lock = ["policy"]\n')
    files.write("safeinstall.toml", '[policy]\nyanked = "block"\n')

    assert files.load().policy.rows["yanked"].decision is Decision.BLOCK


def test_a_flag_against_a_lock_is_an_error(files: Files) -> None:
    """Whoever types a flag wants to know that it does not count."""
    files.write("system", 'lock = ["offline"]\n')

    with pytest.raises(Misconfigured, match="locked by"):
        files.load(flags={"offline": True})


def test_a_project_locks_nothing(files: Files) -> None:
    """A repository could otherwise keep its reader from being stricter."""
    files.write("safeinstall.toml", 'lock = ["policy"]\n')
    settings = files.load()

    assert settings.locked == {}
    assert "may not lock" in settings.notices[0]


def test_the_nearest_project_counts(files: Files) -> None:
    """From the folder we stand in upward; a pyproject.toml without our table is walked past."""
    files.write("safeinstall.toml", "deadline = 5\n")
    files.write("inner/pyproject.toml", "[project]\nname = 'x'\n")
    assert files.load(below="inner/deep").deadline == timedelta(seconds=5)
    files.write("inner/pyproject.toml", "[tool.safeinstall]\ndeadline = 4\n")
    assert files.load(below="inner/deep").deadline == timedelta(seconds=4)
    files.write("inner/safeinstall.toml", "deadline = 3\n")
    assert files.load(below="inner/deep").deadline == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deadlin = 5", "did you mean `deadline`"),
        ("[osv]\nurll = 'x'", "did you mean `osv.url`"),
        ("deadline = 'soon'", "deadline"),
        ("deadline = true", "deadline"),
        ("deadline = -1", "deadline"),
        ("offline = 1", "offline"),
        ("records = 'a'", "records"),
        ("records = ['~nobody-at-all/x']", "records"),
        ("[osv]\nurl = 'ftp://x.example'", "osv.url"),
        ("[osv]\nurl = 'https://[x'", "osv.url"),
        ("[policy]\nyanked = 'blok'", "policy.yanked"),
        ("[policy]\nyanked = { decision = 'warn', form = 'high' }", "policy.yanked"),
        ("[policy]\nmalware = 'warn'", "malware always blocks"),
        ("[gaps]\nadvisory = 'note'", "gaps.advisory"),
        ("[gaps]\nosv = 'warn'", "gaps.osv"),
        ("[cooldown]\nhours = -1", "cooldown.hours"),
        ("[cooldown]\nmode = 'on'", "cooldown.mode"),
        ("[cooldown]\nrules = ['flask']", "cooldown.rules"),
        ("[cooldown]\nrules = ['flask=soon']", "cooldown.rules"),
        ("[cooldown]\nlonger = ['a b=3']", "cooldown.longer"),
        ("[scripts]\nnpm = 'ask'", "scripts.npm"),
        ("[scripts]\nallowed = ['pkg:npm/x']", "scripts.allowed"),
        ("[scripts]\nallowed = ['x@1.0.0']", "scripts.allowed"),
        ("lock = 'policy'", "lock"),
        ("lock = ['polcy']", "polcy"),
        ("override = 3", "override"),
        ("override = [3]", "expected a table"),
        ("osv = 3", "osv"),
        ("policy = []", "policy"),
        ("=", "line 1"),
    ],
)
@pytest.mark.parametrize("layer", ["system", "user", "safeinstall.toml"])
def test_what_is_not_understood_stops(files: Files, layer: str, text: str, said: str) -> None:
    """A misspelt or ill-typed setting protects nobody; the message names the file and what is wrong."""
    path = files.write(layer, text + "\n")

    with pytest.raises(Misconfigured) as error:
        files.load()
    assert str(path) in error.value.message
    assert said in f"{error.value.message} {error.value.hint}"


def test_a_broken_pyproject_of_ours_stops(files: Files) -> None:
    """One that mentions us and cannot be read may hold a stricter row; one that does not is none of our business."""
    files.write("pyproject.toml", "[tool.other\n")
    files.load()
    files.write("pyproject.toml", "[tool.safeinstall\n")

    with pytest.raises(Misconfigured, match=r"pyproject\.toml"):
        files.load()


def test_bytes_that_are_no_text_stop(files: Files) -> None:
    """TOML is UTF-8."""
    files.write("user", "").write_bytes(b"deadline = 5 # \xff")

    with pytest.raises(Misconfigured, match=r"safeinstall\.toml"):
        files.load()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SAFEINSTALL_DEADLINE", "soon"), ("SAFEINSTALL_OFFLINE", "maybe"), ("SAFEINSTALL_POLICY_YANKED", "stop")],
)
def test_an_environment_variable_that_is_not_understood_stops(files: Files, variable: str, value: str) -> None:
    """As a wrong line in a file does."""
    with pytest.raises(Misconfigured, match=variable):
        files.load({variable: value})


def test_a_misspelt_variable_is_said(files: Files) -> None:
    """A variable that does nothing looks like one that does; those that we give our children are none."""
    assert "did you mean `SAFEINSTALL_OFFLINE`" in files.load({"SAFEINSTALL_OFLINE": "0"}).notices[0]
    assert files.load({"SAFEINSTALL_REENTRY": "x", "SAFEINSTALL_HOOK": "x", "SAFEINSTALL_DEBUG": "1"}).notices == ()


OVERRIDE = '[[override]]\npurl = "pkg:pypi/Left_Padd@1.0"\ncheck = "typosquat"\nreason = "ours"\nby = "ann"\n'
MALWARE = OVERRIDE.replace("typosquat", "malware") + "until = 2027-03-01\n"


def test_overrides_of_all_files_count(files: Files) -> None:
    """Each knows the file that it stands in; its purl is normalised."""
    user = files.write("user", OVERRIDE + MALWARE)
    files.write("safeinstall.toml", OVERRIDE)
    settings = files.load()

    assert [one.check for one in settings.overrides] == ["typosquat", "malware", "typosquat"]
    assert {one.purl for one in settings.overrides} == {"pkg:pypi/left-padd@1.0"}
    assert settings.overrides[0].origin == str(user)
    assert settings.notices == ()


def test_a_project_cannot_let_malware_through(files: Files) -> None:
    """That is a decision of the person who installs, and of nobody who wrote the repository."""
    files.write("safeinstall.toml", MALWARE)
    settings = files.load()

    assert settings.overrides == ()
    assert "malware" in settings.notices[0]


def test_locked_overrides_do_not_count(files: Files) -> None:
    """The owner of a machine may keep all decisions; the system's own overrides still count."""
    system = files.write("system", 'lock = ["overrides"]\n' + OVERRIDE)
    files.write("user", OVERRIDE)
    files.write("safeinstall.toml", OVERRIDE)
    settings = files.load()

    assert [one.origin for one in settings.overrides] == [str(system)]
    assert len(settings.notices) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_overrides_in_a_strangers_file_do_not_count(files: Files) -> None:
    """Somebody who can write to a folder above ours must not decide for us; tightening is welcome from anybody."""
    path = files.write("safeinstall.toml", "deadline = 2\n" + OVERRIDE)
    os.chown(path, 12345, 12345)
    settings = files.load()

    assert settings.overrides == ()
    assert "another user" in settings.notices[0]
    assert settings.deadline == timedelta(seconds=2)


@pytest.mark.parametrize("value", ["relative/home", "~/home"])
def test_our_home_is_an_absolute_path(value: str) -> None:
    """A relative one would be another folder for each run."""
    with pytest.raises(Misconfigured, match="SAFEINSTALL_HOME"):
        places({"SAFEINSTALL_HOME": value})


def test_our_home_moves_everything(tmp_path: Path) -> None:
    """Settings, cache and ledger; the system's file stays where it is."""
    moved = places({"SAFEINSTALL_HOME": str(tmp_path)})

    assert all(path.is_relative_to(tmp_path) for path in (moved.user_file, moved.cache, moved.ledger))


@given(st.sampled_from(["block", "warn", "note"]), st.sampled_from(["block", "warn", "note"]))
def test_a_guest_never_weakens_a_row(old: str, new: str) -> None:
    """Whatever the user chose and the project wants, what holds is at least as strict as the user's choice."""
    strictness = {"note": 0, "warn": 1, "block": 2}
    setting = table(CHECKS)["policy.yanked"]
    assert setting.tightens is not None

    assert setting.tightens(setting.read(new), setting.read(old)) is (strictness[new] >= strictness[old])


def test_credentials_in_a_setting_are_not_shown() -> None:
    """Settings are printed by `status` and kept in the ledger."""
    assert shown("https://me:secret@osv.example/x?token=1") == '"https://osv.example/x"'
    assert shown(("https://me:secret@osv.example",)) == '["https://osv.example"]'


def test_the_documentation_names_every_setting() -> None:
    """A setting that is not documented is a trap, and so is a default that is another."""
    text = (Path(__file__).parents[2] / "docs/configuration.md").read_text()

    for key, setting in table(()).items():
        name = key.removeprefix("policy.")
        assert f"| `{name}` |" in text, key
        if not key.startswith("policy.") and setting.from_text is not None:
            assert f"`{setting.variable}`" in text, key


def test_a_project_can_ask_for_more_patience_and_fewer_scripts(files: Files) -> None:
    """Longer ages add up over the layers; a stricter mode counts, whoever says it."""
    files.write("user", '[cooldown]\nrules = ["@acme=0"]\nlonger = ["a=100"]\n')
    files.write(
        "safeinstall.toml",
        '[cooldown]\nhours = 100\nmode = "block"\nlonger = ["@acme=5"]\n[scripts]\nnpm = "block"\npypi = "listed"\n',
    )
    settings = files.load()

    assert settings.notices == ()
    told = cooldown(settings)
    assert (told.mode, told.age) == (Mode.BLOCK, timedelta(hours=100))
    assert told.minimum(EcosystemName.NPM, "@acme/x", None) == timedelta(hours=5)
    assert told.minimum(EcosystemName.NPM, "a", None) == timedelta(hours=100)
    assert (scripts(settings).npm, scripts(settings).pypi) == (ScriptMode.BLOCK, ScriptMode.LISTED)


def test_hours_on_the_command_line_are_for_everything_in_it(files: Files) -> None:
    """But for what the system locks; and they switch on what a setting switched off."""
    files.write("user", '[cooldown]\nmode = "off"\nrules = ["*=9"]\nlonger = ["*=9"]\n')
    everything = cooldown(files.load(flags={"cooldown.hours": 0.0}))
    files.write("system", 'lock = ["cooldown.longer"]\n[cooldown]\nlonger = ["*=8"]\n')
    locked = cooldown(files.load(flags={"cooldown.hours": 0.0}))

    assert (everything.mode, everything.minimum(EcosystemName.PYPI, "a", None)) == (Mode.WITHHOLD, timedelta(0))
    assert locked.minimum(EcosystemName.PYPI, "a", None) >= timedelta(hours=8)


def test_a_locked_cooldown_cannot_be_shortened_by_a_flag(files: Files) -> None:
    """It can be lengthened."""
    files.write("system", 'lock = ["cooldown"]\n')

    assert cooldown(files.load(flags={"cooldown.hours": 99.0})).age == timedelta(hours=99)
    with pytest.raises(Misconfigured, match="locked"):
        files.load(flags={"cooldown.hours": 1.0})
