"""
Every message as a person sees it: the whole stderr of one run, compared with a text file beside this one.

`SAFEINSTALL_UPDATE_SCREENS=1 python -m pytest tests/screens` writes them anew; read the difference before you keep it.
"""

# ruff: noqa: D401 - the docstring of a scene tells what happens in it

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from safeinstall.checks.advisory import Advisory as AdvisoryCheck
from safeinstall.checks.confusion import DependencyConfusion
from safeinstall.checks.fresh_release import FreshRelease
from safeinstall.checks.install_script import InstallScript
from safeinstall.checks.registry_choice import RegistryChoice
from safeinstall.checks.registry_status import RegistryStatus
from safeinstall.checks.source_build import SourceBuild
from safeinstall.checks.starjacking import StarJacking
from safeinstall.checks.transport import Transport
from safeinstall.checks.typosquat import Typosquat
from safeinstall.choices import Choice
from safeinstall.cooldown import Cooling, Withheld, Young
from safeinstall.ecosystems.npm.registries import HINT as NPM_HINT
from safeinstall.ecosystems.pypi.offers import HINT as PYPI_HINT
from safeinstall.errors import CannotResolve, NotUnderstood, SourceUnavailable
from safeinstall.facts import Facts
from safeinstall.gateway.proof import PLAIN
from safeinstall.ledger import user
from safeinstall.model import (
    AdvisoryKind,
    ArtifactKind,
    BuildNeed,
    Claim,
    Finding,
    Offer,
    Project,
    Purl,
    Registry,
    Release,
    Severity,
)
from safeinstall.origin import Origin
from safeinstall.purl import parse, project
from safeinstall.runs import Installed
from tests.fakes import NOW, PRIVATE, PUBLIC, FakeSession, FakeSource, FakeSupplement, advisory, plan, release
from tests.outsides import FakeCheck, Machine, NameCheck
from tests.screens import gone_bad

UPDATE = "SAFEINSTALL_UPDATE_SCREENS" in os.environ
HERE = Path(__file__).parent

APP, PAMPYIO, REDAPTY = "pkg:pypi/app@1.0", "pkg:pypi/pampyio@0.1.0", "pkg:pypi/redapty@1.0.0"
EDGES = [(None, APP, "app"), (APP, PAMPYIO, "pampyio"), (PAMPYIO, REDAPTY, "redapty>=1")]
DEEP = plan(release(APP, asked="app"), release(PAMPYIO), release(REDAPTY), edges=EDGES)
LARGE = plan(release(APP, asked="app"), *(release(f"pkg:pypi/part-{number}@1.0") for number in range(13)))


@dataclass(frozen=True, slots=True)
class Knowing:
    """A check that is told where releases come from."""

    ident: ClassVar[str] = "starjacking"
    question: ClassVar[str] = StarJacking.question

    check: StarJacking
    origins: Mapping[Purl, Origin]

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        return self.check.run(release, replace(facts, origins=self.origins))


def known(purl: str, **what: object) -> FakeSource:
    """Return a source that knows one thing about *purl*."""
    return FakeSource(known={parse(purl): (advisory(**what),)})  # type: ignore[arg-type]  # fields of an advisory


def on(folder: Path, *sources: FakeSource, **session: object) -> Machine:
    """Return a machine on which the set three levels deep would be installed."""
    made = FakeSession(**{"planned": DEEP, **session})  # type: ignore[arg-type]  # fields of FakeSession
    return Machine(folder, session=made, sources=sources or (FakeSource(),))


def clean(folder: Path) -> Machine:
    """Nothing is known against anything."""
    return on(folder)


def clean_from_the_cache(folder: Path) -> Machine:
    """The answers are three hours old."""
    return on(folder, FakeSource(as_of=NOW - timedelta(hours=3)))


def offline(folder: Path) -> Machine:
    """Judged with what is on the machine."""
    here = on(folder, FakeSupplement(as_of=NOW - timedelta(days=22)))
    here.flags = ("--safeinstall-offline",)
    return here


