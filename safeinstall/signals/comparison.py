"""Two releases side by side, for a person: every fact that is known of both, and what differs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from safeinstall.history import Provenance, Publication
from safeinstall.text import printable

UNKNOWN = "not told"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One fact of both releases, in words; foreign text is printable already."""

    what: str
    old: str
    new: str

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return self.old == self.new


def compared(old: Publication, new: Publication) -> Iterator[Fact]:
    """Yield the facts of *old* and *new*, in the order in which a person asks for them."""
    rows: tuple[tuple[str, str, str], ...] = (
        ("uploaded", _day(old.uploaded), _day(new.uploaded)),
        ("published by", _text(old.publisher), _text(new.publisher)),
        ("published as", _text(old.method), _text(new.method)),
        ("attestation", _proof(old.provenance), _proof(new.provenance)),
        ("size", _size(old.size), _size(new.size)),
        ("files", _text(old.files), _text(new.files)),
    )
    for what, one, other in rows:
        yield Fact(what=what, old=one, new=other)
    if new.kinds != ("tarball",):
        yield Fact(what="built by", old=_text(old.builder), new=_text(new.builder))
    lists = (
        ("maintainers", _people(old), _people(new)),
        ("kinds of files", old.kinds, new.kinds),
        ("runs on install", _scripts(old), _scripts(new)),
        ("runs at start of Python", old.startup, new.startup),
        ("commands", old.commands, new.commands),
        ("dependencies", old.dependencies, new.dependencies),
        ("repositories", old.repositories, new.repositories),
    )
    # npm has no startup files, and Python's wheels no install scripts: not told is not the word for that.
    absent = "runs at start of Python" if new.kinds == ("tarball",) else "runs on install"
    for what, mine, theirs in lists:
        if what != absent:
            yield _listed(what, mine, theirs)


def _listed(what: str, old: tuple[str, ...] | None, new: tuple[str, ...] | None) -> Fact:
    """Return lists by what is gone and what is new, where both are known; whole otherwise."""
    if old is None or new is None or old == new:
        return Fact(what=what, old=_joined(old), new=_joined(new))
    gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
    return Fact(what=what, old=_joined(gone, "-"), new=_joined(come, "+"))


def _joined(some: "tuple[str, ...] | list[str] | None", sign: str = "") -> str:
    if some is None:
        return UNKNOWN
    return ", ".join(f"{sign}{printable(one)}" for one in some) or "none"


def _people(one: Publication) -> tuple[str, ...] | None:
    return None if one.maintainers is None else tuple(person.name for person in one.maintainers)


def _scripts(one: Publication) -> tuple[str, ...] | None:
    return None if one.install_scripts is None else tuple(f"{name}: {text}" for name, text in one.install_scripts)


def _day(at: datetime | None) -> str:
    return UNKNOWN if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _text(value: object) -> str:
    return UNKNOWN if value is None else printable(str(getattr(value, "value", value)))


def _proof(told: Provenance | None) -> str:
    return UNKNOWN if told is None else "yes, by the registry's word" if told.present else "none"


def _size(size: int | None) -> str:
    return UNKNOWN if size is None else f"{size:,} bytes"
