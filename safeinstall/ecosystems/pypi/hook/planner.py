"""Makes our own pip plan: a dry run from metadata alone that tells what it was asked, what it found and where it would go."""

import email.parser
import json
import os
import sys
import tempfile
from urllib.parse import urlsplit, urlunsplit

UNTRIMMED = 75
"""Exit code: the pages must not be trimmed for this command."""
UNVERIFIED = 76
"""Exit code: a source that no registry vouches for stands in the way; the facts name it."""

CROSS = ("platforms", "python_version", "abis", "implementation", "ignore_requires_python")
UNPLANNED = ("fast-deps", "inprocess-build-deps")
FOLDERS = {"download": "download_dir", "wheel": "wheel_dir"}
FLAGS = ("dry_run", "ignore_dependencies")
TOLD = ("trusted_hosts", "cert", "client_cert", "proxy")


class Stop(BaseException):
    """Planning ends here, for a reason of ours; no `except Exception` of pip may take it for a failure of its own."""


def patch(settings, seen):
    """Patch the installing commands of our own pip; one of them runs."""
    from pip._internal.cli import req_command
    from pip._internal.commands import download, install, lock, wheel

    facts = {"options": {}, "asked": [], "unverified": [], "local": [], "installed": [], "sites": [], "origins": {}}
    guard_transitive(settings, facts)
    patch_command(settings, seen, facts, install.InstallCommand, "install")
    patch_command(settings, seen, facts, download.DownloadCommand, "download")
    patch_command(settings, seen, facts, wheel.WheelCommand, "wheel")
    patch_command(settings, seen, facts, lock.LockCommand, "lock")
    locked = req_command.install_req_from_pylock_package

    def from_pylock(*args, **kwargs):
        # The lock's own URL is only its word: the index must list that release. The installing pip keeps to the lock's hash.
        return locked(*args, **kwargs)[0], None

    req_command.install_req_from_pylock_package = from_pylock


def patch_command(settings, seen, facts, command, verb):
    """Patch one command: what it would do with the resolved set is never begun."""
    from pip._internal.models.index import PyPI

    parse_args, run, get_requirements = command.parse_args, command.run, command.get_requirements
    make_resolver = command.make_resolver

    def parse(self, args):
        options, rest = parse_args(self, args)
        facts["options"] = {name: plain(getattr(options, name, None)) for name in TOLD}
        # A flag that comes from configuration is 0 or 1.
        facts["options"].update((name, bool(getattr(options, name, None))) for name in FLAGS)
        if settings["trim"] and any(getattr(options, name, None) for name in CROSS):
            tell(settings, facts)
            leave(UNTRIMMED)
        indexes = [options.index_url] + options.extra_index_urls
        facts["options"]["own_index_urls"] = [] if options.no_index else indexes
        facts["options"]["own_places"] = indexes + list(options.find_links) + [PyPI.simple_url]
        facts["options"]["verb"] = verb
        if verb in FOLDERS:
            # What lies there already is no answer, and nothing may be put there.
            facts["options"]["folder"] = os.path.abspath(getattr(options, FOLDERS[verb]))
            setattr(options, FOLDERS[verb], tempfile.mkdtemp())
        options.dry_run = True
        options.json_report_file = settings["report"]
        options.require_hashes, options.no_require_hashes = False, True
        # The old resolver knows no metadata but that of whole files; the others would build or fetch in this process.
        options.deprecated_features_enabled = []
        options.features_enabled = [name for name in options.features_enabled if name not in UNPLANNED]
        options.log = None
        options.no_input = True
        options.disable_pip_version_check = True
        options.progress_bar = "off"
        options.quiet, options.verbose = 0, 0
        options.no_color = True
        return options, rest

    def gather(self, args, options, finder, session):
        found = get_requirements(self, args, options, finder, session)
        # A requirements file may have brought its own indexes: the finder knows what holds now.
        facts["options"]["index_urls"] = list(finder.index_urls)
        facts["options"]["find_links"] = list(finder.find_links)
        wanted = [one for one in found if not one.constraint and one.match_markers()]
        facts["asked"] = [asked(one) for one in wanted]
        facts["pinned"] = [pair for one in found if one.match_markers() for pair in pinned(one)]
        facts["options"]["prereleases"] = prereleases(options)
        facts["unverified"] = [told_source(one) for one in wanted if foreign(one) and not allowed(settings, one)]
        # What a build backend asks for is judged while this process runs: the indexes must be known by then.
        tell(settings, facts)
        if facts["unverified"]:
            leave(UNVERIFIED)
        return found

    def resolver(*args, **kwargs):
        made = make_resolver(*args, **kwargs)
        resolve = made.resolve

        def resolved(*more, **options):
            result = resolve(*more, **options)
            for one in result.requirements_to_install:
                if one.link is not None:
                    page = getattr(one.link, "comes_from", None)
                    facts["origins"][one.link.url_without_fragment] = page if isinstance(page, str) else None
            if verb != "install":
                report(settings, result)
                finish(None)
                leave(0)
            return result

        made.resolve = resolved
        return made

    def finish(options):
        facts["local"] = [dict(built_from(path), path=path, sha256=value) for path, value in seen.items()]
        facts["installed"] = [] if options is None else list(installed(options))
        facts["sites"] = [] if options is None else sites(options)
        named = None if options is None else options.target_dir or options.prefix_path or options.root_path
        facts["prefix"] = named or sys.prefix
        facts["told"] = bool(named)
        tell(settings, facts)

    def go(self, options, args):
        try:
            code = run(self, options, args)
        except Stop:
            tell(settings, facts)
            leave(UNVERIFIED)
            raise
        if code == 0:
            finish(options)
        return code

    command.parse_args, command.run, command.get_requirements = parse, go, gather
    command.make_resolver = staticmethod(resolver)


