"""JSON version 1: valid by its published schema whatever happened, frozen, and without secrets."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.formats.json_v1 import SCHEMA, JsonV1
from safeinstall.model import (
    Artifact,
    ArtifactKind,
    BuildNeed,
    Confidence,
    Decision,
    EcosystemName,
    Finding,
    Gap,
    Override,
    Ruling,
    Severity,
    SourceState,
    Verdict,
)
from safeinstall.purl import make, parse
from safeinstall.runs import Installed, Run
from tests.fakes import NOW, VENV, intent, plan, release

VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
APP, EVIL = "pkg:pypi/app@1.0", "pkg:pypi/evil@6.6.6"

OVERRIDE = Override(purl=parse(EVIL), check="malware", reason="lab", until=NOW, by="ann", origin="command line")
FINDING = Finding(
    check="advisory",
    purl=parse(EVIL),
    kind="malware",
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    title="`evil` is bad",
    evidence=("MAL-1",),
    hint="leave it out",
    ids=("MAL-1", "GHSA-x"),
)
GAP = Gap(check="typosquat", purl=parse(APP), reason="the list of popular names is gone")


def full() -> Run:
    """Return a run with everything in it."""
    rulings = (
        Ruling(result=FINDING, decision=Decision.OVERRIDDEN, because="override by ann", override=OVERRIDE),
        Ruling(result=GAP, decision=Decision.WARN, because="policy (default)"),
    )
    app = replace(release(APP, asked="app"), build=BuildNeed.DYNAMIC, install_script=True, yanked="broken", alias="a")
    vcs = Artifact(kind=ArtifactKind.VCS, filename="", url="git+https://me:secret@git.example/x?token=1")
    evil = replace(release(EVIL, registry=None), artifact=vcs, kept=True)
    return Run(
        intent=replace(intent("app"), argv=("install", "app", "--index-url", "https://me:secret@pypi.example/simple")),
        plan=plan(app, evil, edges=[(None, APP, "app"), (APP, EVIL, "evil @ https://me:secret@x.example/e.zip")]),
        verdict=Verdict(rulings=rulings, unused=(OVERRIDE,), expired=(OVERRIDE,)),
        sources=(SourceState(source="osv", asked=2, answered=2, as_of=NOW), SourceState(source="records")),
        started=NOW,
        took=timedelta(seconds=1.5),
        installed=Installed(exit_code=0, differences=("x",), blocked=("y",)),
        settings=(("deadline = 5", "file"),),
        environment=VENV,
    )


def document(run: Run) -> dict[str, object]:
    """Return what is rendered, after the schema has seen it."""
    made = json.loads(JsonV1().render(run))
    VALIDATOR.validate(made)
    assert isinstance(made, dict)
    return made


def test_the_schema_is_a_schema() -> None:
    """By its own draft."""
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))


def test_a_full_run_is_valid() -> None:
    """With findings, gaps, overrides, differences and all that a release can be."""
    made = document(full())

    assert made["version"] == 1
    releases = made["releases"]
    assert isinstance(releases, list)
    assert releases[1]["why"] == ["required by app 1.0", "asked for on the command line"]


def test_an_empty_run_is_valid() -> None:
    """Nothing to install is an answer, too."""
    run = replace(full(), plan=plan(), verdict=Verdict(rulings=()), sources=(), installed=None, settings=())

    assert document(run)["installed"] is None


def test_no_secret_is_told() -> None:
    """Neither from the command line, nor from an artifact's URL, nor from a requirement."""
    text = JsonV1().render(full())

    assert "secret" not in text
    assert "token" not in text


def test_every_key_is_described() -> None:
    """What the schema does not know, nobody can rely on: no key is written that is not in it."""

    def keys(schema: object, made: object, path: str) -> list[str]:
        if isinstance(made, list):
            return [miss for item in made for miss in keys(_at(schema, "items"), item, f"{path}[]")]
        if not isinstance(made, dict):
            return []
        properties = _properties(schema)
        if not properties:
            return []
        missing = [f"{path}.{key}" for key in made if key not in properties]
        return missing + [
            miss for key, held in made.items() for miss in keys(properties.get(key, {}), held, f"{path}.{key}")
        ]

    assert keys(json.loads(SCHEMA.read_text()), document(full()), "") == []


def _resolved(schema: object) -> list[dict[str, object]]:
    """Return *schema* with everything that it refers to or combines."""
    if not isinstance(schema, dict):
        return []
    found = [schema]
    if "$ref" in schema:
        found += _resolved(json.loads(SCHEMA.read_text())["$defs"][schema["$ref"].rpartition("/")[2]])
    for key in ("anyOf", "oneOf", "allOf"):
        found += [inner for one in schema.get(key, ()) for inner in _resolved(one)]
    return found


def _properties(schema: object) -> dict[str, object]:
    found: dict[str, object] = {}
    for one in _resolved(schema):
        inner = one.get("properties", {})
        assert isinstance(inner, dict)
        found.update(inner)
    return found


def _at(schema: object, key: str) -> object:
    return next((one[key] for one in _resolved(schema) if key in one), {})


@given(st.text(max_size=50))
def test_foreign_text_leaves_the_document_valid(text: str) -> None:
    """Control characters, surrogates, direction marks: one document, plain ASCII."""
    finding = replace(FINDING, title=text, evidence=(text,), hint=text, ids=(text,))
    ruling = Ruling(result=finding, decision=Decision.BLOCK, because=text)
    odd = replace(release(APP, asked=text), name=text, version=text, yanked=text)
    run = replace(
        full(), verdict=Verdict(rulings=(ruling,)), intent=intent(text), plan=replace(plan(odd), notes=(text,))
    )
    made = JsonV1().render(run)

    assert made.isascii()
    VALIDATOR.validate(json.loads(made))


@pytest.mark.parametrize(
    ("path", "wrong"),
    [(("version",), 2), (("allowed",), "yes"), (("started",), "today"), (("releases", 0, "purl"), "app")],
)
def test_the_schema_refuses_what_is_wrong(path: tuple[object, ...], wrong: object) -> None:
    """A schema that accepts everything would promise nothing."""
    made: object = document(full())
    inner = made
    for key in path[:-1]:
        inner = inner[key]  # type: ignore[index]
    inner[path[-1]] = wrong  # type: ignore[index]

    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(made)


def test_version_1_is_frozen() -> None:
    """The names of version 1, once published, are not taken away; a change here is version 2."""
    frozen = Path(__file__).with_name("json_v1_keys.txt").read_text().split()
    schema = json.loads(SCHEMA.read_text())
    top = [f"run.{key}" for key in schema["required"]]
    inner = [f"{name}.{key}" for name, one in schema["$defs"].items() for key in one.get("required", ())]

    assert set(frozen) <= {*top, *inner}


def test_npm_is_valid_too() -> None:
    """With a scope in the purl."""
    purl = make(EcosystemName.NPM, "@types/node", "1.0.0")
    run = replace(full(), plan=plan(release(str(purl), asked="@types/node")), verdict=Verdict(rulings=()))

    assert document(run)
