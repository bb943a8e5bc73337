"""
Byte-compiles what pip has unpacked on all cores; pip itself does it file by file on one.

pip asks for one file at a time and checks that each is there. The first file of a package makes the whole package be
compiled at once, by copies of this interpreter; for the others the answer is then known. The bytecode is the same.
"""

import compileall
import importlib.util
import os
import subprocess
import sys
import threading

ROOTS = ("site-packages", "dist-packages", "python")
"""Folders that hold packages: in the last one pip puts what goes to `--target` later."""

FEWEST = 16
"""Below this, handing files over costs more than it saves."""

MOST_WORKERS = 8

WORKER = """
import compileall, sys
for line in sys.stdin.buffer:
    path = line[:-1].decode("utf-8", "surrogateescape")
    done = compileall.compile_file(path, force=True, quiet=2)
    sys.stdout.write("1" if done else "0")
    sys.stdout.flush()
"""


def patch():
    """Patch `compileall.compile_file` where more than one core can help."""
    workers = cores()
    if workers > 1:
        compileall.compile_file = Compiling(compileall.compile_file, workers).compile_file


def cores():
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        count = os.cpu_count() or 1
    return min(count, MOST_WORKERS)


class Compiling:
    def __init__(self, original, workers):
        self.original = original
        self.workers = [None] * workers
        self.known = {}

    def compile_file(self, fullname, *args, **kwargs):
        # Any other call than pip's own is none of our business.
        if args or kwargs != {"force": True, "quiet": True}:
            return self.original(fullname, *args, **kwargs)
        path = os.fspath(fullname)
        if path not in self.known:
            self.compile_package(path)
        done = self.known.pop(path, None)
        return self.original(fullname, force=True, quiet=True) if done is None else done

    def compile_package(self, path):
        batch = [one for one in sources(package_of(path)) if not os.path.exists(cached(one))]
        if len(batch) < FEWEST:
            return
        waiting = list(reversed(batch))
        threads = [threading.Thread(target=self.work, args=(index, waiting)) for index in range(len(self.workers))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def work(self, index, waiting):
        while True:
            try:
                path = waiting.pop()
            except IndexError:
                return
            try:
                done = self.one(index, path)
            except (OSError, ValueError):  # the worker is gone: pip compiles what is left by itself
                return
            self.known[path] = done

    def one(self, index, path):
        worker = self.workers[index]
        if worker is None:
            worker = self.workers[index] = start()
        if "\n" in path:
            raise ValueError(path)
        worker.stdin.write(path.encode("utf-8", "surrogateescape") + b"\n")
        worker.stdin.flush()
        answer = worker.stdout.read(1)
        if not answer:
            raise ValueError(path)
        # Only what is really there is called done: pip insists on it.
        return answer == b"1" and os.path.exists(cached(path))


def start():
    command = [sys.executable, "-I", "-S"] + ["-O"] * sys.flags.optimize
    if getattr(sys, "pycache_prefix", None):
        command += ["-X", "pycache_prefix=" + sys.pycache_prefix]
    command += ["-c", WORKER]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def cached(path):
    return importlib.util.cache_from_source(path)


def package_of(path):
    """Return the folder of the package that *path* is in, up to the one that holds packages; else its own folder."""
    own = folder = os.path.dirname(path)
    while True:
        parent = os.path.dirname(folder)
        if os.path.basename(folder) in ROOTS:
            return path
        if os.path.basename(parent) in ROOTS:
            return folder
        if parent == folder:
            return own
        folder = parent


def sources(place):
    """Yield the Python files at *place*, which is a folder or one file."""
    if not os.path.isdir(place):
        yield place
        return
    for folder, _, names in os.walk(place):
        for name in names:
            if name.endswith(".py"):
                yield os.path.join(folder, name)
