"""
Tells how the pip on its path reads command lines, by that pip's own parsers.

One JSON document on stdout for each one on stdin. Nothing is run. `{"about": "pip"}` asks for its commands and options.
"""

import contextlib
import io
import json
import os
import sys
from optparse import Values

from pip._internal.cli.main_parser import create_main_parser, parse_command
from pip._internal.commands import commands_dict, create_command
from pip._internal.exceptions import PipError


def read(asked: dict[str, object]) -> dict[str, object]:
    """Return what pip makes of one command line in one environment."""
    os.environ.clear()
    # With this variable pip reads `--python` and does not start another process for it.
    os.environ.update({**asked["env"], "_PIP_RUNNING_IN_SUBPROCESS": "1"})  # type: ignore[dict-item]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            verb, rest = parse_command(list(asked["argv"]))  # type: ignore[call-overload]
            options, words = create_command(verb).parse_args(rest)
    except SystemExit as stop:
        return {"prints": not stop.code, "error": said.getvalue() if stop.code else ""}
    except PipError as error:
        return {"prints": False, "error": str(error)}
    targets = [
        *words,
        *(f"-r {one}" for one in getattr(options, "requirements", None) or ()),
        *(f"-e {one}" for one in getattr(options, "editables", None) or ()),
    ]
    return {"verb": verb, "targets": targets, "prints": False, "error": "", "options": wanted(options, asked)}


def wanted(options: Values, asked: dict[str, object]) -> dict[str, object]:
    """Return the options that the question names, as JSON can hold them."""
    named: list[str] = asked["options"]  # type: ignore[assignment]
    values = {name: getattr(options, name, None) for name in named}
    return {
        name: one if isinstance(one, (str, int, float, list, type(None))) else str(one) for name, one in values.items()
    }


def about() -> dict[str, object]:
    """Return pip's commands with their options: each with whether it takes a value."""
    parsers = {"": create_main_parser(), **{verb: create_command(verb).parser for verb in commands_dict}}
    options = {
        verb: {
            name: one.nargs is not None
            for one in parser.option_list_all
            for name in (*one._long_opts, *one._short_opts)
        }
        for verb, parser in parsers.items()
    }
    return {"commands": list(commands_dict), "options": options}


def main() -> None:
    """Answer line by line."""
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(json.dumps(about() if "about" in asked else read(asked)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
