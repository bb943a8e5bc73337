"""The marked block: put in, replaced, taken out; the file is then byte for byte what it was."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.errors import Misconfigured
from safeinstall.ways import block
from safeinstall.ways.shells import Shell
from safeinstall.ways.shells import block as text_for

SHIMS = Path("/it's here/shims")
TEXT = text_for(Shell.BASH, SHIMS, ("pip", "npm"))

CONTENTS = [
    pytest.param(b"", id="empty"),
    pytest.param(b"export A=1\n", id="newline"),
    pytest.param(b"export A=1", id="no-newline"),
    pytest.param(b"export A=1\r\nexport B=2\r\n", id="crlf"),
    pytest.param(b"export A=1\r\nexport B=2", id="crlf-no-newline"),
    pytest.param(b"\n\n\n", id="blank-lines"),
    pytest.param(b"caf\xe9 \xff\x00", id="no-utf-8"),
]


@pytest.mark.parametrize("content", CONTENTS)
def test_setup_setup_teardown_leaves_the_file_as_it_was(content: bytes, tmp_path: Path) -> None:
    """Also without a newline at the end, with CRLF, and in no encoding at all."""
    path = tmp_path / ".bashrc"
    path.write_bytes(content)
    path.chmod(0o640)

    assert block.put(path, TEXT, shims=SHIMS)
    once = path.read_bytes()
    assert not block.put(path, TEXT, shims=SHIMS)
    assert path.read_bytes() == once
    assert once.startswith(content)
    assert path.stat().st_mode & 0o777 == 0o640
    assert block.take(path)
    assert path.read_bytes() == content
    assert not block.take(path)


@given(st.binary(max_size=200))
def test_any_bytes_come_back(content: bytes) -> None:
    """Whatever a file holds, it holds it again afterwards."""
    if block.BEGIN in content:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rc"
        path.write_bytes(content)
        block.put(path, TEXT)
        block.put(path, TEXT + "true\n")
        block.take(path)

        assert path.read_bytes() == content


def test_a_file_that_was_not_there_is_gone_with_its_folders(tmp_path: Path) -> None:
    """What was made for the block goes with it, and nothing else."""
    path = tmp_path / "config" / "fish" / "config.fish"
    block.put(path, TEXT)
    assert path.exists()
    block.take(path)

    assert list(tmp_path.iterdir()) == []


def test_what_somebody_added_later_stays(tmp_path: Path) -> None:
    """Lines after the block are the user's own, and so is a file that was made for us and then used."""
    path = tmp_path / ".zshenv"
    block.put(path, TEXT)
    path.write_bytes(path.read_bytes() + b"alias ll='ls -l'\n")
    block.take(path)
    assert path.read_bytes() == b"alias ll='ls -l'\n"

    path.write_bytes(b"one")
    block.put(path, TEXT)
    path.write_bytes(path.read_bytes() + b"two\n")
    block.take(path)
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Dotfiles that are links into a repository are changed where they lie, also when nothing lies there yet."""
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "bashrc"
    real.write_bytes(b"true\n")
    link, dangling = tmp_path / ".bashrc", tmp_path / ".profile"
    link.symlink_to(real)
    dangling.symlink_to(tmp_path / "dotfiles" / "profile")

    for path in (link, dangling):
        block.put(path, TEXT)
        assert path.is_symlink()
        assert block.BEGIN in path.read_bytes()
        block.take(path)
    assert link.is_symlink()
    assert real.read_bytes() == b"true\n"
    assert dangling.is_symlink()
    assert not dangling.exists()


def test_a_new_block_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    """Another folder of shims, same place, and still the way back to what was there first."""
    path = tmp_path / ".bashrc"
    path.write_bytes(b"before\n")
    block.put(path, TEXT, shims=SHIMS)
    path.write_bytes(path.read_bytes() + b"after\n")
    block.put(path, "true\n", shims=Path("/other"))

    found = block.held(path)
    assert found is not None
    assert found.shims == "/other"
    assert path.read_bytes().count(block.BEGIN) == 1
    assert path.read_bytes().endswith(b"after\n")
    block.take(path)
    assert path.read_bytes() == b"before\nafter\n"


@pytest.mark.parametrize("damage", [(block.END, b""), (b'{"existed"', b'{"exist'), (b"true,", b'"yes",')])
def test_a_damaged_block_is_left_alone(damage: tuple[bytes, bytes], tmp_path: Path) -> None:
    """Who cannot tell where the block ends must not guess what to delete."""
    path = tmp_path / ".bashrc"
    path.write_bytes(b"before\n")
    block.put(path, TEXT)
    path.write_bytes(path.read_bytes().replace(*damage))
    damaged = path.read_bytes()

    with pytest.raises(Misconfigured):
        block.take(path)
    assert path.read_bytes() == damaged
