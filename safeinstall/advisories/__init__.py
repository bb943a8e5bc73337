"""The local advisory index: bulk exports of OSV in SQLite, one file for each ecosystem, replaced as a whole."""
