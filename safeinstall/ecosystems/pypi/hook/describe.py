"""
Tells what interpreter this is, as JSON: `PYTHON describe.py FOLDER OF OUR PIP`.

Tags and markers come from our own pip's vendored packaging, so that they are those which the planner will use.
"""

import json
import sys
from importlib.machinery import PathFinder


def main():
    told = {"version": list(sys.version_info[:3]), "executable": sys.executable, "prefix": sys.prefix}
    if sys.version_info >= (3, 10):
        folder = sys.argv[1]

        class Finder:
            @classmethod
            def find_spec(cls, fullname, path=None, target=None):
                return PathFinder.find_spec(fullname, [folder], target) if fullname == "pip" else None

        sys.meta_path.insert(0, Finder)
        from pip._internal.utils.compatibility_tags import get_supported
        from pip._vendor.packaging.markers import default_environment

        told["tags"] = [str(tag) for tag in get_supported()]
        told["environment"] = default_environment()
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
