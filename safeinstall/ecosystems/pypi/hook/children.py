"""Hooks the pips that pip starts for build isolation, in whatever way its version starts them."""

import os
import subprocess
import sys


def patch(settings, settings_path, runner, settings_name, pip_name):
    """Patch `subprocess.Popen`: a child that is this pip becomes our runner; one that only looks like pip is refused."""
    import pip

    here = os.path.dirname(os.path.abspath(pip.__file__))
    original = subprocess.Popen.__init__

    def __init__(self, args, *more, **kwargs):
        if isinstance(args, (list, tuple)) and len(args) > 1:
            runnable = os.fsdecode(args[1]) if isinstance(args[1], (str, bytes)) else ""
            if is_this_pip(runnable, here):
                same = os.path.realpath(os.fsdecode(args[0])) == os.path.realpath(sys.executable)
                if not same and settings["phase"] != "plan" and "venv" not in settings["features"]:
                    raise RuntimeError("safeinstall: `--python` is not guarded yet")
                args = [args[0], runner] + list(args[2:])
                env = dict(os.environ if kwargs.get("env") is None else kwargs["env"])
                env[settings_name] = settings_path
                env[pip_name] = package_of(runnable)
                kwargs["env"] = env
            elif looks_like_pip(args):
                raise RuntimeError("safeinstall: pip started another pip in a way that is not known: %r" % (args[:3],))
        original(self, args, *more, **kwargs)

    subprocess.Popen.__init__ = __init__


def is_this_pip(runnable, here):
    """Whether *runnable* is the folder, the zip or the runner of the pip that runs now."""
    if runnable.endswith(os.path.join("__env_pip__.zip", "pip")):
        return True
    package = package_of(runnable)
    return bool(package) and os.path.realpath(package) == os.path.realpath(here)


def package_of(runnable):
    """Return the `pip` package folder that *runnable* belongs to."""
    if os.path.basename(runnable) == "__pip-runner__.py":
        return os.path.dirname(runnable)
    return runnable if os.path.basename(runnable) == "pip" else ""


def looks_like_pip(args):
    words = [os.fsdecode(word) for word in args[1:3] if isinstance(word, (str, bytes))]
    first = words[0] if words else ""
    return os.path.basename(first) in ("pip", "pip.zip", "__pip-runner__.py") and "python" in os.path.basename(
        os.fsdecode(args[0])
    ) or words[:2] == ["-m", "pip"]
