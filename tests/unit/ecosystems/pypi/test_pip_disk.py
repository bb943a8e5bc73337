"""Local folders of `--find-links`, read for names alone."""

import hashlib
from pathlib import Path

from safeinstall.ecosystems.pypi.disk import LocalFile, local_files


def test_archives_of_the_wanted_projects_are_found(tmp_path: Path) -> None:
    """In folders named as paths or as `file:` URLs; web pages and what is missing are somebody else's."""
    (tmp_path / "wheels").mkdir()
    for name in ("acme_utils-1.2.0-py3-none-any.whl", "acme-utils-1.1.0.tar.gz", "other-1.0.tar.gz", "notes.txt"):
        (tmp_path / "wheels" / name).write_bytes(b"x")
    places = ["wheels", "https://links.example/", "gone", (tmp_path / "wheels").as_uri()]

    found = local_files(places, {"acme-utils"}, tmp_path)

    assert [(one.project, one.version) for one in found] == [("acme-utils", "1.1.0"), ("acme-utils", "1.2.0")] * 2
    assert found[0].sha256() == hashlib.sha256(b"x").hexdigest()


def test_a_file_that_went_away_has_no_hash(tmp_path: Path) -> None:
    """What cannot be read is unknown."""
    assert LocalFile(project="a", version="1", path=tmp_path / "a-1.tar.gz").sha256() is None
