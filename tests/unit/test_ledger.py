"""The ledger: whole lines or none, whatever crashed, and readable when it matters."""

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from safeinstall.commandline import shown
from safeinstall.errors import CannotResolve
from safeinstall.ledger import append, digest, entry, failure, read
from tests.fakes import intent, plan, release
from tests.unit.formats.test_json_v1 import EVIL, full


def line(number: int) -> dict[str, object]:
    """Return a line of the ledger."""
    return {"ledger": 2, "mark": number, "padding": "x" * 2000}


def write_some(path: Path, start: int) -> None:
    """Append 25 lines."""
    for number in range(start, start + 25):
        append(path, line(number))


def test_a_line_is_private_and_whole(tmp_path: Path) -> None:
    """The file is the user's alone; each run is one line."""
    path = tmp_path / "data/ledger.jsonl"
    append(path, line(1))
    append(path, line(2))

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [one["mark"] for one in read(path)] == [1, 2]


@pytest.mark.parametrize("torn", [b'{"ledger":1,"num', b"\x00\x00\x00", b'{"ledger":1}', "é".encode()[:1]])
def test_a_half_written_line_spoils_no_other(tmp_path: Path, torn: bytes) -> None:
    """A writer that was killed leaves a torn end: it is ended, and never trusted."""
    path = tmp_path / "ledger.jsonl"
    append(path, line(1))
    with path.open("ab") as file:
        file.write(torn)
    assert [one["mark"] for one in read(path)] == [1]
    append(path, line(2))

    assert [one["mark"] for one in read(path) if "mark" in one] == [1, 2]
    assert path.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("foreign", [b"[]\n", b"nonsense\n", b"\n", b'{"ledger":3}\n', b"[" * 100_000 + b"\n"])
def test_what_is_no_line_of_ours_is_left_out(tmp_path: Path, foreign: bytes) -> None:
    """Reading never fails because of one line."""
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(foreign)
    append(path, line(1))

    assert [one["mark"] for one in read(path)] == [1]


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Four processes, 100 lines, each whole."""
    path = tmp_path / "ledger.jsonl"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=write_some, args=(path, start)) for start in range(0, 100, 25)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(one["mark"] for one in read(path)) == list(range(100))  # type: ignore[type-var]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Somebody who can put a link there must not choose what we append to."""
    victim = tmp_path / "victim"
    victim.write_text("mine\n")
    (tmp_path / "ledger.jsonl").symlink_to(victim)

    with pytest.raises(OSError, match="symbolic link"):
        append(tmp_path / "ledger.jsonl", line(1))
    assert victim.read_text() == "mine\n"


def test_the_line_of_a_run_tells_what_matters_later(tmp_path: Path) -> None:
    """Found out on Wednesday, installed on Monday: releases with hashes, decisions with reasons, and no secret."""
    made = json.loads(json.dumps(entry(full(), exit_code=40, planning=False)))

    assert {"purl", "digests", "url", "kept", "kind", "registry", "asked"} == set(made["releases"][0])
    assert made["environment"]["path"] == "/srv/venv"
    assert (made["withheld"], made["let_through"]) == ([], [])
    assert made["edges"] == [[None, 0, "app"], [0, 1, "evil @ https://x.example/e.zip"]]
    assert made["releases"][1]["purl"] == EVIL
    assert made["overrides"][0]["reason"] == "lab"
    assert made["command"] == ["pip", "install", "app", "--index-url", "https://pypi.example/simple"]
    assert made["mode"] == "install"
    assert "secret" not in json.dumps(made)


def test_a_run_that_failed_has_a_line_too() -> None:
    """It is no run that was allowed."""
    made = failure(intent("app"), CannotResolve("no\nway"), started="2026-11-23T12:00:00Z", planning=True)

    assert (made["failed"], made["allowed"], made["exit_code"], made["mode"]) == ("no way", False, 42, "plan")


def test_a_plan_is_known_by_its_digest() -> None:
    """The same set in another order is the same plan; another hash is another."""
    one, other = release("pkg:pypi/a@1"), release("pkg:pypi/b@1")
    changed = replace(other, artifact=replace(other.artifact, digests=()))

    assert digest(plan(one, other)) == digest(plan(other, one))
    assert digest(plan(one, other)) != digest(plan(one, changed))


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("--token", "abc", "x"), ("--token", "<hidden>", "x")),
        (("--//registry.example/:_authToken=abc",), ("--//registry.example/:_authToken=<hidden>",)),
        (("--_auth=abc",), ("--_auth=<hidden>",)),
        (("--otp=123456", "--otp", "123456"), ("--otp=<hidden>", "--otp", "<hidden>")),
        (("-i", "https://me:pw@pypi.example/simple?x=1"), ("-i", "https://pypi.example/simple")),
        (("--proxy=http://me:pw@proxy.example:8080",), ("--proxy=http://proxy.example:8080",)),
        (("--proxy", "me:pw@proxy.example:8080"), ("--proxy", "<hidden>@proxy.example:8080")),
        (("--prox=me:pw@proxy.example",), ("--prox=<hidden>@proxy.example",)),
        (("npm:bar@1.0", "x@npm:bar@1.0"), ("npm:bar@1.0", "x@npm:bar@1.0")),
        (("x @ git+https://tok@git.example/x.git@abc",), ("x @ git+https://git.example/x.git@abc",)),
        (("a\x1b[2J\nb",), ("a[2J b",)),
        (("--password", "--force"), ("--password", "--force")),
    ],
)
def test_secrets_in_a_command_line_are_hidden(argv: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """By the option's name, and in every URL."""
    assert shown(argv) == expected


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    """The command says so and goes on."""
    (tmp_path / "x").write_text("a file, which keeps root out, too")

    with pytest.raises(OSError, match="x"):
        append(tmp_path / "x/ledger.jsonl", line(1))
