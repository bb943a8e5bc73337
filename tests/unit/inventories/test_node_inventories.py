"""What the lockfiles of npm, yarn and pnpm, and a node_modules, say is there."""

import json
from pathlib import Path

import pytest

from safeinstall.errors import MalformedAnswer
from safeinstall.model import ArtifactKind
from tests.inventories import edges, origins, package, purls, read, reader

SRI = "sha512-" + "A" * 86 + "=="
PACKAGES: dict[str, object] = {
    "": {"name": "app", "dependencies": {"a": "^1.0.0"}, "devDependencies": {"al": "npm:b@1"}},
    "lib": {"name": "lib", "version": "0.1.0", "dependencies": {"a": "*"}},
    "node_modules/lib": {"resolved": "lib", "link": True},
    "node_modules/a": {
        "version": "1.0.0",
        "resolved": "https://npm.example/a/-/a-1.0.0.tgz",
        "integrity": SRI,
        "dependencies": {"@s/c": "^2.0.0"},
        "deprecated": "use b",
        "hasInstallScript": True,
    },
    "node_modules/a/node_modules/@s/c": {
        "version": "2.0.0",
        "resolved": "https://npm.example/@s/c/-/c-2.0.0.tgz",
        "integrity": SRI,
    },
    "node_modules/al": {"name": "b", "version": "1.0.0", "resolved": "https://npm.example/b/-/b-1.0.0.tgz"},
    "node_modules/g": {"version": "1.0.0", "resolved": "git+ssh://git@git.example/o/g.git#" + "0" * 40},
    "node_modules/opt": {"optional": True},
}
LOCK = {"lockfileVersion": 3, "packages": PACKAGES}
OLD = {
    "lockfileVersion": 1,
    "dependencies": {
        "a": {
            "version": "1.0.0",
            "resolved": "https://npm.example/a/-/a-1.0.0.tgz",
            "integrity": SRI,
            "requires": {"@s/c": "^2.0.0"},
            "dependencies": {"@s/c": {"version": "2.0.0", "integrity": SRI}},
        },
        "al": {"version": "npm:b@1.0.0"},
    },
}
CLASSIC = f"""# yarn lockfile v1

"@s/c@^2.0.0", "@s/c@^2.1.0":
  version "2.1.0"
  resolved "https://yarn.example/@s/c/-/c-2.1.0.tgz#{"1" * 40}"
  integrity {SRI}

a@^1.0.0:
  version "1.0.0"
  resolved "https://yarn.example/a/-/a-1.0.0.tgz#{"2" * 40}"
  dependencies:
    "@s/c" "^2.0.0"

"al@npm:b@1":
  version "1.0.0"
  resolved "https://yarn.example/b/-/b-1.0.0.tgz#{"3" * 40}"
"""
BERRY = """__metadata:
  version: 8

"@s/c@npm:^2.0.0":
  version: 2.1.0
  resolution: "@s/c@npm:2.1.0"
  checksum: 10c0/abc
  languageName: node

"a@npm:^1.0.0, a@npm:^1.0.1":
  version: 1.0.1
  resolution: "a@npm:1.0.1"
  dependencies:
    "@s/c": "npm:^2.0.0"

"al@npm:b@1":
  version: 1.0.0
  resolution: "b@npm:1.0.0"

"app@workspace:.":
  version: 0.0.0-use.local
  resolution: "app@workspace:."
  dependencies:
    a: "npm:^1.0.0"

"p@patch:p@npm%3A1.0.0#./x.patch":
  version: 1.0.0
  resolution: "p@patch:p@npm%3A1.0.0#./x.patch::version=1.0.0"
"""
PNPM_9 = f"""lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      a:
        specifier: ^1.0.0
        version: 1.0.0(@s/c@2.0.0)
packages:
  a@1.0.0:
    resolution: {{integrity: {SRI}}}
  '@s/c@2.0.0':
    resolution: {{integrity: {SRI}}}
    deprecated: no more
  g@https://codeload.example/o/g/tar.gz/abc:
    resolution: {{tarball: https://codeload.example/o/g/tar.gz/abc}}
    version: 1.0.0
snapshots:
  a@1.0.0(@s/c@2.0.0):
    dependencies:
      '@s/c': 2.0.0
"""
PNPM_6 = f"""lockfileVersion: '6.0'
dependencies:
  a:
    specifier: ^1.0.0
    version: 1.0.0
packages:
  /a@1.0.0:
    resolution: {{integrity: {SRI}}}
    dependencies:
      '@s/c': 2.0.0
  /@s/c@2.0.0:
    resolution: {{integrity: {SRI}}}
"""


