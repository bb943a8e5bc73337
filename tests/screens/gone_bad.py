"""Scenes of good packages gone bad; `test_screens.py` plays them."""

# ruff: noqa: D401 - the docstring of a scene tells what happens in it

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from safeinstall.checks.changed_release import ChangedRelease
from safeinstall.checks.combination import Combination
from safeinstall.checks.ownership import Ownership
from safeinstall.checks.provenance import Provenance as ProvenanceCheck
from safeinstall.history import History, Maintainer, Method, Provenance, Publication
from safeinstall.model import Project, Purl
from safeinstall.purl import project
from tests.fakes import NOW, FakeSession, FakeSource, plan, release
from tests.outsides import Machine

CHECKS = (Combination(), ChangedRelease(), Ownership(), ProvenanceCheck())
AMY = Maintainer(name="amy", mail="amy@mail.example")
BEFORE = Publication(
    version="1.1.0",
    uploaded=NOW - timedelta(days=300),
    publisher="amy",
    maintainers=(AMY,),
    method=Method.ACCOUNT,
    provenance=Provenance(present=True),
    install_scripts=(),
    dependencies=(),
    commands=(),
    startup=(),
    size=20_000,
)


def _scene(folder: Path, checks: tuple[object, ...] = CHECKS, *pages: Project, **change: object) -> Machine:
    """Return a machine on which release 1.1.1 of a project differs from 1.1.0 by *change*."""
    after = replace(BEFORE, version="1.1.1", uploaded=NOW - timedelta(days=7))
    after = replace(after, **change)  # type: ignore[arg-type]  # fields of Publication
    one = release("pkg:pypi/thing@1.1.1", asked="thing", uploaded=after.uploaded)
    history = History(
        name="thing",
        planned=after,
        previous=BEFORE,
        settled=BEFORE,
        earlier=(BEFORE,),
        publishers=(("amy", NOW - timedelta(days=900)),),
        versions=4,
        dated=True,
    )
    session = FakeSession(planned=plan(one, projects=pages, histories={one.purl: history}))
    here = Machine(folder, session=session, sources=(FakeSource(),), answers={})
    here.checks, here.asked = checks, "thing"  # type: ignore[assignment]  # all of them are checks
    return here


def combination(folder: Path) -> Machine:
    """Somebody new brings in what nobody knows."""
    stranger = Project(
        purl=project(Purl("pkg:pypi/zq-flatmap@1.0")), first_uploaded=NOW - timedelta(days=40), releases=1
    )
    return _scene(folder, CHECKS, stranger, publisher="ben", dependencies=("zq-flatmap",))


def startup_file(folder: Path) -> Machine:
    """A file that runs whenever Python starts."""
    return _scene(folder, startup=("thing_init.pth",))


def changed_release(folder: Path) -> Machine:
    """Single signals warn."""
    return _scene(folder, install_scripts=(("postinstall", "node x.js"),))


def ownership(folder: Path) -> Machine:
    """Somebody new, and nothing else."""
    return _scene(folder, publisher="ben")


def provenance(folder: Path) -> Machine:
    """An attestation less."""
    return _scene(folder, provenance=Provenance(present=False))


def unexpected_origin(folder: Path) -> Machine:
    """A setting demands where it is built."""
    here = _scene(folder)
    planned = here.session.planned
    assert planned is not None
    demanded = {one.purl: "github.com/amy/thing" for one in planned.releases}
    here.session.planned = replace(planned, demanded=demanded)
    return here


def past_unknown(folder: Path) -> Machine:
    """A plain mirror tells neither who nor whence: one line."""
    return _scene(folder, publisher=None, maintainers=None, provenance=None, method=None)


SCENES: tuple[Callable[[Path], Machine], ...] = (
    *(combination, startup_file, changed_release, ownership, provenance, unexpected_origin, past_unknown),
)
