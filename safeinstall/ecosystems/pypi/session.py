"""One guarded pip command: plan behind the gateway, then install from the frozen view."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name, canonicalize_version

from safeinstall.choices import Choice
from safeinstall.contracts import Conditions, Vet, World
from safeinstall.ecosystems import chosen
from safeinstall.ecosystems.pypi import claims, compose, history, offers, releases, reported
from safeinstall.ecosystems.pypi.compose import Part
from safeinstall.ecosystems.pypi.cooling import StepsBack, cooling
from safeinstall.ecosystems.pypi.front import Front
from safeinstall.ecosystems.pypi.hooked import UNTRIMMED, UNVERIFIED, Hooked, Planned, checked, gone
from safeinstall.ecosystems.pypi.registries import Registries
from safeinstall.ecosystems.pypi.target import Described
from safeinstall.ecosystems.pypi.verify import collected, differences, inventory
from safeinstall.errors import CannotResolve
from safeinstall.fields import items, optional
from safeinstall.gateway.licences import licences
from safeinstall.gateway.pages import IndexFile, filename_of, name_and_version, normal_version
from safeinstall.gateway.proof import marked_release
from safeinstall.gateway.pypi import PypiGateway
from safeinstall.gateway.server import LoopbackServer
from safeinstall.gateway.upstream import Upstream
from safeinstall.gateway.withholding import Withholding
from safeinstall.history import History
from safeinstall.model import ArtifactKind, BuildNeed, EcosystemName, Intent, Offer, Plan, Purl, Release
from safeinstall.purl import same
from safeinstall.runs import Access, Environment, EnvironmentKind, Installed
from safeinstall.text import printable
from safeinstall.tools import Interpreter

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What a session is opened with."""

    intent: Intent
    interpreter: Interpreter
    elsewhere: Interpreter | None
    described: Described
    called: Path
    world: World
    conditions: Conditions
    vet: Vet


