"""Base: what every room may use: texts in two languages, business days, errors, the audit line.

Knows nothing of passes.
"""