def nothing_to_do(folder: Path) -> Machine:
    """Everything is installed already."""
    return on(folder, planned=plan())


def malware_deep_below(folder: Path) -> Machine:
    """The way to it is told."""
    return on(folder, known(REDAPTY))


def malware_allowed(folder: Path) -> Machine:
    """A decision with a reason and an end."""
    here = on(folder, known(REDAPTY))
    here.flags = (
        "--safeinstall-allow", f"malware:{REDAPTY}", "--safeinstall-reason", "a sample for our lab",
        "--safeinstall-until", "2027-03-01",
    )  # fmt: skip
    return here


def typosquat(folder: Path) -> Machine:
    """The name is meant to be mistaken."""
    here = on(folder, planned=plan(release("pkg:pypi/reqeusts@1.0.4", asked="reqeusts")))
    here.checks = (NameCheck({"reqeusts": "requests"}),)
    here.asked = "reqeusts"
    return here


def nearest_good_version(folder: Path) -> Machine:
    """Kind, ids, affected and fixed versions, source and age, link, and what to take instead."""
    one = replace(
        advisory(
            "GHSA-aaaa-bbbb-cccc",
            kind=AdvisoryKind.VULNERABILITY,
            severity=Severity.HIGH,
            aliases=frozenset({"CVE-2026-1"}),
            fixed=("2.32.0", "3.0.1"),
            summary="header smuggling",
        ),
        affected=("from 2.0 before 2.32.0", "from 3.0 before 3.0.1"),
        url="https://advisories.example/GHSA-aaaa-bbbb-cccc",
    )
    more = advisory("GHSA-dddd-eeee-ffff", kind=AdvisoryKind.VULNERABILITY, severity=Severity.HIGH)
    told = {parse("pkg:pypi/lib@2.31.0"): (one,), parse("pkg:pypi/lib@2.32.0"): (more,)}
    session = FakeSession(
        planned=plan(release("pkg:pypi/lib@2.31.0", asked="lib<3")),
        listed={"lib": tuple(Choice(version=one) for one in ("2.31.0", "2.32.0", "2.32.1", "3.0.1"))},
    )
    here = on(folder, FakeSource(known=told))
    here.session = session
    here.ecosystem.session = session
    here.checks = (AdvisoryCheck(),)
    here.asked = "lib<3"
    return here


def vulnerable(folder: Path) -> Machine:
    """Told, and installed."""
    what = {"kind": AdvisoryKind.VULNERABILITY, "severity": Severity.HIGH, "summary": "header smuggling"}
    return on(folder, known(PAMPYIO, ident="GHSA-aaaa-bbbb-cccc", **what))


def source_down(folder: Path) -> Machine:
    """One message for all releases."""
    return on(folder, FakeSource(failure=SourceUnavailable("https://osv.example did not answer within 8 s")),
              planned=LARGE)  # fmt: skip


def one_gap(folder: Path) -> Machine:
    """The source was silent about one release."""
    return on(folder, FakeSource(mute={parse(REDAPTY): "its record could not be read"}))


def unproven(folder: Path) -> Machine:
    """Whoever is on the network could have answered in the registry's place."""
    doubted = replace(PUBLIC, url="http://packages.example/simple", unproven=PLAIN)
    here = on(folder, planned=plan(*(replace(one, registry=doubted) for one in DEEP.releases), edges=EDGES))
    here.checks = (Transport(),)
    return here


def chosen_by_the_repository(folder: Path) -> Machine:
    """A stranger would serve every name."""
    stranger = replace(PUBLIC, url="https://elsewhere.example/simple", chosen="a requirements file")
    here = on(folder, planned=plan(*(replace(one, registry=stranger) for one in DEEP.releases), edges=EDGES))
    here.checks = (RegistryChoice(),)
    return here


def many_blocked(folder: Path) -> Machine:
    """More than anybody types commands for."""
    bad: Mapping[Purl, tuple[object, ...]] = {one.purl: (advisory(),) for one in LARGE.releases[:5]}
    return on(folder, FakeSource(known=bad), planned=LARGE)  # type: ignore[arg-type]  # advisories


