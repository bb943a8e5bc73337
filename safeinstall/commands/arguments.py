"""`argparse` whose errors are ours: exit code 44 and a hint instead of 2 and a usage text."""

import argparse
from typing import NoReturn

from safeinstall.errors import Misconfigured
from safeinstall.text import printable


class Parser(argparse.ArgumentParser):
    """A parser of the arguments of one command of ours."""

    def __init__(self, command: str, description: str) -> None:
        """Parse what follows `safeinstall COMMAND`."""
        super().__init__(prog=f"safeinstall {command}", description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong."""
        raise Misconfigured(f"{self.prog}: {printable(message)}", hint=f"`{self.prog} --help` tells more")
