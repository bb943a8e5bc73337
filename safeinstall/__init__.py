"""safeinstall judges every release a pip or npm command would install before anything is downloaded or run."""

__version__ = "0.1.0"
