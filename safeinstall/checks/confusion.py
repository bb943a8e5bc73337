"""Dependency confusion: names that a private registry and a public one both answer for, with the wrong one chosen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from safeinstall.facts import Facts
from safeinstall.model import Confidence, EcosystemName, Finding, Offer, Release, Severity, Visibility
from safeinstall.names.index import Index
from safeinstall.names.popular import popular
from safeinstall.purl import parts
from safeinstall.text import printable, redacted
from safeinstall.versions import leaps, uncounted

CONFUSION = "confusion"
NOTE = "confusion-note"

_NUMBERED = "is a number that nobody counts up to; such a one is chosen to win over a private name"


@dataclass(frozen=True, kw_only=True, slots=True)
class DependencyConfusion:
    """See `Check`."""

    ident: ClassVar[str] = "confusion"
    question: ClassVar[str] = "Does the name come from the registry that owns it?"

    young: timedelta = timedelta(days=90)
    """A leap of versions that was uploaded less than this ago, or nobody knows when, is not established."""
    names: Callable[[EcosystemName], Index] = popular
    """Where the popular names come from: nobody owns one of these privately without saying so."""

    def run(self, release: Release, facts: Facts) -> Iterator[Finding]:
        """See `Check.run`."""
        offers = () if release.kept else facts.offers(release.purl)
        chosen = next((one for one in offers if one.registry == release.registry), None)
        if chosen is None:
            return
        if chosen.claim is not None and chosen.registry.visibility is Visibility.PUBLIC:
            yield self._answered(release, chosen, chosen.claim)
            return
        ecosystem, name, _ = parts(release.purl)
        if chosen.claim is None and self.names(ecosystem).rank(name) is not None:
            return
        rivals = [one for one in offers if one is not chosen and not _twin(one, chosen)]
        if rivals:
            yield from self._rivals(release, chosen, rivals)
        elif uncounted(release.version) and (chosen.below is None or leaps(release.version, chosen.below)):
            yield self._leap(release, facts, chosen)

    def _answered(self, release: Release, chosen: Offer, claim: str) -> Finding:
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind=CONFUSION,
            severity=Severity.CRITICAL,
            confidence=Confidence.HIGH,
            title=f"`{printable(release.name)}` is private, but a public registry answers for it",
            evidence=(f"declared private by `{claim}`", _told(chosen)),
            hint="give the manager the registry that owns the name, and leave the public one out for it",
        )

    def _rivals(self, release: Release, chosen: Offer, rivals: list[Offer]) -> Iterator[Finding]:
        public = chosen.registry.visibility is Visibility.PUBLIC
        private_rival = any(one.registry.visibility is not Visibility.PUBLIC for one in rivals)
        public_rival = any(one.registry.visibility is Visibility.PUBLIC for one in rivals)
        guessed = chosen.guessed or any(one.guessed for one in rivals)
        absurd = uncounted(release.version) or any(leaps(release.version, one.highest) for one in rivals)
        name = f"`{printable(release.name)}`"
        if public and private_rival:
            title = f"{name} is listed by a private registry and a public one, and the public one would win"
            if all(one.registry.visibility is Visibility.LOCAL for one in rivals):
                title = f"{name} lies on this machine with other bytes, and a public registry would win"
        elif absurd and (guessed or public):
            title = f"{name} is listed by two registries, and the far higher version would win"
        elif not public and public_rival:
            yield self._conflict(release, chosen, rivals, f"{name} is listed by a public registry as well", NOTE)
            return
        else:
            return
        yield self._conflict(release, chosen, rivals, title, CONFUSION)

    def _conflict(self, release: Release, chosen: Offer, rivals: list[Offer], title: str, kind: str) -> Finding:
        blocks = kind == CONFUSION
        evidence = [f"{printable(release.version)} would be taken from {_told(chosen)}"]
        evidence += [f"the other: {_told(one)}" for one in rivals]
        if uncounted(release.version):
            evidence.append(f"{printable(release.version)} {_NUMBERED}")
        sure = not (chosen.guessed or any(one.guessed for one in rivals)) or uncounted(release.version)
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind=kind,
            severity=Severity.HIGH if blocks else Severity.MEDIUM,
            confidence=Confidence.HIGH if sure else Confidence.MEDIUM,
            title=title,
            evidence=tuple(evidence),
            hint=_declare(release) if blocks else f"a higher public version would win next time; {_declare(release)}",
        )

    def _leap(self, release: Release, facts: Facts, chosen: Offer) -> Finding:
        uploaded = release.artifact.uploaded
        young = uploaded is None or facts.now - uploaded < self.young
        owned = chosen.claim is not None or (chosen.registry.visibility is Visibility.PRIVATE and not chosen.guessed)
        blocks = owned or (young and chosen.below is not None)
        version, name = printable(release.version), f"`{printable(release.name)}`"
        title = f"{name} has {version} for its first version"
        if chosen.below is not None:
            title = f"{name} leaps from {printable(chosen.below)} to {version}"
        age = "nobody tells when it was uploaded" if uploaded is None else f"uploaded on {uploaded:%Y-%m-%d}"
        evidence = [f"{version} {_NUMBERED}", _told(chosen), age]
        if chosen.below is not None:
            evidence.insert(
                1, f"the next lower one is {printable(chosen.below)}: if it is yours, they are of two origins"
            )
        if chosen.claim is not None:
            evidence.append(f"declared private by `{chosen.claim}`")
        return Finding(
            check=self.ident,
            purl=release.purl,
            kind=CONFUSION if blocks else NOTE,
            severity=Severity.HIGH if blocks else Severity.MEDIUM,
            confidence=Confidence.HIGH if owned else Confidence.MEDIUM if young else Confidence.LOW,
            title=title,
            evidence=tuple(evidence),
            hint=f"ask whoever publishes it why it begins there; {_declare(release)}"
            if chosen.below is None
            else f"ask for the version that you know, such as {printable(chosen.below)}, and ask whoever keeps the "
            "registry where this one comes from",
        )


def _twin(other: Offer, chosen: Offer) -> bool:
    """Whether *other* is a mirror: it lists the very file, or files in common where nobody declared whose they are."""
    return other.planned or (other.shared and (other.guessed or chosen.guessed))


def _declare(release: Release) -> str:
    name = printable(release.name, limit=60)
    return f'if the name is yours, declare it: `[private] names = ["{name}"]` and `[registries] private = [URL]`'


def _told(offer: Offer) -> str:
    sort = offer.registry.visibility.value
    said = f"held for {sort}" if offer.guessed else f"declared {sort}"
    said = "on this machine" if offer.registry.visibility is Visibility.LOCAL else said
    count = "1 version" if offer.releases == 1 else f"{offer.releases} versions"
    return f"{redacted(offer.registry.url)} ({said}): {count}, the highest {printable(offer.highest)}"
