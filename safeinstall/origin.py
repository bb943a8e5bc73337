"""What is told of where one release comes from, beside its own claims; None is unknown, and no suspicion."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Evidence for and against the repository that a release claims."""

    attested: tuple[str, ...] | None = None
    """The repositories that its attestations name, as `host/owner/name`, by the word of its registry."""
    exists: bool | None = None
    """Whether there is a public repository where it says."""
    manifest: str | None = None
    """The package that the manifest in that repository names."""
