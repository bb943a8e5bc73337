"""
The shelf of advisory sources: one file for each, wired in `cli` from the settings.

IDENTS is the order in which they report. Beside the sources stand what they share: `osv_record`, `osv_meaning` and
`versions` (one OSV record and its rules), `merge` (one advisory out of many), `cache`, `asking` and `told`.
"""

IDENTS: tuple[str, ...] = ("osv", "records", "registry", "embedded")
"""The names of all sources in settings and messages; each is also the name of its file."""
