"""`Purl` and its one normalised spelling (package-url specification, types `pypi` and `npm`)."""

from packageurl import PackageURL
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from safeinstall.errors import MalformedAnswer
from safeinstall.model import EcosystemName, Purl
from safeinstall.text import printable


def make(ecosystem: EcosystemName, name: str, version: str | None = None, **qualifiers: str) -> Purl:
    """
    Return the purl of *name* at *version*; qualifiers such as `vcs_url` or `download_url` name an origin.

    PyPI names follow PEP 503 and versions PEP 440 (`v1.0` becomes `1.0`); npm names keep their case, because old
    names with capitals are other packages than their lower-case twins.
    """
    if ecosystem is EcosystemName.PYPI:
        return Purl(_string("pypi", None, canonicalize_name(name), _pep440(version), qualifiers))
    scope, _, bare = name.rpartition("/")
    return Purl(_string("npm", scope or None, bare, version.removeprefix("v") if version else None, qualifiers))


def parse(text: str) -> Purl:
    """Return the normalised purl of *text*; raises `MalformedAnswer` when it is none of ours."""
    try:
        url = PackageURL.from_string(text.strip())
        ecosystem = EcosystemName(url.type)
    except ValueError as error:
        message = f"`{printable(text)}` is no package URL of the form `pkg:pypi/name@version` or `pkg:npm/name@version`"
        raise MalformedAnswer(message) from error
    name = f"{url.namespace}/{url.name}" if url.namespace else url.name
    qualifiers = url.qualifiers if isinstance(url.qualifiers, dict) else {}
    return make(ecosystem, name, url.version, **qualifiers)


def parts(purl: Purl) -> tuple[EcosystemName, str, str | None]:
    """Return ecosystem, name (npm: with its scope) and version of *purl*."""
    url = PackageURL.from_string(purl)
    name = f"{url.namespace}/{url.name}" if url.namespace else url.name
    return EcosystemName(url.type), name, url.version


def project(purl: Purl) -> Purl:
    """Return *purl* without version and qualifiers."""
    ecosystem, name, _ = parts(purl)
    return make(ecosystem, name)


def same(one: Purl, other: Purl) -> bool:
    """Whether both name one release: PEP 440 holds `6.6.6` and `6.6.6.0` for the same version."""
    return one == other or _comparable(one) == _comparable(other)


def _comparable(purl: Purl) -> tuple[str, str | None, str, object, tuple[tuple[str, str], ...]]:
    url = PackageURL.from_string(purl)
    version: object = url.version
    if url.type == "pypi" and url.version is not None:
        try:
            version = Version(url.version)
        except InvalidVersion:
            version = url.version
    qualifiers = url.qualifiers if isinstance(url.qualifiers, dict) else {}
    return url.type, url.namespace, url.name, version, tuple(sorted(qualifiers.items()))


def _pep440(version: str | None) -> str | None:
    if version is None:
        return None
    try:
        return str(Version(version))
    except InvalidVersion:  # legacy versions still stand on old pages: keep the spelling
        return version


def _string(kind: str, namespace: str | None, name: str, version: str | None, qualifiers: dict[str, str]) -> str:
    url = PackageURL(type=kind, namespace=namespace, name=name, version=version, qualifiers=qualifiers)
    text = url.to_string()
    # The packageurl library lower-cases npm names; old registry names with capitals are packages of their own.
    if kind == "npm" and name.lower() != name:
        text = text.replace(name.lower(), name, 1) if url.name == name.lower() else text
    return text
