"""The forms of a name under which look-alikes meet: pure text, the same for the index's maker and its reader."""

import re
import unicodedata

from safeinstall.model import EcosystemName

LANGUAGE_WORDS = frozenset({"js", "node", "nodejs", "npm", "py", "python", "python2", "python3", "pypi", "ts"})
"""Words that name a language or its registry: adding or dropping one makes no other name in a reader's eyes."""

_GENERIC = """
advanced api app apps async auth base basic bin build bundle cli client cloud code common config core data demo dev
easy env ext extended extension extensions extra fast faster fix fixed free full gen helper helpers http hub
integration internal io kit latest lib library libs light lite loader log logger logging logs main manager mini
minimal mock module modules net new next official old patch patched plus pro proxy quick release safe sdk secure
server service session sessions setup shared simple src stable std test testing tests tool toolkit tools ultimate
update updated updater util utility utils v2 web wrapper x
"""
GENERIC_WORDS = LANGUAGE_WORDS | frozenset(_GENERIC.split())
"""Words that say nothing of what a package does: put beside a popular name they look official."""

FAMILIES = ("eslint-plugin-", "eslint-config-", "babel-plugin-", "babel-preset-", "postcss-plugin-", "rollup-plugin-")
"""Prefixes that work like a scope: what follows them is a name of its own."""

_GLUED = ("nodejs", "node", "python", "py", "js")
_SHORTEST_CORE = 3
_SEPARATORS = re.compile(r"[-_./@\s]+")
_NO_SEPARATORS = dict.fromkeys(map(ord, "-_./@ "))
_VERSION_TAIL = re.compile(r"(?<=[a-z])[-_.]?v?\d{1,4}$")
_VERSION_WORD = re.compile(r"v?\d+")
_RUNS = re.compile(r"(.)\1+")

_TWINS = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "3": "e", "!": "l", "|": "l", "$": "s"})
# Letters of other scripts that are drawn like Latin ones (from Unicode's confusables, the lower-case ones in use).
_FOREIGN = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u0432\u043a\u043c\u043d"
    "\u0442\u0433\u03b1\u03bf\u03c1\u03bd\u03b9\u03ba\u03c4\u03c5\u03c7\u0131\u0261\u0251\u026f\u0280",
    "aeopcyxijshdqwbkmhtraopvlktuxlgamr",
)


def spelled(ecosystem: EcosystemName, name: str) -> str:
    """Return *name* as its registry compares it: PEP 503 on PyPI, untouched on npm (old names keep their case)."""
    if ecosystem is EcosystemName.PYPI:
        return re.sub(r"[-_.]+", "-", name).lower()
    return name


def words(name: str) -> list[str]:
    """Return the parts of *name* between its separators, in lower case."""
    return [word for word in _SEPARATORS.split(name.lower()) if word]


def squashed(name: str) -> str:
    """Return *name* in lower case without any separator: `cross-env`, `crossenv` and `Cross_Env` meet here."""
    return name.lower().translate(_NO_SEPARATORS)


def skeleton(squashed_name: str) -> str:
    """Return what an eye in a hurry sees of a squashed name: look-alikes are one letter, doubled letters single."""
    latin = unicodedata.normalize("NFKD", squashed_name).translate(_FOREIGN)
    plain = "".join(char for char in latin if not unicodedata.combining(char))
    return _RUNS.sub(r"\1", plain.replace("rn", "m").replace("vv", "w").translate(_TWINS))


def core(name: str) -> str:
    """
    Return the words of *name* that carry its meaning, sorted and joined.

    Language words and versions are left out, standing alone (`python-nmap`, `discordjs-v18`) or glued (`mysqljs`,
    `requests2`); what is nothing else keeps its words. `nmap`, `python-nmap` and `nmap-python3` meet here.
    """
    kept = [stem(word) for word in words(name) if word not in LANGUAGE_WORDS and not _VERSION_WORD.fullmatch(word)]
    return "".join(sorted(kept)) or squashed(name)


def stem(word: str) -> str:
    """Return *word* without a version behind it and one language word glued to it, where enough is left."""
    bare = _VERSION_TAIL.sub("", word)
    bare = bare if len(bare) >= _SHORTEST_CORE else word
    for glued in _GLUED:
        if bare.startswith(glued) and len(bare) - len(glued) >= _SHORTEST_CORE:
            return bare[len(glued) :]
        if bare.endswith(glued) and len(bare) - len(glued) >= _SHORTEST_CORE:
            return bare[: -len(glued)]
    return bare


def digits(name: str) -> str:
    """Return the digits of *name*, in order."""
    return "".join(char for char in name if char in "0123456789")


def scope(name: str) -> tuple[str, str]:
    """Return the npm scope of *name* (empty: it has none) and the name without it."""
    if name.startswith("@") and "/" in name:
        head, _, bare = name[1:].partition("/")
        return head, bare
    return "", name


def bare(name: str) -> str:
    """Return what is left of *name* without its scope or family (`eslint-plugin-`), squashed; empty: it has neither."""
    head, rest = scope(name)
    if head:
        # `@types/x` stands for the project `x` itself, which is no impostor of its own types.
        return "" if head == "types" else squashed(rest)
    for family in FAMILIES:
        if name.startswith(family) and "-" in name[len(family) :]:
            return squashed(name[len(family) :])
    return ""
