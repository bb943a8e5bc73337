"""`safeinstall log`: what was run, from the ledger; and whether the ledger is what was written."""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from safeinstall import ledger
from safeinstall.chain import Checked, verify
from safeinstall.commands.arguments import Parser
from safeinstall.commands.common import settings_of
from safeinstall.errors import MalformedAnswer, Misconfigured
from safeinstall.outside import Outside
from safeinstall.places import places
from safeinstall.purl import parse, parts
from safeinstall.recorded import VERDICTS, ending
from safeinstall.runs import BLOCKED_BY_FINDING
from safeinstall.text import counted, printable

_DEFAULT = 20
_ANCHOR = re.compile(r"([1-9][0-9]{0,11}):([0-9a-f]{64})")
_AGO = re.compile(r"([0-9]{1,6})([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SAID = {"differs": "installed something else than was judged", "interrupted": "began to install and never ended"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wanted:
    """Which runs are asked for."""

    package: str | None
    since: datetime | None
    until: datetime | None
    project: Path | None
    verdict: str | None

    def fits(self, line: Mapping[str, object]) -> bool:
        """Whether the run *line* is one of them."""
        return (
            (self.verdict is None or self.verdict in (ending(line), _overridden(line)))
            and (self.project is None or _inside(line, self.project))
            and _between(line, self.since, self.until)
            and (self.package is None or _holds(line, self.package))
        )


def run(outside: Outside, words: Sequence[str]) -> int:
    """Print the runs that are asked for, oldest first, or what verifying the ledger showed."""
    parser = _parser()
    given = parser.parse_args(words)
    if given.last is not None and given.last < 1:
        raise Misconfigured("safeinstall log: --last must be at least 1")
    if given.anchor is not None and not given.verify:
        raise Misconfigured("safeinstall log: --anchor belongs to --verify")
    where = places(outside.env)
    path = settings_of(outside, where).ledger or where.ledger
    try:
        if given.verify:
            return _verified(outside, path, given.anchor, machine=given.format == "json")
        _list(outside, path, _wanted(outside, vars(given)), given.last or _DEFAULT, machine=given.format == "json")
    except FileNotFoundError:
        outside.say(f"safeinstall: {path} does not exist yet: no guarded command has run\n")
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from error
    return 0


def _parser() -> Parser:
    parser = Parser("log", "Tell of guarded commands, oldest first; verify the ledger.")
    parser.add_argument("--last", type=int, metavar="N", help=f"how many at most (default: {_DEFAULT})")
    parser.add_argument("--package", metavar="NAME|PURL", help="runs whose plan has this name, or just this release")
    parser.add_argument("--since", metavar="TIME", help="2026-11-27, 2026-11-27T10:00Z, or 3d, 12h, 30m, 2w ago")
    parser.add_argument("--until", metavar="TIME", help="the same")
    parser.add_argument("--project", metavar="DIR", help="runs in this folder or below, or into an environment there")
    parser.add_argument("--verdict", choices=(*VERDICTS, "overridden"), help="how they ended")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: one line of JSON a run")
    parser.add_argument("--verify", action="store_true", help="hold every line against the one before, and the head")
    parser.add_argument("--anchor", metavar="N:HASH", help="what an earlier --verify told, kept elsewhere")
    return parser


def _wanted(outside: Outside, given: Mapping[str, str | None]) -> _Wanted:
    package, project = given["package"], given["project"]
    if package is not None and package.startswith("pkg:"):
        try:
            package = parse(package)
        except MalformedAnswer as error:
            raise Misconfigured(error.message) from error
    return _Wanted(
        package=package,
        since=_moment(given["since"], outside.now()),
        until=_moment(given["until"], outside.now()),
        project=None if project is None else (outside.cwd / Path(project).expanduser()).resolve(),
        verdict=given["verdict"],
    )


def _list(outside: Outside, path: Path, wanted: _Wanted, last: int, *, machine: bool) -> None:
    for line in deque((one for one in ledger.read(path) if wanted.fits(one)), maxlen=last):
        outside.data((json.dumps(line) if machine else _told(line)) + "\n")


# --- which runs -----------------------------------------------------------------------------------------------------


def _moment(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        when = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as error:
        raise Misconfigured(f"`{printable(text)}` is no time", hint="2026-11-27, 2026-11-27T10:00Z, 3d, 12h") from error
    return when if when.tzinfo is not None else when.replace(tzinfo=timezone.utc)


def _between(line: Mapping[str, object], since: datetime | None, until: datetime | None) -> bool:
    if since is None and until is None:
        return True
    try:
        started = datetime.fromisoformat(str(line.get("started")).replace("Z", "+00:00"))
    except ValueError:
        return False
    return started.tzinfo is not None and (since is None or since <= started) and (until is None or started < until)


def _inside(line: Mapping[str, object], project: Path) -> bool:
    environment = line.get("environment")
    places = [line.get("cwd"), environment.get("path") if isinstance(environment, Mapping) else None]
    return any(isinstance(one, str) and Path(one).is_relative_to(project) for one in places)


def _holds(line: Mapping[str, object], package: str) -> bool:
    releases = line.get("releases")
    found = [one.get("purl") for one in releases if isinstance(one, Mapping)] if isinstance(releases, list) else []
    return any(isinstance(one, str) and (one == package or _is_of(one, package)) for one in found)


def _is_of(purl: str, name: str) -> bool:
    try:
        ecosystem, own, version = parts(parse(purl))
        wanted = parts(parse(name if name.startswith("pkg:") else f"pkg:{ecosystem.value}/{name}"))
    except MalformedAnswer:
        return False
    return wanted[:2] == (ecosystem, own) and wanted[2] in (None, version)


def _overridden(line: Mapping[str, object]) -> str:
    return "overridden" if line.get("overrides") else ""


# --- what is told ---------------------------------------------------------------------------------------------------


def _told(line: Mapping[str, object]) -> str:
    command = line.get("command")
    words = " ".join(str(word) for word in command) if isinstance(command, list) else "?"
    releases = line.get("releases")
    count = len(releases) if isinstance(releases, list) else 0
    given = line.get("overrides")
    overridden = f", {len(given)} overridden" if isinstance(given, list) and given else ""
    end = f", exit {line.get('exit_code')}" if line.get("exit_code") is not None else ""
    what = f"{_outcome(line)} ({counted(count, 'release')}{overridden}{end})"
    return printable(f"{line.get('started')}  {line.get('user')}  {words}  {what}", limit=400)


def _outcome(line: Mapping[str, object]) -> str:
    how = ending(line)
    if how == "failed":
        return f"failed: {line['failed']}" if "failed" in line else "the manager failed"
    return _SAID.get(how, how)


def _verified(outside: Outside, path: Path, anchor: str | None, *, machine: bool) -> int:
    known = _ANCHOR.fullmatch(anchor) if anchor is not None else None
    if anchor is not None and known is None:
        raise Misconfigured(f"`{printable(anchor)}` is no anchor", hint="`safeinstall log --verify` tells one: N:HASH")
    checked = verify(path, None if known is None else (int(known[1]), known[2]))
    if machine:
        outside.data(json.dumps(_document(checked)) + "\n")
    else:
        outside.data("".join(f"{line}\n" for line in _report(checked, path)))
    return BLOCKED_BY_FINDING if checked.faults else 0


def _report(checked: Checked, path: Path) -> Iterator[str]:
    for fault in checked.faults:
        yield f"error[ledger]: {fault}"
    if checked.begins > 1:
        yield f"note: it begins with line {checked.begins}: older files are not here"
    if checked.older:
        yield f"note: {counted(checked.older, 'line')} older than the chain, covered by it from the first line after"
    if checked.torn:
        yield f"note: {counted(checked.torn, 'line')} half written or not ours: never read as a run"
    if checked.behind:
        yield f"note: {counted(checked.behind, 'line')} behind the head: a writer was stopped, or somebody added to it"
    what = "it is not what was written" if checked.faults else "each follows the one before, and the head is the last"
    yield f"safeinstall: {counted(checked.lines, 'chained line')} in {path}: {what}"
    yield f"anchor, to be kept elsewhere: {checked.end.lines}:{checked.end.chain}"


def _document(checked: Checked) -> dict[str, object]:
    return {
        "format": "safeinstall-ledger-verification",
        "version": 1,
        "holds": not checked.faults,
        "faults": list(checked.faults),
        "lines": checked.lines,
        "older": checked.older,
        "torn": checked.torn,
        "begins": checked.begins,
        "behind": checked.behind,
        "anchor": f"{checked.end.lines}:{checked.end.chain}",
    }
