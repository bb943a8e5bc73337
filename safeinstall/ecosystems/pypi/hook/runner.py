"""
Runs pip inside the target interpreter with every request sent to the gateway.

Called as `PYTHON runner.py ARGUMENTS OF PIP`, with `SAFEINSTALL_HOOK` naming a JSON file of settings (see
`hooked.py`). It is a plain file that imports nothing of safeinstall and nothing but the standard library before pip;
Python 3.6 and later can read it. Whatever it cannot set up stops pip before its first request.
"""

import importlib.util
import json
import os
import runpy
import sys
from importlib.machinery import PathFinder

HERE = os.path.dirname(os.path.abspath(__file__))
SETTINGS = "SAFEINSTALL_HOOK"
PIP_AT = "SAFEINSTALL_PIP_AT"
OLDEST = (3, 10)


def main():
    # (1) Out of the way: neither our folder nor our variables are for pip, a build backend or their children.
    if sys.path and os.path.abspath(sys.path[0] or ".") == HERE:
        del sys.path[0]
    path = os.environ.pop(SETTINGS, None)
    role, _, package = os.environ.pop(PIP_AT, "").partition(":")
    if path is None:
        sys.exit("safeinstall: this file is started by safeinstall only")
    with open(path, "rb") as stream:
        settings = json.loads(stream.read().decode("utf-8"))
    restore(settings["restore"])
    if sys.version_info[:2] < OLDEST:
        sys.exit("safeinstall: Python %d.%d and later are guarded" % OLDEST)
    # (2) Which pip: a nested one is a copy of its parent, the planner is ours, the installer is the interpreter's own.
    if role:
        use_pip_from(os.path.dirname(package))
        sys.argv[0] = os.path.join(package, "__main__.py")
    elif settings["phase"] == "plan":
        use_pip_from(settings["planner"])
        sys.argv[0] = settings["called"]
        if settings["elsewhere"]:
            # We are in the interpreter that `--python` names: pip itself would start another process to get here.
            os.environ["_PIP_RUNNING_IN_SUBPROCESS"] = "1"
    else:
        sys.argv[0] = settings["called"]
        sys.path.insert(0, os.path.dirname(settings["called"]))
    # (3) Every request of this process goes to the gateway, and every pip that it starts is hooked as well.
    building = role == "build"
    load("transport").patch(settings, building)
    load("children").patch(settings, path, os.path.abspath(__file__), (SETTINGS, PIP_AT), role or None)
    files = load("files")
    files.patch(settings, building)
    if settings["phase"] == "plan":
        # Also in a nested pip: planning builds nothing but the user's own local projects.
        planner = load("planner")
        planner.forbid_builds(building)
        if not building:
            planner.patch(settings, files.seen)
    runpy.run_module("pip", run_name="__main__", alter_sys=False)


def restore(variables):
    """Put the user's own values back: what we changed was for the moment before this line only."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def use_pip_from(folder):
    """Import `pip` from *folder* without putting that folder on sys.path, where it would hide or show packages."""

    class Finder:
        @classmethod
        def find_spec(cls, fullname, path=None, target=None):
            if fullname != "pip":
                return None
            return PathFinder.find_spec(fullname, [folder], target)

    sys.meta_path.insert(0, Finder)


def load(name):
    """Import a file beside this one without touching sys.path."""
    spec = importlib.util.spec_from_file_location("_safeinstall_" + name, os.path.join(HERE, name + ".py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
