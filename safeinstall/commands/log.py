"""`safeinstall log`: the last runs, from the ledger."""

import json
from collections import deque
from collections.abc import Mapping, Sequence

from safeinstall import ledger
from safeinstall.commands.arguments import Parser
from safeinstall.commands.common import settings_of
from safeinstall.errors import Misconfigured
from safeinstall.outside import Outside
from safeinstall.places import places
from safeinstall.text import printable

_DEFAULT = 20


def run(outside: Outside, words: Sequence[str]) -> int:
    """Print the last runs, oldest first."""
    parser = Parser("log", "Tell of the last guarded commands, oldest first.")
    parser.add_argument("--last", type=int, default=_DEFAULT, metavar="N", help=f"how many (default: {_DEFAULT})")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: one line of JSON a run")
    given = parser.parse_args(words)
    if given.last < 1:
        raise Misconfigured("safeinstall log: --last must be at least 1")
    where = places(outside.env)
    settings = settings_of(outside, where)
    path = settings.ledger or where.ledger
    try:
        lines = deque(ledger.read(path), maxlen=given.last)
    except FileNotFoundError:
        outside.say(f"safeinstall: {path} does not exist yet: no guarded command has run\n")
        return 0
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from error
    for line in lines:
        outside.data((json.dumps(line) if given.format == "json" else _told(line)) + "\n")
    return 0


def _told(line: Mapping[str, object]) -> str:
    command = line.get("command")
    words = " ".join(str(word) for word in command) if isinstance(command, list) else "?"
    releases = line.get("releases")
    count = len(releases) if isinstance(releases, list) else 0
    given = line.get("overrides")
    overridden = f", {len(given)} overridden" if isinstance(given, list) and given else ""
    what = f"{_outcome(line)} ({count} releases{overridden}, exit {line.get('exit_code')})"
    return printable(f"{line.get('started')}  {line.get('user')}  {words}  {what}", limit=400)


def _outcome(line: Mapping[str, object]) -> str:
    if "failed" in line:
        return f"failed: {line['failed']}"
    if not line.get("allowed"):
        return "blocked"
    if line.get("mode") == "plan":
        return "planned"
    done = line.get("installed")
    if isinstance(done, Mapping) and (done.get("differences") or done.get("refused")):
        return "installed something else than was judged"
    return "installed" if isinstance(done, Mapping) and done.get("exit_code") == 0 else "the manager failed"
