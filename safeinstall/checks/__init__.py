"""The checks, in the order in which they report; a file that nobody registers here would be a check that never runs."""

from safeinstall.checks.advisory import Advisory
from safeinstall.checks.changed_release import ChangedRelease
from safeinstall.checks.combination import Combination
from safeinstall.checks.confusion import DependencyConfusion
from safeinstall.checks.fresh_release import FreshRelease
from safeinstall.checks.install_script import InstallScript
from safeinstall.checks.ownership import Ownership
from safeinstall.checks.provenance import Provenance
from safeinstall.checks.registry_choice import RegistryChoice
from safeinstall.checks.registry_status import RegistryStatus
from safeinstall.checks.source_build import SourceBuild
from safeinstall.checks.starjacking import StarJacking
from safeinstall.checks.transport import Transport
from safeinstall.checks.typosquat import Typosquat
from safeinstall.checks.unverified_source import UnverifiedSource
from safeinstall.contracts import Check

CHECKS: tuple[Check, ...] = (
    Advisory(),
    Typosquat(),
    StarJacking(),
    DependencyConfusion(),
    UnverifiedSource(),
    Transport(),
    RegistryChoice(),
    SourceBuild(),
    InstallScript(),
    FreshRelease(),
    Combination(),
    ChangedRelease(),
    Ownership(),
    Provenance(),
    RegistryStatus(),
)
