"""Every setting there is: its type, its default, who may set it."""

from collections.abc import Collection, Mapping

from safeinstall import setting_values as values
from safeinstall.policy import DEFAULT_GAPS, DEFAULT_ROWS, MALWARE, UNANSWERED
from safeinstall.settings import Layer, Setting

OWNERS = frozenset({Layer.DEFAULT, Layer.SYSTEM, Layer.USER})
"""What decides whom we ask and where we write is no business of a project that somebody has cloned."""

_GENERAL = (
    Setting(
        key="deadline", read=values.number(0.1, 300), default=6.0, from_text=values.number_text, tightens=values.smaller
    ),
    Setting(key="offline", read=values.boolean, default=False, from_text=values.boolean_text, tightens=values.smaller),
    Setting(key="prompt", read=values.boolean, default=True, from_text=values.boolean_text, tightens=values.smaller),
    Setting(key="ledger.path", read=values.text, default=None, layers=OWNERS),
    Setting(key="sbom.folder", read=values.text, default=None, layers=OWNERS),
)

_SOURCES = (
    # There is one public OSV service; it is an advisory source, no package registry.
    Setting(
        key="osv.url",
        read=values.url,
        default="https://api.osv.dev",
        from_text=str,
        layers=OWNERS | {Layer.ENVIRONMENT},
    ),
    Setting(
        key="osv.enabled", read=values.boolean, default=True, from_text=values.boolean_text, tightens=values.larger
    ),
    # Its bulk exports, which `safeinstall update` fetches.
    Setting(
        key="index.url",
        read=values.url,
        default="https://storage.googleapis.com/osv-vulnerabilities",
        from_text=str,
        layers=OWNERS | {Layer.ENVIRONMENT},
    ),
    Setting(
        key="index.enabled", read=values.boolean, default=True, from_text=values.boolean_text, tightens=values.larger
    ),
    Setting(
        key="index.hours",
        read=values.number(0, 87600),
        default=24.0,
        from_text=values.number_text,
        tightens=values.smaller,
    ),
    Setting(key="index.path", read=values.text, default=None, layers=OWNERS),
    Setting(
        key="lists.npm", read=values.urls, default=(), from_text=values.texts_text, layers=OWNERS | {Layer.ENVIRONMENT}
    ),
    Setting(
        key="lists.pypi", read=values.urls, default=(), from_text=values.texts_text, layers=OWNERS | {Layer.ENVIRONMENT}
    ),
    # The advisories of a code host; it is no package registry.
    Setting(
        key="github.url",
        read=values.url,
        default="https://api.github.com",
        from_text=str,
        layers=OWNERS | {Layer.ENVIRONMENT},
    ),
    Setting(key="github.enabled", read=values.boolean, default=False, layers=OWNERS),
    Setting(key="npm-audit.url", read=values.url, default=None, from_text=str, layers=OWNERS | {Layer.ENVIRONMENT}),
    Setting(key="npm-audit.enabled", read=values.boolean, default=False, layers=OWNERS),
    # An export that nobody fills any more is checked now, and tells of the past.
    Setting(
        key="index.frozen-days",
        read=values.number(0, 3650),
        default=7.0,
        from_text=values.number_text,
        tightens=values.smaller,
    ),
    Setting(key="index.frozen", read=values.frozen, default="silent", from_text=str, tightens=values.silences),
    # Newer lists of popular names; nobody publishes them yet but whoever runs tools/build_popular.py.
    Setting(key="popular.url", read=values.url, default=None, from_text=str, layers=OWNERS | {Layer.ENVIRONMENT}),
    Setting(key="required", read=values.source_names, default=("osv", "index", "records"), layers=OWNERS),
    Setting(key="tokens.hosts", read=values.texts, default=(), layers=OWNERS),
    Setting(
        key="records", read=values.texts, default=(), from_text=values.texts_text, tightens=values.superset, adds=True
    ),
    Setting(
        key="cache.hours",
        read=values.number(0, 720),
        default=24.0,
        from_text=values.number_text,
        tightens=values.smaller,
    ),
)

