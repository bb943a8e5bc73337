"""The package managers that we stand in front of."""

from safeinstall.contracts import Ecosystem
from safeinstall.ecosystems.npm import NpmEcosystem
from safeinstall.ecosystems.pypi import PypiEcosystem

ECOSYSTEMS: tuple[Ecosystem, ...] = (PypiEcosystem(), NpmEcosystem())
