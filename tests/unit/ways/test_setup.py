"""Setup is all or nothing: what could not be finished leaves no shim, no block and no folder behind."""

from pathlib import Path

import pytest

from safeinstall.contracts import Finished
from tests.fakes import FakeRunner
from tests.outsides import Machine

DONE = Finished(exit_code=0, stdout="", stderr="")
UNWRITABLE = Path("/proc/safeinstall-test")
"""A place in which nobody can make a file, not even root."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine of a bash user whose interpreter finds us."""
    made = Machine(tmp_path, runner=FakeRunner({"import safeinstall.cli": DONE}))
    home = tmp_path / "user"
    home.mkdir()
    made.env = {"HOME": str(home), "SHELL": "/bin/bash"}
    return made


def user_files(machine: Machine) -> dict[str, bytes]:
    """Return every file and folder of the user's home and of ours."""
    roots = (Path(machine.env["HOME"]), machine.home)
    return {
        str(path): path.read_bytes() if path.is_file() else b""
        for root in roots
        for path in sorted(root.rglob("*"))
        if not path.is_symlink()
    }


@pytest.mark.parametrize("name", [".bashrc", ".profile"])
def test_a_start_up_file_that_cannot_be_written_leaves_no_shims(name: str, machine: Machine) -> None:
    """Whichever of the files it is; and the message names that file, not one of ours beside it."""
    home = Path(machine.env["HOME"])
    other = ".profile" if name == ".bashrc" else ".bashrc"
    (home / other).write_text("export MINE=1")
    (home / name).symlink_to(UNWRITABLE)
    before = user_files(machine)

    assert machine.main("setup") == 44
    assert machine.screen.startswith(f"error: FOLDER/user/{name}: ")
    assert "--print --dir DIR" in machine.screen
    assert user_files(machine) == before


def test_a_setup_that_was_there_before_stays(machine: Machine) -> None:
    """A second setup that fails takes nothing away from the first."""
    assert machine.main("setup") == 0
    Path(machine.env["HOME"], ".bashrc").unlink()
    before = user_files(machine)
    Path(machine.env["HOME"], ".bashrc").symlink_to(UNWRITABLE)

    assert machine.main("setup") == 44
    assert user_files(machine) == before


def test_a_damaged_block_is_seen_before_anything_is_written(machine: Machine) -> None:
    """Who has to mend a file by hand has to mend only that."""
    Path(machine.env["HOME"], ".bashrc").write_text("# >>> safeinstall >>> {}\nno end\n")
    before = user_files(machine)

    assert machine.main("setup") == 44
    assert user_files(machine) == before


def test_shims_that_cannot_all_be_written_are_none(machine: Machine, tmp_path: Path) -> None:
    """A folder with half of the names would guard half of the commands."""
    folder = tmp_path / "shims"
    folder.mkdir()
    (folder / "npx").symlink_to(UNWRITABLE)

    assert machine.main("setup", "--print", "--dir", str(folder)) == 44
    assert [path.name for path in folder.iterdir()] == ["npx"]


def test_print_with_a_folder_needs_no_home(machine: Machine, tmp_path: Path) -> None:
    """As the hint says: it writes below that folder only, and so does the teardown of it."""
    machine.env = {"SHELL": "/bin/bash"}
    folder = tmp_path / "deep" / "shims"

    assert machine.main("setup") == 44
    assert "`safeinstall setup --print --dir DIR` needs none" in machine.screen
    assert machine.main("setup", "--print", "--dir", str(folder)) == 0
    assert str(folder) in machine.stdout.getvalue()
    assert not machine.home.exists()
    assert machine.main("teardown", "--dir", str(folder)) == 0
    assert not folder.exists()
