"""CycloneDX, SARIF and Markdown: valid by their own schemas whatever happened, complete, and harmless to read."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from safeinstall.contracts import Format
from safeinstall.fields import items
from safeinstall.formats import FORMATS
from safeinstall.formats.cyclonedx import CycloneDx
from safeinstall.formats.markdown import Markdown
from safeinstall.formats.sarif import Sarif
from safeinstall.gateway.licences import npm_licences, pypi_licences
from safeinstall.locations import located
from safeinstall.model import ArtifactKind, Decision, EcosystemName, Edge, Override, Ruling, Verdict
from safeinstall.pictures import tree
from safeinstall.purl import parse
from safeinstall.runs import Location, Run
from tests.fakes import NOW, intent, plan, release
from tests.unit.formats.test_json_v1 import APP, EVIL, FINDING, GAP, OVERRIDE, full

SCHEMA = Path(__file__).parents[2] / "data/sarif/sarif-2.1.0-rtm.5.json"
SARIF = jsonschema.Draft4Validator(json.loads(SCHEMA.read_text()))
CYCLONEDX = JsonStrictValidator(SchemaVersion.V1_6)
TEXTS = st.text(max_size=40)


def sbom(run: Run) -> dict[str, object]:
    """Return the SBOM of *run*, after the official schema has seen it."""
    text = CycloneDx().render(run)
    assert CYCLONEDX.validate_str(text) is None
    made = json.loads(text)
    assert isinstance(made, dict)
    return made


def sarif(run: Run) -> dict[str, object]:
    """Return the one run of the SARIF log of *run*, after the schema has seen it."""
    made = json.loads(Sarif().render(run))
    SARIF.validate(made)
    (only,) = made["runs"]
    assert isinstance(only, dict)
    return only


def blocked(**more: object) -> Run:
    """Return a run that malware blocks."""
    rulings = (Ruling(result=FINDING, decision=Decision.BLOCK, because="policy (default)"),
               Ruling(result=GAP, decision=Decision.BLOCK, because="policy (default)"))  # fmt: skip
    planned = plan(release(APP, asked="app"), release(EVIL), edges=[(None, APP, "app"), (APP, EVIL, "evil>=6")])
    return replace(full(), plan=planned, verdict=Verdict(rulings=rulings), installed=None, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.ident)
def test_no_document_holds_the_token_of_a_repository(form: Format) -> None:
    """Projects write them into their requirements, and documents travel."""
    asked = "evil@git+https://t0ken@git.example/evil.git#main"
    planned = plan(
        release(APP, asked=f"app @ https://me:t0ken@files.example/app.whl (from -r {__file__} (line 1))"),
        release(EVIL, asked=f"{asked} (package.json)"),
        edges=[(None, EVIL, asked), (EVIL, APP, asked)],
    )
    run = replace(blocked(), plan=planned)

    assert "t0ken" not in form.render(located(run))
    assert "t0ken" not in "".join(tree(planned, run.verdict.rulings, width=200))
    assert "git.example" in form.render(located(run)).replace("\\", "")


# --- CycloneDX ------------------------------------------------------------------------------------------------------


def test_the_sbom_is_the_plan() -> None:
    """Every release once, with its hashes and where it came from, and who required whom."""
    made = sbom(replace(blocked(), plan=replace(blocked().plan, licences={parse(APP): ("MIT OR Apache-2.0",)})))
    components = made["components"]
    assert isinstance(components, list)
    app = next(one for one in components if one["purl"] == APP)

    assert sorted(one["purl"] for one in components) == [APP, EVIL]
    assert app["hashes"] == [{"alg": "SHA-256", "content": "0" * 64}]
    assert app["licenses"] == [{"acknowledgement": "declared", "expression": "MIT OR Apache-2.0"}]
    assert {"name": "safeinstall:registry", "value": "https://pypi.example/simple"} in app["properties"]
    assert app["externalReferences"][0]["url"].startswith("https://files.example/")
    assert "licenses" not in next(one for one in components if one["purl"] == EVIL)
    assert made["dependencies"] == [
        {"ref": APP, "dependsOn": [EVIL]},
        {"ref": EVIL},
        {"ref": "safeinstall:root", "dependsOn": [APP]},
    ]


def test_findings_are_vulnerabilities_with_what_was_decided() -> None:
    """A block is exploitable; an override is a decision with its reason, never a claim that it were harmless."""
    (stopped,) = items(sbom(blocked()), "vulnerabilities", dict)
    (accepted,) = items(sbom(full()), "vulnerabilities", dict)

    assert stopped["id"] == "MAL-1"
    assert [one["id"] for one in stopped["references"]] == ["GHSA-x"]
    assert stopped["affects"] == [{"ref": EVIL}]
    assert stopped["analysis"] == {"state": "exploitable", "detail": "block: policy (default)"}
    assert accepted["analysis"]["response"] == ["will_not_fix"]
    assert "accepted by ann until 2026-11-23 (command line): lab" in accepted["analysis"]["detail"]


def test_what_was_not_judged_stands_at_its_component() -> None:
    """A list of vulnerabilities that is empty for want of answers must not read as clean."""
    components = sbom(full())["components"]
    assert isinstance(components, list)
    app = next(one for one in components if one["name"] == "app")

    assert any(one["name"] == "safeinstall:not-judged" and "popular names" in one["value"] for one in app["properties"])


def test_the_same_run_gives_the_same_sbom() -> None:
    """But for the serial number; in whatever order the plan came."""
    made = [sbom(full()), sbom(full()), sbom(replace(full(), plan=replace(full().plan, edges=full().plan.edges[::-1])))]
    for one in made:
        one.pop("serialNumber")

    assert made[0] == made[1]
    assert made[0]["dependencies"] == made[2]["dependencies"]


def test_names_stay_as_they_are_spelled() -> None:
    """Npm's old names with capitals are other packages than their lower-case twins; a scope is a group."""
    planned = plan(release("pkg:npm/JSONStream@1.3.5"), release("pkg:npm/%40types/node@20.0.0"))
    components = sbom(replace(full(), plan=planned, verdict=Verdict(rulings=())))["components"]
    assert isinstance(components, list)

    assert {(one.get("group"), one["name"], one["purl"]) for one in components} == {
        (None, "JSONStream", "pkg:npm/JSONStream@1.3.5"),
        ("@types", "node", "pkg:npm/%40types/node@20.0.0"),
    }


