"""A malicious release that nobody asked for, three requirements below the one that was."""

from tests.builders.tarballs import tarball
from tests.builders.wheels import wheel

PYPI = (
    wheel("top", requires=["middle"]),
    wheel("middle", requires=["lower>=1"]),
    wheel("lower", requires=["evil"]),
    wheel("evil", "6.6.6"),
)
"""`evil` is the last one."""

NPM = (
    tarball("top", dependencies={"@scope/middle": "^1.0.0"}),
    tarball("@scope/middle", dependencies={"lower": "~1.0.0"}),
    tarball("lower", dependencies={"evil": "*"}),
    tarball("evil", "6.6.6"),
)
"""`evil` is the last one."""
