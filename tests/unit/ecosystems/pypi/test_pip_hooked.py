"""How a hooked pip is started, and what is kept of what it says."""

import json
from pathlib import Path

import pytest

from safeinstall.contracts import Finished
from safeinstall.ecosystems.pypi.hooked import Hooked, Planned, checked
from safeinstall.errors import CannotResolve
from safeinstall.tools import Interpreter
from tests.fakes import FakeRunner, world

BASE = "http://127.0.0.1:4711/s3cret"


def hooked(folder: Path, runner: FakeRunner, env: dict[str, str] | None = None) -> Hooked:
    """Return a pip of `/env` that is hooked to `BASE`."""
    return Hooked(
        interpreter=Interpreter(command=("/env/bin/python", "-I")),
        elsewhere=None,
        called=Path("/env/bin/pip"),
        base=BASE,
        folder=folder,
        world=world(folder, runner=runner, env=env),
    )


def test_the_secret_is_in_a_file_of_the_users_own_and_in_no_variable(tmp_path: Path) -> None:
    """Other users of the machine read neither; what the user's proxies were is kept to be put back."""
    runner = FakeRunner({"runner.py": Finished(exit_code=0)})

    hooked(tmp_path, runner, {"HTTPS_PROXY": "http://proxy.corp.example"}).install(
        ["install", "x"], frozen=[], planned=[]
    )

    ((argv, _, env),) = runner.ran
    settings = Path(env["SAFEINSTALL_HOOK"])
    document = json.loads(settings.read_text())
    assert argv[:2] == ("/env/bin/python", "-I")
    assert argv[3:] == ("install", "x")
    assert settings.stat().st_mode & 0o077 == 0
    assert not [name for name, value in env.items() if "s3cret" in value]
    assert document["gateway"] == {"host": "127.0.0.1", "port": 4711, "secret": "s3cret"}
    assert document["restore"]["HTTPS_PROXY"] == "http://proxy.corp.example"
    assert document["restore"]["NO_PROXY"] is None


def test_before_the_hook_runs_every_proxy_leads_to_the_gateway(tmp_path: Path) -> None:
    """Whatever starts up before it is refused there, and no exception of the user's lets it past."""
    runner = FakeRunner({"runner.py": Finished(exit_code=0)})

    hooked(tmp_path, runner, {"NO_PROXY": "*", "https_proxy": "http://mine.example"}).install([], frozen=[], planned=[])

    ((_, _, env),) = runner.ran
    assert {env[name] for name in ("HTTP_PROXY", "https_proxy", "ALL_PROXY", "PIP_PROXY")} == {"http://127.0.0.1:4711"}
    assert env["NO_PROXY"] == env["no_proxy"] == ""


def test_words_of_a_failed_plan_name_no_address_of_ours(tmp_path: Path) -> None:
    """The user reads pip's own story, harmless and about their own index."""
    said = (
        "ERROR: HTTPConnectionPool(host='127.0.0.1', port=4711): Max retries exceeded with url: "
        "/s3cret/eyJ2/https://pypi.example/simple/x/ \x1b[31m(too many 502)\n"
        f"see {BASE}/-/https://pypi.example/simple/y/\n"
    )
    runner = FakeRunner({"runner.py": Finished(exit_code=1, stderr=said)})

    planned = hooked(tmp_path, runner).plan(["install", "x"], trim=True)

    assert "s3cret" not in planned.output
    assert "127.0.0.1" not in planned.output
    assert "\x1b" not in planned.output
    assert "Max retries exceeded with url: https://pypi.example/simple/x/" in planned.output
    with pytest.raises(CannotResolve, match="Max retries"):
        checked(planned)


def test_success_without_a_report_is_no_plan() -> None:
    """An empty plan must be pip's word, not our guess."""
    with pytest.raises(CannotResolve, match="no report"):
        checked(Planned(exit_code=0, report={}, facts={}, output=""))
