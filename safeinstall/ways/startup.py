"""
Looks, in a Python that has just started, whether it is about to run pip, and becomes safeinstall if that could install.

This text is not imported: `safeinstall setup` writes it into a `.pth` of an environment or into the `sitecustomize` of
an interpreter (see `guards.py`), behind a test that costs microseconds: is there `pip` in any word of the command line?
It imports nothing of safeinstall and nothing that Python has not loaded by then. There is no variable that switches it
off: our own runs start pip through a file of ours (`ecosystems/pypi/hook/runner.py`), which is no pip to this text.
"""

import os
import sys

# Paths as text: each import would be paid for by every pip that only lists.
# ruff: noqa: PTH100, PTH110, PTH119

PYTHON = ""
"""The interpreter of safeinstall; `safeinstall setup` fills these four in."""
LAUNCH = ""
"""What that runs: the shim's own words."""
FIRST: tuple[str, ...] = ()
"""Commands of pip's that install nothing."""
FLAGS: tuple[str, ...] = ()
"""Options of pip's without a value."""

FAILED = 43


def pip_in(words: list[str]) -> tuple[str, list[str]] | None:  # noqa: C901 - as long as Python's own rules
    """Return the flags of Python and the words of pip in *words*, a whole command line; None: it runs no pip."""
    flags = ""
    at = 1
    while at < len(words):
        word = words[at]
        if word == "--":
            at += 1
            break
        if not word.startswith("-") or word == "-":
            break
        at += 1
        if word.startswith("--"):
            at += word == "--check-hash-based-pycs"
            continue
        for place, letter in enumerate(word[1:], 2):
            if letter in "cmWX":
                value = word[place:]
                if not value:
                    value = words[at] if at < len(words) else ""
                    at += 1
                if letter == "m":
                    if value == "runpy" and at < len(words):
                        value, at = words[at], at + 1
                    return (flags, words[at:]) if is_name(value) or value.startswith("pip.") else None
                if letter == "c":
                    return None
                break
            flags += letter
    if at < len(words) and is_script(words[at]):
        return flags, words[at + 1 :]
    return None


def is_name(name: str) -> bool:
    """Whether *name* is pip, pip3 or pip3.11."""
    head, _, minor = name.partition(".")
    return name in {"pip", "pip3"} or (head == "pip3" and minor.isdigit())


def is_script(path: str) -> bool:
    """Whether *path* is a script named pip, or the package itself; a pip inside an archive is another one."""
    folder, base = os.path.split(path.rstrip("/"))
    if base in ("__main__.py", "__pip-runner__.py"):
        return os.path.basename(os.path.abspath(folder)) == "pip"
    return is_name(base) and os.path.exists(path)


def may_install(words: list[str]) -> bool:
    """Whether *words* of pip's could install; the shim's own rule."""
    for word in words:
        if word.startswith("--safeinstall-"):
            break
        if word not in FLAGS and not (word.startswith("--") and "=" in word):
            if word in FIRST:
                return False
            break
    return any(not word.startswith("-") or word.startswith("--safeinstall-") for word in words)


def passed_on() -> bool:
    """Whether safeinstall has looked at this very process already and handed it on."""
    return os.environ.get("SAFEINSTALL_REENTRY", "").startswith(f"exec {os.getpid()} ")


def guard() -> None:
    """Become safeinstall if this Python is about to run a pip that could install."""
    found = pip_in(sys.orig_argv)
    if found is None or not may_install(found[1]) or passed_on():
        return
    flags = "".join(letter for letter in found[0] if letter in "IEsP")
    target = flags + ":" + os.path.abspath(sys.executable or sys.orig_argv[0])
    try:
        os.execv(PYTHON, [PYTHON, "-I", "-c", LAUNCH, "pip", "--safeinstall-python", target, *found[1]])  # noqa: S606
    except OSError:
        told = (
            f"safeinstall: fatal: nothing was checked and nothing was installed: its Python, {PYTHON}, is gone; run"
            f" `safeinstall setup` again from a new installation, or remove its guard from {sys.prefix}\n"
        )
        os.write(2, told.encode("utf-8", "replace"))
        os._exit(FAILED)


if __name__ == "safeinstall":
    guard()
