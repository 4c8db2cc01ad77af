"""Ledger: what happened to one pass at gates: records, the tally they add up to, verdicts.

Knows no rules: why a scan is admitted is decided in `passes.admission`.
"""
