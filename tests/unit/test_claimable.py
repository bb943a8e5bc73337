"""`safeinstall audit --claimable`: which private names anybody could take; nobody is asked without consent."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeinstall.claimable import Owned, Project, State, address, advice, ask, owned
from safeinstall.commands import audit
from safeinstall.contracts import Bulk
from safeinstall.effects import RequestsHttp
from safeinstall.errors import MalformedAnswer, Misconfigured, NotThere, SourceUnavailable
from safeinstall.model import EcosystemName
from safeinstall.names.popular import popular
from safeinstall.private import Private
from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.fakes import FakeHttp
from tests.outsides import Machine, Tty
from tests.registries.npm import NpmRegistry
from tests.registries.pypi import PypiRegistry

PYPI, NPM = EcosystemName.PYPI, EcosystemName.NPM
OURS = "https://packages.corp.example/simple"
PUBLIC = "https://public.example/simple"
WORD = "safeinstall-asks-whether-you-say-no-0"
GONE = NotThere("404")


def project(
    texts: dict[str, str] | None = None, documents: dict[str, object] | None = None, **private: tuple[str, ...]
) -> Project:
    """Return a project with these files."""
    return Project(
        texts=texts or {},
        documents=documents or {},
        private=Private(**private),
        registries=("https://packages.corp.example/",),
    )


def found(given: Project) -> list[tuple[str, str]]:
    """Return the private names of a project; `flask` is a popular name."""
    return [(one.ecosystem.value, one.name) for one in owned(given, lambda _, name: name == "flask")]


def test_declared_names_are_private() -> None:
    """A name that the files do not place is looked at on both registries, a scoped one on npm."""
    given = project(names=("Acme_Utils", "@acme/x"))

    assert found(given) == [("npm", "@acme/x"), ("npm", "Acme_Utils"), ("pypi", "acme-utils")]


def test_files_tell_whose_a_declared_name_is() -> None:
    """A name that a requirements file requires is none of npm's."""
    given = project({"requirements.txt": "acme.utils==1\n"}, names=("acme-utils",))

    assert found(given) == [("pypi", "acme-utils")]


def test_prefixes_and_scopes_are_found_in_the_files() -> None:
    """A prefix declares no name of itself; what the project uses of it is one."""
    given = project(
        {"requirements.txt": "acme-core>=1 ; python_version > '3'\nflask\n"},
        {"package.json": {"dependencies": {"@corp/ui": "1", "left-pad": "1"}, "devDependencies": {"acme-lint": "2"}}},
        prefixes=("acme-",),
        scopes=("@corp",),
    )

    assert found(given) == [("npm", "@corp/ui"), ("npm", "acme-lint"), ("pypi", "acme-core")]


@pytest.mark.parametrize(
    ("option", "private"),
    [
        pytest.param(f"--extra-index-url {OURS}", True, id="extra"),
        pytest.param(f"--index-url={OURS}", True, id="only"),
        pytest.param(f"-i {OURS}", True, id="short"),
        pytest.param("--extra-index-url https://packages.corp.example.net/", False, id="another-host"),
        pytest.param("", False, id="none"),
    ],
)
def test_a_requirements_file_that_names_a_private_index(option: str, private: bool) -> None:
    """What it requires beside popular names may come from there; paths, URLs and options are no names."""
    text = f"{option}\nflask\nacme-utils[x]==1.0 \\\n  --hash=sha256:00  # ours\n./lib\nhttps://x.example/y.whl\n-e .\n"

    assert found(project({"requirements.txt": text})) == ([("pypi", "acme-utils")] if private else [])