def test_what_only_builds_others_is_no_part() -> None:
    """It is fetched and run, so it stands there; its scope says that it is not installed."""
    needs, below = "pkg:pypi/setuptools@80.0", "pkg:pypi/below@1.0"
    planned = plan(
        release(APP, asked="app"), release(needs), release(below), edges=[(None, APP, "app"), (needs, below, "below")]
    )
    edges = (
        *(one for one in planned.edges if one.child != parse(needs)),
        Edge(parent=parse(APP), child=parse(needs), requirement="setuptools", build=True),
    )
    components = sbom(replace(full(), plan=replace(planned, edges=edges), verdict=Verdict(rulings=())))["components"]
    assert isinstance(components, list)

    assert {one["purl"]: one["scope"] for one in components} == {APP: "required", needs: "excluded", below: "excluded"}


def test_what_is_for_other_systems_is_no_part() -> None:
    """It is judged like all that is locked; its scope and a property say that it is not installed here."""
    away = release("pkg:npm/native-win@1.0.0")
    planned = replace(plan(release("pkg:npm/native@1.0.0"), away), elsewhere=frozenset({away.purl}))
    components = sbom(replace(full(), plan=planned, verdict=Verdict(rulings=())))["components"]
    assert isinstance(components, list)

    assert {one["name"]: (one["scope"], "safeinstall:elsewhere" in str(one["properties"])) for one in components} == {
        "native": ("required", False),
        "native-win": ("excluded", True),
    }


@given(TEXTS, st.lists(TEXTS, max_size=3), st.sampled_from(ArtifactKind))
@settings(max_examples=40, deadline=None)
def test_foreign_text_leaves_the_sbom_valid(text: str, texts: list[str], kind: ArtifactKind) -> None:
    """Names, licences, reasons, URLs: whatever they hold."""
    odd = replace(release(APP, asked=text, kind=kind, url=f"https://x.example/{text}"), yanked=text, name=text)
    ruling = Ruling(
        result=replace(FINDING, title=text, evidence=tuple(texts), ids=tuple(texts)),
        decision=Decision.WARN,
        because=text,
    )
    planned = replace(plan(odd, release(EVIL)), licences={odd.purl: tuple(one for one in texts if one)}, notes=(text,))

    sbom(replace(full(), plan=planned, verdict=Verdict(rulings=(ruling,)), intent=intent(text)))


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("License-Expression: MIT OR BSD-3-Clause\nLicense: x", ("MIT OR BSD-3-Clause",)),
        ("License: BSD", ("BSD",)),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License", ("MIT License",)),
        ("Classifier: License :: OSI Approved\nClassifier: License :: Public Domain", ("Public Domain",)),
        ("License: Permission is hereby granted,\n        free of charge", ()),
        ("License: " + "x" * 200, ()),
        ("", ()),
    ],
)
def test_a_licence_is_what_metadata_names(metadata: str, expected: tuple[str, ...]) -> None:
    """The expression, else a name; the text of a licence is no name, and nothing is guessed."""
    head = "Metadata-Version: 2.4\nName: x\nVersion: 1\n"

    assert pypi_licences(f"{head}{metadata}\n\nLicense-Expression: no".encode()) == expected
    assert pypi_licences(b"\xff") == ()


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ({"license": "MIT"}, ("MIT",)),
        ({"license": {"type": "BSD", "url": "x"}}, ("BSD",)),
        ({"licenses": [{"type": "MIT"}, "GPL-2.0", 7, None]}, ("MIT", "GPL-2.0")),
        ({"license": 7}, ()),
        ({}, ()),
    ],
)
def test_npm_names_licences_in_several_forms(manifest: dict[str, object], expected: tuple[str, ...]) -> None:
    """All of them are in use."""
    assert npm_licences(manifest) == expected