def unresolvable(folder: Path) -> Machine:
    """The manager's own words come first."""
    output = "ERROR: Could not find a version that satisfies the requirement app==9\nERROR: No matching distribution"
    return on(folder, failure=CannotResolve("pip could not resolve the set", output=output))


def not_understood(folder: Path) -> Machine:
    """Nothing is guessed."""
    failure = NotUnderstood("pip has no command `instal`", hint="did you mean `pip install`?")
    return on(folder, failure=failure)


def crash(folder: Path) -> Machine:
    """A fault of ours."""
    return on(folder, failure=ValueError("a fault\nof ours"))


def served_something_else(folder: Path) -> Machine:
    """The registry changed its mind after the verdict."""
    refused = "redapty-1.0.0-py3-none-any.whl: sha256 aa.. was served, 00.. was judged"
    return on(folder, outcome=Installed(exit_code=1, blocked=(refused,)))


def installed_something_else(folder: Path) -> Machine:
    """What is there is not what was judged."""
    return on(folder, outcome=Installed(exit_code=0, differences=("`redapty` 1.0.1 is installed, 1.0.0 was judged",)))


def wrong_setting(folder: Path) -> Machine:
    """The file, the key and what was meant."""
    here = on(folder)
    here.settings('[policy]\nyankd = "block"\n')
    return here


def loosening_project(folder: Path) -> Machine:
    """What a repository tried is said."""
    here = on(folder)
    override = f'[[override]]\npurl = "{REDAPTY}"\ncheck = "malware"\nreason = "trust us"\nuntil = 2027-01-01\n'
    here.settings(f"offline = true\n{override}", project=True)
    return here


def expired(folder: Path) -> Machine:
    """The decision is over."""
    here = on(folder, known(REDAPTY))
    here.settings(
        f'[[override]]\npurl = "{REDAPTY}"\ncheck = "malware"\nreason = "a sample"\nuntil = 2026-01-01\nby = "ann"\n'
    )
    return here


def hostile_text(folder: Path) -> Machine:
    """Escapes, direction marks, line breaks and floods in what others wrote."""
    evil = (
        "\x1b[2J\x1b]0;owned\x07all is fine\u202e\nsafeinstall: 3 releases judged, all clean; installing\n"
        + "A" * 10_000
    )
    return on(folder, known(REDAPTY, summary=evil, ident="MAL-\x1b[1m1"))


def asked_and_refused(folder: Path) -> Machine:
    """A person at a terminal presses `y`."""
    here = typosquat(folder)
    here.typed = "y\n"
    return here


def asked_and_allowed(folder: Path) -> Machine:
    """A person at a terminal decides."""
    here = typosquat(folder)
    here.typed = "reqeusts\nour own fork\n"
    return here


def asked_about_many(folder: Path) -> Machine:
    """Nobody types fourteen names."""
    here = source_down(folder)
    here.typed = "\n"
    return here


def malware_at_a_terminal(folder: Path) -> Machine:
    """No question, but the way."""
    here = malware_deep_below(folder)
    here.typed = ""
    return here


def notes_and_kept(folder: Path) -> Machine:
    """What the user should know of how it was resolved."""
    kept = replace(release("pkg:pypi/six@1.16.0", kind=ArtifactKind.WHEEL), kept=True)
    return on(folder, planned=plan(release(APP, asked="app"), kept, notes=("`app` 1.1 is withheld: it is 2 h old",)))


def on_two_registries(folder: Path, name: str, version: str, *offers: Offer, **more: object) -> Machine:
    """Return a machine with the real check, on which `name` is listed by several registries."""
    one = release(f"pkg:pypi/{name}@{version}", asked=name, registry=offers[0].registry)
    named = tuple(replace(offer, purl=project(one.purl)) for offer in offers)
    here = on(folder, planned=plan(one, offers=named, **more))  # type: ignore[arg-type]  # fields of Plan
    here.checks = (DependencyConfusion(),)
    here.asked = name
    return here


