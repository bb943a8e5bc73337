"""npm, versions 8 to 11: its own resolver and its own installer, both behind the gateway."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import ClassVar

from safeinstall.contracts import Conditions, Vet, World
from safeinstall.ecosystems.npm.cooling import Pins
from safeinstall.ecosystems.npm.interpreter import located
from safeinstall.ecosystems.npm.process import hooked
from safeinstall.ecosystems.npm.registries import Keeper
from safeinstall.ecosystems.npm.session import NpmSession, told_registry
from safeinstall.ecosystems.npm.verbs import Command, Reading, Understood, classified, read, read_npx, words
from safeinstall.errors import MalformedAnswer, NotUnderstood
from safeinstall.fields import field, items, optional
from safeinstall.gateway.npm import NpmGateway
from safeinstall.gateway.npm_cache import PackumentCache
from safeinstall.gateway.server import LoopbackServer
from safeinstall.gateway.upstream import Upstream
from safeinstall.gateway.withholding import Withholding
from safeinstall.model import EcosystemName, Intent
from safeinstall.realtool import real_tool
from safeinstall.text import printable
from safeinstall.words import begins

_CLOSED = "http://127.0.0.1:9"
"""Where the proxies point while npm is only asked what it understands: nothing answers there."""


class NpmEcosystem:
    """See `Ecosystem`."""

    name: ClassVar[EcosystemName] = EcosystemName.NPM
    tools: ClassVar[tuple[str, ...]] = ("npm", "npx")

    def parse(self, tool: str, argv: Sequence[str], world: World) -> Intent:
        """See `Ecosystem.parse`."""
        reading = read(argv) if tool != "npx" else read_npx(argv)
        asked = words(argv[begins("npm", argv) :]) if tool != "npx" else words(("exec", *argv))[:1]
        if reading.understood is Understood.UNSURE:
            reading, asked = _told_by_npm(tool, argv, world)
        if reading.understood is Understood.NOT_YET:
            raise NotUnderstood(
                f"`{printable(tool)} {printable(reading.verb)}` {reading.why}; it is not guarded yet",
                hint=reading.hint
                or "use `npm install`, `ci` or `update`, or call the real npm by its path if you accept the risk",
            )
        installs = reading.understood is Understood.INSTALLS
        if installs and "--offline" in argv:
            raise NotUnderstood(
                "`--offline` would install from npm's cache, past what was judged", hint="leave `--offline` out"
            )
        return Intent(
            ecosystem=self.name,
            tool=tool,
            argv=tuple(argv),
            verb=reading.verb,
            installs=installs,
            asked=asked if installs else (),
            cwd=world.cwd,
        )

    @contextmanager
    def open(
        self,
        intent: Intent,
        real_tool: Path,
        world: World,
        conditions: Conditions,
        vet: Vet,
    ) -> Iterator[NpmSession]:
        """See `Ecosystem.open`."""
        npm = located(real_tool, world.runner, world.env, world.cwd)
        upstream = Upstream()
        with tempfile.TemporaryDirectory(prefix="safeinstall-npm-") as temp, closing(upstream):
            keeper = Keeper(conditions=conditions, default=lambda: told_registry(Path(temp)))
            withholding = Withholding(
                ecosystem=self.name,
                cooldown=conditions.cooldown,
                now=world.now(),
                fixes=conditions.fixes,
                allowed=conditions.fresh,
                pins=Pins(Path(temp)),
            )
            cache = PackumentCache(world.cache / "npm")
            gateway = NpmGateway(upstream, cache, world.now, keeper.keeps, withholding)
            with closing(gateway), LoopbackServer(gateway) as server:
                yield NpmSession(
                    intent=intent,
                    npm=npm,
                    world=world,
                    conditions=conditions,
                    server=server,
                    gateway=gateway,
                    keeper=keeper,
                    withholding=withholding,
                    vet=vet,
                    temp=Path(temp),
                )


def _told_by_npm(tool: str, argv: Sequence[str], world: World) -> tuple[Reading, tuple[str, ...]]:
    """Return how npm itself reads *argv*, by its own configuration and options; nothing is run by it."""
    npm = located(real_tool(tool, world.env, world.cwd), world.runner, world.env, world.cwd)
    with tempfile.TemporaryDirectory(prefix="safeinstall-npm-") as temp:
        out = Path(temp) / "intent.json"
        settings = {"mode": "intent", "out": str(out), "gateway": _CLOSED, "temp": temp}
        ready = hooked(npm, argv, world.env, settings, proxy=_CLOSED)
        done = world.runner.capture(
            ready.argv, cwd=world.cwd, env={**ready.env, "npm_config_logs_dir": str(Path(temp) / "logs")}
        )
        if not out.exists():
            # npm ended without running any command: it printed its version or its help, or refused its configuration.
            if done.exit_code == 0:
                return Reading(understood=Understood.PASSES), ()
            raise NotUnderstood(
                f"npm cannot read its command line: {printable(done.stderr)}", hint="run the command with the real npm"
            )
        try:
            told: object = json.loads(out.read_text(encoding="utf-8"))
            if field(told, "usage", bool):
                return Reading(understood=Understood.PASSES), ()
            command = Command(
                # No verb: npm knows no such command, and says so itself.
                verb=optional(told, "verb", str) or "",
                args=items(told, "args", str),
                kinds=items(told, "kinds", str),
                compared=items(told, "compared", str),
                updates=field(told, "updates", bool),
            )
            return classified(command), command.args
        except (ValueError, MalformedAnswer) as error:
            raise NotUnderstood("npm did not tell what this command line is") from error
