"""Readers of inventories meet files that anybody wrote: each gives an inventory or says that it cannot."""

import json
import tempfile
from pathlib import Path

import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safeinstall.errors import MalformedAnswer
from safeinstall.inventories import INVENTORIES
from tests.inventories import origins, read

WORDS = ("name", "version", "packages", "package", "dependencies", "resolved", "resolution", "source", "registry",
         "files", "hash", "wheels", "hashes", "url", "purl", "components", "integrity", "link", "lockfileVersion",
         "snapshots", "importers", "lock-version", "metadata", "bomFormat", "node_modules/a", "a@1.0.0", "a",
         "/a@1.0.0", "tarball", "__metadata", "vcs", "requires")  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from((*WORDS, "1.0", "1.0.0", "CycloneDX", "pkg:npm/a@1.0.0", "https://npm.example/a/-/a-1.0.0.tgz",
                     "git+https://git.example/x", "https://[", "file:../x", "a@npm:1.0.0", "npm:b@1", "9.0")),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-3, 9), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=5)),
    max_leaves=25,
)
TABLES = st.dictionaries(TEXTS, VALUES, max_size=6)
FEW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def survives(name: str, text: str) -> None:
    """Read *text* as the file *name*: an inventory, or `MalformedAnswer`."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            read(Path(folder), name, text)
        except MalformedAnswer:
            return


@pytest.mark.parametrize("name", ["package-lock.json", "bom.json"])
@FEW
@given(document=TABLES)
def test_any_json_is_an_inventory_or_a_refusal(name: str, document: dict[str, object]) -> None:
    """No document makes a reader crash."""
    survives(name, json.dumps({"lockfileVersion": 3, "bomFormat": "CycloneDX", **document}))
    survives(name, json.dumps({"packages": document, "components": [document]}))


@pytest.mark.parametrize("name", ["pylock.toml", "uv.lock", "poetry.lock"])
@FEW
@given(document=TABLES)
def test_any_toml_is_an_inventory_or_a_refusal(name: str, document: dict[str, object]) -> None:
    """No document makes a reader crash."""
    whole = {"lock-version": "1.0", "version": 1, "metadata": {}, "packages": [document], "package": [document]}
    try:
        text = tomlkit.dumps(whole)
    except (ValueError, TypeError, AttributeError):
        return  # lists of mixed tables that TOML cannot say
    survives(name, text)


@pytest.mark.parametrize("name", ["pnpm-lock.yaml", "yarn.lock"])
@FEW
@given(document=TABLES)
def test_any_yaml_is_an_inventory_or_a_refusal(name: str, document: dict[str, object]) -> None:
    """No document makes a reader crash; JSON is YAML."""
    whole = {"lockfileVersion": "9.0", "packages": document, **document}
    survives(name, json.dumps(whole))
    survives(name, json.dumps({"__metadata:": {}, **document}))


@pytest.mark.parametrize("name", ["requirements.txt", "yarn.lock", "pnpm-lock.yaml"])
@FEW
@given(text=st.one_of(st.text(max_size=80), st.lists(TEXTS, max_size=8).map("\n".join)))
def test_any_text_is_an_inventory_or_a_refusal(name: str, text: str) -> None:
    """No text makes a reader crash."""
    survives(name, text)


def test_every_reader_that_exists_is_asked() -> None:
    """A file in inventories/ which nobody registered would be a lockfile that nobody reads."""
    folder = Path(__file__).parents[3] / "safeinstall/inventories"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "draft", "documents", "npm_names"}

    assert files == {type(one).__module__.rpartition(".")[2] for one in INVENTORIES}


def test_a_file_beyond_all_measure_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lockfile of a hundred megabytes is none."""
    monkeypatch.setattr("safeinstall.inventories.requirements._LARGEST", 10)

    with pytest.raises(MalformedAnswer, match="more than 10 bytes"):
        read(tmp_path, "requirements.txt", "flask==3.0.0\n", origins())
