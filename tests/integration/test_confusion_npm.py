"""Dependency confusion with npm: names that only a private registry is to be asked for."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.builders.tarballs import tarball
from tests.environments import node_modules, npm_project
from tests.guarded import FINDING, INSTALLED, UNRESOLVED, Guarded, Outcome, guarded
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer

pytestmark = pytest.mark.integration


@dataclass(frozen=True, kw_only=True, slots=True)
class Company:
    """A company whose packages `acme-utils` and `@acme/utils` 1.2.0 somebody published as 9.9.9 for everybody."""

    user: Guarded
    npm: Path
    public: NpmRegistry
    private: NpmRegistry
    project: Path

    def configure(self, default: NpmRegistry, **scopes: NpmRegistry) -> None:
        """Write the user's `.npmrc`."""
        lines = [f"registry={default.url}/", *(f"@{scope}:registry={one.url}/" for scope, one in scopes.items())]
        (self.user.home / ".npmrc").write_text("\n".join(lines) + "\n")

    def declare(self, **private: list[str]) -> None:
        """Write the user's settings."""
        lines = [f"{key} = {json.dumps(value)}" for key, value in private.items()]
        self.user.settings("\n".join(["[private]", *lines]), private=self.private.urls)

    def install(self, *argv: str) -> Outcome:
        """Run guarded `npm install ARGV`."""
        return self.user.npm(self.npm, "install", *argv, cwd=self.project)

    def leaked(self) -> list[str]:
        """Return the requests by which the public registry has learned a private name."""
        return [hit.path for hit in self.public.hits() if "acme" in hit.path or b"acme" in _plain(hit.body)]


def _plain(body: bytes) -> bytes:
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


@pytest.fixture
def company(home: Path, osv: OsvServer, newest: Path, npm: NpmRegistry, tmp_path: Path) -> Iterator[Company]:
    """Return a company with both registries; npm asks the public one for what has no scope."""
    npm.publish(tarball("acme-utils", "9.9.9"), tarball("@acme/utils", "9.9.9"), tarball("harmless-part", "1.0.0"))
    with NpmRegistry() as private:
        private.publish(tarball("acme-utils", "1.2.0"), tarball("@acme/utils", "1.2.0"))
        user = guarded(home, osv.url, npm)
        made = Company(user=user, npm=newest, public=npm, private=private, project=npm_project(tmp_path / "project"))
        made.configure(npm, acme=private)
        yield made


def test_an_unscoped_internal_name_is_not_asked_for(company: Company) -> None:
    """The public registry never learns it, nothing is installed, and the message says what to do."""
    company.declare(names=["acme-utils"])

    outcome = company.install("acme-utils")

    assert outcome.code == UNRESOLVED, str(outcome)
    assert "`acme-utils` is private (private.names), but it has no scope" in outcome.err
    assert company.leaked() == []
    assert not (company.project / "node_modules").exists()


def test_a_scope_without_a_registry_is_not_asked_for(company: Company) -> None:
    """Somebody forgot the line in `.npmrc`."""
    company.configure(company.public)
    company.declare(scopes=["@acme"])

    outcome = company.install("@acme/utils")

    assert outcome.code == UNRESOLVED, str(outcome)
    assert "but its scope has no registry of its own" in outcome.err
    assert company.leaked() == []


def test_a_private_name_that_a_public_package_requires_is_not_looked_up_ahead(company: Company) -> None:
    """Nor does the gateway itself ask for it."""
    company.declare(prefixes=["acme-"])
    company.public.publish(tarball("bait", "1.0.0", dependencies={"acme-utils": "*"}))

    outcome = company.install("bait")

    assert outcome.code == UNRESOLVED, str(outcome)
    assert company.leaked() == []


def test_a_scope_with_its_registry_is_as_ever(company: Company) -> None:
    """It is installed, and not even npm's own audit tells its name to the public registry."""
    company.declare(scopes=["acme"])

    outcome = company.install("@acme/utils", "harmless-part")

    assert outcome.code == INSTALLED, str(outcome)
    assert node_modules(company.project) == {"@acme/utils": "1.2.0", "harmless-part": "1.0.0"}
    (audit,) = (hit for hit in company.public.hits() if hit.method == "POST")
    assert b"harmless-part" in _plain(audit.body)
    assert company.leaked() == []


@pytest.mark.parametrize(("age", "code"), [(timedelta(days=4), FINDING), (timedelta(days=2000), INSTALLED)])
def test_nothing_is_declared_and_the_number_gives_it_away(company: Company, age: timedelta, code: int) -> None:
    """Once the cooldown is over, a new leap to a number that nobody counts up to blocks; an old one is told."""
    company.public.publish(tarball("acme-utils", "1.2.0"))
    company.public.publish(tarball("acme-utils", "9.9.9"), time=datetime.now(timezone.utc) - age)

    outcome = company.install("acme-utils")

    assert outcome.code == code, str(outcome)
    assert "`acme-utils` leaps from 1.2.0 to 9.9.9" in outcome.err


@pytest.mark.parametrize("name", ["acme-utils", "@acme/utils"])
def test_a_registry_that_merges_both(company: Company, name: str) -> None:
    """One registry, one packument, two origins: only the version gives it away."""
    company.configure(company.private)
    company.declare()
    company.private.publish(tarball(name, "9.9.9"))

    outcome = company.install(name)

    assert outcome.code == FINDING, str(outcome)
    assert f"`{name}` leaps from 1.2.0 to 9.9.9" in outcome.err
    assert company.private.artifact_hits() == ()
