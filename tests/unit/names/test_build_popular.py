"""The script that makes the lists of popular names from download statistics."""

from datetime import date
from pathlib import Path

import pytest

from safeinstall.names.index import open_index
from tools.build_popular import main


def built(folder: Path, *more: str) -> int:
    """Run the script on the tables in *folder*."""
    tables = [str(path) for path in sorted(folder.glob("*.tsv"))]
    return main([*tables, "--as-of", "2026-11-01", "--into", str(folder), *more])


def test_a_table_becomes_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The order of the table is the rank; the list knows its day."""
    (tmp_path / "pypi.tsv").write_text("name\trank\nboto3\t1\npackaging\t2\n")

    assert built(tmp_path) == 0
    index = open_index(tmp_path / "pypi.names")
    assert (index.rank("boto3"), index.rank("packaging"), index.as_of) == (1, 2, date(2026, 11, 1))
    assert capsys.readouterr().out.startswith("pypi.names: 2 names, ")


def test_security_placeholders_are_no_popular_names(tmp_path: Path) -> None:
    """A name that the registry took away from a squatter is downloaded by mistake only."""
    (tmp_path / "npm.tsv").write_text(
        "name\tdownloads\tversion\ncross-env\t9\t7.0.3\ncrossenv\t5\t0.0.1-security\nother\t1\t1.0.0\n"
    )
    (tmp_path / "without.txt").write_text("# held by the registry\nnpm/other\n")

    built(tmp_path, "--without", str(tmp_path / "without.txt"))
    index = open_index(tmp_path / "npm.names")
    assert [index.rank(name) for name in ("cross-env", "crossenv", "other")] == [1, None, None]
