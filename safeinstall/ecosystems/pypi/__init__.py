"""pip: our own recent pip plans behind the gateway, the user's own pip installs from the frozen view."""

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import ClassVar

from safeinstall.contracts import Conditions, Session, Vet, World
from safeinstall.ecosystems.pypi.grammar import other_python, parse
from safeinstall.model import EcosystemName, Intent
from safeinstall.tools import interpreter_of


class PypiEcosystem:
    """`Ecosystem` for pip."""

    name: ClassVar[EcosystemName] = EcosystemName.PYPI
    tools: ClassVar[tuple[str, ...]] = ("pip", "pip3")

    def parse(self, tool: str, argv: Sequence[str], world: World) -> Intent:
        """See `Ecosystem.parse`."""
        return parse(tool, argv, world.cwd)

    def open(
        self, intent: Intent, real_tool: Path, world: World, conditions: Conditions, vet: Vet
    ) -> AbstractContextManager[Session]:
        """See `Ecosystem.open`."""
        # The gateway brings requests and TLS along: a command that installs nothing does not wait for them.
        from safeinstall.ecosystems.pypi.session import Opening, PypiSession  # noqa: PLC0415
        from safeinstall.ecosystems.pypi.target import describe  # noqa: PLC0415

        folder = Path(tempfile.mkdtemp(prefix="safeinstall-"))
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            probe = folder / "probe"
            probe.mkdir()
            interpreter = interpreter_of(real_tool, world.runner, world.env, world.cwd, probe)
            elsewhere = other_python(intent.argv, world.cwd, world.env)
            opening = Opening(
                intent=intent,
                interpreter=interpreter,
                elsewhere=elsewhere,
                described=describe(elsewhere or interpreter, world),
                called=real_tool,
                world=world,
                conditions=conditions,
                vet=vet,
            )
            session = PypiSession(opening, folder)
            undo.pop_all()
        return session
