"""What each shell reads when it starts, and what has to stand there so that the shims come first."""

import shlex
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

ETC = Path("/etc")
_IN_SHELL = frozenset({"pip", "pip3", "npm", "npx"})
"""Names that may be functions in every mode of every shell; `pip3.11` may not."""


class Shell(str, Enum):
    """A shell whose start-up files we know."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    SH = "sh"


def login_shell(env: Mapping[str, str]) -> Shell:
    """Return the user's own shell; a shell that we do not know reads what `sh` reads."""
    name = Path(env.get("SHELL", "")).name
    return Shell(name) if name in {one.value for one in Shell} else Shell.SH


def user_files(shell: Shell, home: Path, env: Mapping[str, str]) -> tuple[Path, ...]:
    """
    Return the files in *home* that together cover every way in which *shell* starts.

    Ours is to be the last word on PATH: version managers put their own folder first in the same files.
    """
    if shell is Shell.BASH:
        # A login shell reads the first of three; a new `.bash_profile` would hide a `.profile` that comes later.
        login = [home / name for name in (".bash_profile", ".bash_login", ".profile")]
        return (next((path for path in login if path.exists()), login[-1]), home / ".bashrc")
    if shell is Shell.ZSH:
        # `.zshenv` is for scripts; what /etc/zprofile and plugins put before us after that is set right again.
        folder = Path(env.get("ZDOTDIR") or home)
        return (folder / ".zshenv", folder / ".zprofile", folder / ".zshrc")
    if shell is Shell.FISH:
        # Not `conf.d`: what stands there is read before `config.fish`, which then has the last word.
        return (Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "fish" / "config.fish",)
    return (home / ".profile",)


def all_user_files(home: Path, env: Mapping[str, str]) -> tuple[Path, ...]:
    """Return every file in *home* that a setup may have touched, whatever it was called with."""
    found = [home / name for name in (".bash_profile", ".bash_login", ".profile")]
    found += [path for shell in Shell for path in user_files(shell, home, env)]
    found += [home / name for name in (".zshenv", ".zprofile", ".zshrc", ".config/fish/config.fish")]
    return tuple(dict.fromkeys(found))


def system_files(shell: Shell, etc: Path = ETC) -> tuple[Path, ...]:
    """Return the files of the whole machine for *shell*; the first is one of our own where there is a folder for it."""
    profile = etc / "profile.d" / "safeinstall.sh"
    if shell is Shell.SH:
        return (profile,)
    if shell is Shell.BASH:
        return (profile, _first(etc / "bash.bashrc", etc / "bashrc"))
    if shell is Shell.ZSH:
        folder = etc / "zsh" if (etc / "zsh").is_dir() else etc
        return (folder / "zshenv", folder / "zprofile", folder / "zshrc")
    return (etc / "fish" / "conf.d" / "safeinstall.fish",)


def _first(*paths: Path) -> Path:
    return next((path for path in paths if path.exists()), paths[0])


def block(shell: Shell, shims: Path, names: Sequence[str]) -> str:
    """Return what has to stand in the start-up files of *shell*, ending in a newline."""
    return _fish(shims, names) if shell is Shell.FISH else _posix(shims, names)


def _posix(shims: Path, names: Sequence[str]) -> str:
    folder = shlex.quote(str(shims))
    functions = "; ".join(f'function {name} {{ {shlex.quote(f"{shims}/{name}")} "$@"; }}' for name in _functions(names))
    # `function` is no word of `sh`, which reads some of these files too: so it is hidden in an `eval`.
    return (
        f"case ${{PATH-}} in\n"
        f"{folder} | {folder}:*) ;;\n"
        f'*) export PATH={folder}"${{PATH:+:$PATH}}" ;;\n'
        f"esac\n"
        f"# An environment that is activated later puts its own pip before all of PATH, but not before functions.\n"
        f"case ${{BASH_VERSION:+b}}${{ZSH_VERSION:+z}}$- in\n"
        f"[bz]*i*) eval {shlex.quote(functions)} ;;\n"
        f"esac\n"
    )


def _fish(shims: Path, names: Sequence[str]) -> str:
    folder = _fish_quoted(str(shims))
    functions = "".join(
        f"    function {name}; {_fish_quoted(f'{shims}/{name}')} $argv; end\n" for name in _functions(names)
    )
    return (
        f'if test "$PATH[1]" != {folder}\n'
        f"    set -gx PATH {folder} $PATH\n"
        f"end\n"
        f"# An environment that is activated later puts its own pip before all of PATH, but not before functions.\n"
        f"if status is-interactive\n"
        f"{functions}"
        f"end\n"
    )


def _functions(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in _IN_SHELL)


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