def listed(registry: Registry, highest: str, **more: object) -> Offer:
    """Return what one registry lists."""
    made = Offer(purl=parse("pkg:pypi/any"), registry=registry, highest=highest, releases=1, planned=False)
    return replace(made, **more)  # type: ignore[arg-type]  # fields of Offer


def confusion(folder: Path) -> Machine:
    """A public registry would win over the one that owns the name."""
    return on_two_registries(folder, "acme-utils", "9.9.9", listed(PUBLIC, "9.9.9"), listed(PRIVATE, "1.2.0"))


def confusion_undeclared(folder: Path) -> Machine:
    """Nobody said which registry is whose."""
    one, other = listed(PRIVATE, "9.9.9", guessed=True), listed(PUBLIC, "1.2.0", guessed=True)
    return on_two_registries(folder, "acme-utils", "9.9.9", one, other)


def confusion_leap(folder: Path) -> Machine:
    """One registry that merges two others."""
    return on_two_registries(folder, "acme-utils", "9.9.9", listed(PRIVATE, "9.9.9", below="1.2.0", releases=4))


def confusion_note(folder: Path) -> Machine:
    """The right one wins, today."""
    return on_two_registries(folder, "acme-utils", "1.2.0", listed(PRIVATE, "1.2.0"), listed(PUBLIC, "1.1.0"))


def confusion_first_version(folder: Path) -> Machine:
    """A new name that begins at 99."""
    return on_two_registries(folder, "acme-utils", "99.0.0", listed(PUBLIC, "99.0.0", guessed=True))


def private_answered(folder: Path) -> Machine:
    """A public registry has a private name."""
    return on_two_registries(folder, "acme-utils", "1.2.0", listed(PUBLIC, "1.2.0", claim="private.names"))


def private_pinned(folder: Path) -> Machine:
    """The private one was taken, and the others were not asked."""
    note = f"`acme-utils` is private (private.names): taken from {PRIVATE.url}; {PUBLIC.url} was not asked"
    mine = listed(PRIVATE, "1.2.0", claim="private.names")
    return on_two_registries(folder, "acme-utils", "1.2.0", mine, notes=(note,))


def private_missing(folder: Path) -> Machine:
    """Only a public registry could have it."""
    message = f"`acme-utils` is private (private.names) and no private registry lists it; {PUBLIC.url} was not asked"
    here = on(folder, failure=CannotResolve(message, hint=PYPI_HINT))
    here.asked = "acme-utils"
    return here


def private_missing_npm(folder: Path) -> Machine:
    """A scope without a registry."""
    why = "its scope has no registry of its own: npm would ask https://npm.example, which was not asked"
    message = f"`@acme/utils` is private (private.scopes (@acme)), but {why}"
    here = on(folder, failure=CannotResolve(message, hint=NPM_HINT))
    here.asked = "@acme/utils"
    return here


def jacked(folder: Path, *known: Claim, first: datetime | None, **more: object) -> Machine:
    """Return a machine with the real check, on which `pampyio` shows the repository of pampy."""
    one = release(PAMPYIO, asked="pampyio")
    claims = (Claim(purl=one.purl, repositories=("github.com/owner/pampy",)), *known)
    page = Project(purl=project(one.purl), first_uploaded=first)
    here = on(folder, planned=plan(one, claims=claims, projects=(page,), **more))  # type: ignore[arg-type]  # of Plan
    here.checks = (StarJacking(),)
    here.asked = "pampyio"
    return here


def starjacking(folder: Path) -> Machine:
    """The popular project itself says whose repository it is."""
    known = Claim(purl=parse("pkg:pypi/pampy"), repositories=("github.com/owner/pampy",))
    return jacked(folder, known, first=NOW - timedelta(days=3))


