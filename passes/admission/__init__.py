"""Admission: scans at gates become verdicts and records; gates, look-up, the history of a pass.

Knows neither HTTP nor MongoDB, and no offers.
"""
