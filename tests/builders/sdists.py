"""Source distributions made in memory: every way in which one can run its publisher's code."""

from collections.abc import Mapping, Sequence

from tests.builders.built import Built, encoded, tarred
from tests.builders.markers import Marker
from tests.builders.wheels import core_metadata, escaped, module

IN_TREE = '[build-system]\nrequires = {requires}\nbuild-backend = "backend"\nbackend-path = ["."]\n'
"""A pyproject.toml whose backend lies beside it."""


def sdist(
    name: str,
    version: str = "1.0",
    *,
    requires: Sequence[str] = (),
    metadata_version: str = "2.1",
    dynamic: Sequence[str] = (),
    requires_python: str | None = None,
    files: Mapping[str, str | bytes] | None = None,
    pyproject: str | None = None,
    setup_py: str | None = None,
    pkg_info: str | None = None,
) -> Built:
    """
    Return the sdist of *name* at *version*, whose PKG-INFO says *requires*, whatever a build of it would say.

    Static (PEP 643) is *metadata_version* 2.2 or later without `Requires-Dist` in *dynamic*. The PKG-INFO stands first
    in the archive, as setuptools writes it.
    """
    text = (
        pkg_info
        if pkg_info is not None
        else core_metadata(
            name,
            version,
            requires=requires,
            metadata_version=metadata_version,
            dynamic=dynamic,
            requires_python=requires_python,
        )
    )
    stem = f"{escaped(name)}-{version}"
    content = {f"{stem}/PKG-INFO": text.encode()}
    if pyproject is not None:
        content[f"{stem}/pyproject.toml"] = pyproject.encode()
    if setup_py is not None:
        content[f"{stem}/setup.py"] = setup_py.encode()
    for path, source in (files if files is not None else {f"{module(name)}.py": f"VERSION = {version!r}\n"}).items():
        content[f"{stem}/{path}"] = encoded(source)
    return Built(name=name, version=version, filename=f"{stem}.tar.gz", data=tarred(content), metadata=text.encode())


def legacy(name: str, version: str = "1.0", *, marker: Marker, requires: Sequence[str] = ()) -> Built:
    """Return an sdist of the old kind: setup.py alone, which marks at once; its PKG-INFO (1.0) tells nothing."""
    return sdist(name, version, metadata_version="1.0", setup_py=_setup_py(name, version, marker, requires))


def setuptools_project(
    name: str,
    version: str = "1.0",
    *,
    marker: Marker,
    requires: Sequence[str] = (),
    build_requires: Sequence[str] = ("setuptools",),
) -> Built:
    """Return an sdist with a pyproject.toml for setuptools and a setup.py that marks."""
    text = f'[build-system]\nrequires = {list(build_requires)!r}\nbuild-backend = "setuptools.build_meta"\n'
    setup = _setup_py(name, version, marker, requires)
    return sdist(name, version, setup_py=setup, pyproject=text, requires=requires)


def _setup_py(name: str, version: str, marker: Marker, requires: Sequence[str]) -> str:
    return (
        marker.python(f"{name}:setup.py")
        + "from setuptools import setup\n"
        + f"setup(name={name!r}, version={version!r}, py_modules=[{module(name)!r}],\n"
        + f"      install_requires={list(requires)!r})\n"
    )


def in_tree(
    name: str,
    version: str = "1.0",
    *,
    marker: Marker,
    requires: Sequence[str] = (),
    told: Sequence[str] | None = None,
    metadata_version: str = "2.1",
    dynamic: Sequence[str] = (),
    build_requires: Sequence[str] = (),
    wanted_by_hook: Sequence[str] = (),
    senses_dry_run: bool = False,
) -> Built:
    """
    Return an sdist with its own PEP 517 backend, which builds a real wheel and marks in the module and in every hook.

    *told* are the dependencies that PKG-INFO tells, where they are not those of the built wheel (*requires*).
    With *senses_dry_run* it leaves no mark, and tells no dependency, while a parent process has `--dry-run`.
    """
    return sdist(
        name,
        version,
        requires=requires if told is None else told,
        metadata_version=metadata_version,
        dynamic=dynamic,
        pyproject=IN_TREE.format(requires=list(build_requires)),
        files={
            "backend.py": backend(
                name,
                version,
                marker=marker,
                requires=requires,
                wanted_by_hook=wanted_by_hook,
                senses_dry_run=senses_dry_run,
            ),
            f"{module(name)}.py": f"VERSION = {version!r}\n",
        },
    )


def backend(
    name: str,
    version: str,
    *,
    marker: Marker,
    requires: Sequence[str] = (),
    wanted_by_hook: Sequence[str] = (),
    senses_dry_run: bool = False,
) -> str:
    """Return the source of a PEP 517 backend on the standard library alone; every hook marks."""
    return _BACKEND.format(
        name=name,
        version=version,
        stem=f"{escaped(name)}-{version}",
        module=f"{module(name)}.py",
        metadata=core_metadata(name, version, requires=requires),
        innocent=core_metadata(name, version),
        wanted=list(wanted_by_hook),
        senses=senses_dry_run,
        marker=str(marker.path),
    )


def marking_module(marker: Marker, label: str) -> str:
    """Return a backend module that marks when it is imported: what a hostile build requirement holds."""
    return marker.python(label) + "from setuptools.build_meta import *\n"


_BACKEND = '''\
import os
import zipfile

NAME, STEM, MODULE = {name!r}, {stem!r}, {module!r}


def _watched():
    """Whether some parent process is a dry run: what a backend does that behaves while it is looked at."""
    process = os.getppid()
    while {senses!r} and process > 1:
        try:
            with open("/proc/%d/cmdline" % process, "rb") as file:
                if b"--dry-run" in file.read():
                    return True
            with open("/proc/%d/stat" % process) as file:
                process = int(file.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            return False
    return False


def _mark(hook):
    if not _watched():
        with open({marker!r}, "a") as file:
            file.write(NAME + ":" + hook + "\\n")


_mark("import")


def _metadata():
    return {innocent!r} if _watched() else {metadata!r}


def get_requires_for_build_wheel(config_settings=None):
    _mark("get_requires_for_build_wheel")
    return {wanted!r}


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    _mark("prepare_metadata_for_build_wheel")
    info = os.path.join(folder, STEM + ".dist-info")
    os.mkdir(info)
    for name, text in (("METADATA", _metadata()), ("WHEEL", _wheel())):
        with open(os.path.join(info, name), "w") as file:
            file.write(text)
    return STEM + ".dist-info"


def build_wheel(folder, config_settings=None, metadata_directory=None):
    _mark("build_wheel")
    filename = STEM + "-py3-none-any.whl"
    info = STEM + ".dist-info/"
    with zipfile.ZipFile(os.path.join(folder, filename), "w") as archive:
        archive.write(MODULE, MODULE)
        archive.writestr(info + "METADATA", _metadata())
        archive.writestr(info + "WHEEL", _wheel())
        record = "".join(name + ",,\\n" for name in (MODULE, info + "METADATA", info + "WHEEL", info + "RECORD"))
        archive.writestr(info + "RECORD", record)
    return filename


def _wheel():
    return "Wheel-Version: 1.0\\nGenerator: hostile\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
'''
