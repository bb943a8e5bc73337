"""What is read from a packument, and the views that are made of it."""

import base64
import hashlib
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.errors import MalformedAnswer
from safeinstall.gateway.npm_packument import (
    abbreviated,
    digests,
    frozen,
    has_install_script,
    page_facts,
    parsed,
    strongest,
    version_facts,
)
from safeinstall.model import Digest

SHA512 = "sha512-" + base64.b64encode(hashlib.sha512(b"x").digest()).decode()
SHA1 = hashlib.sha1(b"x").hexdigest()

PACKUMENT: dict[str, object] = {
    "_id": "top",
    "name": "top",
    "readme": "long",
    "dist-tags": {"latest": "2.0.0", "old": "1.0.0", "gone": "9.9.9"},
    "time": {
        "created": "2019-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "1.0.0": "2020-01-01T00:00:00.000Z",
        "2.0.0": "2021-02-03T04:05:06.000Z",
    },
    "versions": {
        "1.0.0": {"name": "top", "version": "1.0.0", "dist": {"tarball": "https://r.example/top-1.0.0.tgz"}},
        "2.0.0": {
            "name": "top",
            "version": "2.0.0",
            "description": "not in the short form",
            "scripts": {"postinstall": "node x", "test": "y"},
            "dependencies": {"low": "*"},
            "deprecated": "use another",
            "dist": {"tarball": "https://r.example/top-2.0.0.tgz", "integrity": SHA512, "shasum": SHA1},
        },
    },
}


def test_the_facts_on_a_version_are_what_the_registry_tells() -> None:
    """Tarball, hashes, time, deprecation and scripts."""
    facts = version_facts(PACKUMENT, "2.0.0")

    assert facts is not None
    assert facts.tarball == "https://r.example/top-2.0.0.tgz"
    assert {digest.algorithm for digest in facts.digests} == {"sha512", "sha1"}
    assert facts.uploaded == datetime(2021, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    assert facts.deprecated == "use another"
    assert facts.install_script


def test_what_the_registry_does_not_tell_is_unknown() -> None:
    """No hash, no deprecation; and a version that is not listed has no facts at all."""
    bare = version_facts({**PACKUMENT, "time": None}, "1.0.0")

    assert bare is not None
    assert (bare.digests, bare.uploaded, bare.deprecated, bare.install_script) == ((), None, None, False)
    assert version_facts(PACKUMENT, "3.0.0") is None


def test_the_age_of_a_project_is_that_of_its_oldest_date() -> None:
    """`modified` is no upload."""
    facts = page_facts(PACKUMENT)

    assert facts.first_uploaded == datetime(2019, 1, 1, tzinfo=timezone.utc)
    assert facts.releases == 2
    assert page_facts({"versions": {}}).first_uploaded is None


def test_the_short_form_is_the_documented_one() -> None:
    """Its resolver reads just these keys; the flag stands for the scripts that are left out."""
    short = abbreviated(PACKUMENT)

    assert set(short) == {"name", "dist-tags", "modified", "versions"}
    assert short["modified"] == "2026-01-01T00:00:00.000Z"
    versions = short["versions"]
    assert isinstance(versions, dict)
    assert set(versions["2.0.0"]) == {"name", "version", "dependencies", "deprecated", "dist", "hasInstallScript"}
    assert set(versions["1.0.0"]) == {"name", "version", "dist"}


def test_the_frozen_view_holds_nothing_but_the_plan() -> None:
    """Other versions, tags that point at them and their times are gone."""
    view = frozen(PACKUMENT, {"1.0.0"})

    assert view["versions"] == {"1.0.0": PACKUMENT["versions"]["1.0.0"]}  # type: ignore[index]
    assert view["dist-tags"] == {"old": "1.0.0"}
    assert set(view["time"]) == {"created", "modified", "1.0.0"}  # type: ignore[call-overload]
    assert set(frozen({"versions": {}}, ())) == {"versions"}


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'"x"', b"{}", b'{"versions": []}', b"[" * 100_000, b'{"versions": nul', b"\xff\xfe"],
)
def test_what_is_no_packument_is_said_to_be_none(body: bytes) -> None:
    """Whatever a proxy or an outage sends instead."""
    with pytest.raises(MalformedAnswer):
        parsed(body)


@pytest.mark.parametrize("manifest", [[], {"dist": []}, {}, {"dist": {"tarball": 7}}, {"dist": {"integrity": []}}])
def test_a_version_of_wrong_types_is_no_version(manifest: object) -> None:
    """It is not read as one without hashes."""
    with pytest.raises(MalformedAnswer):
        version_facts({"versions": {"1.0.0": manifest}}, "1.0.0")


@pytest.mark.parametrize("time", ["yesterday", 7, None, "2020-13-01T00:00:00Z", ""])
def test_a_time_that_is_none_is_unknown(time: object) -> None:
    """It must not stop the run, and not count as old."""
    manifest = {"dist": {"tarball": "t"}}
    facts = version_facts({"versions": {"1.0.0": manifest}, "time": {"1.0.0": time}}, "1.0.0")

    assert facts is not None
    assert facts.uploaded is None


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ({"scripts": {"install": "x"}}, True),
        ({"hasInstallScript": True}, True),
        ({"scripts": {"test": "x", "prepare": "y"}}, False),
        ({"scripts": "x"}, False),
        ({"hasInstallScript": "yes"}, False),
        ({}, False),
    ],
)
def test_scripts_that_run_on_install_are_seen(manifest: dict[str, object], *, expected: bool) -> None:
    """By the registry's flag or by the scripts themselves."""
    assert has_install_script(manifest) is expected


@pytest.mark.parametrize("text", ["", "sha512", "sha512-", "md5-AAAA", "sha512-!!!", "é-é", "sha512-===", "- -"])
def test_a_hash_that_is_none_binds_nothing(text: str) -> None:
    """A weak or broken one does not count."""
    assert digests(text) == ()


def test_several_hashes_are_all_kept_strongest_first() -> None:
    """Lockfiles of old npms join them."""
    found = digests(f"sha1-{base64.b64encode(bytes.fromhex(SHA1)).decode()} {SHA512}?opt", SHA1.upper())

    assert [digest.algorithm for digest in found] == ["sha512", "sha1"]
    assert strongest(found) == "sha512"
    assert strongest(()) is None
    assert Digest(algorithm="sha1", value=SHA1) in found


@given(st.text(), st.text())
def test_no_foreign_hash_breaks_the_reader(integrity: str, shasum: str) -> None:
    """These are strings of strangers."""
    assert all(digest.value for digest in digests(integrity, shasum))
