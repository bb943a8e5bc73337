"""Source repositories in one spelling, out of the many in which releases name them."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_HOSTS = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitee.com", "git.sr.ht"})
"""Where many people keep repositories, as `HOST/OWNER/NAME`; URLs on other hosts may be anything."""

_SHORT = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
_SHORTHAND = re.compile(r"(?:(github|gitlab|bitbucket):)?([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)")
_SCP = re.compile(r"(?:ssh://)?(?:[^@/\s]+@)?([A-Za-z0-9.-]+):(?!//)([^\s]+)")
_NO_OWNERS = frozenset({"sponsors", "orgs", "topics", "marketplace", "apps", "features", "about"})
_LONGEST = 2000


def repository(text: str) -> str | None:
    """Return `host/owner/name` (lower case) of a URL as people write it, or of npm's short forms; None: it is none."""
    text = text.strip().removeprefix("git+")
    if len(text) > _LONGEST:
        return None
    short = _SHORTHAND.fullmatch(text)
    if short is not None:
        return _joined(_SHORT[short[1] or "github"], [short[2], short[3]])
    scp = _SCP.fullmatch(text) if "://" not in text or text.startswith("ssh://") else None
    if scp is not None:
        return _joined(scp[1], scp[2].split("/"))
    try:
        parts = urlsplit(text)
        return _joined(parts.hostname or "", [part for part in parts.path.split("/") if part])
    except ValueError:
        return None


def repositories(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the repositories that *texts* name, each once, in their order."""
    return tuple(dict.fromkeys(found for text in texts if (found := repository(text)) is not None))


def _joined(host: str, path: list[str]) -> str | None:
    host = host.lower().removeprefix("www.")
    if host not in _HOSTS or len(path) < 2 or path[0].lower() in _NO_OWNERS:  # noqa: PLR2004 - owner and name
        return None
    return f"{host}/{path[0]}/{path[1].removesuffix('.git')}".lower()
