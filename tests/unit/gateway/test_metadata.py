"""Archives are hostile: their metadata is read within bounds, or it is malformed."""

import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safeinstall.errors import MalformedAnswer
from safeinstall.gateway import metadata
from safeinstall.model import BuildNeed
from tests.builders.built import tarred, zipped
from tests.builders.sdists import sdist
from tests.builders.wheels import core_metadata, wheel

WHEEL = wheel("flask", requires=["werkzeug>=3"])
SDIST = sdist("flask", requires=["werkzeug>=3"])


def of_wheel(data: bytes) -> bytes:
    """Return METADATA of the wheel *data*."""
    return metadata.of_wheel(io.BytesIO(data), WHEEL.filename)


def of_tar(data: bytes, filename: str = "flask-1.0.tar.gz", wanted: str = "PKG-INFO") -> bytes | None:
    """Return the top-level file *wanted* of the tar *data*."""
    return metadata.of_tar(io.BufferedReader(io.BytesIO(data)), filename, wanted)


def test_metadata_is_found() -> None:
    """What builders write is what is read."""
    assert of_wheel(WHEEL.data) == WHEEL.metadata
    assert of_tar(SDIST.data) == SDIST.metadata
    assert of_tar(SDIST.data, wanted="nothing") is None


@given(st.data())
@settings(max_examples=200)
def test_broken_archives_are_malformed(data: st.DataObject) -> None:
    """Cut, flipped or overwritten archives end in `MalformedAnswer` or in an answer, never in a crash."""
    whole = data.draw(st.sampled_from([WHEEL.data, SDIST.data, gzip.decompress(SDIST.data)]))
    cut = data.draw(st.integers(min_value=0, max_value=len(whole)))
    at = data.draw(st.integers(min_value=0, max_value=len(whole)))
    broken = bytearray(whole[:cut])
    junk = data.draw(st.binary(max_size=8))
    broken[at : at + len(junk)] = junk

    with suppress(MalformedAnswer):
        of_wheel(bytes(broken))
    with suppress(MalformedAnswer):
        metadata.of_zip(io.BytesIO(broken), "flask-1.0.zip", "PKG-INFO")
    for filename in ("flask-1.0.tar.gz", "flask-1.0.tar"):
        with suppress(MalformedAnswer):
            of_tar(bytes(broken), filename)


@given(st.binary(max_size=2048))
def test_garbage_is_malformed_or_has_no_metadata(data: bytes) -> None:
    """Random bytes crash no reader of any kind of archive."""
    for ending in (".tar.gz", ".tar.bz2", ".tar.xz", ".tar", ".tar.zst"):
        with suppress(MalformedAnswer):
            assert of_tar(data, f"flask-1.0{ending}") is None
    with suppress(MalformedAnswer):
        metadata.parsed(data)
    metadata.build_need(data)
    metadata.differences(WHEEL.metadata, data)
    with suppress(MalformedAnswer):
        metadata.build_requires(data)


def test_a_second_metadata_file_is_malformed() -> None:
    """Which of two would be installed is not ours to guess."""
    buffer = io.BytesIO(WHEEL.data)
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("flask-1.0.dist-info/METADATA", b"Name: flask\nVersion: 1.0\n")

    with pytest.raises(MalformedAnswer, match="2 METADATA"):
        of_wheel(buffer.getvalue())


def test_the_metadata_of_another_project_is_malformed() -> None:
    """A wheel speaks for the project that its name says."""
    with pytest.raises(MalformedAnswer, match="another project"):
        of_wheel(wheel("other").data)


def test_bombs_are_not_unpacked() -> None:
    """Metadata has a size limit, whatever the archive says of itself."""
    files = {"flask-1.0/PKG-INFO": b"\0" * (metadata.MAX_METADATA + 1)}

    with pytest.raises(MalformedAnswer, match="too large"):
        metadata.of_zip(io.BytesIO(zipped(files)), "flask-1.0.zip", "PKG-INFO")
    with pytest.raises(MalformedAnswer, match="too large"):
        of_tar(tarred(files))


