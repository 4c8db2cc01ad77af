"""The domain: what a pass is, when it admits, and how it is issued.

Knows no HTTP, no database driver, no settings and no clock: `now` is always a parameter.
"""
