"""Names that pose as a popular project: near its name, and with a repository that is named like it."""

from safeinstall.names import forms
from safeinstall.names.index import Index
from safeinstall.names.score import judge


def owner(index: Index, name: str, repository: str) -> str | None:
    """
    Return the popular name that *repository* is named after, where *name* has nothing in common with it.

    `types-requests` may well live in the repository of `requests`: names that share their first or last word, or one of
    which holds the other, are left alone.
    """
    if index.rank(name) is not None:
        return None
    named = forms.squashed(repository.rpartition("/")[2])
    mine = forms.words(forms.scope(name)[1])
    for ident in index.squashed_as(named):
        theirs = forms.words(index.name(ident))
        if not mine or mine[0] == theirs[0] or mine[-1] == theirs[-1] or named in forms.squashed(name):
            return None
        return index.name(ident)
    return None


def target(index: Index, name: str, repository: str) -> str | None:
    """
    Return the popular name that *name* is near and *repository* (its first one) is named like; None: there is none.

    Whoever copies the repository of a popular project into a package of a like name has its stars shown beside it.
    """
    if index.rank(name) is not None:
        return None
    last = repository.rpartition("/")[2]
    named, core = forms.squashed(last), forms.core(last)
    if named == forms.squashed(forms.scope(name)[1]) or not (index.squashed_as(named) or index.same_core(core)):
        return None
    likeness = judge(index, name)
    if likeness is None or likeness.rank is None:
        return None
    wanted = forms.squashed(forms.scope(likeness.target)[1])
    return likeness.target if wanted == named or forms.core(likeness.target) == core else None
