"""`safeinstall.sources.osv_record`: which releases a record hits, by the rules of the OSV schema."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.errors import MalformedAnswer
from safeinstall.model import AdvisoryKind, EcosystemName, Severity
from safeinstall.sources.osv_record import Record, parse

NPM, PYPI = EcosystemName.NPM, EcosystemName.PYPI
ECOSYSTEMS = {PYPI: "PyPI", NPM: "npm"}


def document(
    *events: Mapping[str, str],
    ecosystem: EcosystemName = PYPI,
    name: str = "evil",
    versions: Sequence[str] | None = None,
    kind: str | None = None,
    **fields: object,
) -> dict[str, object]:
    """Return a record on *name* with one range of *events*; *fields* are further fields of the record."""
    affected: dict[str, object] = {"package": {"ecosystem": ECOSYSTEMS[ecosystem], "name": name}}
    if versions is not None:
        affected["versions"] = list(versions)
    if events:
        sort = kind or ("ECOSYSTEM" if ecosystem is PYPI else "SEMVER")
        affected["ranges"] = [{"type": sort, "events": list(events)}]
    return {"id": "GHSA-0000-0000-0001", "affected": [affected], **fields}


def record(*events: Mapping[str, str], **fields: object) -> Record:
    """Return the record of `document`."""
    return parse(document(*events, **fields))  # type: ignore[arg-type]  # keywords of `document`


START = {"introduced": "0"}


@pytest.mark.parametrize(
    ("read", "hit", "missed"),
    [
        pytest.param(record(START), ("0.0.1.dev1", "0", "1", "999!1", "odd one"), (), id="every-version"),
        pytest.param(record(), ("0.1", "no version"), (), id="neither-versions-nor-ranges"),
        pytest.param(record(versions=[]), ("0.1",), (), id="empty-versions"),
        pytest.param(record({"introduced": "a1"}, kind="GIT"), ("1.0",), (), id="commits-only"),
        pytest.param(
            record({"introduced": "a1"}, kind="GIT", versions=["1.0"]), ("1.0",), ("1.1",), id="commits-and-versions"
        ),
        pytest.param(record(versions=["6.6.6"]), ("6.6.6", "6.6.6.0", "v6.6.6"), ("6.6.7",), id="listed"),
        pytest.param(record(versions=["1.0-Odd One"]), ("1.0-odd one",), ("1.0",), id="listed-and-legacy"),
        pytest.param(
            record(START, {"fixed": "2.0"}), ("0", "1.9", "2.0rc1", "2.0.dev0"), ("2.0", "2.0.post1", "3"), id="fixed"
        ),
        pytest.param(record({"introduced": "1"}, {"fixed": "2"}), ("1.0", "1.5"), ("0.9", "1.0a1", "2"), id="between"),
        pytest.param(
            record({"introduced": "1"}, {"last_affected": "2"}), ("1", "2", "2.0.0"), ("2.0.post1", "3"), id="last"
        ),
        pytest.param(
            record({"fixed": "4"}, {"introduced": "3"}, {"fixed": "2"}, START),
            ("1", "3.5"),
            ("2.5", "4"),
            id="unsorted",
        ),
        pytest.param(
            record({"introduced": "1"}, {"last_affected": "1"}), ("1", "1.0.0"), ("0.9", "1.1"), id="one-version"
        ),
        pytest.param(record({"introduced": "1", "fixed": "2"}), ("1", "1.5"), ("2",), id="two-events-in-one-object"),
        pytest.param(record(START, {"limit": "2"}), ("1.9",), ("2", "3"), id="limit"),
        pytest.param(record(START, {"limit": "*"}), ("1.9", "99"), (), id="no-limit"),
        pytest.param(record(START, {"limit": "2"}, {"limit": "3"}), ("2.5",), ("3",), id="two-limits"),
        pytest.param(record(START, {"fixed": "2"}, versions=["5.0"]), ("1", "5.0"), ("3",), id="listed-or-in-range"),
        pytest.param(record(START, versions=["5.0"]), ("5.0", "6"), (), id="malware-with-both"),
    ],
)
def test_which_pypi_versions_a_record_hits(read: Record, hit: Sequence[str], missed: Sequence[str]) -> None:
    """Ranges and lists are read by PEP 440 and the schema's evaluation rules."""
    assert [version for version in hit if not read.hits(PYPI, "evil", version)] == []
    assert [version for version in missed if read.hits(PYPI, "evil", version)] == []


