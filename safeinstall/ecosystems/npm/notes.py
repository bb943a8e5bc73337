"""What a person is told of a plan of npm's beside its releases: who chose the registry, what is inside or left out."""

from collections.abc import Mapping

from safeinstall.ecosystems.npm.document import Document
from safeinstall.model import Release
from safeinstall.text import printable, redacted


def notes(document: Document, releases: Mapping[str, Release]) -> tuple[str, ...]:
    """Return the sentences; *releases* are those of the plan, by their place in the tree."""
    listed = {node.bundled_by for node in document.nodes if node.bundled_by is not None}
    said = [
        f"`{printable(key)}` in the project's .npmrc chooses who serves it: {redacted(url)}"
        for key, url in document.chosen
    ]
    for node in document.nodes:
        if node.bundles and node.location in releases and node.location not in listed and not node.local:
            where = f"`{printable(node.package)}@{printable(node.version)}`"
            said.append(
                f"{len(node.bundles)} packages come inside {where}: "
                "they are judged when it is fetched, before npm gets it"
            )
    if document.unavailable:
        said.append(f"{document.unavailable} optional packages are not in the registry, so npm leaves them out")
    left_out = sum(node.omitted for node in document.nodes)
    if left_out:
        said.append(f"{left_out} packages are left out by `omit`: they are in the lockfile, but were not judged")
    return tuple(dict.fromkeys(said))