def starjacking_attested(folder: Path) -> Machine:
    """Its attestations and the manifest in the repository name others."""
    here = jacked(folder, first=NOW - timedelta(days=3))
    origin = Origin(attested=("github.com/evil/pampyio",), manifest="pampy", exists=True)
    here.checks = (Knowing(StarJacking(), {parse(PAMPYIO): origin}),)
    return here


def starjacking_denied(folder: Path) -> Machine:
    """The repository that it claims is not there."""
    here = starjacking_shared(folder)
    planned = plan(release("pkg:pypi/qzxv-things@1.0", asked="qzxv-things"))
    claim = Claim(purl=planned.releases[0].purl, repositories=("github.com/a/b",))
    here.session.planned = replace(planned, claims=(claim,))
    here.checks = (Knowing(StarJacking(), {claim.purl: Origin(exists=False)}),)
    return here


def misspelt_word(folder: Path) -> Machine:
    """A word of the name is a slip of a common one."""
    one = release("pkg:npm/acme-validtaor@1.0.0", asked="acme-validtaor")
    here = on(folder, planned=plan(one))
    here.checks = (Typosquat(),)
    here.asked = "acme-validtaor"
    return here


def faint_and_new(folder: Path) -> Machine:
    """A faint likeness with two more signs."""
    one = release("pkg:npm/debug-logtron@1.0.0", asked="debug-logtron", install_script=True)
    page = Project(purl=project(one.purl), first_uploaded=NOW - timedelta(days=4), releases=12)
    here = on(folder, planned=plan(one, projects=(page,)))
    here.checks = (Typosquat(),)
    here.asked = "debug-logtron"
    return here


def known_name(folder: Path) -> Machine:
    """A plain mirror tells no age, and a list has the name."""
    one = release("pkg:pypi/urequests@1.0", asked="urequests")
    here = on(folder, planned=plan(one))
    here.checks = (Typosquat(),)
    here.asked = "urequests"
    return here


def starjacking_unconfirmed(folder: Path) -> Machine:
    """Nobody could be asked."""
    return jacked(folder, first=None)


def starjacking_established(folder: Path) -> Machine:
    """The name is in use for years."""
    return jacked(folder, first=NOW - timedelta(days=900))


def starjacking_and_malware(folder: Path) -> Machine:
    """The borrowed good name, and what hides behind it."""
    here = jacked(folder, first=NOW - timedelta(days=3))
    planned = here.session.planned
    whole = plan(*planned.releases, release(REDAPTY), edges=[(None, PAMPYIO, "pampyio"), (PAMPYIO, REDAPTY, "redapty")])
    here.session.planned = replace(whole, claims=planned.claims, projects=planned.projects)
    here.sources = (known(REDAPTY),)
    here.checks = (FakeCheck(), StarJacking())
    return here


def starjacking_shared(folder: Path) -> Machine:
    """A new stranger shares the repository of a popular release in the set."""
    stranger, popular = release("pkg:pypi/qzxv-things@1.0", asked="qzxv-things"), release("pkg:pypi/requests@2.0")
    same = ("github.com/psf/requests",)
    here = on(
        folder,
        planned=plan(
            stranger,
            popular,
            claims=tuple(Claim(purl=one.purl, repositories=same) for one in (stranger, popular)),
            projects=(Project(purl=project(stranger.purl), first_uploaded=NOW - timedelta(days=3)),),
        ),
    )
    here.checks = (StarJacking(),)
    here.asked = "qzxv-things"
    return here


def _cooled(one: Release, **more: object) -> FakeSession:
    """Return a session that plans *one* under the cooldown."""
    cooling = Cooling(**more)  # type: ignore[arg-type]  # fields of Cooling
    return FakeSession(planned=plan(one, cooling=cooling))


