"""Dependency confusion with pip: the name of a private package on a public registry, in a higher version."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builders.wheels import wheel
from tests.environments import Venv
from tests.guarded import FINDING, GAP, INSTALLED, UNRESOLVED, Guarded, Outcome
from tests.registries.pypi import PypiRegistry

pytestmark = pytest.mark.integration

NAME = "acme-utils"


@dataclass(frozen=True, kw_only=True, slots=True)
class Company:
    """A company whose package `acme-utils` 1.2.0 somebody published as 9.9.9 where everybody can."""

    user: Guarded
    venv: Venv
    public: PypiRegistry
    private: PypiRegistry
    folder: Path

    def install(self, *argv: str, index: str, env: Mapping[str, str] | None = None) -> Outcome:
        """Run guarded `pip install ARGV`."""
        return self.user.pip(self.venv, "install", *argv, cwd=self.folder, index=index, env=env)

    def declare(self, *, names: Sequence[str] = (), conflicts: str = "block") -> None:
        """Write the user's settings: which registry is whose, and these private names."""
        text = f'[private]\nnames = {json.dumps(names)}\nconflicts = "{conflicts}"\n'
        self.user.settings(text, private=self.private.urls)

    def leaked(self) -> list[str]:
        """Return the paths by which the public registry has learned the private name."""
        return [hit.path for hit in self.public.hits() if "acme" in hit.path.replace("_", "-")]


@pytest.fixture
def company(user: Guarded, venv: Venv, pypi: PypiRegistry, tmp_path: Path) -> Iterator[Company]:
    """Return a company with both registries."""
    pypi.add(wheel(NAME, "9.9.9"), wheel("harmless-helper"))
    with PypiRegistry() as private:
        private.add(wheel(NAME, "1.1.0"), wheel(NAME, "1.2.0"), wheel("acme-app", requires=[NAME]))
        folder = tmp_path / "here"
        folder.mkdir()
        yield Company(user=user, venv=venv, public=pypi, private=private, folder=folder)


def test_an_extra_index_on_the_command_line(company: Company) -> None:
    """Both candidates are shown, and nothing is installed."""
    company.declare()

    outcome = company.install(
        "acme-app", "--extra-index-url", company.private.index_url, index=company.public.index_url
    )

    _blocked(company, outcome)


def test_an_extra_index_in_the_environment(company: Company) -> None:
    """It makes no difference where the index is named."""
    company.declare()

    env = {"PIP_EXTRA_INDEX_URL": company.private.index_url}
    outcome = company.install(NAME, index=company.public.index_url, env=env)

    _blocked(company, outcome)


def test_an_extra_index_in_a_requirements_file(company: Company) -> None:
    """Nor in which file."""
    company.declare()
    (company.folder / "requirements.txt").write_text(f"--extra-index-url {company.private.index_url}\n{NAME}\n")

    outcome = company.install("-r", "requirements.txt", index=company.public.index_url)

    _blocked(company, outcome)


def test_an_extra_index_in_pip_conf(company: Company) -> None:
    """Nor in which format."""
    company.declare()
    conf = company.folder / "pip.conf"
    conf.write_text(f"[global]\nextra-index-url = {company.private.index_url}\n")

    outcome = company.install(NAME, index=company.public.index_url, env={"PIP_CONFIG_FILE": str(conf)})

    _blocked(company, outcome)


def test_a_page_of_find_links(company: Company) -> None:
    """Nor by which option."""
    company.declare()

    page = f"{company.private.index_url}/{NAME}/"
    outcome = company.install(NAME, "--find-links", page, index=company.public.index_url)

    _blocked(company, outcome)


