"""The transport hook inside npm: nothing goes past the gateway, nothing of it stays, and what fails is refused."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from safeinstall.ecosystems.npm import NpmEcosystem
from safeinstall.ecosystems.npm.interpreter import located
from safeinstall.ecosystems.npm.process import hooked
from safeinstall.gateway.server import LoopbackServer, Request, Response, Transport
from safeinstall.model import ArtifactKind, Release
from safeinstall.processes import SubprocessRunner
from safeinstall.runs import Phase
from tests import environments
from tests.builders.built import Built
from tests.builders.markers import Marker
from tests.builders.tarballs import tarball
from tests.npm_sessions import NpmUser, named
from tests.registries.npm import NpmRegistry

pytestmark = pytest.mark.integration

FOREIGN_CODE = """
const net = require('net')
const tell = words => require('fs').appendFileSync(%(marker)s, words + '\\n')
if (process.argv[1] && process.argv[1].endsWith('npm-cli.js')) {
  setImmediate(() => {
    const socket = net.connect(%(port)s, '127.0.0.1')
    socket.on('connect', () => tell('socket got through')).on('error', () => tell('socket refused'))
    fetch('http://127.0.0.1:%(port)s/fetched').then(() => tell('fetch got through'), () => tell('fetch refused'))
    require('http').get('http://127.0.0.1:%(port)s/got', res => tell('get ' + res.statusCode))
  })
}
"""


@pytest.fixture
def shopper(home: Path, newest: Path, npm: NpmRegistry) -> NpmUser:
    """Return a user of the machine's npm."""
    return NpmUser(home=home, tool=newest, registry=npm.url)


@dataclass(slots=True)
class Recording:
    """A gateway that answers nothing and keeps how it would have had to reach each URL."""

    phase: Phase = Phase.PLAN
    seen: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        """See `Handler.answer`."""
        self.seen.append(request)
        return Response(404, {"content-type": "application/json"}, iter([b"{}"]))


def transports(user: NpmUser, cwd: Path, env: dict[str, str] | None = None, *argv: str) -> list[Transport]:
    """Return how the hook told the gateway to reach the registry, for `npm install top`."""
    recording = Recording()
    world = user.world(cwd, env)
    npm = located(user.tool, world.runner, world.env, cwd)
    temp = cwd.parent / "temp"
    temp.mkdir(exist_ok=True)
    with LoopbackServer(recording) as server:
        settings = {
            "mode": "plan",
            "verb": "install",
            "out": str(temp / "out.json"),
            "cache": str(temp / "cache"),
            "gateway": server.base,
            "temp": str(temp),
        }
        ready = hooked(npm, ["install", "top", *argv], world.env, settings, proxy=server.proxy)
        world.runner.capture(ready.argv, cwd=cwd, env=ready.env)
    return [request.transport for request in recording.seen]


def test_lifecycle_scripts_inherit_nothing_of_ours(
    tool: Path, home: Path, npm: NpmRegistry, marker: Marker, tmp_path: Path
) -> None:
    """They see the user's own proxy and neither the gateway's address nor its secret, by environment or arguments."""
    script = f"env >> {marker.path}; cat /proc/$PPID/cmdline >> {marker.path} || true"
    npm.publish(tarball("top", scripts={"postinstall": script}))
    project = environments.npm_project(tmp_path / "project")
    user = NpmUser(home=home, tool=tool, registry=npm.url)

    with user.session("install", "top", cwd=project, env={"no_proxy": "127.0.0.1", "HTTPS_PROXY": npm.url}) as session:
        session.install(session.resolve())
        base, proxy = session.server.base, session.server.proxy

    seen = marker.path.read_text()
    assert f"HTTPS_PROXY={npm.url}" in seen
    assert "no_proxy=127.0.0.1" in seen
    assert "SAFEINSTALL_HOOK" not in seen
    assert base not in seen
    assert proxy not in seen


def test_npm_without_the_hook_reaches_nothing(shopper: NpmUser, npm: NpmRegistry, tmp_path: Path) -> None:
    """The proxy settings below the hook lead to the gateway, which refuses and remembers it."""
    npm.publish(tarball("top"))
    project = environments.npm_project(tmp_path / "project")
    with shopper.session("install", "top", cwd=project) as session:
        ready = hooked(session.npm, ["install", "top"], session.world.env, {}, proxy=session.server.proxy)
        argv = [part for part in ready.argv if part != "--require" and not part.endswith("hook.js")]
        done = SubprocessRunner().capture([*argv, "--fetch-retries=0"], cwd=project, env=ready.env)
        escapes = session.server.escapes()

    assert done.exit_code != 0
    assert npm.hits() == ()
    assert escapes
    assert not (project / "node_modules").exists()


