"""Setup for the whole machine, in a root of its own: every new shell is guarded, and teardown leaves no trace."""

import pytest

from tests.environments import optional_tool
from tests.images import Image
from tests.yards import Yard

pytestmark = pytest.mark.integration

SNAPSHOT = """\
cd /
find etc usr/local root home ! -path 'etc/safeinstall*' ! -path '*/__pycache__*' -printf '%y %m %p %l\\n' | sort
find etc usr/local root home ! -path 'etc/safeinstall*' ! -path '*/__pycache__*' -type f -exec sha256sum {} + | sort
"""
"""Every file, folder and link that a setup could touch; what Python compiles for itself is its own business."""

FILES = """\
mkdir -p /etc/zsh /etc/fish/conf.d
printf 'PATH=/usr/local/bin:/usr/bin:/bin; export PATH' >/etc/zsh/zshenv
printf '# no newline at the end' >/etc/bash.bashrc
safeinstall teardown --system && safeinstall teardown --all-venvs
"""
"""What a machine has before a setup: start-up files that take PATH back, some without a newline at their end."""

SHELLS = (
    "sh -l", "busybox sh -l", "bash -l", "bash -i", "bash -li", "zsh -l", "zsh -i", "zsh", "fish -l", "fish -i", "fish",
)  # fmt: skip


@pytest.fixture(scope="module")
def machine(place: Yard) -> Image:
    """Return a machine that has safeinstall and was not set up."""
    for shell in ("dash", "busybox", "bash", "zsh", "fish"):
        optional_tool(shell)
    done = place.builder.run(place.image("guarded"), FILES)
    assert done.code == 0, str(done)
    return done.image


@pytest.fixture(scope="module")
def guarded(place: Yard, machine: Image) -> Image:
    """Return the machine after its setup."""
    done = place.builder.run(machine, "safeinstall setup --system")
    assert done.code == 0, str(done)
    return done.image


def test_setup_setup_teardown_leaves_every_file_as_it_was(place: Yard, machine: Image, guarded: Image) -> None:
    """Byte for byte, with its mode; the second setup changes nothing."""
    before, once = (place.builder.run(image, SNAPSHOT).log for image in (machine, guarded))
    twice = place.builder.run(guarded, f"safeinstall setup --system >/dev/null 2>&1\n{SNAPSHOT}").log
    after = place.builder.run(guarded, f"safeinstall teardown --system >/dev/null 2>&1\n{SNAPSHOT}").log

    assert once != before
    assert twice == once
    assert after == before


@pytest.mark.parametrize("shell", SHELLS)
def test_every_new_shell_of_the_machine_is_guarded(shell: str, place: Yard, guarded: Image) -> None:
    """Of a user who has no start-up files of their own, and none of whose variables is ours."""
    for tool in ("pip", "npm"):
        done = place.builder.run(guarded, f"{shell} -c '{tool} install --safeinstall-probe x'", {"TERM": "dumb"})
        assert done.log.splitlines()[-1:] == ["safeinstall-probe x"], str(done)
