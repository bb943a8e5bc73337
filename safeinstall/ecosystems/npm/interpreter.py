"""Which node and which npm-cli.js a `npm` on the PATH comes down to."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from safeinstall.contracts import Runner
from safeinstall.errors import MalformedAnswer, ToolMissing
from safeinstall.fields import field
from safeinstall.text import printable

_SCRIPTS: Final = ("npm-cli.js", "npx-cli.js")
_SECONDS: Final = timedelta(seconds=30)
_PROBE: Final = Path(__file__).with_name("probe.js")
_HINT: Final = "run `npm --version`: safeinstall needs the npm that answers it to be npm's own npm-cli.js, run by node"


@dataclass(frozen=True, kw_only=True, slots=True)
class Npm:
    """The user's own npm."""

    node: Path
    cli: Path
    """npm-cli.js, or npx-cli.js beside it when it was called as npx."""


def located(tool: Path, runner: Runner, env: Mapping[str, str], cwd: Path) -> Npm:
    """
    Return what *tool* runs: found by its links when it is npm-cli.js itself, else by asking it.

    A wrapper (nvm, asdf, volta, a distribution's shell script) is started once with a probe that tells what node was
    given and ends before npm begins. Raises `ToolMissing`.
    """
    cli = tool.resolve()
    if cli.name in _SCRIPTS:
        node = shutil.which("node", path=env.get("PATH")) if _by_env(cli) else None
        if node is not None and not _is_script(Path(node)):
            return Npm(node=Path(node), cli=cli)
    return _probed(tool, runner, env, cwd)


def _by_env(cli: Path) -> bool:
    """Whether the shebang takes node from the PATH, as npm ships it."""
    with cli.open("rb") as file:
        return file.readline(200).split() in ([b"#!/usr/bin/env", b"node"], [b"#!", b"/usr/bin/env", b"node"])


def _is_script(node: Path) -> bool:
    """Whether *node* is a version manager's script, which needs the probe."""
    with node.open("rb") as file:
        return file.read(2) == b"#!"


def _probed(tool: Path, runner: Runner, env: Mapping[str, str], cwd: Path) -> Npm:
    options = f"{env.get('NODE_OPTIONS', '')} --require={json.dumps(str(_PROBE))}".strip()
    done = runner.capture([str(tool), "--version"], cwd=cwd, env={**env, "NODE_OPTIONS": options}, timeout=_SECONDS)
    for line in done.stdout.splitlines():
        try:
            document: object = json.loads(line)
            found = Npm(
                node=Path(field(document, "safeinstallNode", str)), cli=Path(field(document, "safeinstallCli", str))
            )
        except (ValueError, MalformedAnswer):
            continue
        if (found.cli.parent.parent / "lib" / "npm.js").is_file():
            return found
    raise ToolMissing(f"`{printable(str(tool))}` does not lead to npm's own npm-cli.js", hint=_HINT)