@pytest.mark.parametrize(
    ("path", "document", "names"),
    [
        pytest.param(
            "package-lock.json",
            {
                "packages": {
                    "": {"name": "root"},
                    "node_modules/ours": {"resolved": "https://packages.corp.example/ours-1.tgz"},
                    "node_modules/x/node_modules/@corp/ui": {"resolved": "https://packages.corp.example/ui.tgz"},
                    "node_modules/alias": {"name": "real", "resolved": "https://packages.corp.example/real.tgz"},
                    "node_modules/theirs": {"resolved": "https://public.example/theirs-1.tgz"},
                    "lib": {"name": "workspace"},
                }
            },
            [("npm", "@corp/ui"), ("npm", "ours"), ("npm", "real")],
            id="package-lock",
        ),
        pytest.param(
            "pylock.toml",
            {"packages": [{"name": "ours", "index": OURS}, {"name": "flask", "index": PUBLIC}]},
            [("pypi", "ours")],
            id="pylock",
        ),
        pytest.param(
            "uv.lock",
            {"package": [{"name": "ours", "source": {"registry": OURS}}, {"name": "me", "source": {"editable": "."}}]},
            [("pypi", "ours")],
            id="uv",
        ),
        pytest.param(
            "poetry.lock",
            {"package": [{"name": "Ours", "source": {"type": "legacy", "url": OURS}}, {"name": "flask"}]},
            [("pypi", "ours")],
            id="poetry",
        ),
    ],
)
def test_lockfiles_tell_what_comes_from_a_private_registry(
    path: str, document: object, names: list[tuple[str, str]]
) -> None:
    """They say of each release where it is taken from."""
    assert found(project(documents={path: document})) == names


def test_a_scope_with_a_private_registry() -> None:
    """What `.npmrc` sends to a private registry is private."""
    given = project(
        {".npmrc": "@corp:registry=https://packages.corp.example/npm/\n@open:registry=https://public.example/\n"},
        {"package.json": {"dependencies": {"@corp/ui": "1", "@open/x": "1"}}},
    )

    assert found(given) == [("npm", "@corp/ui")]


@given(
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["packages", "package", "name", "dependencies", "index"]), inner)
        ),
    )
)
def test_any_document_is_read_or_refused(document: object) -> None:
    """A lockfile that is none is no crash."""
    for path in ("package.json", "package-lock.json", "uv.lock"):
        try:
            owned(project(documents={path: document}), lambda *_: False)
        except MalformedAnswer:
            continue


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    """Whatever stands in a requirements file or an .npmrc, what is found are names."""
    texts = {"requirements.txt": f"-i {OURS}\n{text}", ".npmrc": text}

    assert all(one.name for one in owned(project(texts), lambda *_: False))


def names(*some: str, ecosystem: EcosystemName = PYPI) -> tuple[Owned, ...]:
    """Return private names."""
    return tuple(Owned(ecosystem=ecosystem, name=name, why=("private.names",)) for name in some)


def registry(**answers: object) -> FakeHttp:
    """Return a registry that has `popular`, and gives these *answers*."""
    told = {"popular": b"page", WORD: GONE, **{key.replace("_", "-"): value for key, value in answers.items()}}
    return FakeHttp({address(PUBLIC, PYPI, name): answer for name, answer in told.items()})


def test_a_registry_tells_what_it_has() -> None:
    """No page: nobody has the name. No answer: nobody knows."""
    http = registry(free_one=GONE, taken=b"page", broken=SourceUnavailable("500"))
    told = ask(names("free-one", "taken", "broken"), PUBLIC, http, popular="popular", token="0")

    assert [(one.state, one.detail) for one in told] == [
        (State.FREE, ""),
        (State.TAKEN, ""),
        (State.UNKNOWN, "500"),
    ]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({"popular": GONE}, id="no-registry-of-that-kind"),
        pytest.param({WORD.replace("-", "_"): b"sign in, please"}, id="answers-for-every-name"),
        pytest.param({"popular": SourceUnavailable("refused")}, id="down"),
    ],
)
def test_a_registry_whose_answers_say_nothing_learns_no_name(answers: dict[str, object]) -> None:
    """A captive portal would call every name taken; it is found out before a private name is told to it."""
    http = registry(**answers)
    (told,) = ask(names("ours"), PUBLIC, http, popular="popular", token="0")

    assert told.state is State.UNKNOWN
    assert "say nothing" in told.detail
    assert not any("ours" in url for url, _ in http.asked)


def test_a_scoped_name_is_one_part_of_the_address() -> None:
    """Registries of npm want the slash escaped."""
    assert address("https://npm.example/", NPM, "@corp/ui") == "https://npm.example/@corp%2Fui"


