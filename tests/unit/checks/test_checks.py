"""The shelf of checks as a whole."""

from pathlib import Path

import safeinstall.checks
from safeinstall.checks import CHECKS

FOLDER = Path(safeinstall.checks.__file__).parent
PAGES = FOLDER.parent.parent / "docs" / "checks"


def test_every_check_file_is_registered() -> None:
    """A file in checks/ which nobody registered would be a check that never runs."""
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}

    assert files == {type(check).__module__.rpartition(".")[2] for check in CHECKS}


def test_every_check_has_its_own_name() -> None:
    """An override names one check; two of one name would share it."""
    idents = [check.ident for check in CHECKS]

    assert len(set(idents)) == len(idents)


def test_every_check_asks_a_question() -> None:
    """What a check asks is told as one question."""
    assert all(check.question.endswith("?") for check in CHECKS)


def test_every_check_has_its_page() -> None:
    """What a check asks, an example and its known false positives stand in docs/checks."""
    assert {check.ident for check in CHECKS} <= {path.stem for path in PAGES.glob("*.md")}
