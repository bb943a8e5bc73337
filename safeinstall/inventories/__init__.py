"""What can be audited: one reader a file, in the order in which they are asked whether a path is theirs."""

from safeinstall.contracts import InventoryReader
from safeinstall.inventories.environment import Environment
from safeinstall.inventories.node_modules import NodeModules
from safeinstall.inventories.npm_lock import NpmLock
from safeinstall.inventories.pnpm import PnpmLock
from safeinstall.inventories.poetry import PoetryLock
from safeinstall.inventories.pylock import Pylock
from safeinstall.inventories.requirements import Requirements
from safeinstall.inventories.sbom import Sbom
from safeinstall.inventories.uv import UvLock
from safeinstall.inventories.yarn import YarnLock

INVENTORIES: tuple[InventoryReader, ...] = (
    Environment(),
    Requirements(),
    Pylock(),
    PoetryLock(),
    UvLock(),
    NodeModules(),
    NpmLock(),
    PnpmLock(),
    YarnLock(),
    # Any other JSON may be an SBOM, so it is asked last.
    Sbom(),
)