@pytest.mark.parametrize(
    ("read", "hit", "missed"),
    [
        pytest.param(record(START, ecosystem=NPM), ("0.0.0-alpha", "1.0.0"), (), id="every-version"),
        pytest.param(
            record({"introduced": "1.95.6"}, {"fixed": "1.95.8"}, ecosystem=NPM),
            ("1.95.6", "1.95.7", "1.95.8-beta.1"),
            ("1.95.5", "1.95.8", "1.95.6-rc.1"),
            id="between",
        ),
        pytest.param(
            record(versions=["6.6.6"], ecosystem=NPM), ("6.6.6", "v6.6.6", "6.6.6+build"), ("6.6.60",), id="v"
        ),
        pytest.param(
            record(versions=["1.4.44-liberty-2"], ecosystem=NPM), ("1.4.44-liberty-2",), ("1.4.44",), id="prerelease"
        ),
        pytest.param(record(START, {"fixed": "1.10.0"}, ecosystem=NPM), ("1.9.0",), ("1.10.0",), id="numbers"),
    ],
)
def test_which_npm_versions_a_record_hits(read: Record, hit: Sequence[str], missed: Sequence[str]) -> None:
    """Ranges and lists are read as node-semver reads them, pre-releases before their release."""
    assert [version for version in hit if not read.hits(NPM, "evil", version)] == []
    assert [version for version in missed if read.hits(NPM, "evil", version)] == []


@pytest.mark.parametrize(
    ("ecosystem", "written", "asked", "expected"),
    [
        (PYPI, "Evil_Pkg", "evil.pkg", True),
        (PYPI, "evil--pkg", "Evil-PKG", True),
        (NPM, "JSONStream", "JSONStream", True),
        (NPM, "JSONStream", "jsonstream", False),
        (NPM, "pattern.json", "pattern.json", True),
        (NPM, "@scope/x", "@scope/x", True),
        (NPM, "@scope/x", "x", False),
    ],
)
def test_names_are_compared_in_their_normal_form(
    ecosystem: EcosystemName, written: str, asked: str, *, expected: bool
) -> None:
    """Both sides of the comparison are spelled alike; npm's case and scopes tell packages apart."""
    assert record(START, ecosystem=ecosystem, name=written).hits(ecosystem, asked, "1.0.0") is expected


def test_the_same_name_elsewhere_is_another_package() -> None:
    """A record on npm says nothing about PyPI."""
    assert not record(START, ecosystem=NPM).hits(PYPI, "evil", "1.0")


def test_an_ecosystem_may_carry_a_suffix() -> None:
    """`PyPI:https://...` is PyPI, and a record on PyPI written in lower case is heard too."""
    for spelling in ("PyPI:https://index.example/simple", "pypi", "PyPI"):
        made = document(START)
        made["affected"] = [{"package": {"ecosystem": spelling, "name": "evil"}}]
        assert parse(made).hits(PYPI, "evil", "1.0")


def test_a_withdrawn_record_never_hits() -> None:
    """What its publisher took back is not held against anybody, whatever shape it was left in."""
    assert not record(START, withdrawn="2024-01-01T00:00:00Z").hits(PYPI, "evil", "1.0")
    assert not parse({"id": "MAL-1", "withdrawn": "2024-01-01T00:00:00Z"}).hits(PYPI, "evil", "1.0")


@pytest.mark.parametrize(
    ("events", "version"),
    [
        pytest.param((START, {"fixed": "1.0"}), "not a version", id="asked"),
        pytest.param((START, {"fixed": "when ready"}), "1.0", id="told"),
        pytest.param((START, {"fixed": "1.0"}), "9" * 300, id="too-long"),
    ],
)
def test_what_cannot_be_compared_is_no_clean_answer(events: Sequence[Mapping[str, str]], version: str) -> None:
    """A range that cannot be evaluated raises; it is not read as a miss."""
    with pytest.raises(MalformedAnswer, match="GHSA-0000-0000-0001"):
        record(*events).hits(PYPI, "evil", version)


def test_a_range_that_cannot_be_compared_hides_no_hit() -> None:
    """One broken range beside one that hits is a hit."""
    made = document()
    made["affected"] = [
        {
            "package": {"ecosystem": "PyPI", "name": "evil"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [START, {"fixed": "when ready"}]},
                {"type": "ECOSYSTEM", "events": [{"introduced": "1"}, {"fixed": "2"}]},
            ],
        }
    ]
    assert parse(made).hits(PYPI, "evil", "1.5")


