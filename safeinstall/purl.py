"""`Purl` and its one normalised spelling (package-url specification, types `pypi` and `npm`)."""

import re
from collections.abc import Mapping

from packageurl import PackageURL
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from safeinstall.errors import MalformedAnswer
from safeinstall.model import EcosystemName, Purl
from safeinstall.text import printable

# The packageurl library lower-cases npm names, but old registry names with capitals (`JSONStream`) are packages of
# their own. It leaves names of the type `generic` alone: so we spell and read every purl as one of those.
_NEUTRAL = "generic"
_PREFIX = f"pkg:{_NEUTRAL}/"
_SCOPE = re.compile(r"@[^/@\s][^/@]*")
_LEADING_V = re.compile(r"^v(?=[0-9])")


def make(ecosystem: EcosystemName, name: str, version: str | None = None, **qualifiers: str) -> Purl:
    """
    Return the purl of *name* at *version*; qualifiers such as `vcs_url` or `download_url` name an origin.

    PyPI names follow PEP 503 and versions PEP 440 (`v1.0` becomes `1.0`); npm names keep their case, because old
    names with capitals are other packages than their lower-case twins. What can be no name raises `MalformedAnswer`.
    """
    if ecosystem is EcosystemName.PYPI:
        scope, bare = "", str(canonicalize_name(name.strip()))
        version = _pep440(version)
    else:
        scope, _, bare = name.rpartition("/")
        version = _LEADING_V.sub("", version.strip()) if version is not None else None
    # A slash inside a part would be read back as a border between parts, an empty part as none.
    if not bare.strip() or "/" in bare or bare.startswith("@") or (scope and _SCOPE.fullmatch(scope) is None):
        raise MalformedAnswer(f"`{printable(name)}` is no {ecosystem.value} name")
    try:
        url = PackageURL(type=_NEUTRAL, namespace=scope or None, name=bare, version=version, qualifiers=qualifiers)
        # Here, too, it may turn out to be no text: an argument that is no UTF-8.
        spelled = url.to_string()
    except ValueError as error:
        raise MalformedAnswer(f"`{printable(name)}` is no {ecosystem.value} name") from error
    return Purl(f"pkg:{ecosystem.value}/" + spelled.removeprefix(_PREFIX))


def parse(text: str) -> Purl:
    """Return the normalised purl of *text*; raises `MalformedAnswer` when it is none of ours."""
    try:
        ecosystem, url = _read(text.strip())
    except ValueError as error:
        message = f"`{printable(text)}` is no package URL of the form `pkg:pypi/name@version` or `pkg:npm/name@version`"
        raise MalformedAnswer(message) from error
    return make(ecosystem, _name(url), url.version, **_qualifiers(url))


def parts(purl: Purl) -> tuple[EcosystemName, str, str | None]:
    """Return ecosystem, name (npm: with its scope) and version of *purl*."""
    ecosystem, url = _read(purl)
    return ecosystem, _name(url), url.version


def qualifiers(purl: Purl) -> Mapping[str, str]:
    """Return the qualifiers of *purl*: `vcs_url`, `download_url`, `repository_url`."""
    return _qualifiers(_read(purl)[1])


def project(purl: Purl) -> Purl:
    """Return *purl* without version and qualifiers."""
    ecosystem, name, _ = parts(purl)
    return make(ecosystem, name)


def same(one: Purl, other: Purl) -> bool:
    """Whether both name one release: PEP 440 holds `6.6.6` and `6.6.6.0` for the same version."""
    return one == other or _comparable(one) == _comparable(other)


def _read(text: str) -> tuple[EcosystemName, PackageURL]:
    scheme, _, rest = text.partition(":")
    kind, _, path = rest.lstrip("/").partition("/")
    if scheme.lower() != "pkg":
        raise ValueError(scheme)
    ecosystem = EcosystemName(kind.lower())
    if path.startswith("@"):  # people write the scope as npm does; the library would take it for a version
        path = "%40" + path[1:]
    return ecosystem, PackageURL.from_string(_PREFIX + path)


def _name(url: PackageURL) -> str:
    return f"{url.namespace}/{url.name}" if url.namespace else url.name


def _qualifiers(url: PackageURL) -> dict[str, str]:
    return dict(url.qualifiers)


def _comparable(purl: Purl) -> tuple[EcosystemName, str, object, tuple[tuple[str, str], ...]]:
    ecosystem, url = _read(purl)
    version: object = url.version
    if ecosystem is EcosystemName.PYPI and url.version is not None:
        try:
            version = Version(url.version)
        except InvalidVersion:
            version = url.version
    return ecosystem, _name(url), version, tuple(sorted(_qualifiers(url).items()))


def _pep440(version: str | None) -> str | None:
    if version is None:
        return None
    try:
        return str(Version(version))
    except InvalidVersion:  # legacy versions still stand on old pages: keep the spelling
        return version.strip()
