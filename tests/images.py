"""
Builds what a Dockerfile says where there is no Docker: each RUN in a root of its own, with the layers that it made.

A base image is a bare root with the machine's `/usr` (read-only), an interpreter below `/usr/local` that holds nothing
but pip, and the machine's node. Mounts live in a namespace that ends with the command; a layer is a folder.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests import dockerfiles
from tests.dockerfiles import Instruction, expanded
from tests.environments import machine_npm, optional
from tests.roots import PATH, make_root

_MOUNT = """\
set -eu
folder=$1 lower=$2 upper=$3 work=$4 into=$5 python=$6
shift 6
cd "$folder"
root() {
    mount -t overlay overlay -o "lowerdir=$1${2:+,upperdir=$2,workdir=$3}" "$4"
    mount --bind /usr "$4/usr"
    mount -o remount,bind,ro "$4/usr"
    mount --bind "$4/.usr-local" "$4/usr/local"
}
root "$lower" "$upper" "$work" "$into"
mount --bind "$python" "$into/.python"
mount -t proc proc "$into/proc"
mount -t tmpfs tmpfs "$into/dev"
for name in null zero random urandom; do
    : >"$into/dev/$name"
    mount --bind "/dev/$name" "$into/dev/$name"
done
mkdir "$into/dev/shm"
ln -s /proc/self/fd "$into/dev/fd"
"""
_LOOPBACK = """\
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 1))
"""
"""Sets the flag `up` of the loopback device (SIOCSIFFLAGS), where nobody has `ip`."""
_COPY = """\
case $1 in
--) source=$2 ;;
*) root "$1" "" "" "$2"; source=$2 ;;
esac
target=$into$3 owner=$4
shift 4
case $target in
*/) mkdir -p "$target" ;;
*) mkdir -p "${target%/*}" ;;
esac
for path do
    if [ -d "$source/$path" ]; then
        mkdir -p "$target"
        cp -dR --preserve=mode,timestamps "$source/$path/." "$target"
    else
        cp -dR --preserve=mode,timestamps "$source/$path" "$target"
    fi
done
[ -z "$owner" ] || chroot "$into" chown -R "$owner" "${target#"$into"}"
"""
_RUN = """\
while [ "$1" != -- ]; do
    mkdir -p "$into${2%/*}"
    if [ -d "$1" ]; then mkdir -p "$into$2"; else [ -e "$into$2" ] || : >"$into$2"; fi
    mount --bind "$1" "$into$2"
    [ "$3" = rw ] || mount -o remount,bind,ro "$into$2"
    shift 3