class PypiSession:
    """See `contracts.Session`; it is its own context manager."""

    def __init__(self, opening: Opening, folder: Path) -> None:
        """Open nothing yet; *folder* is private, and removed at the end."""
        self._opening = opening
        self._folder = folder
        self._stack = ExitStack()
        self._before: tuple[Access, ...] = ()
        self._known: Registries | None = None
        self._main = Part()
        self._all = Part()
        self._facts: Mapping[str, object] = {}
        self._partial = True
        self._judged: set[tuple[str, str]] = set()
        self._keeper = offers.Keeper(conditions=opening.conditions, registries=self._registries)
        self._withholding = Withholding(
            ecosystem=EcosystemName.PYPI,
            cooldown=opening.conditions.cooldown,
            now=opening.world.now(),
            fixes=opening.conditions.fixes,
            allowed=opening.conditions.fresh,
            pins=self._pins,
            prereleases=self._prereleases,
        )
        self._steps = StepsBack(self._withholding)
        self._start(trim=True)

    def __enter__(self) -> "Self":
        """Start the gateway."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the gateway and remove what was temporary."""
        self._stack.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def resolve(self) -> Plan:
        """See `Session.resolve`."""
        argv = self._opening.intent.argv
        trim = True
        planned = self._planned(argv, trim=trim)
        if planned.exit_code == UNTRIMMED:
            # `--platform` and its like: the target's own tags say nothing about what fits.
            self._restart()
            trim = False
            planned = self._planned(argv, trim=trim)
        if planned.exit_code == UNVERIFIED:
            self._all = compose.stopped(planned)
            self._refuse_overridden()
            return self._plan()
        self._whole()
        self._known = compose.indexes(self._checked(planned).facts, self._opening.conditions)
        self._main = compose.compose(planned, self._gateway, self._opening.conditions)
        while self._keeper.pin(self._main.releases, self._gateway, self._known):
            # What another registry would have won is taken from its owner, and what that requires is resolved anew.
            planned = self._checked(self._planned(argv, trim=trim))
            self._main = compose.compose(planned, self._gateway, self._opening.conditions)
        self._facts = planned.facts
        self._all = self._with_build_requirements(self._main, planned)
        self._partial = False
        return self._plan()

    def install(self, plan: Plan) -> Installed:
        """See `Session.install`."""
        if self._partial:
            raise CannotResolve("the whole set was never resolved: nothing can be installed of it")
        gateway = self._gateway
        builds = any(release.build is not BuildNeed.NONE for release in plan.releases)
        dry_run = optional(self._facts, "options.dry_run", bool)
        gateway.freeze(
            self._all.files,
            # What is built is resolved by what its build says: metadata that lied would break the environment.
            advertise=lambda file: file.is_wheel,
            vet_unplanned=builds,
            ahead=not dry_run,
        )
        self._handler.elsewhere = self._elsewhere()
        sites = items(self._facts, "sites", str)
        before = inventory(sites)
        code = self._hooked.install(
            self._opening.intent.argv,
            frozen=[
                digest.value
                for release in self._all.releases
                if release.artifact.kind is ArtifactKind.LOCAL_FILE
                for digest in release.artifact.digests
            ],
            planned=[file.url for file in self._all.files if not file.is_wheel],
        )
        said: tuple[str, ...] = ()
        if code == 0 and not dry_run:
            said = self._verified(before, inventory(sites))
        return Installed(exit_code=code, differences=said, blocked=(*gateway.refusals(), *self._server.troubles()))

    def _verified(self, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
        verb, folder = self._opening.intent.verb, optional(self._facts, "options.folder", str)
        if folder is not None:
            return collected(self._main.releases, Path(folder), all_of_them=verb == "download")
        if verb == "lock":
            return ()
        return differences(self._main.releases, before, after, judged=frozenset(self._judged))

    def choices(self, release: Release) -> tuple[Choice, ...]:
        """See `Session.choices`."""
        return offers.choices(release, self._gateway, self._known) if self._known is not None else ()

    def accesses(self) -> tuple[Access, ...]:
        """See `Session.accesses`."""
        return (*self._before, *self._server.accesses())

    def _planned(self, argv: Sequence[str], *, trim: bool) -> Planned:
        planned = self._hooked.plan(argv, trim=trim, unverified=self._let_through())
        while planned.exit_code not in (0, UNTRIMMED, UNVERIFIED) and self._steps.step(self._gateway, planned.output):
            planned = self._hooked.plan(argv, trim=trim, unverified=self._let_through())
        return planned

    def environment(self) -> Environment | None:
        """See `Session.environment`."""
        prefix = optional(self._facts, "prefix", str)
        if prefix is None:
            return None
        told = optional(self._facts, "told", bool)
        return Environment(
            kind=EnvironmentKind.FOLDER if told else EnvironmentKind.PYTHON,
            path=str((self._opening.intent.cwd / prefix).resolve()) if told else prefix,
            interpreter=(self._opening.elsewhere or self._opening.interpreter).command[0],
            folders=items(self._facts, "sites", str),
        )

    def _checked(self, planned: Planned) -> Planned:
        try:
            return checked(planned)
        except CannotResolve as error:
            missing = self._keeper.missing(self._gateway)
            if missing is None:
                raise (gone(error, self._gateway.empty()) or error) from None
            raise CannotResolve(missing, hint=offers.HINT, output=error.output or "") from error

    # --- the gateway

    def _start(self, *, trim: bool) -> None:
        upstream = Upstream()
        self._stack.callback(upstream.close)
        self._gateway = PypiGateway(
            upstream=upstream,
            target=self._opening.described.target(trim=trim),
            vet_file=self._vet_file,
            vet_url=self._vet_url,
            cache=self._opening.world.cache / "metadata",
            keeps=self._keeper.keeps,
            withholding=self._withholding,
        )
        self._stack.callback(self._gateway.close)
        self._handler = Front(self._gateway, self._vet_disk, frozenset(self._let_through()))
        self._server = LoopbackServer(self._handler)
        self._stack.enter_context(self._server)
        self._hooked = Hooked(
            interpreter=self._opening.interpreter,
            elsewhere=self._opening.elsewhere,
            called=self._opening.called,
            base=self._server.base,
            folder=self._folder,
            world=self._opening.world,
        )

    def _restart(self) -> None:
        self._before = self.accesses()
        self._stack.close()
        self._start(trim=False)

    def _whole(self) -> None:
        failures = self._gateway.failures()
        if failures:
            # pip goes on without an index that fails; a set that was made so is not the one that was asked for.
            raise CannotResolve(f"an index did not answer: {printable(failures[0])}", output="\n".join(failures))

    def _elsewhere(self) -> frozenset[str]:
        # pip asks for the page of what it has already, of what it finds on disk, and of itself to tell of a newer pip.
        planned = {file.project for file in self._all.files}
        disk = (ArtifactKind.LOCAL_FILE, ArtifactKind.LOCAL_PROJECT, ArtifactKind.URL, ArtifactKind.VCS)
        found = {canonicalize_name(one.name) for one in self._all.releases if one.kept or one.artifact.kind in disk}
        return frozenset({"pip", *found} - planned)

    # --- what is judged just in time, from the server's threads

    def _vet_file(self, file: IndexFile) -> bool:
        release = releases.listed(file, self._registries(), build=self._gateway.build_need(file.url))
        if allowed := self._opening.vet(self._marked(release)):
            self._judged.add((file.project, canonicalize_version(file.version)))
        return allowed

    def _registries(self) -> Registries:
        # While planning runs, its own pip has already said which indexes it uses.
        return self._known or compose.indexes(self._hooked.facts(), self._opening.conditions)

    def _vet_url(self, url: str) -> bool:
        source = releases.from_url(url)
        over = any(same(source.purl, one) for one in self._opening.conditions.unverified)
        return over and self._opening.vet(source)

    def _vet_disk(self, url: str, sha256: str) -> bool:
        filename = filename_of(url)
        name, version = name_and_version(filename, "")
        # An sdist is built, and nobody has read it.
        archive = releases.LocalArchive(
            path=unquote(urlsplit(url).path), sha256=sha256, pkg_info=None if filename.endswith(".whl") else b""
        )
        release = releases.on_disk(
            name,
            version,
            url,
            archive,
            page=url.rpartition("/")[0],
            registries=self._registries(),
            twin=releases.twin(self._gateway.files_of(name), sha256),
        )
        return self._opening.vet(release)

    # --- what is asked for, which is known once the planner runs

    def _pins(self) -> Mapping[str, frozenset[str]]:
        return self._hooked.pins()

    def _prereleases(self) -> bool:
        return self._hooked.prereleases()

    # --- what an override lets through

    def _let_through(self) -> tuple[str, ...]:
        """Return the URLs of archives that overrides let through; they are part of the purls that name them."""
        found = (releases.url_of(one) for one in self._opening.conditions.unverified)
        return tuple(url for url in found if url is not None)

    def _refuse_overridden(self) -> None:
        through = self._opening.conditions.unverified
        over = [one for one in self._all.releases if any(same(one.purl, other) for other in through)]
        if over:
            raise CannotResolve(
                f"`{printable(over[0].asked or over[0].name)}` is let through by an override, but sources from version "
                "control cannot be pinned yet",
                hint="build a wheel of it yourself and install that file",
            )

    # --- building from source

    def _with_build_requirements(self, part: Part, planned: Planned) -> Part:
        whole = part
        asked: dict[tuple[str, ...], Planned | None] = {}
        for release in compose.to_build(part):
            if not self._may_build(release):
                continue
            requires = self._build_requires(release)
            if requires is None:
                whole = _unknown(whole, release, "its build requirements could not be read")
                continue
            if requires not in asked:
                asked[requires] = self._plan_build(requires, planned) if requires else None
            found = asked[requires]
            if found is None:
                continue
            try:
                more = compose.compose(checked(found), self._gateway, self._opening.conditions, parent=release.purl)
            except CannotResolve as error:
                whole = _unknown(whole, release, f"its build requirements could not be resolved: {error.message}")
                continue
            whole = whole.joined(more)
            if compose.to_build(more):
                # A build requirement that must itself be built is judged when it is asked for, not planned further.
                whole = replace(whole, notes=(*whole.notes, f"`{release.name}` needs a build requirement built first"))
        return whole

    def _may_build(self, release: Release) -> bool:
        # Only an override lets a dynamic sdist be built: nothing of it is read before. Should a setting let it through,
        # its build requirements are judged when they are asked for.
        over = any(same(release.purl, one) for one in self._opening.conditions.source_builds)
        return release.build is not BuildNeed.DYNAMIC or over

    def _build_requires(self, release: Release) -> tuple[str, ...] | None:
        if release.artifact.kind is ArtifactKind.LOCAL_FILE:
            path = unquote(urlsplit(release.artifact.url).path)
            archive = next((one for one in self._main.archives if one.path == path), None)
            return releases.build_requires_of(archive) if archive is not None else None
        file = self._gateway.file(release.artifact.url)
        return self._gateway.build_requires(file) if file is not None else None

    def _plan_build(self, requires: tuple[str, ...], planned: Planned) -> Planned:
        argv = ["install", "--ignore-installed", *_index_options(planned.facts), "--", *requires]
        return self._planned(argv, trim=False)

    def _plan(self) -> Plan:
        plan = Plan(
            ecosystem=EcosystemName.PYPI,
            releases=self._all.releases,
            edges=self._all.edges,
            projects=compose.projects(self._all, self._gateway),
            claims=() if self._partial else claims.claims(self._all.releases, self._gateway),
            offers=() if self._known is None else self._offers(self._known),
            licences={} if self._partial else licences(self._all.releases, self._gateway.metadata),
            histories={} if self._partial else self._histories(),
            cooling=cooling(self._all, self._gateway, self._withholding),
            notes=(*compose.chosen(self._facts), *self._all.notes, *self._keeper.notes(self._all.releases)),
        )
        return replace(plan, releases=tuple(map(self._marked, plan.releases)))

    def _marked(self, release: Release) -> Release:
        """Return *release* with what there is to doubt about its registry."""
        facts = self._hooked.facts()
        places = (*items(facts, "options.index_urls", str), *items(facts, "options.find_links", str))
        strangers = chosen.strange(places, items(facts, "options.own_places", str), self._opening.conditions)
        return chosen.marked(marked_release(release, self._server.doubts()), strangers, "a requirements file")

    def _histories(self) -> Mapping[Purl, History]:
        installed = {one.key: normal_version(one.version) for one in reported.present(self._facts)}
        installed |= self._opening.conditions.against
        return history.histories(self._all.releases, self._gateway, installed, self._opening.world.now())

    def _offers(self, known: Registries) -> tuple[Offer, ...]:
        disk = offers.Disk(places=items(self._facts, "options.find_links", str), cwd=self._opening.world.cwd)
        return offers.offers(self._all.releases, self._gateway, known, self._opening.conditions, disk)


def _unknown(part: Part, release: Release, why: str) -> Part:
    """Return *part* with *release* as one whose build nobody can foretell, and the reason as a note."""
    noted = replace(part, notes=(*part.notes, f"`{release.name}` {release.version}: {why}"))
    return noted.rebuilt(release.purl, BuildNeed.DYNAMIC)


def _index_options(facts: Mapping[str, object]) -> list[str]:
    """Return the options by which a build's own pip finds what the command's pip found."""
    urls = items(facts, "options.index_urls", str)
    options = ["--index-url", urls[0]] if urls else ["--no-index"]
    for url in urls[1:]:
        options += ["--extra-index-url", url]
    for place in items(facts, "options.find_links", str):
        options += ["--find-links", place]
    for host in items(facts, "options.trusted_hosts", str):
        options += ["--trusted-host", host]
    for name, option in (("cert", "--cert"), ("client_cert", "--client-cert"), ("proxy", "--proxy")):
        value = optional(facts, f"options.{name}", str)
        if value:
            options += [option, value]
    return options
