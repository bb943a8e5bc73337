"""Runs one guarded npm command below the command line: the session alone, with real npm and no verdict between."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from safeinstall.contracts import Conditions, Finished, Vet, World
from safeinstall.ecosystems.npm import NpmEcosystem
from safeinstall.ecosystems.npm.session import NpmSession
from safeinstall.model import Plan, Release
from safeinstall.processes import SubprocessRunner
from safeinstall.wiring import now
from tests.environments import isolated_env
from tests.fakes import Hearing


@dataclass(slots=True)
class QuietRunner:
    """Real processes whose output is kept: what an attached one prints is not the test's own output."""

    said: list[str] = field(default_factory=list)
    _real: SubprocessRunner = field(default_factory=SubprocessRunner)

    def capture(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: timedelta | None = None, fed: str = ""
    ) -> Finished:
        """See `Runner.capture`."""
        return self._real.capture(argv, cwd=cwd, env=env, timeout=timeout)

    def attached(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> int:
        """See `Runner.attached`."""
        done = self._real.capture(argv, cwd=cwd, env=env)
        self.said.append(done.stdout + done.stderr)
        return done.exit_code


@dataclass(frozen=True, kw_only=True, slots=True)
class NpmUser:
    """A user with a home of their own, an empty npm cache and one registry."""

    home: Path
    tool: Path
    registry: str
    runner: QuietRunner = field(default_factory=QuietRunner)

    def env(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return what npm sees; it is not told the registry by environment, but by the user's npmrc."""
        npmrc = self.home / ".npmrc"
        if not npmrc.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            npmrc.write_text(f"registry={self.registry}/\naudit=false\nfund=false\n")
        return isolated_env(self.home, extra)

    def world(self, cwd: Path, extra: Mapping[str, str] | None = None, *, clock: datetime | None = None) -> World:
        """Return this user's outside world."""
        cache = self.home / "ours"
        env = self.env(extra)
        cache.mkdir(exist_ok=True, mode=0o700)
        moment = clock
        return World(
            runner=self.runner,
            env={**env, "PATH": f"{self.tool.parent}:{env['PATH']}"},
            cwd=cwd,
            cache=cache,
            now=now if moment is None else lambda: moment,
            reporter=Hearing(),
        )

    @contextmanager
    def session(
        self,
        *argv: str,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        conditions: Conditions | None = None,
        clock: datetime | None = None,
        vet: Vet = lambda _: True,
    ) -> Iterator[NpmSession]:
        """Open the session of `npm ARGV` in *cwd*."""
        world = self.world(cwd, env, clock=clock)
        ecosystem = NpmEcosystem()
        intent = ecosystem.parse("npm", argv, world)
        with ecosystem.open(intent, self.tool, world, conditions or Conditions(), vet) as session:
            yield session

    def plan(self, *argv: str, cwd: Path, env: Mapping[str, str] | None = None) -> Plan:
        """Return the plan of `npm ARGV` in *cwd*."""
        with self.session(*argv, cwd=cwd, env=env) as session:
            return session.resolve()

    def plain(self, *argv: str, cwd: Path, env: Mapping[str, str] | None = None) -> str:
        """Run the bare npm, which must succeed, and return what it said."""
        done = subprocess.run(
            [str(self.tool), *argv],
            cwd=cwd,
            env=self.env(env),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


def named(plan: Plan) -> dict[str, Release]:
    """Return the releases of *plan* by name and version."""
    return {f"{release.name}@{release.version}": release for release in plan.releases}