def test_advice_is_given_for_what_is_free() -> None:
    """A scope is reserved as an organisation, other names one by one."""
    assert [one.split()[0] for one in advice(NPM, ["@corp/ui", "ours"])] == ["make", "publish"]
    assert [one.split()[0] for one in advice(PYPI, ["ours"])] == ["upload"]
    assert advice(PYPI, []) == ()


# --- the command ------------------------------------------------------------------------------------------------------


class Never(FakeHttp):
    """A network that must not be used."""

    def _answer(self, url: str, body: object) -> object:
        raise AssertionError(url)


def ran(here: Machine, *words: str, http: object = None) -> int:
    """Run the command with *http* for the outside world."""
    here.stdout, here.stderr = io.StringIO(), io.StringIO() if here.typed is None else Tty()
    network = cast("Bulk", http or Never())
    return audit.run(replace(here.outside(), bulk=lambda: network), ["--claimable", *words])


def company(folder: Path, typed: str | None = None) -> Machine:
    """Return a machine with a project that has a private name on each registry."""
    here = Machine(folder, typed=typed)
    here.settings(f'[registries]\nprivate = ["{OURS}"]\n[private]\nnames = ["acme-utils"]\nscopes = ["@acme"]\n')
    (here.project / "requirements.txt").write_text("acme-utils==1\nflask\n")
    (here.project / "package.json").write_text('{"dependencies": {"@acme/ui": "1"}}')
    return here


def test_nobody_is_asked_without_consent(tmp_path: Path) -> None:
    """Without a flag and without a terminal the names are told to the user alone, and that is no clean answer."""
    here = company(tmp_path)

    assert ran(here) == 41
    assert here.stdout.getvalue() == (
        "not known (PyPI):\n"
        "  acme-utils: private.names\n"
        "     nobody was asked\n"
        "   = to ask, which tells it these names: --ask-pypi URL\n"
        "\n"
        "not known (npm):\n"
        "  @acme/ui: private.scopes (@acme)\n"
        "     nobody was asked\n"
        "   = to ask, which tells it these names: --ask-npm URL\n"
        "\n"
        "safeinstall: 2 private names: 0 can be claimed by anybody, 0 taken, 2 unknown; nothing was reserved or "
        "installed\n"
    )


def test_the_registries_that_are_named_are_asked(tmp_path: Path) -> None:
    """Each learns the names of its own ecosystem, and what nobody has comes with advice."""
    here = company(tmp_path)
    least = {one: popular(one).name(popular(one).size - 1) for one in EcosystemName}
    with PypiRegistry() as pypi, NpmRegistry() as npm:
        pypi.add(wheel(least[PYPI], "1.0"))
        npm.publish(tarball(least[NPM], "1.0.0"), tarball("@acme/ui", "9.9.9"))
        code = ran(here, "--ask-pypi", pypi.index_url, "--ask-npm", npm.url, http=RequestsHttp())
        asked = [hit.path for hit in (*pypi.hits(), *npm.hits())]

    text = here.stdout.getvalue()
    assert code == 40
    assert "nobody has reserved (PyPI):\n  acme-utils: private.names\n\nto reserve them:\n  - upload an empty" in text
    assert "somebody has, which is well if that is you (npm):\n  @acme/ui: private.scopes (@acme)\n" in text
    assert text.endswith(
        "safeinstall: 2 private names: 1 can be claimed by anybody, 1 taken, 0 unknown; nothing was reserved or "
        "installed\n"
    )
    assert [path for path in asked if "acme" in path] == ["/simple/acme-utils/", "/@acme/ui"]


def test_consent_for_one_registry_is_none_for_another(tmp_path: Path) -> None:
    """Whoever may be told the names of PyPI is not told those of npm."""
    here = company(tmp_path)
    with PypiRegistry() as pypi:
        pypi.add(wheel(popular(PYPI).name(popular(PYPI).size - 1), "1.0"), wheel("acme-utils", "1"))
        assert ran(here, "--ask-pypi", pypi.index_url, http=RequestsHttp()) == 41
        assert not any("ui" in hit.path.split("/") for hit in pypi.hits())