PACKAGE = {"ecosystem": "PyPI", "name": "evil"}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param([], id="a-list"),
        pytest.param("MAL-1", id="a-text"),
        pytest.param(None, id="null"),
        pytest.param({}, id="empty"),
        pytest.param({"affected": [{"package": PACKAGE}]}, id="no-id"),
        pytest.param({"id": " ", "affected": [{"package": PACKAGE}]}, id="blank-id"),
        pytest.param({"id": "X"}, id="no-affected"),
        pytest.param({"id": "X", "affected": None}, id="affected-null"),
        pytest.param({"id": "X", "affected": []}, id="affected-empty"),
        pytest.param({"id": "X", "affected": {"package": PACKAGE}}, id="affected-no-list"),
        pytest.param({"id": "X", "affected": ["evil"]}, id="affected-texts"),
        pytest.param({"id": "X", "affected": [{}]}, id="no-package"),
        pytest.param({"id": "X", "affected": [{"package": {"name": "evil"}}]}, id="no-ecosystem"),
        pytest.param({"id": "X", "affected": [{"package": {"ecosystem": "PyPI"}}]}, id="no-name"),
        pytest.param({"id": "X", "affected": [{"package": {"ecosystem": "PyPI", "name": " "}}]}, id="blank-name"),
        pytest.param({"id": "X", "affected": [{"package": PACKAGE, "versions": "1.0"}]}, id="versions-text"),
        pytest.param({"id": "X", "affected": [{"package": PACKAGE, "versions": [1]}]}, id="version-number"),
        pytest.param({"id": "X", "affected": [{"package": PACKAGE, "ranges": [{}]}]}, id="range-empty"),
        pytest.param({"id": "X", "affected": [{"package": PACKAGE, "ranges": [{"type": "SEMVER"}]}]}, id="no-events"),
        pytest.param(
            {"id": "X", "affected": [{"package": PACKAGE, "ranges": [{"type": "SEMVER", "events": []}]}]},
            id="events-empty",
        ),
        pytest.param(
            {"id": "X", "affected": [{"package": PACKAGE, "ranges": [{"type": "SEMVER", "events": [{"fixed": "1"}]}]}]},
            id="never-introduced",
        ),
        pytest.param(
            {"id": "X", "affected": [{"package": PACKAGE, "ranges": [{"type": "SEMVER", "events": [{"since": "1"}]}]}]},
            id="unknown-event",
        ),
        pytest.param(
            {"id": "X", "affected": [{"package": PACKAGE, "ranges": [{"type": "VIBES", "events": [START]}]}]},
            id="unknown-type",
        ),
        pytest.param({"id": "X", "withdrawn": 7, "affected": [{"package": PACKAGE}]}, id="withdrawn-number"),
        pytest.param({"id": "X", "aliases": "Y", "affected": [{"package": PACKAGE}]}, id="aliases-text"),
        pytest.param({"id": "X", "summary": 7, "affected": [{"package": PACKAGE}]}, id="summary-number"),
    ],
)
def test_a_record_that_breaks_the_schema_is_refused(broken: object) -> None:
    """What cannot be read is an error, never a record that hits nothing."""
    with pytest.raises(MalformedAnswer):
        parse(broken)


def test_a_record_on_source_code_alone_is_read() -> None:
    """Records that name a repository instead of a package are right, and hit none of ours."""
    made = {"id": "X", "affected": [{"ranges": [{"type": "GIT", "repo": "https://git.example", "events": [START]}]}]}

    assert parse(made).affected == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["id", "affected", "package", "name", "ecosystem", "versions", "ranges", "type", "events",
                         "introduced", "fixed", "database_specific", "cwe_ids", "severity", "score", "references"]),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_no_document_breaks_the_reader(found: object) -> None:
    """Any JSON at all either is a record or raises the one error that says it is none."""
    try:
        read = parse(found)
        read.hits(PYPI, "evil", "1.0")
    except MalformedAnswer:
        return
    assert read.ident


NETWORK = "AV:N/AC:L/AT:N/PR:N/UI:N"
MALICIOUS = {"cwe_ids": ["CWE-506"]}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        pytest.param({"id": "MAL-2025-1"}, AdvisoryKind.MALWARE, id="id"),
        pytest.param({"aliases": ["MAL-2025-1"]}, AdvisoryKind.MALWARE, id="alias"),
        pytest.param({"database_specific": MALICIOUS}, AdvisoryKind.MALWARE, id="cwe-ids"),
        pytest.param({"database_specific": {"cwes": [{"cweId": "CWE-506"}]}}, AdvisoryKind.MALWARE, id="cwes"),
        pytest.param(
            {"database_specific": {"malicious-packages-origins": None}}, AdvisoryKind.MALWARE, id="origins-null"
        ),
        pytest.param({"database_specific": {"type": "malware"}}, AdvisoryKind.MALWARE, id="type"),
        pytest.param({"summary": "Malicious Package in evil"}, AdvisoryKind.MALWARE, id="summary"),
        pytest.param({"summary": "Malware in evil"}, AdvisoryKind.MALWARE, id="malware-in"),
        pytest.param({"details": "evil 0.5 contains credential harvesting code"}, AdvisoryKind.MALWARE, id="details"),
        pytest.param({"details": "It included a code-execution backdoor."}, AdvisoryKind.MALWARE, id="backdoor"),
        pytest.param({"database_specific": {"cwe_ids": ["CWE-79"]}}, AdvisoryKind.VULNERABILITY, id="other-cwe"),
        pytest.param({"database_specific": "odd"}, AdvisoryKind.VULNERABILITY, id="odd-specific"),
        pytest.param({"summary": "Lets a malicious user run code"}, AdvisoryKind.VULNERABILITY, id="malicious-user"),
        pytest.param(
            {"summary": "Could allow malicious code execution"}, AdvisoryKind.VULNERABILITY, id="malicious-code"
        ),
        pytest.param({}, AdvisoryKind.VULNERABILITY, id="plain"),
    ],
)
def test_what_counts_as_malware(fields: Mapping[str, object], kind: AdvisoryKind) -> None:
    """Planted code is malware whoever numbers it; a fault that attackers may use is a vulnerability."""
    read = parse({**document(START), **fields})

    assert read.kind is kind
    assert (read.severity is Severity.CRITICAL) == (kind is AdvisoryKind.MALWARE)


