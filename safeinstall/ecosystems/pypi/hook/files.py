"""Lets pip use an archive on the user's disk only after its very bytes were judged."""

import hashlib
import os
import shutil
import tempfile

seen = {}
"""`file:` archives that planning used: path to sha256."""


def patch(settings, building):
    """
    Patch pip's reading of `file:` links: while installing, the bytes must be in the frozen list.

    *building*: this pip fetches build requirements, which may also be judged now, in either phase.
    """
    from pip._internal.exceptions import InstallationError
    from pip._internal.operations import prepare
    from pip._internal.vcs import versioncontrol

    original = prepare.get_file_url
    frozen = frozenset(settings["frozen"])
    from_cache = built_before(settings)

    def get_file_url(link, *args, **kwargs):
        found = original(link, *args, **kwargs)
        if settings["phase"] == "plan" and not building:
            seen[found.path] = digest(found.path)
            return found
        if os.path.realpath(found.path) in from_cache:
            return found
        # The copy is what is hashed and what is used: nobody can swap the file in between.
        folder = tempfile.mkdtemp(dir=settings["folder"])
        copy = os.path.join(folder, os.path.basename(found.path))
        shutil.copyfile(found.path, copy)
        value = digest(copy)
        if value not in frozen and not (building and vetted(settings, found.path, value)):
            raise InstallationError("safeinstall: %s is not what was judged" % found.path)
        found.path = copy
        return found

    def refuse(self, *args, **kwargs):
        raise InstallationError("safeinstall: requirements from version control are not guarded yet")

    prepare.get_file_url = get_file_url
    versioncontrol.VersionControl.obtain = refuse
    versioncontrol.VersionControl.unpack = refuse


def built_before(settings):
    """
    Return the set that holds wheels which pip itself built from planned sdists; planning uses none of them.

    A cached wheel whose sdist is not in the plan does not exist for this run.
    """
    from pip._internal import cache

    planned = frozenset(settings["planned"])
    known = set()
    original = cache.WheelCache.get_cache_entry

    def get_cache_entry(self, link, *args, **kwargs):
        if link.url_without_fragment not in planned:
            return None
        entry = original(self, link, *args, **kwargs)
        if entry is not None:
            known.add(os.path.realpath(entry.link.file_path))
        return entry

    cache.WheelCache.get_cache_entry = get_cache_entry
    return known


def digest(path):
    value = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1048576), b""):
            value.update(block)
    return value.hexdigest()


def vetted(settings, path, value):
    """Ask the gateway whether the local archive *path* with these bytes may be used."""
    import http.client
    from urllib.request import pathname2url

    gateway = settings["gateway"]
    connection = http.client.HTTPConnection(gateway["host"], gateway["port"])
    try:
        target = "/%s/-/file://%s" % (gateway["secret"], pathname2url(os.path.abspath(path)))
        connection.request("POST", target, headers={"X-Sha256": value})
        return connection.getresponse().status == 204
    finally:
        connection.close()
