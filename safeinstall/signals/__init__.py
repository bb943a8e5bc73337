"""
What is odd about a release beside its project's past: signals, each with a weight, and the rows that combine them.

A signal alone is weak: honest projects change hands, split up and grow. What attacks have in common is which of them
come together, and `combinations.py` has a row for each that happened.
"""