def report(settings, result):
    """Write the report that pip itself writes for its install command only."""
    from pip._internal.models.installation_report import InstallationReport

    with open(settings["report"], "w", encoding="utf-8") as stream:
        json.dump(InstallationReport(result.requirements_to_install).to_dict(), stream)


def guard_transitive(settings, facts):
    """A dependency that names a URL or a repository is met only while resolving."""
    from pip._internal.operations import prepare

    cls = prepare.RequirementPreparer
    linked, editable = cls.prepare_linked_requirement, cls.prepare_editable_requirement

    def stop_if_foreign(req):
        if (foreign(req) or strange(req)) and not allowed(settings, req):
            facts["unverified"].append(told_source(req))
            raise Stop

    def prepare_linked_requirement(self, req, *args, **kwargs):
        stop_if_foreign(req)
        return linked(self, req, *args, **kwargs)

    def prepare_editable_requirement(self, req, *args, **kwargs):
        stop_if_foreign(req)
        return editable(self, req, *args, **kwargs)

    cls.prepare_linked_requirement = prepare_linked_requirement
    cls.prepare_editable_requirement = prepare_editable_requirement


def forbid_builds(building):
    """While planning, no build backend runs but those of the user's own directories."""
    from pip._internal.distributions import sdist
    from pip._internal.exceptions import InstallationError
    from pip._internal.metadata import get_metadata_distribution

    original = sdist.SourceDistribution.prepare_distribution_metadata

    def prepare_distribution_metadata(self, *args, **kwargs):
        link = self.req.link
        if link is not None and link.is_existing_dir() and not link.is_vcs:
            return original(self, *args, **kwargs)
        if building or link is None or link.is_vcs or not (link.is_file or foreign(self.req)):
            raise InstallationError(
                "safeinstall: building %s is refused while planning: only running its code would tell what it needs"
                % (self.req.req or link,)
            )
        # An sdist on the disk, or at a URL that was let through: its own PKG-INFO plans; the install phase asks the backend and compares.
        text = pkg_info(self.req.unpacked_source_directory)
        name = self.req.name or email.parser.BytesParser().parsebytes(text).get("Name") or ""
        self.req.set_dist(get_metadata_distribution(text, link.filename, name))
        if not self.req.name:
            self.req._set_requirement()
        return None

    sdist.SourceDistribution.prepare_distribution_metadata = prepare_distribution_metadata


def foreign(req):
    """Whether no registry vouches for *req*: version control, or an archive at a URL named directly."""
    link = req.link
    if link is None or link.is_file:
        return False
    return link.is_vcs or getattr(req, "original_link", None) is not None and bool(req.is_direct)


