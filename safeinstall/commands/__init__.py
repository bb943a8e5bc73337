"""One file for each command of ours."""
