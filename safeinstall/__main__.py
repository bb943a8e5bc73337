"""`python -m safeinstall` is the console script."""

import sys

from safeinstall.cli import main

sys.exit(main())