def test_an_npm_lock_tells_aliases_scripts_deprecations_and_sources(tmp_path: Path) -> None:
    """Links, workspaces and optional packages that are absent are no releases."""
    held = read(tmp_path, "package-lock.json", json.dumps(LOCK))

    assert [one for one in purls(held) if "vcs_url" not in one] == [
        "pkg:npm/%40s/c@2.0.0",
        "pkg:npm/a@1.0.0",
        "pkg:npm/b@1.0.0",
    ]
    by_name = {one.name: one for one in held.releases}
    assert (by_name["a"].yanked, by_name["a"].install_script, by_name["b"].alias) == ("use b", True, "al")
    assert by_name["g"].artifact.kind is ArtifactKind.VCS
    assert {(None, "a"), (None, "b"), ("a", "%40s/c")} <= edges(held)
    assert [one.algorithm for one in by_name["a"].artifact.digests] == ["sha512"]


def test_an_old_npm_lock_is_a_tree(tmp_path: Path) -> None:
    """Version 1 nests what version 2 lists by place."""
    held = read(tmp_path, "npm-shrinkwrap.json", json.dumps(OLD))

    assert purls(held) == ["pkg:npm/%40s/c@2.0.0", "pkg:npm/a@1.0.0", "pkg:npm/b@1.0.0"]
    assert ("a", "%40s/c") in edges(held)


def test_a_lockfile_that_takes_one_name_from_another_names_tarball_is_told(tmp_path: Path) -> None:
    """What is judged is what would be installed, and the contradiction is a gap."""
    entry = {"version": "4.17.21", "resolved": "https://npm.example/evil/-/evil-6.6.6.tgz", "integrity": SRI}
    held = read(
        tmp_path, "package-lock.json", json.dumps({"lockfileVersion": 3, "packages": {"node_modules/lodash": entry}})
    )

    assert purls(held) == ["pkg:npm/evil@6.6.6"]
    assert [gap.purl for gap in held.gaps] == ["pkg:npm/lodash"]


@pytest.mark.parametrize(
    ("url", "kind", "chosen"),
    [
        ("https://evil.example/a/-/a-1.0.0.tgz", ArtifactKind.TARBALL, "package-lock.json"),
        ("https://evil.example/a.tgz", ArtifactKind.URL, None),
        ("file:../a-1.0.0.tgz", ArtifactKind.LOCAL_FILE, None),
    ],
)
def test_a_place_that_the_user_did_not_declare_is_not_the_registry(
    tmp_path: Path, url: str, kind: ArtifactKind, chosen: str | None
) -> None:
    """A lockfile may point at any host, with that file's own hash."""
    entry = {"version": "1.0.0", "resolved": url, "integrity": SRI}
    held = read(
        tmp_path, "package-lock.json", json.dumps({"lockfileVersion": 2, "packages": {"node_modules/a": entry}})
    )

    one = held.releases[0]
    assert one.artifact.kind is kind
    assert (one.registry.chosen if one.registry else None) == chosen


@pytest.mark.parametrize(
    ("text", "expected"),
    [(CLASSIC, ["%40s/c@2.1.0", "a@1.0.0", "b@1.0.0"]), (BERRY, ["%40s/c@2.1.0", "a@1.0.1", "b@1.0.0", "p@1.0.0"])],
    ids=["classic", "berry"],
)
def test_a_yarn_lock_tells_releases_and_who_requires_whom(tmp_path: Path, text: str, expected: list[str]) -> None:
    """Both of yarn's forms say the same."""
    held = read(tmp_path, "yarn.lock", text)

    assert purls(held) == [f"pkg:npm/{one}" for one in expected]
    assert ("a", "%40s/c") in edges(held)
    assert not held.gaps


@pytest.mark.parametrize("text", [PNPM_9, PNPM_6], ids=["9", "6"])
def test_a_pnpm_lock_tells_releases_and_who_requires_whom(tmp_path: Path, text: str) -> None:
    """Peers in brackets are how pnpm tells copies apart, and no part of a version."""
    held = read(tmp_path, "pnpm-lock.yaml", text)

    assert purls(held)[:2] == ["pkg:npm/%40s/c@2.0.0", "pkg:npm/a@1.0.0"]
    assert {(None, "a"), ("a", "%40s/c")} <= edges(held)
    assert {one.artifact.kind for one in held.releases if one.registry is None} <= {ArtifactKind.URL}


