"""The ways to write a run down; `text` for a person, `json` for a program."""
