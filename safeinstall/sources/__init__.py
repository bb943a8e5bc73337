"""
The shelf of advisory sources: one file for each, wired from the settings.

Beside them stands what they share: `osv_record`, `osv_meaning` and `osv_hashes` (one OSV record and its rules),
`documents` (records out of bytes), `shelf` (records by name), `asking` (one deadline for many questions), `cache`.
"""

IDENTS: tuple[str, ...] = ("index", "osv", "records", "lists", "github", "npm_audit", "registry", "embedded")
"""The names of all sources in settings and messages, in the order in which they report; each is also its file's."""