def test_a_node_modules_is_what_lies_in_it(tmp_path: Path) -> None:
    """What a script put there counts, though npm's own record does not name it; links are not followed."""
    top = tmp_path / "node_modules"
    package(package(top, "a", "1.0.0") / "node_modules", "@s/c", "2.0.0")
    package(top, "slipped-in", "6.6.6")
    package(top / ".pnpm/x@1.0.0/node_modules", "x", "1.0.0")
    (top / "linked").symlink_to(tmp_path)
    places = ("node_modules/a", "node_modules/a/node_modules/@s/c")
    hidden = {"packages": {key: PACKAGES[key] for key in places}}
    (top / ".package-lock.json").write_text(json.dumps(hidden))

    held = reader(top).read(top, "node_modules", origins())

    assert purls(held) == ["pkg:npm/%40s/c@2.0.0", "pkg:npm/a@1.0.0", "pkg:npm/slipped-in@6.6.6", "pkg:npm/x@1.0.0"]
    assert ("a", "%40s/c") in edges(held)
    assert held.notes == ("node_modules: 2 of its folders are not what npm wrote down of it",)


def test_an_sbom_names_what_it_is_not_judged_for(tmp_path: Path) -> None:
    """Components of other ecosystems are counted, never passed over in silence."""
    document = {
        "bomFormat": "CycloneDX",
        "components": [
            {"type": "library", "name": "a", "bom-ref": "1", "purl": "pkg:npm/a@1.0.0", "components": [
                {"type": "library", "name": "flask", "bom-ref": "2", "purl": "pkg:pypi/Flask@3.0.0",
                 "hashes": [{"alg": "SHA-256", "content": "ab" * 32}]}]},
            {"type": "library", "name": "gem", "purl": "pkg:gem/rails@7"},
            {"type": "library", "name": "mystery"},
            {"type": "library", "name": "b", "purl": "pkg:npm/b"},
        ],
        "dependencies": [{"ref": "1", "dependsOn": ["2"]}],
    }  # fmt: skip
    held = read(tmp_path, "bom.json", json.dumps(document))

    assert purls(held) == ["pkg:npm/a@1.0.0", "pkg:pypi/flask@3.0.0"]
    assert ("a", "flask") in edges(held)
    assert [gap.purl for gap in held.gaps] == ["pkg:npm/b"]
    assert len(held.notes) == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package-lock.json", "{"),
        ("package-lock.json", '{"lockfileVersion": 9}'),
        ("package-lock.json", '{"packages": {"node_modules/a": {"version": 1}}}'),
        ("yarn.lock", "  version 1\n"),
        ("yarn.lock", "a\n"),
        ("yarn.lock", "a@^1:\n  resolved x\n"),
        ("pnpm-lock.yaml", "lockfileVersion: '5.4'"),
        ("pnpm-lock.yaml", "a: &x {}\nlockfileVersion: *x"),
        ("bom.json", '{"bomFormat": "SPDX"}'),
    ],
)
def test_a_file_that_cannot_be_read_is_never_clean(tmp_path: Path, name: str, text: str) -> None:
    """What is no lockfile of a known form stops the audit."""
    with pytest.raises(MalformedAnswer):
        read(tmp_path, name, text)


def test_folders_of_ones_own_are_no_public_names(tmp_path: Path) -> None:
    """Yarn 1 and pnpm resolve them to nothing: what is linked is no release; no registry is asked about the rest."""
    classic = read(
        tmp_path,
        "yarn.lock",
        '# yarn lockfile v1\n\n"linked@link:./linked":\n  version "0.0.0"\n  uid ""\n\n'
        '"copied@file:./copied":\n  version "9.0.0"\n  dependencies:\n    a "1"\n\n'
        'a@1:\n  version "1.0.0"\n  resolved "https://yarn.example/a/-/a-1.0.0.tgz"\n',
    )
    pnpm = read(
        tmp_path,
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\nimporters:\n  member: {}\npackages:\n"
        "  member@file:member:\n    resolution: {directory: member, type: directory}\n"
        "  other@file:other:\n    resolution: {directory: other, type: directory}\n",
    )

    assert {(one.name, one.registry is None) for one in classic.releases} == {("copied", True), ("a", False)}
    assert [(one.name, one.artifact.kind) for one in pnpm.releases] == [("other", ArtifactKind.LOCAL_PROJECT)]
