"""Starting the user's npm with our hook in front of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from safeinstall.ecosystems.npm.interpreter import Npm

HOOK: Final = Path(__file__).with_name("hook.js")

_PROXIES: Final = (
    *("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "PROXY", "proxy", "ALL_PROXY", "all_proxy"),
    *("npm_config_proxy", "npm_config_https_proxy", "NPM_CONFIG_PROXY", "NPM_CONFIG_HTTPS_PROXY"),
)
_EXCEPTIONS: Final = ("NO_PROXY", "no_proxy", "npm_config_noproxy", "NPM_CONFIG_NOPROXY")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooked:
    """How one hooked npm is started."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


def hooked(
    npm: Npm, args: Sequence[str], env: Mapping[str, str], settings: Mapping[str, object], *, proxy: str
) -> Hooked:
    """
    Return the command and environment of npm with *args*, its hook set up by *settings*.

    Until the hook gives back the user's own variables, every proxy setting is *proxy*: an npm that did not load the
    hook reaches nothing.
    """
    names = (*_PROXIES, *_EXCEPTIONS)
    restore = {name: env.get(name) for name in names}
    shut = dict.fromkeys(_PROXIES, proxy) | dict.fromkeys(_EXCEPTIONS, "")
    told = json.dumps({**settings, "restore": restore})
    return Hooked(
        argv=(str(npm.node), "--require", str(HOOK), str(npm.cli), *args),
        env={**env, **shut, "SAFEINSTALL_HOOK": told},
    )