def test_archives_in_a_local_folder(company: Company) -> None:
    """What lies on the user's own disk is theirs."""
    company.declare()
    folder = company.folder / "wheels"
    folder.mkdir()
    mine = wheel(NAME, "1.2.0")
    (folder / mine.filename).write_bytes(mine.data)

    outcome = company.install(NAME, "--find-links", "wheels", index=company.public.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert "error[confusion]" in outcome.err
    assert folder.as_uri() in outcome.err
    assert company.venv.installed() == {}


def test_copies_of_public_archives_in_a_local_folder(company: Company) -> None:
    """An older copy of what the index lists is no other package."""
    company.declare()
    old = wheel("harmless-helper", "0.9")
    company.public.add(old)
    (company.folder / old.filename).write_bytes(old.data)

    outcome = company.install("harmless-helper", "--find-links", ".", index=company.public.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert "confusion" not in outcome.err
    assert company.venv.installed() == {"harmless-helper": "1.0"}


def test_the_private_index_first(company: Company) -> None:
    """The order of indexes means nothing to pip, so it means nothing here."""
    company.declare()

    outcome = company.install(NAME, "--extra-index-url", company.public.index_url, index=company.private.index_url)

    _blocked(company, outcome)


@pytest.mark.parametrize("private_first", [False, True])
def test_nothing_is_declared(company: Company, private_first: bool) -> None:
    """Without any setting the number alone gives it away."""
    company.user.settings()
    (company.user.home / "safeinstall" / "config" / "safeinstall.toml").unlink()
    one, other = company.public.index_url, company.private.index_url
    index, extra = (other, one) if private_first else (one, other)

    outcome = company.install(NAME, "--extra-index-url", extra, index=index)

    _blocked(company, outcome)


@pytest.mark.parametrize("private_first", [False, True])
def test_a_declared_name_is_taken_from_its_registry(
    company: Company,
    private_first: bool,
) -> None:
    """The public registry is not even asked, neither for the plan nor while installing, and the run says so."""
    company.declare(names=["acme_utils", "acme-app"])
    one, other = company.public.index_url, company.private.index_url
    index, extra = (other, one) if private_first else (one, other)

    outcome = company.install("acme-app", "harmless-helper", "--extra-index-url", extra, index=index)

    assert outcome.code == INSTALLED, str(outcome)
    assert company.venv.installed() == {"acme-app": "1.0", NAME: "1.2.0", "harmless-helper": "1.0"}
    assert company.leaked() == []
    assert f"`{NAME}` is private (private.names): taken from {company.private.index_url}" in outcome.err


def test_a_declared_name_with_no_declared_registry(company: Company) -> None:
    """Only an index beside the primary one is asked; that nobody said whose it is remains to be said."""
    company.user.settings()
    path = company.user.home / "safeinstall" / "config" / "safeinstall.toml"
    path.write_text(f'[private]\nnames = ["{NAME}"]\n')

    outcome = company.install(NAME, "--extra-index-url", company.private.index_url, index=company.public.index_url)

    assert outcome.code == GAP, str(outcome)
    assert "registries.private" in outcome.err
    assert company.venv.installed() == {}
    assert company.leaked() == []


def test_a_declared_name_that_only_a_public_registry_could_have(company: Company) -> None:
    """Nothing is installed, nobody is asked, and the message says what to set."""
    company.declare(names=[NAME])

    outcome = company.install(NAME, index=company.public.index_url)

    assert outcome.code == UNRESOLVED, str(outcome)
    assert f"`{NAME}` is private (private.names) and no private registry lists it" in outcome.err
    assert company.leaked() == []
    assert company.venv.installed() == {}


def test_what_a_public_package_requires_is_not_looked_up_ahead(company: Company) -> None:
    """Nor does the gateway itself ask for a private name that a public package requires."""
    company.declare(names=[NAME])
    company.public.add(wheel("bait", requires=[NAME]))

    outcome = company.install("bait", index=company.public.index_url)

    assert outcome.code == UNRESOLVED, str(outcome)
    assert company.leaked() == []


def test_an_undeclared_index_learns_no_private_name(company: Company) -> None:
    """Whoever writes a requirements file adds an index of their own in vain."""
    company.declare(names=[NAME])
    (company.folder / "requirements.txt").write_text(f"--extra-index-url {company.private.index_url}\n{NAME}\n")
    with PypiRegistry() as strange:
        strange.add(wheel(NAME, "9.9.9"))

        outcome = company.install("-r", "requirements.txt", "--extra-index-url", strange.index_url,
                                  index=company.public.index_url)  # fmt: skip

        assert outcome.code == INSTALLED, str(outcome)
        assert strange.hits() == ()
    assert company.venv.installed() == {NAME: "1.2.0"}


def test_an_undeclared_conflict_is_pinned_by_policy(company: Company) -> None:
    """What the private registry lists comes from there, with what that version requires."""
    company.declare(conflicts="pin")
    company.private.add(wheel(NAME, "1.3.0", requires=["harmless-helper"]))

    outcome = company.install(NAME, "--extra-index-url", company.private.index_url, index=company.public.index_url)

    assert outcome.code == INSTALLED, str(outcome)
    assert company.venv.installed() == {NAME: "1.3.0", "harmless-helper": "1.0"}
    assert f"`{NAME}` is private (private.conflicts): taken from {company.private.index_url}" in outcome.err


def test_a_registry_that_merges_both(company: Company) -> None:
    """One index, one page, two origins: only the version gives it away."""
    company.declare()
    company.private.add(wheel(NAME, "9.9.9"))

    outcome = company.install(NAME, index=company.private.index_url)

    assert outcome.code == FINDING, str(outcome)
    assert f"`{NAME}` leaps from 1.2.0 to 9.9.9" in outcome.err
    assert company.venv.installed() == {}
    assert company.private.artifact_hits() == ()


def test_a_mirror_is_no_second_owner(company: Company) -> None:
    """An extra index with copies of public files changes nothing."""
    (company.user.home / "safeinstall" / "config" / "safeinstall.toml").unlink()
    company.public.add(wheel("shared-part", "2.0"), wheel("shared-part", "1.0"))
    company.private.add(wheel("shared-part", "1.0"))

    outcome = company.install("shared-part", "--extra-index-url", company.private.index_url,
                              index=company.public.index_url)  # fmt: skip

    assert outcome.code == INSTALLED, str(outcome)
    assert "confusion" not in outcome.err


def _blocked(company: Company, outcome: Outcome) -> None:
    assert outcome.code == FINDING, str(outcome)
    assert "error[confusion]" in outcome.err
    assert "9.9.9" in outcome.err
    assert "1.2.0" in outcome.err
    assert company.public.url in outcome.err
    assert company.private.url in outcome.err
    assert company.venv.installed() == {}
    assert company.public.artifact_hits() == company.private.artifact_hits() == ()