def withheld(folder: Path) -> Machine:
    """What is too young is left out, and said."""
    older = release("pkg:pypi/flask@3.8.2", asked="flask")
    young = Withheld(
        purl=parse("pkg:pypi/flask@3.9.0"),
        uploaded=NOW - timedelta(hours=12),
        minimum=timedelta(hours=72),
        chosen="3.8.2",
    )
    late = replace(young, purl=older.purl, filename="flask-3.8.2-cp311-cp311-linux_x86_64.whl")
    between = replace(young, purl=parse("pkg:pypi/flask@3.8.10"), uploaded=NOW - timedelta(hours=70))
    here = Machine(folder, session=_cooled(older, withheld=(between, young, late)), sources=(FakeSource(),))
    here.checks, here.asked = (FakeCheck(), FreshRelease()), "flask"
    return here


def withheld_pin(folder: Path) -> Machine:
    """What was asked for exactly is judged."""
    one = release("pkg:pypi/flask@3.9.0", asked="flask==3.9.0", uploaded=NOW - timedelta(hours=12))
    here = Machine(folder, session=_cooled(one, young=(Young(purl=one.purl, older="3.8.2"),)), sources=(FakeSource(),))
    here.checks, here.asked = (FakeCheck(), FreshRelease()), "flask==3.9.0"
    return here


def withheld_late(folder: Path) -> Machine:
    """A file that was added to an old release, which a pin asks for."""
    one = release("pkg:pypi/flask@3.8.2", asked="flask==3.8.2", uploaded=NOW - timedelta(hours=3))
    told = Young(purl=one.purl, older="3.8.1", since=NOW - timedelta(days=200))
    here = Machine(folder, session=_cooled(one, young=(told,)), sources=(FakeSource(),))
    here.checks, here.asked = (FakeCheck(), FreshRelease()), "flask==3.8.2"
    return here


def withheld_but_needed(folder: Path) -> Machine:
    """Without what is too young there is no plan."""
    one = release("pkg:pypi/flask@3.9.0", asked="flask>=3.9", uploaded=NOW - timedelta(hours=12))
    why = "it could not be withheld: without it nothing fits `flask>=3.9`"
    told = Young(purl=one.purl, older="3.8.2", why=why)
    here = Machine(folder, session=_cooled(one, young=(told,)), sources=(FakeSource(),))
    here.checks, here.asked = (FakeCheck(), FreshRelease()), "flask>=3.9"
    return here


def withheld_fix(folder: Path) -> Machine:
    """The first version that mends an advisory is let through; this session has it in either plan."""
    mended = release("pkg:pypi/flask@3.8.3", asked="flask", uploaded=NOW - timedelta(hours=5))
    hit = release("pkg:pypi/flask@3.8.2", asked="flask")
    young = Withheld(purl=mended.purl, uploaded=NOW, minimum=timedelta(hours=72), chosen="3.8.2")
    what = {"kind": AdvisoryKind.VULNERABILITY, "severity": Severity.HIGH, "fixed": ("3.8.3",)}
    source = known("pkg:pypi/flask@3.8.2", ident="GHSA-aaaa-bbbb-cccc", **what)
    session = FakeSession(planned=plan(hit, cooling=Cooling(withheld=(young,))), then=plan(mended))
    here = Machine(folder, session=session, sources=(source,))
    here.checks, here.asked = (FakeCheck(), FreshRelease()), "flask"
    return here


def ages_unknown(folder: Path) -> Machine:
    """A mirror tells no upload times: one line, whatever the number of releases."""
    here = on(
        folder, planned=plan(*(replace(one, artifact=replace(one.artifact, uploaded=None)) for one in LARGE.releases))
    )
    here.checks = (FakeCheck(), FreshRelease())
    return here


def _status(folder: Path, one: Release, **project_fields: object) -> Machine:
    """Return a machine on which *one* would be installed, of whose project the registry tells these fields."""
    page = Project(purl=project(one.purl), releases=3, **project_fields)  # type: ignore[arg-type]  # fields of Project
    here = on(folder, planned=plan(one, projects=(page,)))
    here.checks, here.asked = (FakeCheck(), RegistryStatus()), one.name
    return here


