"""The real tool behind the shims: found by what a file is, not by where it is said to be."""

import os
from pathlib import Path

import pytest

from safeinstall.errors import ToolMissing
from safeinstall.realtool import REENTRY, guarding, passing_on, real_tool


def executable(path: Path, text: str) -> Path:
    """Write an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def path_of(*folders: Path) -> dict[str, str]:
    """Return an environment whose PATH is *folders*."""
    return {"PATH": os.pathsep.join(map(str, folders))}


SHIM = "#!/bin/sh\n# safeinstall-shim: stands in front\nexec nothing\n"


def test_a_shim_is_known_wherever_it_was_copied_or_linked_to(tmp_path: Path) -> None:
    """A copy of our shim, a link to it and a link to its folder are no real tools."""
    executable(tmp_path / "copy" / "pip", SHIM)
    (tmp_path / "linked").symlink_to(tmp_path / "copy")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "pip").symlink_to(tmp_path / "copy" / "pip")
    real = executable(tmp_path / "bin" / "pip", "#!/bin/sh\n")
    env = path_of(tmp_path / "linked", tmp_path / "copy", tmp_path / "other", tmp_path / "bin")

    assert real_tool("pip", env, tmp_path) == real


def test_what_nobody_may_execute_is_no_tool(tmp_path: Path) -> None:
    """A file or a folder of that name on PATH is passed over; that there is nothing else is said."""
    (tmp_path / "pip").write_text("#!/bin/sh\n")
    (tmp_path / "folder" / "pip").mkdir(parents=True)

    with pytest.raises(ToolMissing, match="no `pip` on PATH"):
        real_tool("pip", path_of(tmp_path, tmp_path / "folder"), tmp_path)


def test_a_relative_entry_of_path_counts_from_where_the_user_is(tmp_path: Path) -> None:
    """`PATH=node_modules/.bin:...` means the user's folder, and the answer is absolute."""
    real = executable(tmp_path / "bin" / "npm", "#!/bin/sh\n")

    assert real_tool("npm", {"PATH": "bin"}, tmp_path) == real


def test_what_was_tried_is_not_tried_again_by_the_same_process(tmp_path: Path) -> None:
    """A version manager that leads back to us is passed over the second time; for another process it is not."""
    manager = executable(tmp_path / "manager" / "pip", "#!/bin/sh\n")
    real = executable(tmp_path / "bin" / "pip", "#!/bin/sh\n")
    env = path_of(manager.parent, real.parent)

    assert real_tool("pip", passing_on(manager, env), tmp_path) == real
    assert real_tool("pip", {**env, REENTRY: f"exec 1 {manager}"}, tmp_path) == manager
    assert real_tool("pip", guarding(manager, env), tmp_path) == manager
