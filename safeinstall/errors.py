"""Every failure that stops a run: its message, its hint and its exit code."""

from typing import ClassVar


class SafeinstallError(Exception):
    """A run cannot go on; `cli.main` alone turns this into text and an exit code."""

    exit_code: ClassVar[int] = 43

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Keep *message* (one sentence, lower case, no full stop) and *hint* (the user's next step)."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotUnderstood(SafeinstallError):
    """The command line is not one we can judge; guessing would be a hole."""

    exit_code: ClassVar[int] = 42


class CannotResolve(SafeinstallError):
    """The package manager could not work out the whole set; nothing was judged."""

    exit_code: ClassVar[int] = 42

    def __init__(self, message: str, *, hint: str | None = None, output: str = "") -> None:
        """Keep also *output*: what the manager's resolver itself said, for the user to read."""
        super().__init__(message, hint=hint)
        self.output = output


class CannotAudit(SafeinstallError):
    """A file or folder that is to be audited cannot be read, so nothing is known of it; that is not "clean"."""

    exit_code: ClassVar[int] = 41


class Misconfigured(SafeinstallError):
    """Our own flags or configuration are wrong."""

    exit_code: ClassVar[int] = 44


class ToolMissing(SafeinstallError):
    """The real package manager, or a part of it that we need, is not on this machine."""


class SourceUnavailable(SafeinstallError):
    """A registry or advisory source did not answer: refused, timed out, 4xx, 5xx, too large, redirect loop."""


class NotThere(SourceUnavailable):
    """The service answered that it has no such document (404, 410); whether that is an answer, the asker knows."""


class MalformedAnswer(SafeinstallError):
    """A foreign document is not what its format promises; the message names the path inside it."""


class FactMissing(SafeinstallError):
    """A check asked for a fact that nobody could tell; the pipeline turns it into a gap."""
