"""`safeinstall pip ...`, `safeinstall npm ...` and `safeinstall plan ...`: the guarded command."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from safeinstall import feeds, ledger, overrides
from safeinstall.beyond import Beyond, asks_owners, demands, mail, owners_of
from safeinstall.commands.common import idents, replaced, settings_of, use_popular, written
from safeinstall.commands.passing import passed_on
from safeinstall.commands.why import columns, told
from safeinstall.config import OVERRIDES, Settings
from safeinstall.consent import ask, can_ask
from safeinstall.contracts import Conditions, Ecosystem, World
from safeinstall.cooldowns import cooldown, scripts
from safeinstall.domains import Domains, known
from safeinstall.errors import Misconfigured, SafeinstallError
from safeinstall.flags import Flags
from safeinstall.formats import named
from safeinstall.formats.json_v1 import moment
from safeinstall.formats.text import Text
from safeinstall.locations import located
from safeinstall.model import Intent, Override
from safeinstall.origins import Origins
from safeinstall.outside import Outside
from safeinstall.owners import Owners
from safeinstall.pictures import tree, ways_to
from safeinstall.pipeline import Guard, conditions, guard
from safeinstall.places import MOVE, Places, no_home, places
from safeinstall.progress import Quiet, Terminal
from safeinstall.realtool import guarding, real_tool
from safeinstall.runs import Run, exit_code
from safeinstall.text import printable
from safeinstall.ways import inside


def guarded(outside: Outside, tool: str, flags: Flags, argv: Sequence[str], *, planning: bool) -> int:
    """Return the exit code of `TOOL ARGV...`, guarded; when *planning*, nothing is installed."""
    ecosystem = outside.ecosystem(tool)
    where = places(outside.env)
    world = world_of(outside, where)
    intent = ecosystem.parse(tool, argv, world)
    if not intent.installs:
        return passed_on(outside, tool, flags, argv, planning=planning)
    with _called(outside, tool, flags) as real:
        settings = settings_of(outside, where, flags.settings)
        use_popular(outside, settings, where)
        return _Command(outside, settings, flags, where, planning=planning).run(intent, ecosystem, real, world)


def _called(outside: Outside, tool: str, flags: Flags) -> AbstractContextManager[Path]:
    if flags.python is None:
        return nullcontext(real_tool(tool, outside.env, outside.cwd))
    return inside.read(flags.python).as_file()


@dataclass(frozen=True)
class _Command:
    """One guarded command that installs."""

    outside: Outside
    settings: Settings
    flags: Flags
    where: Places
    planning: bool = field(kw_only=True)
    refused: list[Run] = field(default_factory=list)
    """Runs that a person has seen and said no to: they are not shown twice."""
    begun: list[dict[str, object]] = field(default_factory=list)
    """The line of the ledger that was written before installing, when it could be."""

    def run(self, intent: Intent, ecosystem: Ecosystem, real: Path, world: World) -> int:
        """Judge and install, tell of it, and write it down."""
        outside = self.outside
        for notice in self.settings.notices:
            outside.say(f"warning: {printable(notice, limit=400)}\n")
        started = moment(outside.now())
        world = ready(replace(world, env=guarding(real, world.env)))
        try:
            run = guard(intent, ecosystem, real, self._by(world), plan_only=self.planning)
        except SafeinstallError as error:
            # What had begun to install is left as begun: nobody knows how far it came.
            if not self.begun:
                self._write(ledger.failure(intent, error, started=started, planning=self.planning))
            raise
        finally:
            world.reporter.done()
        code = exit_code(run)
        first = self.begun[0] if self.begun else None
        self._write(
            ledger.entry(run, exit_code=code, planning=self.planning)
            if first is None
            else ledger.ended(first, run, exit_code=code)
        )
        self._tell(run)
        if run.installed is not None:
            self._keep_sbom(run)
        return code

    def _keep_sbom(self, run: Run) -> None:
        folder = cast("str | None", self.settings.values["sbom.folder"].value)
        if folder is None:
            return
        from safeinstall.formats.cyclonedx import CycloneDx  # noqa: PLC0415 - only where it is switched on

        name = f"{run.started:%Y%m%dT%H%M%SZ}-{run.intent.tool}-{ledger.digest(run.plan)[:12]}.cdx.json"
        path = Path(folder).expanduser() / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replaced(path, CycloneDx().render(run))
        except OSError as error:
            # What is installed stays installed, and its plan is in the ledger.
            self.outside.say(f"warning: the SBOM {path} could not be written: {error.strerror}\n")

    def _tell(self, run: Run) -> None:
        outside = self.outside
        document = self.flags.format not in (None, "text")
        if document:
            written(outside, named(self.flags.format or "").render(located(run)), self.flags.output)
        if self.planning and not document:
            self._show(run)
        elif not self._quiet:
            outside.say(self._text.outcome(run))

    def _show(self, run: Run) -> None:
        outside, rulings = self.outside, run.verdict.rulings
        if self.flags.why is not None:
            told(outside, "\n".join(ways_to(run.plan, self.flags.why, rulings, width=columns(outside))), self.flags.why)
        elif self.flags.tree:
            outside.data("".join(f"{line}\n" for line in tree(run.plan, rulings, width=columns(outside))))
        else:
            outside.data(self._text.listing(run))

    @property
    def _quiet(self) -> bool:
        """Whether a document on stdout says it all."""
        return self.flags.format not in (None, "text") and self.flags.output is None

    @property
    def _text(self) -> Text:
        return Text(colour=self.outside.colour, planning=self.planning)

    def _by(self, world: World) -> Guard:
        settings = self.settings
        by = Guard(
            world=world,
            sources=self.outside.sources(settings, world.cache),
            checks=self.outside.checks(),
            policy=settings.policy,
            overrides=(*self._allowed(), *settings.overrides),
            conditions=Conditions(
                private_registries=settings.private_registries,
                public_registries=settings.public_registries,
                private=settings.private,
                pin=settings.pin,
                offline=settings.offline,
                cooldown=cooldown(settings),
                scripts=scripts(settings),
            ),
            deadline=settings.deadline,
            announce=self._announce,
            consent=self._consent,
            settings=settings.changed,
            origins=Origins(http=self.outside.bulk, host=feeds.repositories_url(settings)),
            beyond=self._beyond(),
        )
        return replace(by, conditions=conditions(by))

    def _beyond(self) -> Beyond:
        http, rdap = self.outside.bulk, mail(self.settings)
        return Beyond(
            owners=Owners(self.where.ledger.parent / "owners.sqlite"),
            now=self.outside.now,
            ask_owners=owners_of(http) if asks_owners(self.settings) else None,
            domains=None if rdap is None else Domains(knows=known, http=http, rdap=rdap),
            demands=demands(self.settings),
        )

    def _announce(self, run: Run) -> None:
        self.outside.stage.judged = True
        self.outside.stage.installing = run.verdict.allowed and not self.planning
        if run in self.refused:
            self.outside.say("safeinstall: nothing was installed\n")
        elif not self._quiet:
            self.outside.say(self._text.verdict(run))
        if self.outside.stage.installing:
            line = ledger.begun(run)
            if self._write(line):
                self.begun.append(line)

    def _consent(self, run: Run) -> tuple[Override, ...]:
        outside = self.outside
        asks = self.settings.prompt and self.settings.locked_by(OVERRIDES) is None and not self._quiet
        if self.planning or not asks or not can_ask(outside.env, outside.stdin, outside.stderr):
            return ()
        outside.say(self._text.verdict(run) + "\n")
        given = ask(run, stdin=outside.stdin, stderr=outside.stderr, by=ledger.user())
        if not given:
            self.refused.append(run)
        return given

    def _allowed(self) -> tuple[Override, ...]:
        lock = self.settings.locked_by(OVERRIDES)
        if self.flags.allow and lock is not None:
            raise Misconfigured(f"overrides are locked by {lock}: `--safeinstall-allow` cannot be used")
        checks = idents(self.outside)
        return tuple(
            overrides.from_flag(
                text, self.flags.reason, self.flags.until, by=ledger.user(), checks=checks, now=self.outside.now()
            )
            for text in self.flags.allow
        )

    def _write(self, line: dict[str, object]) -> bool:
        path = self.settings.ledger or self.where.ledger
        try:
            ledger.append(path, line)
        except OSError as error:
            # The verdict stands without its record; a full disk must not turn a block into a crash, or stop all work.
            self.outside.say(f"warning: the ledger {path} could not be written: {error.strerror}\n")
            return False
        return True


def world_of(outside: Outside, where: Places) -> World:
    """Return the real world in which commands plan and install."""
    reporter = Terminal(outside.stderr) if outside.stderr.isatty() else Quiet()
    return World(
        runner=outside.runner(),
        env=outside.env,
        cwd=outside.cwd,
        cache=where.cache,
        now=outside.now,
        reporter=reporter,
    )


def ready(world: World) -> World:
    """Return *world* with a cache folder that exists and is private; raises `Misconfigured`."""
    try:
        Path.home()
    except RuntimeError as error:
        raise no_home() from error
    try:
        world.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Misconfigured(f"the cache folder {world.cache} cannot be made: {error.strerror}", hint=MOVE) from error
    return world