def test_a_hook_without_settings_does_not_let_npm_start(shopper: NpmUser, tmp_path: Path) -> None:
    """Half a hook would be none."""
    world = shopper.world(tmp_path)
    npm = located(shopper.tool, world.runner, world.env, tmp_path)
    ready = hooked(npm, ["--version"], world.env, {}, proxy="http://127.0.0.1:9")
    env = {name: value for name, value in ready.env.items() if name != "SAFEINSTALL_HOOK"}

    done = world.runner.capture(ready.argv, cwd=tmp_path, env=env)

    assert done.exit_code != 0
    assert done.stdout == ""


def test_code_inside_npm_cannot_reach_the_network(
    shopper: NpmUser, npm: NpmRegistry, marker: Marker, tmp_path: Path
) -> None:
    """Sockets and fetch are refused; requests go to the gateway, which refuses what is no packument."""
    npm.publish(tarball("top"))
    foreign = tmp_path / "foreign.js"
    port = npm.url.rpartition(":")[2]
    foreign.write_text(FOREIGN_CODE % {"marker": json.dumps(str(marker.path)), "port": port})
    project = environments.npm_project(tmp_path / "project")

    shopper.plan("install", "top", cwd=project, env={"NODE_OPTIONS": f"--require={foreign}"})

    assert sorted(marker.seen()) == ["fetch refused", "get 403", "socket refused"]
    assert {hit.path for hit in npm.hits()} == {"/top"}


def test_a_token_goes_with_its_registry(tool: Path, home: Path, tmp_path: Path) -> None:
    """The manager adds its own credentials, and the gateway passes them on."""
    with NpmRegistry("127.0.0.3") as company:
        company.switches.token = "s3cr3t"
        company.publish(tarball("@acme/lib", dependencies={"@acme/low": "*"}), tarball("@acme/low"))
        user = NpmUser(home=home, tool=tool, registry="http://registry.example")
        host = company.url.removeprefix("http:")
        project = environments.npm_project(
            tmp_path / "project", npmrc=[f"@acme:registry={company.url}/", f"{host}/:_authToken=s3cr3t"]
        )
        with user.session("install", "@acme/lib", cwd=project) as session:
            plan = session.resolve()
            outcome = session.install(plan)

    assert set(named(plan)) == {"@acme/lib@1.0.0", "@acme/low@1.0.0"}
    assert (outcome.exit_code, outcome.differences, outcome.blocked) == (0, (), ()), user.runner.said


