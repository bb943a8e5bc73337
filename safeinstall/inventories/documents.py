"""YAML, read as texts, lists and tables alone: nothing in it can name a class, a number or a date."""

from collections.abc import Mapping

from safeinstall.errors import MalformedAnswer
from safeinstall.fields import mapping


def yaml_of(text: str) -> Mapping[str, object]:
    """Return the YAML document *text*, every scalar of it as text; raises `MalformedAnswer`."""
    import yaml  # noqa: PLC0415 - only two lockfiles are written in it

    # The base loader makes texts, lists and tables of everything: `1.10` stays what it is, and no tag does anything.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    # Lockfiles repeat themselves in full; an alias can turn a small file into a tree without end.
    try:
        # Scanning costs as much as reading: only a text that could have an anchor is scanned.
        suspect = "&" in text and "*" in text
        if suspect and any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=loader)):
            raise MalformedAnswer("it has aliases, which no lockfile needs")
        document: object = yaml.load(text, Loader=loader)  # noqa: S506 - the base loader makes no objects
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise MalformedAnswer("it is no YAML") from error
    return mapping(document, "")