# --- SARIF ----------------------------------------------------------------------------------------------------------


def test_sarif_has_a_result_for_each_finding_and_gap() -> None:
    """With level, place and a fingerprint that stays; a gap is an error as well, never left out."""
    made = sarif(blocked(locations=(Location(purl=parse(APP), path="requirements.txt", line=3, text="app"),)))
    results = made["results"]
    assert isinstance(results, list)
    evil, gap = results

    assert (evil["ruleId"], evil["level"], gap["ruleId"], gap["level"]) == (
        "advisory/malware", "error", "typosquat/not-judged", "error",
    )  # fmt: skip
    # It came through `app`, so the line of `app` is where to act.
    place = evil["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "requirements.txt", "uriBaseId": "PROJECT"}
    assert place["region"]["startLine"] == 3
    assert evil["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].endswith(EVIL)
    later = sarif(replace(blocked(), started=NOW + timedelta(days=9)))["results"]
    assert isinstance(later, list)
    assert [one["partialFingerprints"] for one in later] == [one["partialFingerprints"] for one in results]


def test_sarif_names_the_command_line_where_no_file_does() -> None:
    """A logical place is a place."""
    results = sarif(blocked())["results"]
    assert isinstance(results, list)

    (place,) = results[0]["locations"]
    assert place["logicalLocations"][0]["fullyQualifiedName"] == f"asked for on the command line: {EVIL}"


def test_an_override_is_a_suppression_with_its_reason() -> None:
    """The result stays in the log."""
    results = sarif(full())["results"]
    assert isinstance(results, list)
    (given,) = results[0]["suppressions"]

    assert (given["kind"], given["status"], given["justification"]) == ("external", "accepted", "lab")


@given(TEXTS, st.integers(1, 99))
@settings(max_examples=40, deadline=None)
def test_foreign_text_leaves_sarif_valid(text: str, line: int) -> None:
    """In titles, reasons, notes and the names of files."""
    ruling = Ruling(
        result=replace(FINDING, title=text, hint=text, ids=(text,)),
        decision=Decision.BLOCK,
        because=text,
        override=replace(OVERRIDE, reason=text),
    )
    gap = Ruling(result=replace(GAP, reason=text), decision=Decision.WARN, because=text)
    places = (
        Location(purl=parse(EVIL), path=text, line=line, text=text),
        Location(purl=parse(EVIL), path="/x", line=1),
    )
    run = replace(full(), verdict=Verdict(rulings=(ruling, gap)), intent=intent(text), locations=places)

    assert len(sarif(run)["results"]) == 2  # type: ignore[arg-type]


# --- where a release stands -----------------------------------------------------------------------------------------


def test_the_line_of_a_requirements_file_is_what_pip_told(tmp_path: Path) -> None:
    """Nested files and constraints, too; a URL is no file here."""
    asked = {"app": "app>=1 (-r dev/requirements.txt (line 12))", "evil": "evil (-r https://x.example/r.txt (line 1))"}
    run = replace(blocked(), intent=intent("-r", "x", cwd=tmp_path))
    releases = tuple(replace(one, asked=asked[one.name]) for one in run.plan.releases)
    found = located(replace(run, plan=replace(run.plan, releases=releases))).locations

    assert found == (Location(purl=parse(APP), path="dev/requirements.txt", line=12, text="app>=1"),)


LOCK = """{
  "packages": {
    "node_modules/app": {
      "version": "2.0.0"
    },
    "node_modules/x/node_modules/app": {
      "version": "1.0.0",
      "dependencies": { "@evil/thing": "^6" }
    },
    "node_modules/@evil/thing": {
      "version": "6.6.6"
    }
  }
}
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("package-lock.json", LOCK, {"app": 6, "@evil/thing": 10}),
        ("package.json", '{\n "dependencies": {\n  "app": "^1.0.0"\n }\n}\n', {"app": 3}),
        (
            "yarn.lock",
            'app@^1:\n  version "1.0.0"\n\n"@evil/thing@^6":\n  version "6.6.6"\n',
            {"app": 1, "@evil/thing": 4},
        ),
        ("pnpm-lock.yaml", "packages:\n  app@1.0.0:\n  '@evil/thing@6.6.6':\n", {"app": 2, "@evil/thing": 3}),
        ("broken", "\x00\xff", {}),
    ],
)
def test_lines_of_lockfiles_are_found(tmp_path: Path, name: str, text: str, expected: dict[str, int]) -> None:
    """By name, and by version where one name stands there more than once."""
    (tmp_path / name).write_text(text)
    thing, app = "pkg:npm/%40evil/thing@6.6.6", "pkg:npm/app@1.0.0"
    rulings = tuple(
        Ruling(result=replace(FINDING, purl=parse(one)), decision=Decision.BLOCK, because="x") for one in (app, thing)
    )
    run = replace(
        full(),
        plan=plan(release(app), release(thing)),
        verdict=Verdict(rulings=rulings),
        intent=intent(ecosystem=EcosystemName.NPM, cwd=tmp_path),
        environment=None,
    )
    # Those that npm itself reads are found without being named.
    found = located(run, () if name.startswith("package") else [tmp_path / name]).locations

    assert {place.purl: place.line for place in found} == {
        parse(f"pkg:npm/{key.replace('@', '%40')}@{'6.6.6' if 'evil' in key else '1.0.0'}"): line
        for key, line in expected.items()
    }
    assert all(place.path == name for place in found)


def test_python_lockfiles_have_lines_too(tmp_path: Path) -> None:
    """However the name is spelled there."""
    path = tmp_path / "poetry.lock"
    path.write_text('[[package]]\nname = "Other"\nversion = "1.0"\n\n[[package]]\nname = "App"\nversion = "1.0"\n')
    found = located(replace(blocked(), intent=intent(cwd=tmp_path)), [path, tmp_path / "missing"]).locations

    assert [(one.purl, one.path, one.line) for one in found] == [(APP, "poetry.lock", 6)]


# --- Markdown -------------------------------------------------------------------------------------------------------


def test_markdown_says_first_what_was_decided() -> None:
    """Then what to act on, with way and line, then how old the answers are."""
    made = Markdown().render(blocked(locations=(Location(purl=parse(APP), path="requirements.txt", line=3),)))

    assert made.startswith(
        "### safeinstall: **blocked** by 1 findings and 1 gaps in 2 releases; nothing was installed\n"
    )
    assert "| `pkg:pypi/evil@6.6.6` |" in made
    assert "required by app 1\\.0; asked for on the command line | `requirements.txt:3` |" in made
    assert "**not judged** \\(`typosquat`\\)" in made
    assert made.splitlines()[-1].startswith("Sources: osv 0 min old")


@given(TEXTS)
@settings(deadline=None)
def test_markdown_shows_foreign_text_and_obeys_none(text: str) -> None:
    """No link, mention, image, tag or table cell comes of it."""
    nasty = f"{text}[x](https://evil.example)@team<img src=x>|a|`b`"
    result = replace(FINDING, title=nasty, evidence=(nasty,), hint=nasty, ids=(nasty,))
    over = Override(purl=parse(EVIL), check="malware", reason=nasty, until=None, by=nasty, origin="x")
    rulings = (Ruling(result=result, decision=Decision.OVERRIDDEN, because=nasty, override=over),
               Ruling(result=replace(GAP, reason=nasty), decision=Decision.BLOCK, because=nasty))  # fmt: skip
    made = Markdown().render(replace(full(), verdict=Verdict(rulings=rulings), intent=intent(nasty)))

    bare = re.sub(r"`[^`]*`|\\.", "", made)
    assert not re.search(r"[\[\]@]|<(?!br>)|https?://", bare)
    for row in made.splitlines():
        if row.startswith("| "):
            assert len(re.findall(r"(?<!\\)\|", row)) == 5


def test_markdown_ends_long_tables() -> None:
    """A code host cuts long comments: the worst rows come first, and the rest is counted."""
    rulings = tuple(
        Ruling(result=replace(FINDING, title=f"bad {number}"), decision=Decision.WARN, because="x")
        for number in range(50)
    )

    assert "| and 20 more |" in Markdown().render(replace(full(), verdict=Verdict(rulings=rulings)))
