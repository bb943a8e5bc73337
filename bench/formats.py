"""
Writes real plans down in every format and holds them to the official schemas; counts components against what installs.

Asks the package registries that pip and npm are configured for. Judged offline: `--safeinstall-offline`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jsonschema
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from safeinstall.formats.json_v1 import SCHEMA

HERE = Path(__file__).parent
SARIF = HERE.parent / "tests/data/sarif/sarif-2.1.0-rtm.5.json"
SETS = {
    "flask": ("pip", ["flask"]),
    "jupyterlab": ("pip", ["jupyterlab"]),
    "express": ("npm", ["express"]),
    "vite+react": ("npm", ["vite", "react", "react-dom", "@vitejs/plugin-react", "react-scripts"]),
}


def main() -> None:
    """Measure the sets that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--install", action="store_true", help="install as well, and compare with the components")
    given = parser.parse_args()
    for name in given.sets:
        with tempfile.TemporaryDirectory() as folder:
            measured(name, Path(folder), install=given.install)


def measured(name: str, folder: Path, *, install: bool) -> None:
    """Print one line on the set *name*."""
    tool, words = SETS[name]
    env = {**os.environ, "SAFEINSTALL_HOME": str(folder / "home")}
    (folder / "project").mkdir()
    if tool == "pip":
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        env["PATH"] = f"{folder}/venv/bin:{env['PATH']}"
    else:
        (folder / "project/package.json").write_text('{"name": "bench", "version": "1.0.0", "private": true}\n')
    made = {}
    for form in ("json", "sarif", "cyclonedx"):
        started = time.monotonic()
        out = run(["plan", tool, "install", *words, "--format", form], folder, env)
        made[form] = json.loads(out)
        print(f"{name}: {form} {len(out):,} bytes, {time.monotonic() - started:.1f} s", flush=True)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(made["json"])
    jsonschema.Draft4Validator(json.loads(SARIF.read_text())).validate(made["sarif"])
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made["cyclonedx"]))
    components = [one for one in made["cyclonedx"]["components"] if one.get("scope") != "excluded"]
    licensed = sum("licenses" in one for one in components)
    print(f"{name}: all valid: {fault is None}; {len(components)} components, {licensed} with a licence", flush=True)
    if install:
        run([tool, "install", *words], folder, env)
        here = installed(tool, folder)
        planned = {one["purl"] for one in components}
        print(
            f"{name}: installed {len(here)}; more: {sorted(here - planned)}; less: {sorted(planned - here)}", flush=True
        )


def run(words: list[str], folder: Path, env: dict[str, str]) -> str:
    """Return what one command of ours prints."""
    command = [sys.executable, "-m", "safeinstall", *words, "--safeinstall-offline", "--safeinstall-cooldown", "0"]
    done = subprocess.run(
        command, cwd=folder / "project", env=env, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode not in (0, 40, 41):
        raise SystemExit(done.stderr)
    return done.stdout


def installed(tool: str, folder: Path) -> set[str]:
    """Return the purls of what is there, as the managers themselves list it."""
    if tool == "pip":
        out = subprocess.run([folder / "venv/bin/pip", "list", "--format", "json"], capture_output=True, check=True)
        own = {"pip", "setuptools"}
        return {f"pkg:pypi/{normal(one['name'])}@{one['version']}" for one in json.loads(out.stdout)
                if one["name"] not in own}  # fmt: skip
    packages = json.loads((folder / "project/node_modules/.package-lock.json").read_text())["packages"]
    names = {(place.rpartition("node_modules/")[2], one["version"]) for place, one in packages.items()}
    return {f"pkg:npm/{name.replace('@', '%40')}@{version}" for name, version in names}


def normal(name: str) -> str:
    """Return *name* as purls spell it."""
    return name.lower().replace("_", "-").replace(".", "-")


if __name__ == "__main__":
    main()
