"""docs/threats.md names the tests that hold us to it; a name without a test would be an empty promise."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_threat_is_held_by_tests_that_exist() -> None:
    """Whoever renames or drops such a test has to say what holds the defence now."""
    promised = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "threats.md").read_text()))
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }

    assert promised - written == set()
    assert len(promised) > 30
