"""Which rulings are one message: a silent source is said once, not once for each release."""

from collections.abc import Iterable, Sequence

from safeinstall.model import Decision, Gap, Ruling


def grouped(rulings: Sequence[Ruling]) -> Iterable[Sequence[Ruling]]:
    """Yield rulings that are said in one block: a silent source is one message, not one for each release."""
    groups: dict[object, list[Ruling]] = {}
    for number, ruling in enumerate(rulings):
        result = ruling.result
        key: object = number
        if isinstance(result, Gap) and ruling.decision is not Decision.OVERRIDDEN:
            key = (ruling.decision, result.check, result.reason, result.hint)
        groups.setdefault(key, []).append(ruling)
    return groups.values()