def test_the_users_proxy_serves_the_gateway(tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """A registry that only a proxy reaches is reached through it; the test registry plays that proxy."""
    npm.publish(tarball("top"))
    user = NpmUser(home=home, tool=tool, registry="http://registry.example")
    project = environments.npm_project(tmp_path / "project", npmrc=[f"proxy={npm.url}", f"https-proxy={npm.url}"])

    with user.session("install", "top", cwd=project) as session:
        outcome = session.install(session.resolve())

    assert (outcome.exit_code, outcome.differences, outcome.blocked) == (0, (), ()), user.runner.said
    assert environments.node_modules(project) == {"top": "1.0.0"}


def test_trust_and_proxy_come_from_npms_own_configuration(tool: Path, home: Path, tmp_path: Path) -> None:
    """cafile, ca, strict-ssl, client certificates and noproxy mean for the gateway what they mean for npm."""
    user = NpmUser(home=home, tool=tool, registry="http://registry.example")
    project = environments.npm_project(tmp_path / "project")
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    (plain,) = transports(user, project)[:1]
    (loose,) = transports(user, project, None, "--no-strict-ssl")[:1]
    (trusting,) = transports(user, project, None, f"--cafile={bundle}")[:1]
    (proxied,) = transports(user, project, {"HTTP_PROXY": "http://proxy.example:1"})[:1]
    (excepted,) = transports(user, project, {"HTTP_PROXY": "http://proxy.example:1", "NO_PROXY": "a.b,.example"})[:1]
    (project / ".npmrc").write_text("//registry.example/:certfile=/c.pem\n//registry.example/:keyfile=/k.pem\n")
    (certified,) = transports(user, project)[:1]
    (project / ".npmrc").write_text(f"cafile={bundle}\n")
    (theirs,) = transports(user, project)[:1]

    assert plain == Transport(verify=True, proxy="")
    assert loose.verify is False
    assert isinstance(trusting.verify, str)
    assert "AAAA" in Path(trusting.verify).read_text()
    assert Path(trusting.verify).stat().st_mode & 0o077 == 0
    assert (theirs.verify, theirs.stranger) == (trusting.verify, True)
    assert not trusting.stranger
    assert proxied.proxy is not None
    assert proxied.proxy.rstrip("/") == "http://proxy.example:1"
    assert excepted.proxy == ""
    assert certified.cert == ("/c.pem", "/k.pem")


@pytest.mark.parametrize("setting", ["offline=true", "prefer-offline=true"])
def test_npms_cache_does_not_answer_for_the_registry(
    tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path, setting: str
) -> None:
    """A repository that says `offline` does not bring back what the cache remembers."""
    npm.publish(tarball("top"))
    user = NpmUser(home=home, tool=tool, registry=npm.url)
    user.plain("install", "top", cwd=environments.npm_project(tmp_path / "first"))
    npm.publish(tarball("top", "1.1.0"))
    project = environments.npm_project(tmp_path / "project", npmrc=[setting])

    with user.session("install", "top", cwd=project) as session:
        plan = session.resolve()
        outcome = session.install(plan)

    assert set(named(plan)) == {"top@1.1.0"}
    assert (outcome.exit_code, outcome.differences, outcome.blocked) == (0, (), ()), user.runner.said


def test_the_frozen_view_does_not_stay_in_npms_cache(shopper: NpmUser, npm: NpmRegistry, tmp_path: Path) -> None:
    """The next bare npm sees every version again."""
    npm.publish(tarball("top", "1.0.0"), tarball("top", "2.0.0"))
    with shopper.session("install", "top@1", cwd=environments.npm_project(tmp_path / "first")) as session:
        session.install(session.resolve())
    project = environments.npm_project(tmp_path / "second")

    shopper.plain("install", "top@2", "--prefer-offline", cwd=project)

    assert environments.node_modules(project) == {"top": "2.0.0"}


def test_a_tarball_in_npms_cache_is_no_way_around_the_plan(
    tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path
) -> None:
    """A lockfile that changes after the verdict names bytes that npm has already: they are not unpacked."""
    npm.publish(tarball("top"), tarball("evil", "6.6.6"))
    user = NpmUser(home=home, tool=tool, registry=npm.url)
    warm = environments.npm_project(tmp_path / "warm")
    user.plain("install", "top", "evil", cwd=warm)
    project = environments.npm_project(tmp_path / "project", {"dependencies": {"top": "*"}})
    user.plain("install", "--package-lock-only", cwd=project)

    with user.session("ci", cwd=project) as session:
        plan = session.resolve()
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(warm / name, project / name)
        outcome = session.install(plan)

    assert outcome.exit_code != 0
    assert "evil" not in environments.node_modules(project), user.runner.said


def test_a_cached_tarball_of_the_plan_is_not_fetched_again(shopper: NpmUser, npm: NpmRegistry, tmp_path: Path) -> None:
    """What npm holds under the planned hash is as good as the registry's copy."""
    npm.publish(tarball("top"))
    shopper.plain("install", "top", cwd=environments.npm_project(tmp_path / "first"))
    npm.forget()

    with shopper.session("install", "top", cwd=environments.npm_project(tmp_path / "second")) as session:
        outcome = session.install(session.resolve())

    assert (outcome.exit_code, outcome.differences) == (0, ())
    assert npm.artifact_hits() == ()


def test_other_bytes_are_refused_before_npm_sees_any(tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """The reason names the package, and npm does not try for a minute."""
    npm.publish(tarball("top"))
    project = environments.npm_project(tmp_path / "project")
    user = NpmUser(home=home, tool=tool, registry=npm.url)

    with user.session("install", "top", cwd=project) as session:
        plan = session.resolve()
        npm.swap("top", "1.0.0", tarball("top", files={"index.js": "evil"}).data)
        outcome = session.install(plan)
        given = [access.sent for access in session.accesses() if access.url.endswith(".tgz")]

    assert outcome.exit_code != 0
    assert any("not the file of top@1.0.0 that was judged" in reason for reason in outcome.blocked)
    assert max(given) < 400
    assert environments.node_modules(project) == {}


@pytest.mark.parametrize("flag", ["--dry-run", "--package-lock-only"])
def test_what_only_plans_stays_that_way(tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path, flag: str) -> None:
    """The lockfile is the one that a bare npm writes, and node_modules is not."""
    npm.publish(tarball("top", dependencies={"low": "*"}), tarball("low"))
    user = NpmUser(home=home, tool=tool, registry=npm.url)
    bare = environments.npm_project(tmp_path / "bare")
    project = environments.npm_project(tmp_path / "project")
    user.plain("install", "top", flag, cwd=bare)

    with user.session("install", "top", flag, cwd=project) as session:
        outcome = session.install(session.resolve())

    assert (outcome.exit_code, outcome.differences, outcome.blocked) == (0, (), ()), user.runner.said
    assert {path.name: path.read_bytes() for path in project.iterdir()} == {
        path.name: path.read_bytes() for path in bare.iterdir()
    }


@pytest.mark.parametrize("argv", [("uninstall", "low"), ("dedupe",), ("update",), ("rm", "low", "--save-dev")])
def test_every_command_that_changes_the_tree_ends_as_the_bare_one(
    tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path, argv: tuple[str, ...]
) -> None:
    """Lockfiles and node_modules are byte for byte the same."""
    npm.publish(tarball("top"), tarball("low"))
    user = NpmUser(home=home, tool=tool, registry=npm.url)
    start = environments.npm_project(tmp_path / "start" / "p", {"dependencies": {"top": "^1.0.0", "low": "^1.0.0"}})
    user.plain("install", cwd=start)
    npm.publish(tarball("top", "1.1.0"))
    bare, project = tmp_path / "bare" / "p", tmp_path / "guarded" / "p"
    shutil.copytree(start, bare, symlinks=True)
    shutil.copytree(start, project, symlinks=True)
    # npm's own cache would still hold the packuments of five minutes ago, which the guard never reads.
    user.plain(*argv, cwd=bare, env={"NPM_CONFIG_CACHE": str(tmp_path / "empty")})

    with user.session(*argv, cwd=project) as session:
        outcome = session.install(session.resolve())

    assert (outcome.exit_code, outcome.differences, outcome.blocked) == (0, (), ()), user.runner.said
    assert _files(project) == _files(bare)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_workspace_alone_is_installed(tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """`-w a` installs what `a` needs; the plan holds no less."""
    npm.publish(tarball("top"), tarball("other"))
    project = environments.npm_project(tmp_path / "project", {"workspaces": ["packages/*"]})
    environments.npm_project(project / "packages" / "a", {"name": "a"})
    environments.npm_project(project / "packages" / "b", {"name": "b", "dependencies": {"other": "*"}})
    user = NpmUser(home=home, tool=tool, registry=npm.url)

    with user.session("install", "top", "-w", "a", cwd=project) as session:
        plan = session.resolve()
        outcome = session.install(plan)

    assert {"top", "other", "a", "b"} == {release.name for release in plan.releases}
    assert (outcome.exit_code, outcome.differences, outcome.blocked) == (0, (), ()), user.runner.said
    assert "top" in environments.node_modules(project)


# --- which command it is --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "installs"),
    [
        (("--tag", "install", "install", "top"), True),
        (("--script-shell", "install", "ls"), False),
        (("--otp", "run", "i"), True),
        (("-dd", "run", "install"), False),
        (("install", "--help"), False),
        (("install", "-h"), False),
        (("install", "--version"), False),
        (("--otp", "ci", "view", "top"), False),
    ],
)
def test_npm_itself_tells_which_command_it_would_run(
    tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path, argv: tuple[str, ...], *, installs: bool
) -> None:
    """Only npm knows which words are values of its options; nothing runs to find out."""
    user = NpmUser(home=home, tool=tool, registry=npm.url)
    project = environments.npm_project(tmp_path / "project", {"scripts": {"install": "touch MARK"}})

    intent = NpmEcosystem().parse("npm", argv, user.world(project))

    assert intent.installs is installs
    assert npm.hits() == ()
    assert sorted(path.name for path in project.iterdir()) == ["package.json"]


@pytest.mark.parametrize("where", ["argument", "npmrc", "environment"])
def test_a_global_install_is_planned_however_it_is_asked_for(
    tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path, where: str
) -> None:
    """Also when only the configuration says so; nothing is fetched for it."""
    npm.publish(tarball("top"))
    user = NpmUser(home=home, tool=tool, registry=npm.url)
    project = environments.npm_project(tmp_path / "project", npmrc=["location=global"] if where == "npmrc" else [])
    env = {"NPM_CONFIG_PREFIX": str(tmp_path / "prefix")} | (
        {"npm_config_global": "1"} if where == "environment" else {}
    )

    plan = user.plan("install", "top", *(["-g"] if where == "argument" else []), cwd=project, env=env)

    assert [release.name for release in plan.releases] == ["top"]
    assert npm.artifact_hits() == ()


@pytest.mark.parametrize("wrapper", ['exec node {cli} "$@"', '{node} {cli} "$@"', 'exec {tool} "$@"'])
def test_a_wrapper_leads_to_npm(newest: Path, home: Path, npm: NpmRegistry, tmp_path: Path, wrapper: str) -> None:
    """Version managers put scripts in npm's place; they are asked what they start."""
    node = shutil.which("node")
    script = tmp_path / "bin" / "npm"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n" + wrapper.format(cli=newest.resolve(), node=node, tool=newest) + "\n")
    script.chmod(0o755)
    user = NpmUser(home=home, tool=script, registry=npm.url)
    npm.publish(tarball("top"))
    project = environments.npm_project(tmp_path / "project")

    with user.session("install", "top", cwd=project) as session:
        outcome = session.install(session.resolve())

    assert (outcome.exit_code, outcome.differences) == (0, ())


def test_a_node_that_is_no_npm_is_refused(home: Path, npm: NpmRegistry, tmp_path: Path) -> None:
    """What cannot be hooked is not run."""
    script = tmp_path / "bin" / "npm"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho 11.0.0\n")
    script.chmod(0o755)
    user = NpmUser(home=home, tool=script, registry=npm.url)

    with pytest.raises(Exception, match="does not lead to npm's own"):
        user.plan("install", "top", cwd=environments.npm_project(tmp_path / "project"))


# --- what comes inside ----------------------------------------------------------------------------------------------


def bundling(inside: str = '{"name": "@s/inside", "version": "1.2.3"}') -> Built:
    """Return a package that brings another along, and a third inside that."""
    return tarball(
        "top",
        dependencies={"@s/inside": "*"},
        files={
            "index.js": "",
            "node_modules/@s/inside/package.json": inside,
            "node_modules/@s/inside/node_modules/deep/package.json": '{"name": "deep", "version": "4.5.6"}',
            "node_modules/@s/inside/lib/package.json": '{"type": "module"}',
        },
        bundleDependencies=["@s/inside"],
    )


@pytest.mark.parametrize("warm", [False, True])
def test_what_comes_inside_is_judged_before_npm_gets_it(
    tool: Path, home: Path, npm: NpmRegistry, tmp_path: Path, *, warm: bool
) -> None:
    """By its own name and version, at every depth, also when npm's cache holds the tarball."""
    npm.publish(bundling())
    user = NpmUser(home=home, tool=tool, registry=npm.url)
    if warm:
        user.plain("install", "top", cwd=environments.npm_project(tmp_path / "warm"))
    judged: list[Release] = []
    project = environments.npm_project(tmp_path / "project")

    def vet(release: Release) -> bool:
        judged.append(release)
        return release.name != "deep"

    with user.session("install", "top", cwd=project, vet=vet) as session:
        outcome = session.install(session.resolve())

    assert {release.purl for release in judged} == {"pkg:npm/%40s/inside@1.2.3", "pkg:npm/deep@4.5.6"}
    assert {release.artifact.kind for release in judged} == {ArtifactKind.BUNDLED}
    assert outcome.exit_code != 0
    assert outcome.blocked == ("`deep@4.5.6`, which comes inside `top@1.0.0`, is not allowed",)
    assert environments.node_modules(project) == {}


@pytest.mark.parametrize("inside", ["{", "[]", '{"name": "x"}', '{"name": 7, "version": "1.0.0"}'])
def test_what_comes_inside_and_cannot_be_read_is_refused(
    shopper: NpmUser, npm: NpmRegistry, tmp_path: Path, inside: str
) -> None:
    """Unknown is not judged."""
    npm.publish(bundling(inside))
    project = environments.npm_project(tmp_path / "project")

    with shopper.session("install", "top", cwd=project) as session:
        outcome = session.install(session.resolve())

    assert outcome.exit_code != 0
    assert "what comes inside `top@1.0.0` cannot be read" in outcome.blocked[0]
