"""Bare roots, as base images are: a folder to mount `/usr` into, with an interpreter that holds nothing but pip."""

import os
import shutil
import sys
from pathlib import Path

import installer
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

from tests.environments import stored

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What a base image has for PATH."""


def make_root(root: Path, *, alpine: bool) -> None:
    """Make a bare root in *root*; what is to be seen at `/usr/local` lies in `.usr-local`, the library in `.python`."""
    for name in ("dev", "etc", "home", "opt", "proc", "root", "run", "srv", "tmp", "usr", "var/tmp", ".python"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "var/tmp").chmod(0o1777)
    for name in ("sbin", "lib", "lib64", "lib32"):
        if Path("/usr", name).exists():
            (root / name).symlink_to(f"usr/{name}")
    if alpine:
        (root / "bin").mkdir()
        (root / "bin/sh").symlink_to("/usr/bin/busybox")
    else:
        (root / "bin").symlink_to("usr/bin")
    etc = {
        "passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n",
        "group": "root:x:0:\nnogroup:x:65534:\n",
        "hosts": "127.0.0.1 localhost\n",
        "nsswitch.conf": "passwd: files\nhosts: files\n",
        "ld.so.conf": "/usr/local/lib\ninclude /etc/ld.so.conf.d/*.conf\n",
        # As Debian has it: a login shell forgets the PATH of the image.
        "profile": f"PATH={PATH}\nexport PATH\nfor i in /etc/profile.d/*.sh; do [ -r $i ] && . $i; done\n",
    }
    for name, text in etc.items():
        (root / "etc" / name).write_text(text)
    for name in ("ld.so.conf.d", "alternatives"):
        if Path("/etc", name).is_dir():
            shutil.copytree(Path("/etc", name), root / "etc" / name, symlinks=True)
    _python(root / ".usr-local")


def _python(prefix: Path) -> None:
    """Make an installation in *prefix*, to be seen at `/usr/local`: the running one's library, and pip."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    stdlib = Path(os.__file__).resolve().parent
    site = prefix / "lib" / version / "site-packages"
    site.mkdir(parents=True)
    inside = Path("/.python") / stdlib.relative_to(sys.base_prefix)
    for entry in stdlib.iterdir():
        if entry.name not in (
            "site-packages",
            "dist-packages",
            "sitecustomize.py",
            "__pycache__",
            "EXTERNALLY-MANAGED",
        ):
            (prefix / "lib" / version / entry.name).symlink_to(inside / entry.name)
    for library in (Path(sys.base_prefix) / "lib").glob(f"lib{version}*.so*"):
        shutil.copy(library, prefix / "lib")
    (prefix / "bin").mkdir()
    shutil.copy(Path(sys.base_prefix) / "bin" / version, prefix / "bin" / version)
    for name in ("python3", "python"):
        (prefix / "bin" / name).symlink_to(version)
    places = {"purelib": "lib/" + version + "/site-packages", "platlib": "lib/" + version + "/site-packages"}
    places |= {"scripts": "bin", "headers": "include", "data": "."}
    destination = SchemeDictionaryDestination(
        {name: str(prefix / place) for name, place in places.items()},
        interpreter="/usr/local/bin/python3",
        script_kind="posix",
    )
    with WheelFile.open(stored("pip-*.whl")) as source:
        installer.install(source, destination, additional_metadata={"INSTALLER": b"pip\n"})
