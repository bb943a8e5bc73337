"""Which places of npm's tree may run lifecycle scripts while it is installed."""

from collections.abc import Mapping

from safeinstall.ecosystems.npm.document import Document
from safeinstall.errors import MalformedAnswer
from safeinstall.model import EcosystemName, Plan
from safeinstall.purl import make
from safeinstall.scripts import ScriptMode, Scripts

_NPM = EcosystemName.NPM


def runs(document: Document, plan: Plan, rules: Scripts) -> Mapping[str, object] | None:
    """
    Return what npm.js holds the scripts of dependencies to; None: all may run.

    By place and not by what a package calls itself: its own package.json may give it any name.
    """
    if rules.npm is ScriptMode.ALLOW:
        return None
    free = {release.purl for release in plan.releases if rules.runs(release.purl, rules.npm)}
    places, denied = [], set()
    for node in document.nodes:
        if node.root or node.link or node.local:
            continue
        try:
            allowed = make(_NPM, node.package, node.version or None) in free
        except MalformedAnswer:
            allowed = False
        if allowed and node.bundled_by is None and not node.stub:
            places.append(node.location)
        else:
            denied.add(f"{node.package}@{node.version}")
    return {"path": document.path, "places": places, "denied": sorted(denied)}
