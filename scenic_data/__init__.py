"""The catalogue of scenic spots: facts in data files, checked, stored, and served from memory.

Knows no passes, no HTTP and no database driver.
"""
