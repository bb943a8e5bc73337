"""Which words make the shim of npm hand over: everything that npm itself could take for a command that installs."""

import subprocess
from pathlib import Path

import pytest

from safeinstall.words import may_install

SCRIPT = Path(__file__).parents[2] / "shims" / "npm"

COMMANDS = [
    "access", "adduser", "approve-scripts", "audit", "bugs", "cache", "ci", "completion", "config", "dedupe",
    "deny-scripts", "deprecate", "diff", "dist-tag", "docs", "doctor", "edit", "exec", "explain", "explore",
    "find-dupes", "fund", "get", "help", "help-search", "hook", "init", "install", "install-ci-test",
    "install-scripts", "install-test", "link", "ll", "login", "logout", "ls", "org", "outdated", "owner", "pack",
    "ping", "pkg", "prefix", "profile", "prune", "publish", "query", "rebuild", "repo", "restart", "root", "run",
    "run-script", "sbom", "search", "set", "set-script", "shrinkwrap", "stage", "star", "stars", "start", "stop",
    "team", "test", "token", "trust", "undeprecate", "uninstall", "unpublish", "unstar", "update", "version",
    "view", "whoami",
]  # fmt: skip
"""Every command of npm 6 to 11."""

ALIASES = {
    **dict.fromkeys(["add", "i", "in", "ins", "inst", "insta", "instal", "isnt", "isnta", "isntal"], "install"),
    **dict.fromkeys(["isntall"], "install"),
    **dict.fromkeys(["unlink", "remove", "rm", "r", "un"], "uninstall"),
    **dict.fromkeys(["clean-install", "ic", "install-clean", "isntall-clean"], "ci"),
    **dict.fromkeys(["cit", "clean-install-test", "sit"], "install-ci-test"),
    **dict.fromkeys(["u", "up", "upgrade", "udpate"], "update"),
    "it": "install-test",
    "rb": "rebuild",
    "ln": "link",
    "create": "init",
    "innit": "init",
    "ddp": "dedupe",
    "x": "exec",
    "author": "owner",
    "home": "docs",
    "issues": "bugs",
    "info": "view",
    "show": "view",
    "find": "search",
    "list": "ls",
    "c": "config",
    "s": "search",
    "se": "search",
    "tst": "test",
    "t": "test",
    "v": "view",
    "why": "explain",
    "la": "ll",
    "verison": "version",
    "hlep": "help",
    "dist-tags": "dist-tag",
    "rum": "run",
    "urn": "run",
    "ogr": "org",
    "add-user": "adduser",
}
"""npm's own table, all versions together."""

INSTALLING = {
    "install", "install-test", "install-ci-test", "ci", "update", "exec", "init", "link", "dedupe", "rebuild",
    "uninstall", "audit", "prune", "pack",
}  # fmt: skip
EVERYDAY = (
    "run", "test", "start", "ls", "list", "view", "info", "config", "version", "--version", "outdated", "publish",
    "whoami", "fund", "explain", "docs", "help", "search", "root", "prefix", "t",
)  # fmt: skip


def understood(word: str) -> str | None:
    """Return the command that npm takes *word* for: exact, alias, or the unambiguous beginning of either."""
    spelled = "".join(f"-{char.lower()}" if char.isupper() else char for char in word)
    words = [*COMMANDS, *ALIASES]
    fitting = {ALIASES.get(one, one) for one in ([spelled] if spelled in words else words) if one.startswith(spelled)}
    # Two beginnings of one command are not ambiguous for us; npm is stricter, so this is the safe side.
    return fitting.pop() if len(fitting) == 1 else None


def beginnings() -> list[str]:
    """Return every beginning of every word, and the camel case of those with a dash."""
    words = {word[:end] for word in (*COMMANDS, *ALIASES) for end in range(1, len(word) + 1)}
    camel = {"".join(part.capitalize() if n else part for n, part in enumerate(one.split("-"))) for one in words}
    return sorted(words | camel)


def hands_over(word: str, tmp_path: Path, *more: str) -> bool:
    """Whether the shim in the repository, which has no interpreter here, wants one for `npm WORD`."""
    copy = tmp_path / "shims/npm"
    if not copy.exists():
        copy.parent.mkdir()
        copy.write_bytes(SCRIPT.read_bytes())
        copy.chmod(0o755)
    done = subprocess.run(
        [copy, word, *more], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode in (43, 127)
    return done.returncode == 43


def test_every_word_that_npm_takes_for_an_install_is_handed_over(tmp_path: Path) -> None:
    """Aliases, typos, camel case and beginnings: one that is missed would install unjudged."""
    missed = [word for word in beginnings() if understood(word) in INSTALLING and not hands_over(word, tmp_path)]

    assert missed == []


def test_the_command_line_has_the_shims_own_rule(tmp_path: Path) -> None:
    """`safeinstall npm WORD` guards whatever the shim would have handed over, and nothing else."""
    assert [word for word in beginnings() if may_install("npm", [word]) is not hands_over(word, tmp_path)] == []


@pytest.mark.parametrize("word", EVERYDAY)
def test_everyday_words_are_not_slowed_down(word: str, tmp_path: Path) -> None:
    """What people and scripts call all day costs one shell start only."""
    assert not hands_over(word, tmp_path)


@pytest.mark.parametrize("word", sorted({*COMMANDS, *ALIASES}))
def test_a_first_word_that_installs_nothing_is_the_command(word: str, tmp_path: Path) -> None:
    """`npm run x` runs a script; but a first word that may install is handed over, whatever stands behind it."""
    over = hands_over(word, tmp_path, "install")

    assert over is may_install("npm", [word, "install"])
    assert over or understood(word) not in INSTALLING
    assert hands_over("--x", tmp_path, word, "install")
