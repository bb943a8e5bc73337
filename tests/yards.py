"""Where the Dockerfiles of `examples/docker` are built: a builder, and on loopback all that their builds reach."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from tests.builders.installed import everything
from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel
from tests.environments import isolated_env
from tests.guarded import SOON
from tests.images import Build, Builder, Image
from tests.registries.npm import NpmRegistry
from tests.registries.osv import OsvServer, malware
from tests.registries.osv_export import ExportServer
from tests.registries.pypi import PypiRegistry

EXAMPLES = Path(__file__).parents[1] / "examples" / "docker"
PASSWORD = "a-secret-of-the-build"
_YOUNG = datetime.now(timezone.utc) - timedelta(days=10)
_NEW = datetime.now(timezone.utc) - timedelta(hours=1)
_ROOM = 4_000_000_000
"""Bytes; about a tenth of it is used."""
_STAND_INS = ("apt-get", "apk")
"""What the base holds already is not installed again: these do nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Yard:
    """One builder with registries and an advisory service of its own."""

    folder: Path
    builder: Builder
    pypi: PypiRegistry = field(default_factory=PypiRegistry)
    npm: NpmRegistry = field(default_factory=NpmRegistry)
    own_pypi: PypiRegistry = field(default_factory=PypiRegistry)
    """The company's, which asks for a password."""
    own_npm: NpmRegistry = field(default_factory=NpmRegistry)
    osv: OsvServer = field(default_factory=OsvServer)
    export: ExportServer = field(default_factory=ExportServer)
    built: dict[str, Build] = field(default_factory=dict)
    """What was built already: several tests look at one image."""

    def build(self, name: str, files: Mapping[str, str] | None = None, *, alpine: bool = False) -> Build:
        """Build the example *name* with *files* in the place of its own; *alpine*: on that kind of base."""
        ident = json.dumps([name, files, alpine])
        if ident not in self.built:
            self.built[ident] = self._build(name, files or {}, alpine=alpine)
        return self.built[ident]

    def _build(self, name: str, files: Mapping[str, str], *, alpine: bool) -> Build:
        context = self.folder / f"context-{len(list(self.folder.iterdir()))}"
        shutil.copytree(EXAMPLES / name, context)
        shutil.copy(self.folder / "advisories.bundle", context)
        for path, text in files.items():
            (context / path).write_text(text)
        for completed, text in self._completed(context):
            completed.write_text(text)
        dockerfile = context / "Dockerfile"
        if alpine:
            text = dockerfile.read_text().replace("guarded:1", "guarded-alpine:1").replace("3.12-slim", "3.12-alpine")
            dockerfile.write_text(text)
        return self.builder.build(
            dockerfile,
            context,
            args={"PIP_INDEX_URL": self.pypi.index_url, "NPM_CONFIG_REGISTRY": self.npm.url},
            secrets={"pip.conf": self.folder / "pip.conf", "npmrc": self.folder / "npmrc"},
            tag=f"{name}:1",
        )

    def image(self, name: str) -> Image:
        """Return the base image *name*, built when it is asked for first."""
        if f"{name}:1" not in self.builder.images:
            if name == "guarded-alpine":
                self.builder.images[f"{name}:1"] = self._busybox(self.image("guarded"))
                return self.builder.images[f"{name}:1"]
            done = self.build(name)
            assert done.code == 0, str(done)
        return self.builder.images[f"{name}:1"]

    def _busybox(self, image: Image) -> Image:
        """Return *image* with busybox for `sh`, set up once more by it."""
        lines = "rm /bin && mkdir /bin && ln -s /usr/bin/busybox /bin/sh"
        done = self.builder.run(self.builder.run(image, lines).image, "safeinstall setup --system")
        assert done.code == 0, str(done)
        return done.image

    def _completed(self, context: Path) -> Iterator[tuple[Path, str]]:
        """Yield what only this run can tell: addresses, hashes and dates in the files of *context*."""
        settings = context / "safeinstall.toml"
        if settings.exists():
            text = settings.read_text()
            own = json.dumps([self.own_pypi.url, self.own_npm.url])
            text = text.replace('["https://packages.corp.example/"]', own)
            text = text.replace("https://mirror.corp.example/pypi/", self.pypi.url)
            text = text.replace("https://mirror.corp.example/npm/", self.npm.url)
            text = re.sub(r"until = \S+", f"until = {SOON}T00:00:00Z", text)
            yield settings, text if "[[override]]" in text else f'osv.url = "{self.osv.url}"\n{text}'
        manifest = context / "package.json"
        if manifest.exists():
            yield context / "package-lock.json", self.lock(manifest)

    def lock(self, manifest: Path) -> str:
        """Return the lockfile of *manifest*, whose dependencies have none of their own."""
        document = json.loads(manifest.read_text())
        packages = {"": document, **dict(self._locked(document["dependencies"]))}
        return json.dumps({"lockfileVersion": 3, "packages": packages})

    def _locked(self, dependencies: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, str]]]:
        for name, version in dependencies.items():
            registry = self.own_npm if name.startswith("@corp/") else self.npm
            where = {"resolved": registry.tarball_url(name, version), "integrity": registry.integrity(name, version)}
            yield f"node_modules/{name}", {"version": version, **where}


