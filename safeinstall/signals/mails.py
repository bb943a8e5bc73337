"""Signals in the mail domains of maintainers: whoever owns the domain can reset the password."""

from collections.abc import Iterator

from safeinstall.facts import Facts
from safeinstall.history import History
from safeinstall.signals.signal import Kind, Signal
from safeinstall.text import printable


def mails(history: History, facts: Facts) -> Iterator[Signal]:
    """Yield what is odd about the domains; nothing where nobody asked about them."""
    earlier = [one.uploaded for one in history.publications() if one.uploaded is not None]
    for name in domains(history):
        domain = facts.plan.domains.get(name)
        if domain is None:
            continue
        if domain.resolves is False:
            yield Signal(
                kind=Kind.MAIL_GONE, told=f"the mail domain {printable(name)} of a maintainer is not in the DNS"
            )
        if domain.registered is not None and earlier and domain.registered > max(earlier):
            told = f"the mail domain {printable(name)} of a maintainer was registered on {domain.registered:%Y-%m-%d}"
            yield Signal(kind=Kind.MAIL_NEW, told=f"{told}, after the last release ({max(earlier):%Y-%m-%d})")


def domains(history: History) -> tuple[str, ...]:
    """Return the mail domains of everyone who is named as a maintainer of the planned release or of its base."""
    found: dict[str, None] = {}
    for one in (history.planned, history.base()):
        for person in (one.maintainers or ()) if one is not None else ():
            _, at, domain = (person.mail or "").rpartition("@")
            if at and "." in domain:
                found[domain.strip().rstrip(".").lower()] = None
    return tuple(found)
