"""
Fetches what the integration tests need of registries: old and new pips, build back ends, old npms, axe-core.

    python tools/fetch_test_wheels.py FOLDER

It asks the configured package registries, through pip and npm. The tests find the folder by SAFEINSTALL_TEST_WHEELS.
What lies there already is not fetched again.
"""

import argparse
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

WHEELS = (
    *("pip==20.3.4", "pip==22.3.1", "pip==23.2.1", "pip==24.0", "pip==25.3", "pip"),
    *("setuptools==80.9.0", "wheel==0.45.1", "flit-core==3.12.0"),
    *("virtualenv==21.15.11", "distlib==0.4.4", "filelock==4.3.1", "packaging==26.4", "platformdirs==4.14.8"),
    "python-discovery==1.9.6",
)
"""The pips of `tests.environments.TARGET_PIPS`, what builds sdists in tests, and virtualenv with all that it needs."""

TARBALLS = ("npm@8.19.4", "npm@9.9.4", "npm@10.9.4")
"""The npms of `tests.environments.TARGET_NPMS`."""

AXE = "axe-core@4.14.1"
"""What looks for faults that keep people out of the HTML report; `tests.environments.axe` holds its hash."""


def main() -> int:
    """Fetch everything that is missing; returns 1 when something could not be had."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(wheel, _pip(wheel, folder)) for wheel in WHEELS if not _there(folder, wheel, "==")]
    if shutil.which("npm") is not None:
        jobs += [(tarball, _npm(tarball, folder)) for tarball in (*TARBALLS, AXE) if not _there(folder, tarball, "@")]
    else:
        sys.stderr.write(f"npm is not on this machine: its old versions, and {AXE}, are left out\n")
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(_fetch, jobs))
    return 0 if all(ended) else 1


def _there(folder: Path, wanted: str, separator: str) -> bool:
    name, _, version = wanted.partition(separator)
    # A wheel's file spells its name with low lines, a tarball's as it is.
    stem = f"{name.replace('-', '_') if separator == '==' else name}-{version}"
    return bool(version) and any(folder.glob(f"{stem}[-.]*"))


def _pip(wanted: str, folder: Path) -> list[str]:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    return [*command, "--dest", str(folder), wanted]


def _npm(wanted: str, folder: Path) -> list[str]:
    return ["npm", "pack", "--silent", "--pack-destination", str(folder), wanted]


def _fetch(job: tuple[str, list[str]]) -> bool:
    wanted, command = job
    # The pip of an environment under test must be the one asked for, whatever the machine's constraints say.
    environment = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=600)
    if done.returncode:
        sys.stderr.write(f"{wanted}: {done.stderr.strip()}\n")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
