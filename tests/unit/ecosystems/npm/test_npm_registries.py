"""Which registry npm may ask for a private name."""

from pathlib import Path

import pytest

from safeinstall.contracts import Conditions
from safeinstall.ecosystems.npm.registries import Keeper, declared, registry
from safeinstall.ecosystems.npm.session import told_registry
from safeinstall.model import Visibility
from safeinstall.private import Private
from tests.fakes import PUBLIC, release

DEFAULT, OWN = "https://npm.example/", "https://packages.corp.example/npm/"
PRIVATE = Private(names=("acme-utils",), scopes=("@acme",))


def keeper(default: str | None = DEFAULT, **conditions: tuple[str, ...]) -> Keeper:
    """Return a keeper of npm's default registry."""
    return Keeper(conditions=Conditions(private=PRIVATE, **conditions), default=lambda: default)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("page", "kept"),
    [
        (f"{DEFAULT}acme-utils", True),
        (f"{DEFAULT}@acme%2futils", True),
        (f"{DEFAULT}@acme/utils", True),
        (f"{DEFAULT}express", False),
        (f"{OWN}@acme%2futils", False),
    ],
)
def test_the_default_registry_learns_no_private_name(page: str, *, kept: bool) -> None:
    """The registry that a scope was given does."""
    assert keeper().keeps(page) is kept


def test_once_an_owner_is_declared_nobody_else_is_asked() -> None:
    """Whoever wrote the project's `.npmrc` must not learn private names by giving a scope their own registry."""
    strict = keeper(private_registries=("https://packages.corp.example",))

    assert strict.keeps("https://evil.example/@acme%2futils")
    assert not strict.keeps(f"{OWN}@acme%2futils")
    assert strict.missing() is not None
    assert strict.notes() == (
        "`@acme/utils` is private (private.scopes (@acme)): https://evil.example was not asked for it",
    )


def test_before_npm_has_told_its_registry_everything_is_public(tmp_path: Path) -> None:
    """What is not known must not leak."""
    assert told_registry(tmp_path) is None
    assert keeper(default=None).keeps(f"{OWN}@acme%2futils")
    (tmp_path / "registry").write_text(DEFAULT)
    assert told_registry(tmp_path) == DEFAULT


def test_the_audit_leaves_out_what_is_not_public() -> None:
    """A registry that owns the names may hear them."""
    conditions = Conditions(private=PRIVATE)
    own = registry(OWN, DEFAULT, conditions)
    releases = (release("pkg:npm/%40acme/utils@1.2.0", registry=own), release("pkg:npm/express@4.0.0", registry=PUBLIC))

    assert own.visibility is Visibility.PRIVATE
    assert keeper().unspoken(releases, DEFAULT) == {"@acme/utils"}
    assert keeper(private_registries=(DEFAULT,)).unspoken(releases, DEFAULT) == frozenset()
    assert not declared(OWN, conditions)