@pytest.mark.parametrize(
    "typed", [pytest.param("\n\n", id="nothing"), pytest.param("y\ny\n", id="a-letter"), pytest.param("", id="the-end")]
)
def test_at_a_terminal_only_a_url_is_consent(tmp_path: Path, typed: str) -> None:
    """The names are shown, and a `y` does not say who is to be asked."""
    here = company(tmp_path, typed)

    assert ran(here) == 41
    assert "  acme-utils\nAsking a public registry of PyPI tells it this 1 private name." in here.stderr.getvalue()


def test_a_person_at_a_terminal_names_the_registry(tmp_path: Path) -> None:
    """Its URL is typed by hand."""
    with PypiRegistry() as pypi:
        pypi.add(wheel(popular(PYPI).name(popular(PYPI).size - 1), "1.0"))
        here = company(tmp_path, f"{pypi.index_url}\n\n")

        assert ran(here, http=RequestsHttp()) == 40


def test_under_ci_a_terminal_is_nobody(tmp_path: Path) -> None:
    """What a CI system lends for a terminal gives no consent."""
    here = company(tmp_path, "https://public.example/\nhttps://public.example/\n")
    here.env["CI"] = "true"

    assert ran(here) == 41
    assert here.stderr.getvalue() == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--ask-pypi", "public"], "is no URL of a registry", id="no-url"),
        pytest.param(["--ask-pypi", OURS], "is declared private", id="our-own"),
        pytest.param(["nowhere"], "is no folder", id="no-folder"),
        pytest.param(["--ask"], "unrecognized arguments", id="unknown-flag"),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, words: list[str], message: str) -> None:
    """Nothing is guessed, and nobody is asked."""
    with pytest.raises(Misconfigured, match=message):
        ran(company(tmp_path), *words)


def test_offline_nobody_is_asked(tmp_path: Path) -> None:
    """A flag does not outdo the setting."""
    here = company(tmp_path)
    here.env["SAFEINSTALL_OFFLINE"] = "true"
    here.settings("offline = true\n[private]\nnames = ['acme-utils']\n")

    with pytest.raises(Misconfigured, match="offline"):
        ran(here, "--ask-pypi", PUBLIC)


def test_a_project_without_private_names(tmp_path: Path) -> None:
    """There is nothing to claim, and the message says how to declare what there is."""
    here = Machine(tmp_path)

    assert ran(here) == 0
    assert here.stdout.getvalue().startswith("safeinstall: no private name is declared or found here")


def test_as_data(tmp_path: Path) -> None:
    """The same for programs."""
    here = company(tmp_path)
    here.settings("[private]\nnames = ['acme-utils']\nprefixes = ['acme-']\n")

    assert ran(here, "--format", "json") == 41
    assert json.loads(here.stdout.getvalue()) == {
        "format": "safeinstall-claimable",
        "version": 1,
        "names": [
            {
                "ecosystem": "pypi",
                "name": "acme-utils",
                "why": ["private.names"],
                "state": "unknown",
                "detail": "nobody was asked",
            }
        ],
        "advice": {"pypi": [], "npm": []},
    }


def test_a_prefix_cannot_be_reserved(tmp_path: Path) -> None:
    """That is said."""
    here = Machine(tmp_path)
    here.settings("[private]\nprefixes = ['acme-']\n")

    ran(here)
    assert "note: `acme-` is a prefix: whoever likes can claim names below it" in here.stdout.getvalue()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"[" * 100_000])
def test_a_file_that_cannot_be_read_stops(tmp_path: Path, content: bytes) -> None:
    """Half a project would give half the names."""
    here = company(tmp_path)
    (here.project / "package-lock.json").write_bytes(content)

    with pytest.raises((Misconfigured, MalformedAnswer), match=r"package-lock\.json"):
        ran(here)


def test_audit_is_a_command(tmp_path: Path) -> None:
    """It is reached from the command line."""
    here = company(tmp_path)

    assert here.main("audit", "--claimable") == 41