def strange(req):
    """Whether something on this disk is named by neither the user nor a local project of theirs, but by a release."""
    if req.link is None or not req.link.is_file or getattr(req, "original_link", None) is None:
        return False
    while not req.user_supplied and not isinstance(req.comes_from, str):
        req = req.comes_from
        if req is None or req.link is None or not req.link.is_existing_dir():
            return True
    return False


def allowed(settings, req):
    return shown(req.link.url) in settings["unverified"]


def shown(url):
    """Return *url* as purls and messages name it: without credentials, query and fragment."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = "[%s]" % host if ":" in host else host
    port = ":%d" % parts.port if parts.port is not None else ""
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))


def told_source(req):
    comes_from = req.comes_from if isinstance(req.comes_from, (str, type(None))) else req.comes_from.from_path()
    return {
        "url": req.link.url,
        "vcs": bool(req.link.is_vcs),
        "name": req.name,
        "filename": req.link.filename,
        "editable": bool(req.editable),
        "asked": str(req.req) if req.req is not None else req.link.url_without_fragment,
        "comes_from": comes_from,
    }


def asked(req):
    return {
        "name": req.name,
        "extras": sorted(req.extras),
        "text": str(req.req) if req.req is not None else req.link.url_without_fragment if req.link else str(req),
        "comes_from": req.comes_from if isinstance(req.comes_from, str) else None,
        "url": req.link.url_without_fragment if req.link else None,
        "editable": bool(req.editable),
    }


def pinned(req):
    """Yield name and version where *req*, a constraint too, is asked for at exactly one version."""
    if req.name and req.req is not None:
        for one in req.req.specifier:
            if one.operator in ("==", "===") and not one.version.endswith(".*"):
                yield [req.name, one.version]


def prereleases(options):
    """Whether prereleases were asked for, of whatever: `--pre`, or `--all-releases` of newer pips."""
    control = getattr(options, "release_control", None)
    return bool(getattr(options, "pre", False) or getattr(control, "all_releases", None))


def installed(options):
    """Yield what the target has already, as pip sees it; nothing where pip would not look."""
    from pip._internal.metadata import get_default_environment

    if options.ignore_installed or options.target_dir:
        return
    for dist in get_default_environment().iter_all_distributions():
        direct = dist.direct_url
        yield {
            "name": dist.raw_name,
            "version": str(dist.version),
            "requires": [text.strip() for text in dist.iter_raw_dependencies()],
            "direct_url": direct.url if direct is not None else None,
        }


def sites(options):
    """Return the folders where what is installed will be found afterwards."""
    from pip._internal.locations import get_scheme

    if options.target_dir:
        return [os.path.abspath(options.target_dir)]
    scheme = get_scheme(
        "", user=bool(options.use_user_site), root=options.root_path, prefix=options.prefix_path,
        isolated=options.isolated_mode,
    )  # fmt: skip
    return sorted({scheme.purelib, scheme.platlib})


def built_from(path):
    """Return what the sdist at *path* tells of itself; empty for a wheel."""
    if path.endswith(".whl"):
        return {}
    import tempfile

    from pip._internal.utils.unpacking import unpack_file

    with tempfile.TemporaryDirectory() as folder:
        unpack_file(path, folder, None)
        project = os.path.join(folder, "pyproject.toml")
        return {
            "pkg_info": pkg_info(folder).decode("utf-8", "replace"),
            "pyproject": read(project).decode("utf-8", "replace") if os.path.exists(project) else None,
        }


def pkg_info(folder):
    path = os.path.join(folder, "PKG-INFO")
    return read(path) if os.path.exists(path) else b"Metadata-Version: 1.0\n"


def read(path):
    with open(path, "rb") as stream:
        return stream.read(10000000)


def plain(value):
    """Return *value* as JSON can hold it."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    return str(value)


def tell(settings, facts):
    fresh = settings["facts"] + ".new"
    with open(fresh, "w", encoding="utf-8") as stream:
        json.dump(facts, stream)
    os.replace(fresh, settings["facts"])


def leave(code):
    """Stop at once: pip would otherwise turn the reason into words of its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