done
shift
exec env -i "$@"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """What a stage has come to."""

    layers: tuple[str, ...]
    """Names of folders, the base first."""
    env: Mapping[str, str] = field(default_factory=lambda: {"PATH": PATH})
    user: str = "root"
    folder: str = "/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """How a build ended."""

    code: int
    log: str
    """What its commands said, both streams in one, as a plain log of a builder shows it."""
    image: Image
    """The last stage, as far as it came."""
    stages: Mapping[str, Image]

    def __str__(self) -> str:
        """Show all of it: pytest prints this when an assertion fails."""
        return f"exit {self.code}\n{self.log}"


@dataclass(slots=True)
class Builder:
    """A builder with its layers in *folder*."""

    folder: Path
    images: dict[str, Image] = field(default_factory=dict)
    """Name -> image, for FROM; any other name is a bare base, with busybox for `sh` if it says `alpine`."""
    _made: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    """What was built -> its layer, or none, and what it said."""
    _names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the bare roots; skips the test where the machine does not let us."""
        machine_npm()
        unshare = shutil.which("unshare")
        if unshare is None or not Path(machine_npm()).resolve().is_relative_to("/usr"):
            optional("a root of its own needs `unshare`, and npm below /usr")
        for name in ("slim", "alpine"):
            make_root(self._layer(name), alpine=name == "alpine")
            self.images[name] = Image(layers=(name,))
            done = self._run(self.images[name], "ldconfig", {})
            if done.code != 0:
                optional(f"this machine gives no root of its own: {done.log}")
            self.images[name] = done.image

    def build(
        self,
        dockerfile: Path,
        context: Path,
        *,
        args: Mapping[str, str] | None = None,
        secrets: Mapping[str, Path] | None = None,
        tag: str = "",
    ) -> Build:
        """Build *dockerfile* with what lies in *context*, to its end or to the first command that fails."""
        given = args or {}
        stages: dict[str, Image] = {}
        log, known, image = "", dict[str, str](), None
        for one in dockerfiles.read(dockerfile.read_text()):
            text = expanded(one.text, {**(image.env if image else {}), **known}) if one.word != "RUN" else one.text
            if one.word == "FROM":
                name, _, stage = text.partition(" AS ")
                known = {}
                image = stages.get(name) or self._from(name)
                stages[stage or str(len(stages))] = image
                continue
            assert image is not None, f"{one.word} before FROM"
            if one.word == "ARG":
                name, _, default = text.partition("=")
                known |= {name: given.get(name, default)} if name in given or default else {}
                continue
            done = self._step(replace(one, text=text), image, known, (context, secrets or {}, stages))
            image, log = done.image, log + done.log
            stages[next(reversed(stages))] = image
            if done.code != 0:
                return Build(code=done.code, log=log, image=image, stages=stages)
        assert image is not None, "no FROM"
        if tag:
            self.images[tag] = image
        return Build(code=0, log=log, image=image, stages=stages)

    def run(self, image: Image, command: str, env: Mapping[str, str] | None = None) -> Build:
        """Run *command* in *image*; what it changes is thrown away."""
        return self._run(image, command, env or {})

    def added(self, image: Image) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of all that the layers of *image* add to the bare base, links with their target."""
        bare = self.images["alpine" if "alpine" in image.layers else "slim"].layers
        for name in image.layers[len(bare) :]:
            layer = self.folder / name
            for path in sorted(layer.rglob("*")):
                inside = f"/{path.relative_to(layer)}".replace("/.usr-local", "/usr/local")
                if path.is_symlink():
                    yield inside, os.fsencode(path.readlink())
                elif path.is_file():
                    yield inside, path.read_bytes()
                elif path.is_dir():
                    yield inside, b""

    def _held(self, image: Image, path: str) -> Path:
        """Return the folder *path* of *image*, which one of its layers must hold as a whole."""
        found = [
            self.folder / name / path.lstrip("/")
            for name in image.layers
            if (self.folder / name / path.lstrip("/")).exists()
        ]
        assert len(found) == 1, f"{path} lies in {len(found)} layers"
        return found[0]

    def _from(self, name: str) -> Image:
        return self.images.get(name) or self.images["alpine" if "alpine" in name else "slim"]

    def _step(
        self,
        one: Instruction,
        image: Image,
        known: Mapping[str, str],
        around: tuple[Path, Mapping[str, Path], Mapping[str, Image]],
    ) -> Build:
        context, secrets, stages = around
        match one.word:
            case "ENV":
                pairs = dict(part.partition("=")[::2] for part in one.text.split())
                image = replace(image, env={**image.env, **pairs})
            case "USER":
                image = replace(image, user=one.text)
            case "WORKDIR":
                image = replace(image, folder=os.path.normpath(os.path.join(image.folder, one.text)))  # noqa: PTH118
                return self._run(replace(image, user="root", folder="/"), f"mkdir -p '{image.folder}'", {}, then=image)
            case "COPY":
                source = stages.get(one.flag("from")) or (self._from(one.flag("from")) if one.flag("from") else context)
                return self._copy(one, image, source)
            case "RUN":
                binds = [*self._mounts(one, context, secrets, stages)]
                return self._run(image, one.text, known, binds, network=one.flag("network", "host"))
            case "CMD" | "ENTRYPOINT" | "LABEL" | "EXPOSE":
                pass
            case other:
                raise AssertionError(f"this builder knows no {other}")
        return Build(code=0, log="", image=image, stages={})

    def _mounts(
        self, one: Instruction, context: Path, secrets: Mapping[str, Path], stages: Mapping[str, Image]
    ) -> Iterator[tuple[str, str, str]]:
        """Yield what to mount, where, and how, for each `--mount` of *one*."""
        for mount in dockerfiles.mounts(one):
            target = mount["target"]
            match mount["type"]:
                case "bind" if "from" in mount:
                    yield str(self._held(stages[mount["from"]], mount["source"])), target, "ro"
                case "bind":
                    yield str(context / mount["source"]), target, "ro"
                case "secret":
                    yield str(secrets[mount["id"]]), target, "ro"
                case "cache":
                    kept = self.folder / "caches" / hashlib.sha256(target.encode()).hexdigest()[:8]
                    kept.mkdir(parents=True, exist_ok=True)
                    yield str(kept), target, "rw"
                case other:
                    raise AssertionError(f"this builder knows no mount of the type {other}")

    def _copy(self, one: Instruction, image: Image, source: Image | Path) -> Build:
        *paths, target = one.text.split()
        if not target.startswith("/"):
            target = f"{image.folder.rstrip('/')}/{target.removeprefix('./').removeprefix('.')}"
        if isinstance(source, Path):
            told = ["--", str(source)]
            inside = [str(path.relative_to(source)) for name in paths for path in sorted(source.glob(name))]
        else:
            (self.folder / "from").mkdir(exist_ok=True)
            told, inside = [":".join(reversed(source.layers)), "from"], [path.lstrip("/") for path in paths]
        assert inside, f"there is no {' '.join(paths)} to copy"
        content = [one.flag("chown"), target, *inside, *told[:1], *_digests(source, inside)]
        return self._layered(image, _COPY, [*told, target, one.flag("chown"), *inside], content)

    def _run(
        self,
        image: Image,
        command: str,
        known: Mapping[str, str],
        binds: Sequence[tuple[str, str, str]] = (),
        *,
        network: str = "host",
        then: Image | None = None,
    ) -> Build:
        """Run *command* as the user of *image*, and return the image with what it changed."""
        uid, home = self._person(image)
        if os.geteuid() != 0 and not uid.startswith("0:"):
            optional("who is not root has one user only in a root of their own")
        env = {"HOME": home, **known, **image.env}
        words = [part for bind in binds for part in bind]
        words += ["--", *(f"{name}={value}" for name, value in env.items())]
        words += [
            "/usr/sbin/chroot",
            *([f"--userspec={uid}"] if os.geteuid() == 0 else []),
            "root",
            "/bin/sh",
            "-c",
            'cd "$0" && exec "$@"',
        ]
        words += [image.folder, "/bin/sh", "-c", command]
        content = [image.user, image.folder, command, *map("=".join, env.items()), *(one[1] for one in binds)]
        cached = [] if binds else content
        return self._layered(image, _RUN, words, cached, network=network, then=then)

    def _layered(
        self,
        image: Image,
        script: str,
        words: Sequence[str],
        content: Sequence[str],
        *,
        network: str = "host",
        then: Image | None = None,
    ) -> Build:
        """Run *script* in a new layer on *image*; the same *content* on the same layers was built before."""
        ident = json.dumps([image.layers, content])
        kept = self._made.get(ident) if content else None
        if kept is not None:
            layers, log = kept
            return Build(code=0, log=log, image=replace(then or image, layers=(*image.layers, *layers)), stages={})
        name = f"l{len(self._names)}"
        self._names.append(name)
        for made in (self._layer(name), self._layer("work"), self._layer("root")):
            made.chmod(0o755)
        lower = ":".join(reversed(image.layers))
        command = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "--pid", "--fork"]
        command += ["--kill-child", *(["--net"] if network == "none" else [])]
        up = "" if network == "host" else f"{shlex.quote(sys.executable)} -I -c '{_LOOPBACK}'\n"
        python = sys.base_prefix
        command += ["sh", "-c", _MOUNT + up + script, "sh"]
        command += [str(self.folder), lower, name, "work", "root", python, *words]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": PATH},
            text=True,
            check=False,
            timeout=120,
        )
        shutil.rmtree(self.folder / "work")
        # A command that changed nothing makes no layer: what follows it may have been built before.
        new = (name,) if any((self.folder / name).iterdir()) else ()
        image = replace(then or image, layers=(*image.layers, *new))
        if done.returncode == 0 and content:
            self._made[ident] = new, done.stdout
        return Build(code=done.returncode, log=done.stdout, image=image, stages={})

    def _person(self, image: Image) -> tuple[str, str]:
        """Return what `chroot` calls the user of *image*, and their home: `/` for a number that nobody has."""
        for name in reversed(image.layers):
            passwd = self.folder / name / "etc/passwd"
            if passwd.is_file():
                rows = [line.split(":") for line in passwd.read_text().splitlines()]
                found = next((row for row in rows if image.user in (row[0], row[2])), None)
                return (f"{found[2]}:{found[3]}", found[5]) if found else (f"{image.user}:0", "/")
        raise AssertionError("no layer has an /etc/passwd")

    def _layer(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path


def _digests(source: Image | Path, inside: Sequence[str]) -> Iterator[str]:
    if isinstance(source, Path):
        for name in inside:
            path = source / name
            for one in [path] if path.is_file() else sorted(path.rglob("*")):
                if one.is_file():
                    yield hashlib.sha256(one.read_bytes()).hexdigest()