def test_a_tar_header_of_any_size_is_not_held_in_memory() -> None:
    """A pax header may claim gigabytes."""
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 2**33
    with pytest.raises(MalformedAnswer):
        of_tar(header.tobuf(tarfile.GNU_FORMAT) + b"\0" * 10_000, "flask-1.0.tar")


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz", "w"])
def test_long_names_do_not_hide_metadata(form: int, mode: str) -> None:
    """Names that do not fit into a header are read in both ways of writing them."""
    folder = "flask-1.0" + "x" * 200
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        link = tarfile.TarInfo(f"{folder}/link")
        link.type, link.linkname = tarfile.SYMTYPE, "y" * 200
        archive.addfile(link)
        for name, body in ((f"{folder}/sub/PKG-INFO", b"no"), (f"{folder}/PKG-INFO", b"yes")):
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))

    ending = {"w:gz": ".tar.gz", "w:bz2": ".tar.bz2", "w:xz": ".tar.xz", "w": ".tar"}[mode]
    assert of_tar(buffer.getvalue(), f"flask-1.0{ending}") == b"yes"


@pytest.mark.parametrize(
    ("text", "need"),
    [
        (core_metadata("a", "1", metadata_version="2.2"), BuildNeed.STATIC),
        (core_metadata("a", "1", metadata_version="2.4", dynamic=["License-File"]), BuildNeed.STATIC),
        (core_metadata("a", "1", metadata_version="2.4", dynamic=["Requires-Dist"]), BuildNeed.DYNAMIC),
        (core_metadata("a", "1", metadata_version="2.4", dynamic=["provides-extra"]), BuildNeed.DYNAMIC),
        (core_metadata("a", "1", metadata_version="2.1"), BuildNeed.DYNAMIC),
        (core_metadata("a", "1", metadata_version="x"), BuildNeed.DYNAMIC),
        ("", BuildNeed.DYNAMIC),
    ],
)
def test_only_static_metadata_can_be_trusted_before_the_build(text: str, need: BuildNeed) -> None:
    """PEP 643: at 2.2 and later, what is not named as dynamic will not change."""
    assert metadata.build_need(text.encode()) is need


def test_spelling_is_no_difference() -> None:
    """Order, case and spaces decide nothing."""
    one = (
        "Metadata-Version: 2.1\nName: flask\nVersion: 1.0.0\nRequires-Python: >=3.8, <4\nRequires-Dist: A\n"
        "Requires-Dist: b [t,u] (>=1,<3) ; extra == 'x'\nProvides-Extra: X_Y\n\ntext"
    )
    other = (
        'Metadata-Version: 2.4\nProvides-Extra: x-y\nRequires-Dist: b[u,t]<3,>=1; extra == "x"\nRequires-Dist: a\n'
        "Name: Flask\nVersion: 1.0.0\nRequires-Python: <4,>=3.8\n\nanother text"
    )

    assert metadata.differences(one.encode(), other.encode()) == ()


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("Requires-Dist: evil", "Requires-Dist"),
        ("Requires-Dist: evil @ https://h.example/evil.zip", "Requires-Dist"),
        ("Requires-Dist: not a requirement!", "Requires-Dist"),
        ("Requires-Python: >=3.99", "Requires-Python"),
        ("Provides-Extra: evil", "Provides-Extra"),
        ("Name: other", "Name"),
        ("Version: 2.0", "Version"),
    ],
)
def test_what_decides_a_plan_is_a_difference(line: str, field: str) -> None:
    """One more line of these, even a second Name, is another plan."""
    planned = b"Metadata-Version: 2.1\nName: flask\nVersion: 1.0\n"

    assert field in metadata.differences(planned + b"\n", planned + line.encode() + b"\n\n")


def test_gzip_of_several_parts_is_one_stream() -> None:
    """Some tools write several gzip members behind each other."""
    plain = gzip.decompress(SDIST.data)

    assert of_tar(gzip.compress(plain[:100]) + gzip.compress(plain[100:])) == SDIST.metadata


def test_other_compressions_of_zip_are_malformed_or_read() -> None:
    """A method that zipfile does not know is no crash."""
    data = bytearray(WHEEL.data)
    at = data.rindex(b"PK\x01\x02")
    data[at + 10 : at + 12] = struct.pack("<H", 99)

    with suppress(MalformedAnswer):
        of_wheel(bytes(data))
    with pytest.raises(MalformedAnswer):
        of_tar(lzma.compress(b"x" * 100), "flask-1.0.tar.lzma")
