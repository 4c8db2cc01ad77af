"""Offline: what a gate needs to decide without a line, and what becomes of what it decided.

A gate fetches a bundle (`bundle`), made for its spot (`making`, `flatten`, `cascade`), and decides
with it (`alone`). Knows no web and no database.
"""