def install_script(folder: Path) -> Machine:
    """A release that is not listed wants to run scripts."""
    one = release("pkg:npm/esbuild@0.25.1", asked="esbuild", install_script=True)
    here = on(folder, planned=plan(one))
    here.checks, here.asked = (FakeCheck(), InstallScript()), "esbuild"
    here.settings('[scripts]\nnpm = "listed"\nallowed = ["pkg:npm/esbuild@0.25.0"]\n')
    return here


def build_unlisted(folder: Path) -> Machine:
    """A release that is not listed would be built."""
    one = release("pkg:pypi/lib@2.1", kind=ArtifactKind.SDIST, asked="lib", build=BuildNeed.STATIC)
    here = on(folder, planned=plan(one))
    here.checks, here.asked = (FakeCheck(), SourceBuild()), "lib"
    here.settings('[scripts]\npypi = "block"\n')
    return here


def quarantined(folder: Path) -> Machine:
    """The registry suspects malware."""
    return _status(folder, release("pkg:pypi/lib@2.1", asked="lib"), status="quarantined", reason="reported as malware")


def placeholder(folder: Path) -> Machine:
    """The name was taken from malware."""
    return _status(folder, release("pkg:npm/held@0.0.1-security", asked="held"))


def unpublished(folder: Path) -> Machine:
    """A lockfile asks for what the registry does not list any more."""
    return _status(folder, release("pkg:npm/lib@1.0.0"), unpublished=("1.0.0",))


SCENES: tuple[Callable[[Path], Machine], ...] = (
    clean, clean_from_the_cache, offline, nothing_to_do, malware_deep_below, malware_allowed, typosquat, vulnerable,
    nearest_good_version,
    source_down, one_gap, unproven, chosen_by_the_repository, many_blocked, unresolvable, not_understood, crash,
    served_something_else, installed_something_else, wrong_setting, loosening_project, expired, hostile_text,
    asked_and_refused, asked_and_allowed, asked_about_many, malware_at_a_terminal, notes_and_kept,
    confusion, confusion_undeclared, confusion_leap, confusion_note, confusion_first_version, private_answered,
    private_pinned, private_missing, private_missing_npm, starjacking, starjacking_unconfirmed,
    starjacking_established, starjacking_and_malware, starjacking_shared, starjacking_attested, starjacking_denied,
    misspelt_word, faint_and_new, known_name,
    withheld, withheld_pin, withheld_late, withheld_but_needed, withheld_fix, ages_unknown,
    quarantined, placeholder, unpublished, install_script, build_unlisted,
    *gone_bad.SCENES,
)  # fmt: skip


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_screen(scene: Callable[[Path], Machine], tmp_path: Path) -> None:
    """What a person reads is what was agreed on, to the letter."""
    here = scene(tmp_path)
    code = here.main("pip", "install", here.asked, *here.flags)
    command = " ".join(["$ safeinstall pip install", here.asked, *here.flags])
    screen = f"{command}\n{_terminal(here.screen).replace(f'by {user()} ', 'by USER ')}[exit code {code}]\n"
    file = HERE / f"{scene.__name__}.txt"
    if UPDATE:
        file.write_text(screen)

    assert screen == file.read_text()


def test_every_screen_has_its_scene() -> None:
    """A file that no test compares would be a message that may change unseen."""
    assert {path.stem for path in HERE.glob("*.txt")} == {scene.__name__ for scene in SCENES}


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_colour_adds_nothing_but_colour(scene: Callable[[Path], Machine], tmp_path: Path) -> None:
    """Without it every line still makes sense, and there is none where no terminal is."""
    assert "\x1b[3" not in (HERE / f"{scene.__name__}.txt").read_text()
    here = scene(tmp_path)
    here.env["NO_COLOR"] = ""
    here.main("pip", "install", here.asked, *here.flags)

    assert ("\x1b[1;" in here.screen) <= (here.typed is not None)


def _terminal(text: str) -> str:
    """Return what is left on a terminal: lines of progress are wiped again."""
    return "\n".join(line.rpartition("\r\x1b[2K")[2] for line in text.split("\n"))
