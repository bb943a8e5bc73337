"""One guarded npm command: planned by npm's own resolver, installed by npm from the frozen view of that plan."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from safeinstall.choices import Choice
from safeinstall.contracts import Conditions, Vet, World
from safeinstall.ecosystems import chosen
from safeinstall.ecosystems.npm import document as documents
from safeinstall.ecosystems.npm.bundles import Inside
from safeinstall.ecosystems.npm.cooling import StepsBack, cooling
from safeinstall.ecosystems.npm.interpreter import Npm
from safeinstall.ecosystems.npm.planning import planned
from safeinstall.ecosystems.npm.process import Hooked, hooked
from safeinstall.ecosystems.npm.registries import HINT, Keeper
from safeinstall.ecosystems.npm.scripting import runs
from safeinstall.ecosystems.npm.verifying import differences
from safeinstall.errors import CannotResolve, MalformedAnswer, NotUnderstood, SafeinstallError
from safeinstall.fields import optional
from safeinstall.gateway.npm import NpmGateway
from safeinstall.gateway.npm_tarball import Planned
from safeinstall.gateway.proof import marked
from safeinstall.gateway.server import LoopbackServer
from safeinstall.gateway.withholding import Withholding
from safeinstall.model import ArtifactKind, Intent, Plan, Release
from safeinstall.runs import Access, Environment, EnvironmentKind, Installed
from safeinstall.text import printable, redacted

_FROM_TARBALLS = frozenset({ArtifactKind.TARBALL, ArtifactKind.URL})


@dataclass(slots=True)
class NpmSession:
    """See `Session`."""

    intent: Intent
    npm: Npm
    world: World
    conditions: Conditions
    server: LoopbackServer
    gateway: NpmGateway
    keeper: Keeper
    withholding: Withholding
    vet: Vet
    temp: Path
    _document: documents.Document | None = field(default=None)

    def resolve(self) -> Plan:
        """See `Session.resolve`."""
        out = self.temp / "plan.json"
        settings = {"mode": "plan", "out": str(out), "cache": str(self.temp / "cache")}
        ready = self._hooked(settings)
        # Whatever npm puts into its cache before our setting holds (its log) goes to the temporary folder as well.
        env = {**ready.env, "npm_config_logs_dir": str(self.temp / "logs")}
        steps = StepsBack(self.withholding, self.gateway)
        try:
            while True:
                out.unlink(missing_ok=True)
                done = self.world.runner.capture(ready.argv, cwd=self.intent.cwd, env=env)
                told = _told(out)
                if optional(told, "error", dict) is not None and steps.failed(told):
                    continue
                self._document = _read(told, done.stdout + done.stderr, self.gateway)
                if not steps.incomplete(self._document):
                    break
            self.gateway.close()
        except CannotResolve as error:
            missing = self.keeper.missing()
            if missing is None:
                raise
            raise CannotResolve(missing, hint=HINT) from error
        try:
            plan = planned(self._document, self.gateway, self.conditions)
            plan = replace(plan, cooling=cooling(self._document, plan, self.gateway, self.withholding))
            return self._marked(replace(plan, notes=(*plan.notes, *self.keeper.notes())), self._document)
        except MalformedAnswer as error:
            raise CannotResolve(f"the plan of npm cannot be read: {error.message}") from error

    def _marked(self, plan: Plan, document: documents.Document) -> Plan:
        """Return *plan* with what there is to doubt about its registries."""
        named = [url for _, url in document.chosen]
        strangers = chosen.strange(named, document.own, self.conditions)
        doubted = marked(plan, self.server.doubts())
        return replace(
            doubted,
            releases=tuple(chosen.marked(one, strangers, "the project's .npmrc") for one in doubted.releases),
        )

    def install(self, plan: Plan) -> Installed:
        """See `Session.install`."""
        if self._document is None:
            raise SafeinstallError("nothing was planned")
        _refuse_unfetchable(plan)
        bundlers = {(node.package, node.version) for node in self._document.nodes if node.bundles}
        opened = [release for release in plan.releases if (release.name, release.version) in bundlers]
        allowed = self.temp / "planned.json"
        scripts = runs(self._document, plan, self.conditions.scripts)
        allowed.write_text(
            json.dumps({"planned": _spelled(plan.releases), "opened": _spelled(opened), "scripts": scripts})
        )
        self.gateway.freeze(
            tuple(
                Planned(
                    url=release.artifact.url,
                    digests=release.artifact.digests,
                    name=f"{release.name}@{release.version}",
                    inside=Inside(outer=release, vet=self.vet) if release in opened else None,
                )
                for release in plan.releases
                if release.artifact.kind in _FROM_TARBALLS
            ),
            unspoken=self.keeper.unspoken(plan.releases, self._document.registry),
        )
        settings = {"mode": "install", "out": str(self.temp / "install.json"), "planned": str(allowed)}
        ready = self._hooked({**settings, "global": self._document.globally})
        code = self.world.runner.attached(ready.argv, cwd=self.intent.cwd, env=ready.env)
        verified = differences(self._document) if code == 0 and self._document.writes else ()
        return Installed(
            exit_code=code, differences=verified, blocked=(*self.gateway.refusals(), *self.server.troubles())
        )

    def choices(self, release: Release) -> tuple[Choice, ...]:
        """See `Session.choices`."""
        if release.registry is None:
            return ()
        return self.gateway.choices(f"{release.registry.url.rstrip('/')}/{release.name}")

    def accesses(self) -> tuple[Access, ...]:
        """See `Session.accesses`."""
        return self.server.accesses()

    def environment(self) -> Environment | None:
        """See `Session.environment`."""
        if self._document is None:
            return None
        path = self._document.path
        return Environment(kind=EnvironmentKind.NODE, path=path, folders=(str(Path(path) / "node_modules"),))

    def _hooked(self, settings: Mapping[str, str | bool]) -> Hooked:
        return hooked(
            self.npm,
            self.intent.argv,
            self.world.env,
            {**settings, "gateway": self.server.base, "temp": str(self.temp), "verb": self.intent.verb},
            proxy=self.server.proxy,
        )


def told_registry(temp: Path) -> str | None:
    """Return the registry that npm said it asks for names of no scope; None: it has not begun yet."""
    try:
        return (temp / "registry").read_text(encoding="utf-8") or None
    except OSError:
        return None


def _told(out: Path) -> object:
    """Return what planner.js wrote down; None: npm ended before."""
    try:
        told: object = json.loads(out.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told


def _read(told: object, output: str, gateway: NpmGateway) -> documents.Document:
    # The log that npm names lies in a folder of ours, and is gone by then.
    output = "\n".join(line for line in output.splitlines() if "A complete log of this run" not in line)
    try:
        if optional(told, "misunderstood", bool):
            raise _misunderstood(told)
        refused = optional(told, "refused.why", str)
        if refused is not None:
            raise NotUnderstood(f"this command {printable(refused)}", hint=optional(told, "refused.hint", str))
        message = optional(told, "error.message", str)
        if message is not None:
            raise CannotResolve(_why(message, gateway), output=output)
        return documents.read(told)
    except MalformedAnswer as error:
        raise CannotResolve("npm ended before it had a plan", output=output) from error


def _misunderstood(told: object) -> NotUnderstood:
    verb = printable(optional(told, "verb", str) or "another command")
    return NotUnderstood(
        f"npm reads this command line as `{verb}`, we do not", hint="put the command first: `npm install ...`"
    )


def _why(message: str, gateway: NpmGateway) -> str:
    failed = next((page.failure for page in gateway.pages().values() if page.failure is not None), None)
    return failed or f"npm could not work out what to install: {printable(message)}"


def _spelled(releases: Iterable[Release]) -> list[str]:
    """Return every hash that the files of *releases* may have, as the hook reads them."""
    return sorted({f"{one.algorithm}:{one.value}" for release in releases for one in release.artifact.digests})


def _refuse_unfetchable(plan: Plan) -> None:
    for release in plan.releases:
        kind, digests = release.artifact.kind, release.artifact.digests
        if kind is ArtifactKind.VCS or (kind is ArtifactKind.URL and not digests):
            raise NotUnderstood(
                f"`{printable(release.name)}` comes from {redacted(release.artifact.url)}: not supported yet",
                hint="install a release of it from a registry; git and URL sources without a hash cannot be installed",
            )
