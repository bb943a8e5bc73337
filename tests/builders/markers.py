"""Code that leaves a line in a file when somebody runs it: how a test knows what ran."""

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Marker:
    """A file that hostile code writes to; its path is baked into that code."""

    path: Path

    def python(self, label: str) -> str:
        """Return one Python statement that appends *label*; it needs no import and no environment."""
        return f"(lambda f: (f.write({label + chr(10)!r}), f.close()))(open({str(self.path)!r}, 'a'))\n"

    def shell(self, label: str) -> str:
        """Return one shell command that appends *label*, as npm's scripts are run."""
        return f"echo {shlex.quote(label)} >> {shlex.quote(str(self.path))}"

    def seen(self) -> tuple[str, ...]:
        """Return the labels of what has run so far, in order; empty: nothing has."""
        return tuple(self.path.read_text().splitlines()) if self.path.exists() else ()

    def clear(self) -> None:
        """Forget what has run."""
        self.path.unlink(missing_ok=True)
