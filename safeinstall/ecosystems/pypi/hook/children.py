"""Hooks the pips that pip starts (for build isolation, for `--python`), in whatever way its version starts them."""

import os
import subprocess

ELSEWHERE = "_PIP_RUNNING_IN_SUBPROCESS"
"""pip sets it for the child that `--python` makes."""


class Refused(OSError):
    """A child that cannot be guarded; pip tells an OSError in one line."""


def patch(settings, settings_path, runner, names, parent):
    """
    Patch `subprocess.Popen`: a child that is this pip becomes our runner; one that only looks like pip is refused.

    *names* are those of our two variables; *parent* is the role of this process: `main`, `build`, or None for the first.
    """
    import pip

    here = os.path.dirname(os.path.abspath(pip.__file__))
    original = subprocess.Popen.__init__

    def __init__(self, args, *more, **kwargs):
        if isinstance(args, (list, tuple)) and len(args) > 1:
            words = [os.fsdecode(word) if isinstance(word, (str, bytes)) else "" for word in args[:3]]
            if is_this_pip(words[1], here):
                env = dict(os.environ if kwargs.get("env") is None else kwargs["env"])
                if ELSEWHERE in env and not settings["elsewhere"]:
                    raise Refused("safeinstall guards `--python` on the command line only, not in pip's configuration")
                # The first process of `--python` starts the pip that installs; every other child serves a build.
                role = "main" if settings["elsewhere"] and parent is None and ELSEWHERE in env else "build"
                env[names[0]] = settings_path
                env[names[1]] = role + ":" + package_of(words[1])
                kwargs["env"] = env
                args = [args[0], runner] + list(args[2:])
            elif looks_like_pip(words):
                raise Refused("safeinstall does not know this way of starting a pip: %s" % " ".join(words))
        original(self, args, *more, **kwargs)

    subprocess.Popen.__init__ = __init__


def is_this_pip(runnable, here):
    """Whether *runnable* is the folder, the zip or the runner of the pip that runs now."""
    if runnable.endswith(os.path.join("__env_pip__.zip", "pip")):
        return True
    package = package_of(runnable)
    return bool(package) and os.path.realpath(package) == os.path.realpath(here)


def package_of(runnable):
    """Return the `pip` package folder that *runnable* belongs to; empty when it is none of pip's own."""
    if os.path.basename(runnable) == "__pip-runner__.py":
        return os.path.dirname(runnable)
    return runnable if os.path.basename(runnable) == "pip" else ""


def looks_like_pip(words):
    if not os.path.basename(words[0]).startswith(("python", "pypy")):
        return False
    return words[1:3] == ["-m", "pip"] or os.path.basename(words[1]) in ("pip", "pip.zip", "__pip-runner__.py")
