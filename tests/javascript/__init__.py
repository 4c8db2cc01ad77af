"""A gate in another language: JavaScript for Node, without packages.

Written against `docs/` and `tests/vectors/` alone, so that these pages are known to be enough for
whoever makes a gate. It shares no code with the project.
"""
