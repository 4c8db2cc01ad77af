"""Offline: what a gate needs to decide without a line, and what becomes of what it decided.

A gate fetches a bundle (`bundle`), made for its spot (`making`, `flatten`, `cascade`), and decides
with it (`alone`). It tells what it decided (`items`), which is recorded (`uploading`, `evidence`,
`paper`); what the server would have refused is in conflict (`conflict`, `conflicts`). Knows no web
and no database.
"""