def test_malware_by_the_affected_entry() -> None:
    """The malicious packages database writes the weakness beside the package, not beside the record."""
    made = document()
    made["affected"] = [{"package": PACKAGE, "database_specific": {"cwes": [{"cweId": "CWE-506"}]}}]

    assert parse(made).kind is AdvisoryKind.MALWARE


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}, "CRITICAL"),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}]}, "LOW"),
        (
            {"severity": [{"type": "CVSS_V4", "score": f"CVSS:4.0/{NETWORK}/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}]},
            "CRITICAL",
        ),
        ({"severity": [{"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:P/I:P/A:P"}]}, "HIGH"),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/garbled"}]}, "MEDIUM"),
        ({"severity": [{"type": "CVSS_V3"}], "database_specific": {"severity": "LOW"}}, "LOW"),
        ({"database_specific": {"severity": "MODERATE"}}, "MEDIUM"),
        ({"database_specific": {"severity": "critical"}}, "CRITICAL"),
        ({}, "MEDIUM"),
    ],
)  # fmt: skip
def test_how_bad_a_vulnerability_is(fields: Mapping[str, object], severity: str) -> None:
    """CVSS vectors of every version decide, then the publisher's word, then the middle."""
    assert parse({**document(START), **fields}).severity is Severity[severity]


def test_what_an_advisory_tells() -> None:
    """Ids, the versions that are fixed in their order, and the page to read travel with the hit."""
    read = record(
        START,
        {"fixed": "1.10"},
        {"introduced": "2"},
        {"fixed": "2.9"},
        aliases=["CVE-2024-1", "GHSA-0000-0000-0001"],
        summary="A fault",
        references=[{"type": "WEB", "url": "https://a.example"}, {"type": "ADVISORY", "url": "https://b.example"}],
    )
    told = read.advisory(PYPI, "Evil", source="osv")

    assert (told.ident, told.aliases) == ("GHSA-0000-0000-0001", frozenset({"CVE-2024-1"}))
    assert told.fixed == ("1.10", "2.9")
    assert (told.url, told.summary, told.source) == ("https://b.example", "A fault", "osv")


def test_a_record_without_summary_still_says_something() -> None:
    """The first line of the details stands in, and 10 MB of it are cut."""
    assert record(START, details="\n## Heading\n\nText").summary == "Heading"
    assert len(record(START, summary="x" * 10_000_000).summary) <= 500
    assert record(START).summary == "GHSA-0000-0000-0001"


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}, ("every version",)),
        ({}, ("every version",)),
        ({"versions": ["1.0", "1.1"]}, ("1.0", "1.1")),
        (
            {"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.4"}]}], "versions": ["1.0"]},
            ("before 2.4",),
        ),
        (
            {"ranges": [{"type": "SEMVER", "events": [{"introduced": "2.0"}, {"last_affected": "2.4"}]}]},
            ("from 2.0 up to 2.4",),
        ),
        (
            {
                "ranges": [
                    {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2.0"}]},
                    {"type": "SEMVER", "events": [{"introduced": "3.0"}, {"limit": "*"}]},
                ]
            },
            ("before 1.2, from 2.0", "from 3.0"),
        ),
    ],
)
def test_a_record_tells_in_words_which_versions_it_is_about(about: dict[str, object], words: tuple[str, ...]) -> None:
    """A person reads what is affected without opening the record."""
    document = {"id": "GHSA-1", "affected": [{"package": {"ecosystem": "npm", "name": "lib"}, **about}]}

    told = parse(document).advisory(EcosystemName.NPM, "lib", source="osv")

    assert told.affected == words
    assert told.every_version is (words == ("every version",))