def _memory() -> Path | None:
    """Return a folder in memory, where there is one with room: layers are many small files, written and thrown away."""
    shm = Path("/dev/shm")
    return shm if shm.is_dir() and shutil.disk_usage(shm).free > _ROOM else None


@contextmanager
def yard(folder: Path) -> Iterator[Yard]:
    """Open a yard in *folder*; skips the test where the machine gives no roots of their own."""
    layers = Path(tempfile.mkdtemp(prefix="safeinstall-layers-", dir=_memory()))
    layers.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, layers)
        made = Yard(folder=folder, builder=Builder(layers))
        for server in (made.pypi, made.npm, made.own_pypi, made.own_npm, made.osv, made.export):
            stack.enter_context(server)
        _stock(made)
        for name in ("slim", "alpine"):
            for tool in _STAND_INS:
                path = layers / name / ".usr-local/sbin" / tool
                path.parent.mkdir(exist_ok=True)
                path.write_text("#!/bin/sh\n")
                path.chmod(0o755)
        yield made


def _stock(made: Yard) -> None:
    """Fill the registries: safeinstall itself, what is clean, what is flagged; and write the bundle and the secrets."""
    made.pypi.add(*everything(), wheel("flask", "3.1.0"), wheel("evil", "1.0"))
    made.pypi.add(wheel("reqeusts", "1.0.4"), upload_time=_YOUNG)
    made.npm.publish(
        tarball("ms", "2.1.3", files={"index.js": "module.exports = text => text;\n"}), tarball("evil-npm", "1.0.0")
    )
    known = (malware("evil", ecosystem="pypi"), malware("evil-npm", ident="MAL-2026-2"))
    made.osv.add(*known)
    made.own_pypi.add(wheel("corp-kit", "1.0.0"))
    made.own_pypi.add(wheel("corp-new", "1.0.0"), upload_time=_NEW)
    made.own_npm.publish(tarball("@corp/kit", "1.0.0"))
    made.own_npm.switches.token = PASSWORD
    index = made.own_pypi.with_credentials("ci", PASSWORD)
    (made.folder / "pip.conf").write_text(f"[global]\nindex-url = {index}\n")
    host = made.own_npm.url.removeprefix("http:")
    (made.folder / "npmrc").write_text(f"@corp:registry={made.own_npm.url}/\n{host}/:_authToken={PASSWORD}\n")
    # An export whose newest record is old counts as frozen, and an index of it answers nothing.
    made.export.add(*known, modified=f"{_NEW:%Y-%m-%dT%H:%M:%SZ}")
    env = isolated_env(made.folder / "nightly", {"SAFEINSTALL_INDEX_URL": made.export.url})
    for words in (["update"], ["update", "--bundle", str(made.folder / "advisories.bundle")]):
        subprocess.run([sys.executable, "-I", "-m", "safeinstall", *words], env=env, check=True, capture_output=True)
