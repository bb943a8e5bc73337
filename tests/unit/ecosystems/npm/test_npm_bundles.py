"""Nothing that npm would unpack hides from us inside a tarball."""

import gzip
import json
import tarfile
from collections.abc import Mapping

import pytest

from safeinstall.ecosystems.npm.bundles import Inside
from safeinstall.model import Artifact, ArtifactKind, EcosystemName, Release
from safeinstall.purl import make

MANIFEST = json.dumps({"name": "evil", "version": "6.6.6"}).encode()
PLACE = "package/node_modules/evil/package.json"


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, extended: Mapping[str, str] = {}) -> bytes:
    """Return the blocks of a header, with what an *extended* one before it tells."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.pax_headers = size, kind, dict(extended)
    return info.tobuf(tarfile.PAX_FORMAT)


def file(name: str, data: bytes, extended: Mapping[str, str] = {}) -> bytes:
    """Return the blocks of a file."""
    return header(name, len(data), extended=extended) + data + bytes(-len(data) % 512)


def resized(block: bytes, size: bytes) -> bytes:
    """Return the header *block* with the text *size* for its size, and a right sum."""
    block = block[:124] + size.ljust(12, b"\0") + block[136:]
    summed = sum(block[:148] + b" " * 8 + block[156:])
    return block[:148] + b"%06o\0 " % summed + block[156:]


END = bytes(1024)
EVIL = file(PLACE, MANIFEST)
DECOY = header("package/decoy", len(EVIL))
"""A file that has what follows for its body, to whoever takes this for a header."""
LONG = "package/" + "a/" * 60


def judged(*members: bytes) -> tuple[str | None, list[str]]:
    """Return why the tarball of gzip *members* is refused, and the names that were judged; all names are allowed."""
    names: list[str] = []

    def vet(release: Release) -> bool:
        names.append(release.name)
        return True

    artifact = Artifact(kind=ArtifactKind.TARBALL, filename="top.tgz", url="https://r.example/top.tgz")
    outer = Release(purl=make(EcosystemName.NPM, "top", "1.0.0"), name="top", version="1.0.0", artifact=artifact)
    why = Inside(outer=outer, vet=vet)(b"".join(gzip.compress(one) for one in members))
    return why, names


@pytest.mark.parametrize(
    "place",
    [
        PLACE,
        "package/node_modules//evil/package.json",
        "package/node_modules/./evil/package.json",
        "package//node_modules/evil//package.json",
        "./node_modules/evil/package.json",
        LONG + "node_modules/evil/package.json",
    ],
)
def test_no_spelling_of_a_path_hides_a_package(place: str) -> None:
    """Npm makes them one when it unpacks."""
    assert judged(file(place, MANIFEST) + END) == (None, ["evil"])


def test_the_second_member_of_a_gzip_is_read() -> None:
    """Npm reads it."""
    assert judged(file("package/index.js", b""), EVIL + END) == (None, ["evil"])


def test_folders_links_and_long_names_are_no_fault() -> None:
    """Old packages have them."""
    usual = header("package/lib/", kind=tarfile.DIRTYPE) + header("package/link", kind=tarfile.SYMTYPE)

    assert judged(usual + file(LONG + "x.js", b"1") + EVIL + END) == (None, ["evil"])


@pytest.mark.parametrize(
    "hiding",
    [
        pytest.param(bytes(512) + EVIL, id="one-empty-block"),
        pytest.param(END + EVIL, id="after-the-end"),
        pytest.param(b"x" * 512 + EVIL, id="no-header"),
        pytest.param(header("package/a", 512, tarfile.LNKTYPE) + DECOY + EVIL, id="link-with-a-body"),
        pytest.param(header("package/a/", len(EVIL)) + EVIL, id="folder-with-a-body"),
        pytest.param(resized(header("package/a"), b"0o%o" % len(EVIL)) + EVIL, id="size-of-python"),
        pytest.param(resized(header("package/a"), b"1_0%o" % len(EVIL)) + EVIL, id="size-with-a-line"),
        pytest.param(header("package/a", len(EVIL), b"S") + EVIL, id="sparse"),
        pytest.param(header("package/a", extended={"size": str(len(EVIL))}) + EVIL, id="size-in-an-extended-header"),
        pytest.param(file("package/a", MANIFEST, {"comment": f"a\n{len(PLACE) + 9} path={PLACE}"}), id="two-lines"),
        pytest.param(file("package/a", MANIFEST, {"GNU.sparse.name": "package/b"}), id="another-name"),
        pytest.param(file(PLACE, b"[" * 200_000), id="nested-too-deep"),
    ],
)
def test_what_npm_could_read_otherwise_is_refused(hiding: bytes) -> None:
    """Two readers of one tarball must not find two sets of packages in it."""
    why, _ = judged(file("package/index.js", b"") + hiding + END)

    assert why is not None
    assert "cannot be read" in why


def test_a_wrong_sum_is_refused() -> None:
    """Python takes two kinds of sums, npm one."""
    block = bytearray(DECOY)
    block[330] = 0xFF  # a byte that counts for -1 to those who take it as signed
    signed = sum(byte - 256 if byte > 127 else byte for byte in block[:148] + b" " * 8 + block[156:])
    block[148:156] = b"%06o\0 " % signed
    info = tarfile.TarInfo.frombuf(bytes(block), "utf-8", "strict")
    assert info.size == len(EVIL), "Python does not take it: the test shows nothing"

    why, names = judged(bytes(block) + EVIL + END)

    assert why is not None
    assert names == []