_REPOSITORIES = (
    # Tells a code host what is being installed, so only the user and the system may say so.
    Setting(key="repositories.look", read=values.boolean, default=False, layers=OWNERS),
    # The same code host as that of the advisories; it is no package registry.
    Setting(
        key="repositories.url",
        read=values.url,
        default="https://api.github.com",
        from_text=str,
        layers=OWNERS | {Layer.ENVIRONMENT},
    ),
)

_REGISTRIES = (
    Setting(key="registries.private", read=values.texts, default=(), layers=OWNERS),
    Setting(key="registries.public", read=values.texts, default=(), layers=OWNERS),
    *(
        Setting(
            key=f"private.{name}",
            read=values.texts,
            default=(),
            from_text=values.texts_text,
            tightens=values.superset,
            adds=True,
        )
        for name in ("names", "prefixes", "scopes")
    ),
    Setting(key="private.registries", read=values.texts, default=(), layers=OWNERS),
    Setting(key="private.conflicts", read=values.conflicts, default="block", from_text=str, tightens=values.blocks),
)

_COOLDOWN = (
    Setting(
        key="cooldown.hours",
        read=values.number(0, 87600),
        default=72.0,
        from_text=values.number_text,
        tightens=values.larger,
    ),
    Setting(key="cooldown.mode", read=values.cooldown_mode, default="withhold", from_text=str, tightens=values.not_off),
    Setting(key="cooldown.rules", read=values.age_rules, default=(), layers=OWNERS),
    Setting(
        key="cooldown.longer",
        read=values.age_rules,
        default=(),
        from_text=values.texts_text,
        tightens=values.superset,
        adds=True,
    ),
)

_SCRIPTS = (
    *(
        Setting(
            key=f"scripts.{ecosystem}",
            read=values.script_mode,
            default="allow",
            from_text=str,
            tightens=values.fewer_scripts,
        )
        for ecosystem in ("npm", "pypi")
    ),
    Setting(key="scripts.allowed", read=values.releases, default=(), layers=OWNERS),
)


_WATCH = (
    # A program that is run, so no business of a project that somebody has cloned.
    Setting(key="watch.notify", read=values.texts, default=(), layers=OWNERS),
)

_PAST = (
    Setting(
        key="built-from",
        read=values.demands,
        default=(),
        from_text=values.texts_text,
        tightens=values.superset,
        adds=True,
    ),
    Setting(key="owners.ask", read=values.boolean, default=True, layers=OWNERS),
    Setting(key="mail.enabled", read=values.boolean, default=False, layers=OWNERS),
    # A directory that leads to the registry of each domain; it is no package registry.
    Setting(key="mail.rdap-url", read=values.url, default="https://rdap.org", layers=OWNERS),
)


def table(checks: Collection[str]) -> Mapping[str, Setting]:
    """Return every setting by its key; *checks* are the idents whose gaps have a row."""
    rows = [
        Setting(
            key=f"policy.{kind}",
            read=values.row(row),
            default=row,
            from_text=lambda text: text,
            tightens=values.tighter_row,
        )
        for kind, row in DEFAULT_ROWS.items()
        if kind != MALWARE
    ]
    gaps = [
        Setting(
            key=f"gaps.{check}",
            read=values.gap(DEFAULT_GAPS.get(check, UNANSWERED)),
            default=DEFAULT_GAPS.get(check, UNANSWERED),
            from_text=lambda text: text,
            tightens=values.tighter_row,
        )
        for check in checks
        if check != MALWARE
    ]
    return {
        setting.key: setting
        for setting in (
            *(*_GENERAL, *_SOURCES, *_REGISTRIES, *_REPOSITORIES, *_COOLDOWN, *_PAST, *_SCRIPTS, *_WATCH),
            *(*rows, *gaps),
        )
    }
