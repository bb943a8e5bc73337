"""Asks a real pip or a real npm, in one process for any number of questions, how it reads a command line."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from safeinstall.ecosystems.npm.verbs import Command, Reading, Understood, classified
from safeinstall.fields import items, optional

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Asked:
    """A process that answers."""

    questions: IO[str]
    answers: IO[str]

    known: dict[str, Mapping[str, object]] = field(default_factory=dict)

    def about(self) -> Mapping[str, object]:
        """Return its commands and options."""
        if not self.known:
            self.known["about"] = self._answer({"about": "it"})
        return self.known["about"]

    def read(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        *,
        tool: str = "",
        options: Sequence[str] = (),
    ) -> Mapping[str, object]:
        """Return how it reads *argv*, with the values of *options*."""
        question = {"tool": tool, "argv": list(argv), "env": dict(env), "cwd": str(cwd), "options": list(options)}
        return self._answer(question)

    def _answer(self, question: Mapping[str, object]) -> Mapping[str, object]:
        self.questions.write(json.dumps(question) + "\n")
        self.questions.flush()
        answer = self.answers.readline()
        assert answer, "it ended before it answered"
        return cast("Mapping[str, object]", json.loads(answer))


@contextmanager
def npm_of(tool: Path, env: Mapping[str, str]) -> Iterator[Asked]:
    """Ask the npm that *tool* starts."""
    with _started(["node", str(HERE / "npm_reads.js"), str(tool.resolve().parent.parent)], env) as asked:
        yield asked


@contextmanager
def pip_in(wheel: Path, env: Mapping[str, str]) -> Iterator[Asked]:
    """Ask the pip that *wheel* holds."""
    with _started([sys.executable, str(HERE / "pip_reads.py")], {**env, "PYTHONPATH": str(wheel)}) as asked:
        yield asked


@contextmanager
def _started(command: Sequence[str], env: Mapping[str, str]) -> Iterator[Asked]:
    with subprocess.Popen(command, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Asked(process.stdin, process.stdout)
        process.stdin.close()


def command(real: Mapping[str, object]) -> Command:
    """Return what the real npm understood, as our hook in it would tell."""
    return Command(
        verb=optional(real, "verb", str) or "",
        args=items(real, "args", str),
        kinds=items(real, "kinds", str),
        compared=items(real, "compared", str),
        updates=bool(real["updates"]),
    )


def by_npm(real: Mapping[str, object]) -> Reading:
    """Return what a command line is by the words of the real npm, which may only print."""
    return Reading(understood=Understood.PASSES) if real["prints"] else classified(command(real))
